#include "ops/device/device.h"
#include "ops/elementwise/elementwise.h"
#include "ops/gradient_cases/cases.h"
#include "ops/matmul/matmul.h"
#include "ops/reduce/reduce.h"
#include "ops/shape/shape_ops.h"
#include "ops/top_k/top_k.h"

namespace lrurec::ops {
namespace {

using Dims = std::vector<int>;

void reductions(Cases& cases) {
  const auto add_both = [&](const std::string& variant, const InputSpec& input, const Dims& dims, bool keep) {
    cases.push_back(
        {"sum", variant, {input}, [=](const Variables& x) { return Variables{sum(x[0], dims, keep)}; }});
    cases.push_back(
        {"mean", variant, {input}, [=](const Variables& x) { return Variables{mean(x[0], dims, keep)}; }});
  };
  add_both("all", {{3, 4}}, {}, false);
  add_both("rows", {{3, 4}}, {1}, false);
  add_both("columns", {{3, 4}}, {0}, true);
  add_both("first and last of three", {{2, 3, 4}}, {0, -1}, false);
  add_both("middle of three", {{2, 3, 4}}, {1}, true);
  add_both("complex columns", {{3, 4}, true}, {0}, false);
  add_both("complex all", {{3, 4}, true}, {}, true);
  add_both("one element", {{1}}, {0}, false);
  for (const int dim : {0, 1, 2}) {
    cases.push_back({"max",
                     "dimension " + std::to_string(dim),
                     {{{2, 3, 4}, false, Values::distinct}},
                     [dim](const Variables& x) { return Variables{max(x[0], dim, dim == 1)}; }});
  }
}

void shapes(Cases& cases) {
  for (const bool z : {false, true}) {
    const std::string kind = z ? ", complex" : "";
    cases.push_back({"to", "the CPU" + kind, {{{3, 4}, z}}, [](const Variables& x) {
                       return Variables{to(x[0], Device{})};
                     }});
    cases.push_back({"reshape", "dense" + kind, {{{3, 4}, z}}, [](const Variables& x) {
                       return Variables{square(reshape(x[0], {2, -1}))};
                     }});
    cases.push_back({"reshape", "of a transpose" + kind, {{{3, 4}, z}}, [](const Variables& x) {
                       return Variables{square(reshape(transpose(x[0], 0, 1), {6, 2}))};
                     }});
    cases.push_back({"transpose", "of three" + kind, {{{2, 3, 4}, z}}, [](const Variables& x) {
                       return Variables{square(transpose(x[0], 0, -1))};
                     }});
    cases.push_back({"slice", "rows" + kind, {{{5, 4}, z}}, [](const Variables& x) {
                       return Variables{square(slice(x[0], 0, 1, 4))};
                     }});
    cases.push_back(
        {"slice", "every second column, and overlapping" + kind, {{{3, 5}, z}}, [](const Variables& x) {
           return Variables{slice(x[0], 1, 0, 5, 2), square(slice(x[0], 1, 1, 4))};
         }});
    cases.push_back({"broadcast_to", "" + kind, {{{3, 1}, z}}, [](const Variables& x) {
                       return Variables{square(broadcast_to(x[0], {2, 3, 4}))};
                     }});
    cases.push_back(
        {"concat", "rows, one part twice" + kind, {{{2, 3}, z}, {{1, 3}, z}}, [](const Variables& x) {
           return Variables{square(concat({x[0], x[1], x[0]}, 0))};
         }});
    cases.push_back(
        {"concat", "columns, one empty" + kind, {{{2, 3}, z}, {{2, 0}, z}}, [](const Variables& x) {
           return Variables{square(concat({x[0], x[1]}, -1))};
         }});
  }
}

void products(Cases& cases) {
  const auto add = [&](const std::string& variant, const InputSpec& a, const InputSpec& b) {
    cases.push_back(
        {"matmul", variant, {a, b}, [](const Variables& x) { return Variables{matmul(x[0], x[1])}; }, false});
  };
  add("", {{3, 4}}, {{4, 5}});
  add("one by one", {{1, 1}}, {{1, 1}});
  add("inner size 0", {{3, 0}}, {{0, 5}});
  add("no rows", {{0, 4}}, {{4, 5}});
  add("batched", {{2, 3, 4}}, {{2, 4, 5}});
  add("batch broadcast", {{2, 1, 3, 4}}, {{3, 4, 2}});
  add("complex", {{3, 4}, true}, {{4, 5}, true});
  add("real with complex", {{3, 4}}, {{4, 5}, true});
  add("complex with real, batched", {{2, 3, 4}, true}, {{4, 2}});
  cases.push_back(
      {"matmul",
       "of transposes",
       {{{4, 3}, true}, {{5, 4}, true}},
       [](const Variables& x) { return Variables{matmul(transpose(x[0], 0, 1), transpose(x[1], 0, 1))}; },
       false});
}

}  // namespace

void add_tensor_cases(Cases& cases) {
  reductions(cases);
  shapes(cases);
  products(cases);
  cases.push_back({"top_k", "3 of 7", {{{2, 7}, false, Values::distinct}}, [](const Variables& x) {
                     return Variables{top_k(x[0], 3).values};
                   }});
  cases.push_back({"top_k", "all", {{{4}, false, Values::distinct}}, [](const Variables& x) {
                     return Variables{top_k(x[0], 4).values};
                   }});
}

}  // namespace lrurec::ops
