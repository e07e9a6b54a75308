#include <fmt/format.h>

#include "ops/cumsum/cumsum.h"
#include "ops/elementwise/elementwise.h"
#include "ops/gradient_cases/cases.h"
#include "ops/matmul/matmul.h"
#include "ops/reduce/reduce.h"
#include "ops/shape/shape_ops.h"
#include "ops/to/to.h"
#include "ops/top_k/top_k.h"

namespace lrurec::ops {
namespace {

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
    const InputSpec input{{2, 3, 4}, false, Values::distinct};
    const std::string variant = "dimension " + std::to_string(dim);
    cases.push_back(
        {"max", variant, {input}, [dim](const Variables& x) { return Variables{max(x[0], dim, dim == 1)}; }});
    cases.push_back(
        {"min", variant, {input}, [dim](const Variables& x) { return Variables{min(x[0], dim, dim == 1)}; }});
  }
}

void composed_reductions(Cases& cases) {
  for (const bool z : {false, true}) {
    const std::string kind = z ? ", complex" : "";
    const auto add = [&](const std::string& variant, const InputSpec& input, const Dims& dims, bool keep) {
      cases.push_back({"norm", variant + kind, {input}, [=](const Variables& x) {
                         return Variables{norm(x[0], dims, keep)};
                       }});
      cases.push_back({"mean", fmt::format("in var, {}{}", variant, kind), {input}, [=](const Variables& x) {
                         return Variables{var(x[0], dims, keep ? 1 : 0, keep)};
                       }});
      if (z) return;
      cases.push_back({"logsumexp", variant, {input}, [=](const Variables& x) {
                         return Variables{logsumexp(x[0], dims, keep)};
                       }});
    };
    add("all", {{3, 4}, z}, {}, false);
    add("one dimension", {{3, 4}, z}, 1, true);
    add("first and last of three", {{2, 3, 4}, z}, {0, -1}, false);
    add("no rows", {{0, 3}, z}, -1, true);
    for (const int dim : {0, 1, 2}) {
      cases.push_back(
          {"cumsum", "dimension " + std::to_string(dim) + kind, {{{2, 3, 4}, z}}, [dim](const Variables& x) {
             return Variables{square(cumsum(x[0], dim))};
           }});
    }
    cases.push_back({"cumsum", "long" + kind, {{{70}, z}}, [](const Variables& x) {
                       return Variables{cumsum(x[0], 0)};
                     }});
    cases.push_back({"cumsum", "empty" + kind, {{{2, 0}, z}}, [](const Variables& x) {
                       return Variables{cumsum(x[0], 1)};
                     }});
  }
}

void shapes(Cases& cases) {
  cases.push_back({"to", "real to complex", {{{3, 4}}}, [](const Variables& x) {
                     return Variables{square(to(x[0], complex_of(x[0].dtype())))};
                   }});
  for (const bool z : {false, true}) {
    const std::string kind = z ? ", complex" : "";
    cases.push_back({"to", "the CPU" + kind, {{{3, 4}, z}}, [](const Variables& x) {
                       return Variables{to(x[0], Device{})};
                     }});
    cases.push_back({"to", "the same type" + kind, {{{3, 4}, z}}, [](const Variables& x) {
                       return Variables{square(to(x[0], x[0].dtype()))};
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
    cases.push_back({"permute", "of three" + kind, {{{2, 3, 4}, z}}, [](const Variables& x) {
                       return Variables{square(permute(x[0], {2, 0, -2}))};
                     }});
    cases.push_back({"unsqueeze", "both ends" + kind, {{{3, 4}, z}}, [](const Variables& x) {
                       return Variables{square(unsqueeze(unsqueeze(x[0], 0), -1))};
                     }});
    cases.push_back({"squeeze", "both ends" + kind, {{{1, 3, 1}, z}}, [](const Variables& x) {
                       return Variables{square(squeeze(squeeze(x[0], 0), -1))};
                     }});
    cases.push_back({"flip", "first and last of three" + kind, {{{2, 3, 4}, z}}, [](const Variables& x) {
                       return Variables{square(flip(x[0], {0, -1}))};
                     }});
    cases.push_back({"select", "a loop over columns" + kind, {{{3, 4}, z}}, [](const Variables& x) {
                       Variable y = select(x[0], -1, 0);
                       for (std::int64_t t = 1; t < 4; ++t) y = square(y) + select(x[0], 1, t);
                       return Variables{y};
                     }});
    cases.push_back({"unbind", "a loop over rows" + kind, {{{4, 3}, z}}, [](const Variables& x) {
                       Variable y = select(x[0], 0, 2);
                       for (const auto& row : unbind(x[0], 0)) y = square(y) + row;
                       return Variables{y};
                     }});
    cases.push_back({"unbind", "columns, one not used" + kind, {{{4, 3}, z}}, [](const Variables& x) {
                       const Variables columns = unbind(x[0], -1);
                       return Variables{columns[0] * columns[2]};
                     }});
    cases.push_back({"split", "one part smaller, one not used" + kind, {{{2, 5}, z}}, [](const Variables& x) {
                       const Variables parts = split(x[0], 2, -1);
                       return Variables{square(parts[2]) * parts[0]};
                     }});
    cases.push_back({"stack", "rows, one twice" + kind, {{{3}, z}, {{3}, z}}, [](const Variables& x) {
                       return Variables{square(stack({x[0], x[1], x[0]}, 0))};
                     }});
    cases.push_back({"stack", "columns" + kind, {{{3}, z}, {{3}, z}}, [](const Variables& x) {
                       return Variables{square(stack({x[0], x[1]}, -1))};
                     }});
    cases.push_back({"slice_assign", "columns" + kind, {{{3, 4}, z}, {{3, 2}, z}}, [](const Variables& x) {
                       return Variables{square(slice_assign(x[0], -1, 1, 3, x[1]))};
                     }});
    cases.push_back(
        {"slice_assign", "a real number to rows" + kind, {{{3, 4}, z}, {{}}}, [](const Variables& x) {
           return Variables{square(slice_assign(x[0], 0, 1, 3, x[1]))};
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
  composed_reductions(cases);
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
