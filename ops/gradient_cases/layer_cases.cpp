#include "ops/cross_entropy/cross_entropy.h"
#include "ops/dropout/dropout.h"
#include "ops/elementwise/elementwise.h"
#include "ops/embedding/embedding.h"
#include "ops/feed_forward/feed_forward.h"
#include "ops/gradient_cases/cases.h"
#include "ops/label_margin/label_margin.h"
#include "ops/layer_norm/layer_norm.h"
#include "ops/linear/linear.h"
#include "ops/linear_cross_entropy/linear_cross_entropy.h"
#include "ops/matmul/matmul.h"
#include "ops/residual_layer_norm/residual_layer_norm.h"
#include "ops/rms_norm/rms_norm.h"
#include "ops/softmax/softmax.h"

namespace lrurec::ops {
namespace {

Tensor ids(const std::vector<std::int64_t>& values) { return Tensor::from(values); }

}  // namespace

void add_layer_cases(Cases& cases) {
  const auto affine = [](const Variables& x) {
    return Variables{linear(x[0], x[1], x.size() > 2 ? x[2] : Variable())};
  };
  cases.push_back({"linear", "", {{{5, 3}}, {{4, 3}}, {{4}}}, affine, false});
  cases.push_back({"linear", "no bias", {{{5, 3}}, {{4, 3}}}, affine, false});
  cases.push_back({"linear", "one vector", {{{3}}, {{4, 3}}, {{4}}}, affine, false});
  cases.push_back({"linear", "batched", {{{2, 5, 3}}, {{4, 3}}, {{4}}}, affine, false});
  cases.push_back({"linear", "no rows", {{{0, 3}}, {{4, 3}}, {{4}}}, affine, false});
  cases.push_back({"linear", "no inputs", {{{2, 5, 0}}, {{4, 0}}, {{4}}}, affine, false});
  cases.push_back({"linear", "no outputs", {{{5, 3}}, {{0, 3}}, {{0}}}, affine, false});
  cases.push_back({"linear", "complex", {{{5, 3}, true}, {{4, 3}, true}, {{4}, true}}, affine, false});
  cases.push_back(
      {"linear", "real input, complex weight", {{{5, 3}}, {{4, 3}, true}, {{4}, true}}, affine, false});

  const auto look_up = [](const Variables& x) {
    return Variables{square(embedding(x[0], ids({2, 0, 2, 5, 2})))};
  };
  cases.push_back({"embedding", "repeated ids", {{{6, 3}}}, look_up});
  cases.push_back({"embedding", "complex", {{{6, 3}, true}}, look_up});
  cases.push_back({"embedding", "no ids", {{{6, 3}}}, [](const Variables& x) {
                     return Variables{embedding(x[0], Tensor::empty({0}, DType::i64))};
                   }});

  for (const double p : {0.0, 0.3, 1.0}) {
    for (const bool z : {false, true}) {
      cases.push_back({"dropout",
                       fmt::format("p = {}{}", p, z ? ", complex" : ""),
                       {{{5, 31}, z}},
                       [p](const Variables& x) {
                         return Variables{square(dropout(x[0], p, {7, 11}))};
                       }});
    }
  }

  const auto norm = [](const Variables& x) { return Variables{layer_norm(x[0], x[1], x[2])}; };
  cases.push_back({"layer_norm", "", {{{5, 8}}, {{8}}, {{8}}}, norm});
  cases.push_back({"layer_norm", "batched, odd width", {{{2, 3, 7}}, {{7}}, {{7}}}, norm});
  cases.push_back({"layer_norm", "width 2", {{{3, 2}}, {{2}}, {{2}}}, norm});
  cases.push_back({"layer_norm", "width 1", {{{3, 1}}, {{1}}, {{1}}}, norm});

  const auto rms = [](const Variables& x) { return Variables{rms_norm(x[0], x[1])}; };
  cases.push_back({"rms_norm", "", {{{5, 8}}, {{8}}}, rms});
  cases.push_back({"rms_norm", "batched, odd width", {{{2, 3, 7}}, {{7}}}, rms});
  cases.push_back({"rms_norm", "width 1", {{{3, 1}}, {{1}}}, rms});
  cases.push_back({"rms_norm", "two blocks of rows", {{{520, 2}}, {{2}}}, rms});
  cases.push_back({"rms_norm", "no rows", {{{0, 3}}, {{3}}}, rms});

  const auto product = [](const Variables& x) { return Variables{matmul(x[0], x[1])}; };
  for (const bool z : {false, true}) {
    const std::string complex = z ? ", complex" : "";
    cases.push_back({"matmul", "vector, vector" + complex, {{{3}, z}, {{3}, z}}, product, false});
    cases.push_back({"matmul", "matrix, vector" + complex, {{{4, 3}, z}, {{3}, z}}, product, false});
    cases.push_back({"matmul", "vector, matrix" + complex, {{{3}, z}, {{3, 4}, z}}, product, false});
    cases.push_back({"matmul", "matrices, vector" + complex, {{{2, 4, 3}, z}, {{3}, z}}, product, false});
    cases.push_back({"matmul", "vector, matrices" + complex, {{{3}, z}, {{2, 1, 3, 4}, z}}, product, false});
  }
  cases.push_back({"matmul", "real vector, complex matrix", {{{3}}, {{3, 2}, true}}, product, false});
  cases.push_back({"matmul", "two batches", {{{2, 1, 2, 3}}, {{4, 3, 2}}}, product, false});
  cases.push_back({"matmul", "empty vectors", {{{0}}, {{0}}}, product, false});

  const DropoutKey key{7, 11};
  for (const double p : {0.0, 0.3, 1.0}) {
    cases.push_back({"residual_layer_norm",
                     fmt::format("p = {}", p),
                     {{{5, 9}}, {{5, 9}}, {{9}}, {{9}}},
                     [p, key](const Variables& x) {
                       return Variables{residual_layer_norm(x[0], x[1], x[2], x[3], 1e-5, p, key)};
                     }});
    cases.push_back({"feed_forward",
                     fmt::format("p = {}", p),
                     {{{5, 3}}, {{7, 3}}, {{7}}, {{2, 7}}, {{2}}},
                     [p, key](const Variables& x) {
                       return Variables{feed_forward(x[0], x[1], x[2], x[3], x[4], p, key)};
                     },
                     false});
  }
  cases.push_back(
      {"residual_layer_norm", "no residual", {{{70, 3}}, {{3}}, {{3}}}, [key](const Variables& x) {
         return Variables{residual_layer_norm(x[0], {}, x[1], x[2], 1e-5, 0.3, key)};
       }});
  cases.push_back(
      {"feed_forward",
       "two tiles",
       {{{130, 2}}, {{3, 2}}, {{3}}, {{2, 3}}, {{2}}},
       [key](const Variables& x) { return Variables{feed_forward(x[0], x[1], x[2], x[3], x[4], 0.3, key)}; },
       false});
  cases.push_back({"feed_forward",
                   "no tokens",
                   {{{0, 2}}, {{3, 2}}, {{3}}, {{2, 3}}, {{2}}},
                   [](const Variables& x) { return Variables{feed_forward(x[0], x[1], x[2], x[3], x[4])}; },
                   false});

  for (const int dim : {-1, 0, 1}) {
    const std::string variant = "dimension " + std::to_string(dim);
    cases.push_back({"softmax", variant, {{{3, 4, 5}}}, [dim](const Variables& x) {
                       return Variables{softmax(x[0], dim)};
                     }});
    cases.push_back({"log_softmax", variant, {{{3, 4, 5}}}, [dim](const Variables& x) {
                       return Variables{log_softmax(x[0], dim)};
                     }});
  }
  cases.push_back(
      {"softmax", "one class", {{{3, 1}}}, [](const Variables& x) { return Variables{softmax(x[0])}; }});

  cases.push_back({"cross_entropy", "", {{{4, 6}}}, [](const Variables& x) {
                     return Variables{cross_entropy(x[0], ids({0, 5, 3, 3}))};
                   }});
  cases.push_back({"cross_entropy", "rows without a label", {{{4, 19}}}, [](const Variables& x) {
                     return Variables{cross_entropy(x[0], ids({-1, 5, -1, 18})) * 2.0};
                   }});

  for (const std::int64_t third : {1, -1}) {
    cases.push_back({"embedding",
                     third < 0 ? "in label_margin, a row without a label" : "in label_margin",
                     {{{5, 3}}, {{7, 3}}, {{7}}},
                     [third](const Variables& x) {
                       return Variables{label_margin(x[0], x[1], x[2], ids({0, 6, third, 3, 3})) * 2.0};
                     },
                     false});
  }
  for (const auto algorithm : {HeadAlgorithm::chunked, HeadAlgorithm::two_pass}) {
    for (const std::int64_t chunk : {0, 2, 3}) {
      cases.push_back({"linear_cross_entropy",
                       fmt::format("{}, chunk {}", name(algorithm), chunk),
                       {{{5, 3}}, {{7, 3}}, {{7}}},
                       [chunk, algorithm](const Variables& x) {
                         const Tensor labels = ids({0, 6, -1, 3, 3});
                         return Variables{linear_cross_entropy(x[0], x[1], x[2], labels, chunk, algorithm) *
                                          2.0};
                       },
                       false});
    }
  }
}

}  // namespace lrurec::ops
