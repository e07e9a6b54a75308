// Forward values against plain definitions, edge cases, and errors. Gradients are in
// gradient_cases_test.cpp.

#include <omp.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "ops/ops.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::max_difference;
using test::random_normal;
using test::values;

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor row(const std::vector<double>& x) { return Tensor::from(x); }
Tensor ids(const std::vector<std::int64_t>& x) { return Tensor::from(x); }

TEST(Elementwise, RealFunctionsAreThoseOfTheStandardLibrary) {
  const Tensor x = random_normal({3, 37}, DType::f64), positive = raw::add(raw::abs(x), Tensor::scalar(0.1));
  const auto check = [](const char* name, const Tensor& in, const Tensor& out, double (*f)(double)) {
    const auto a = in.to_vector<double>(), b = out.to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_NEAR(b[i], f(a[i]), 2e-14 * (1 + std::abs(f(a[i])))) << name << a[i];
  };
  check("exp", x, raw::exp(x), std::exp);
  check("log", positive, raw::log(positive), std::log);
  check("sqrt", positive, raw::sqrt(positive), std::sqrt);
  check("sin", x, raw::sin(x), std::sin);
  check("cos", x, raw::cos(x), std::cos);
  check("tanh", x, raw::tanh(x), std::tanh);
  check("neg", x, raw::neg(x), [](double v) { return -v; });
  check("square", x, raw::square(x), [](double v) { return v * v; });
  check("reciprocal", x, raw::reciprocal(x), [](double v) { return 1 / v; });
  check("sigmoid", x, raw::sigmoid(x), [](double v) { return 1 / (1 + std::exp(-v)); });
  check("relu", x, raw::relu(x), [](double v) { return v > 0 ? v : 0; });
  check("gelu", x, raw::gelu(x), [](double v) { return v * 0.5 * std::erfc(-v / std::sqrt(2.0)); });
}

TEST(Elementwise, ComplexFunctionsAreThoseOfTheStandardLibrary) {
  const Tensor z = random_normal({41}, DType::c128);
  const auto check = [&](const char* name, const Tensor& out, c128 (*f)(const c128&)) {
    const auto a = values(z), b = values(out);
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_LE(std::abs(b[i] - f(a[i])), 1e-14 * (1 + std::abs(b[i]))) << name;
  };
  check("exp", raw::exp(z), [](const c128& v) { return std::exp(v); });
  check("log", raw::log(z), [](const c128& v) { return std::log(v); });
  check("sqrt", raw::sqrt(z), [](const c128& v) { return std::sqrt(v); });
  check("mul", raw::mul(z, z), [](const c128& v) { return v * v; });
  check("div", raw::div(z, raw::conj(z)), [](const c128& v) { return v / std::conj(v); });
  check("abs", raw::abs(z), [](const c128& v) { return c128(std::abs(v)); });
}

TEST(Elementwise, ExtremesStayWhatTheyAre) {
  const Tensor x = row({0, -0.0, 1e-320, 800, -800, infinity, -infinity, NAN});
  const auto e = raw::exp(x).to_vector<double>();
  EXPECT_EQ(e[0], 1);
  EXPECT_EQ(e[3], infinity);
  EXPECT_EQ(e[4], 0);
  EXPECT_EQ(e[6], 0);
  EXPECT_TRUE(std::isnan(e[7]));
  const auto s = raw::sigmoid(x).to_vector<double>();
  EXPECT_EQ(s[3], 1);
  EXPECT_EQ(s[4], 0);
  EXPECT_TRUE(std::isnan(raw::relu(x).to_vector<double>()[7])) << "a NaN is not hidden by the comparison";
  EXPECT_EQ(raw::gelu(x).to_vector<double>()[5], infinity);
  // hypot: neither overflow nor underflow on the way.
  const Tensor z = Tensor::from(std::vector<c64>{{3e30F, 4e30F}, {3e-30F, 4e-30F}});
  EXPECT_FLOAT_EQ(raw::abs(z).to_vector<float>()[0], 5e30F);
  EXPECT_FLOAT_EQ(raw::abs(z).to_vector<float>()[1], 5e-30F);
}

TEST(Elementwise, BroadcastingAndPromotion) {
  const Tensor a = row({1, 2, 3}).unsqueeze(1), b = row({10, 20});
  EXPECT_EQ(raw::sub(a, b).to_vector<double>(), (std::vector<double>{-9, -19, -8, -18, -7, -17}));
  EXPECT_EQ(raw::mul(row({2}), Tensor::from(std::vector<c64>{{1, 1}})).dtype(), DType::c128);
  EXPECT_EQ(raw::add(Tensor::zeros({0, 3}, DType::f32), Tensor::zeros({3}, DType::f32)).shape(),
            (Shape{0, 3}));
  expect_error(ErrorKind::internal, "[mul] shapes [3] and [2] cannot be broadcast: sizes 3 and 2 differ",
               [] { raw::mul(Tensor::zeros({3}, DType::f32), Tensor::zeros({2}, DType::f32)); });
  expect_error(ErrorKind::internal, "[gelu] dtype c64", [] { raw::gelu(Tensor::zeros({3}, DType::c64)); });
  expect_error(ErrorKind::internal, "[exp] dtype i64", [] { raw::exp(ids({1})); });
}

TEST(Complex, PolarAndParts) {
  const Tensor z = raw::polar(row({2, 3}), row({0.5, -1}));
  EXPECT_LE(std::abs(values(z)[1] - std::polar(3.0, -1.0)), 1e-15);
  EXPECT_EQ(values(raw::imag(raw::conj(z)))[0], -values(raw::imag(z))[0]);
  EXPECT_EQ(max_difference(raw::complex(raw::real(z), raw::imag(z)), z), 0);
  expect_error(ErrorKind::internal, "[imag]", [] { raw::imag(row({1})); });
  expect_error(ErrorKind::internal, "[complex] two real tensors of one shape", [] {
    raw::complex(row({1}), row({1, 2}));
  });
}

TEST(Reduce, SumMeanMaxByDefinition) {
  const Tensor x = random_normal({3, 4, 5}, DType::f64);
  const auto v = x.to_vector<double>();
  for (const auto& dims : std::vector<std::vector<int>>{{}, {0}, {1}, {2}, {0, 1}, {1, 2}, {0, 2}, {-1, 0}}) {
    const auto has = [&](int d) {
      return dims.empty() || std::find(dims.begin(), dims.end(), d) != dims.end() ||
             std::find(dims.begin(), dims.end(), d - 3) != dims.end();
    };
    Shape shape = x.shape();
    for (int d = 0; d < 3; ++d) shape[d] = has(d) ? 1 : shape[d];
    std::vector<double> expected(static_cast<std::size_t>(shape.numel()));
    for (std::int64_t i = 0; i < 3; ++i) {
      for (std::int64_t j = 0; j < 4; ++j) {
        for (std::int64_t k = 0; k < 5; ++k) {
          const auto at = ((has(0) ? 0 : i) * shape[1] + (has(1) ? 0 : j)) * shape[2] + (has(2) ? 0 : k);
          expected[static_cast<std::size_t>(at)] += v[static_cast<std::size_t>((i * 4 + j) * 5 + k)];
        }
      }
    }
    const Tensor sum = raw::sum(x, dims, true);
    EXPECT_EQ(sum.shape(), shape);
    EXPECT_LE(max_difference(sum, Tensor::from(expected, shape)), 1e-13);
    const double count = 60 / static_cast<double>(shape.numel());
    EXPECT_LE(max_difference(raw::mul(raw::mean(x, dims, true), Tensor::scalar(count)), sum), 1e-13);
  }
  EXPECT_EQ(raw::max(row({1, 7, 3, 7}), 0).item<double>(), 7);
  EXPECT_EQ(raw::argmax(row({1, 7, 3, 7}), 0).item<std::int64_t>(), 1) << "the first of equal ones";
  EXPECT_EQ(raw::argmax(row({1, NAN, 3}), 0).item<std::int64_t>(), 1) << "a NaN is the maximum";
  EXPECT_EQ(raw::sum(Tensor::zeros({0, 2}, DType::f32), {0}).to_vector<float>(), (std::vector<float>{0, 0}));
  const Tensor empty = Tensor::zeros({0}, DType::f32), complex = Tensor::zeros({2}, DType::c64);
  expect_error(ErrorKind::internal, "[argmax] dimension 0 of shape [0] is empty",
               [&] { raw::argmax(empty, 0); });
  expect_error(ErrorKind::internal, "[max] dimension 0 of shape [0] is empty", [&] { raw::max(empty, 0); });
  expect_error(ErrorKind::internal, "[min] dimension 0 of shape [0] is empty", [&] { raw::min(empty, 0); });
  expect_error(ErrorKind::internal, "[max]", [&] { raw::max(complex, 0); });
  expect_error(ErrorKind::internal, "[min]", [&] { raw::min(complex, 0); });
  expect_error(ErrorKind::internal, "[argmin]", [&] { raw::argmin(complex, 0); });
  expect_error(ErrorKind::internal, "[clamp]", [&] { raw::clamp(complex, 0, 1); });
  expect_error(ErrorKind::internal, "[sum] dimension 1 is named twice", [&] { raw::sum(x, {1, 1}); });
  expect_error(ErrorKind::internal, "[sum] dimension 3", [&] { raw::sum(x, {3}); });
}

TEST(Reduce, ManySmallFloatsKeepTheirDigits) {
  const Tensor x = Tensor::full({1 << 20, 2}, 0.1, DType::f32);
  EXPECT_NEAR(raw::sum(x, {0}).to_vector<float>()[1], 104857.6, 0.02);
  EXPECT_NEAR(raw::mean(x).item<float>(), 0.1, 1e-8);
}

// Regression: blocks of rows without elements were walked, which would have taken years.
TEST(Reduce, NoColumnsOfManyRowsAreSummedAtOnce) {
  const std::int64_t many = std::int64_t{1} << 62;
  EXPECT_EQ(raw::sum(Tensor::zeros({many, many, 0}), 0).shape(), (Shape{many, 0}));
}

TEST(Matmul, ByDefinitionForEveryDtypeLayoutAndConjugate) {
  for (const DType dtype : {DType::f32, DType::f64, DType::c64, DType::c128}) {
    const Tensor a = random_normal({3, 4}, dtype, 1), b = random_normal({4, 5}, dtype, 2);
    for (const bool conj_a : {false, true}) {
      for (const bool conj_b : {false, true}) {
        std::vector<c128> expected(15);
        for (std::size_t i = 0; i < 3; ++i) {
          for (std::size_t j = 0; j < 5; ++j) {
            for (std::size_t k = 0; k < 4; ++k) {
              const c128 x = values(a)[i * 4 + k], y = values(b)[k * 5 + j];
              expected[i * 5 + j] += (conj_a ? std::conj(x) : x) * (conj_b ? std::conj(y) : y);
            }
          }
        }
        const double tolerance = real_of(dtype) == DType::f32 ? 2e-6 : 1e-14;
        const Tensor wanted = Tensor::from(expected, {3, 5});
        const Tensor a_columns = a.transpose(0, 1).contiguous().transpose(0, 1);
        const Tensor b_columns = b.transpose(0, 1).contiguous().transpose(0, 1);
        for (const Tensor& x : {a, a_columns, test::strided_copy(a)}) {
          for (const Tensor& y : {b, b_columns, test::strided_copy(b)}) {
            EXPECT_LE(max_difference(raw::matmul(x, y, conj_a, conj_b).to(DType::c128), wanted), tolerance);
          }
        }
      }
    }
  }
  expect_error(ErrorKind::internal, "[matmul] a: [3, 4] and b: [5, 6]: inner sizes 4 and 5 differ", [] {
    raw::matmul(Tensor::zeros({3, 4}, DType::f32), Tensor::zeros({5, 6}, DType::f32));
  });
  expect_error(ErrorKind::internal, "at least one dimension", [] {
    raw::matmul(Tensor::zeros({}, DType::f32), Tensor::zeros({3, 6}, DType::f32));
  });
}

TEST(Matmul, AVectorIsARowOrAColumnAndTheResultHasNoSuchDimension) {
  const auto row = [](const Tensor& v) { return v.unsqueeze(0); };
  const auto column = [](const Tensor& v) { return v.unsqueeze(-1); };
  for (const DType dtype : {DType::f64, DType::c128}) {
    const Tensor v = random_normal({3}, dtype, 1), w = random_normal({3}, dtype, 2);
    const Tensor A = random_normal({2, 5, 3}, dtype, 3), B = random_normal({2, 1, 3, 4}, dtype, 4);
    const auto expect = [](const Tensor& y, const Shape& shape, const Tensor& of_matrices) {
      EXPECT_EQ(y.shape(), shape);
      EXPECT_EQ(max_difference(y, of_matrices.reshape(shape)), 0);
    };
    expect(raw::matmul(v, w), Shape{}, raw::matmul(row(v), column(w)));
    expect(raw::matmul(A.select(0, 0), w), {5}, raw::matmul(A.select(0, 0), column(w)));
    expect(raw::matmul(v, B.select(0, 0).select(0, 0)), {4},
           raw::matmul(row(v), B.select(0, 0).select(0, 0)));
    expect(raw::matmul(A, w), {2, 5}, raw::matmul(A, column(w)));
    expect(raw::matmul(v, B), {2, 1, 4}, raw::matmul(row(v), B));
    expect(matmul(Variable(A), Variable(w)).value(), {2, 5}, raw::matmul(A, column(w)));
    c128 by_hand = 0;  // no conjugate anywhere
    for (std::size_t i = 0; i < 3; ++i) by_hand += test::values(v)[i] * test::values(w)[i];
    EXPECT_NEAR(std::abs(test::values(raw::matmul(v, w))[0] - by_hand), 0, 1e-14);
  }
  expect_error(ErrorKind::internal, "inner sizes 3 and 4 differ",
               [] { raw::matmul(Tensor::zeros({3}, DType::f32), Tensor::zeros({4}, DType::f32)); });
}

TEST(Matmul, BatchesAreProductsOfTheirEntries) {
  const Tensor a = random_normal({2, 1, 3, 4}, DType::f64, 1), b = random_normal({5, 4, 2}, DType::f64, 2);
  const Tensor y = raw::matmul(a, b);
  EXPECT_EQ(y.shape(), (Shape{2, 5, 3, 2}));
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 5; ++j) {
      const Tensor one = raw::matmul(a.select(0, i).select(0, 0), b.select(0, j));
      EXPECT_EQ(max_difference(y.select(0, i).select(0, j), one), 0);
    }
  }
}

TEST(Linear, IsXTimesWTransposedPlusB) {
  const Tensor x = random_normal({2, 3, 4}, DType::f64, 1), w = random_normal({5, 4}, DType::c128, 2),
               b = random_normal({5}, DType::c128, 3);
  const Tensor expected = raw::add(raw::matmul(x, w.transpose(0, 1)), b);
  EXPECT_LE(max_difference(raw::linear(x, w, b), expected), 1e-14);
  expect_error(ErrorKind::internal, "[linear] x: [2, 3, 4] and weight: [5, 3]", [&] {
    raw::linear(x, Tensor::zeros({5, 3}, DType::f64));
  });
  expect_error(ErrorKind::internal, "[linear] bias",
               [&] { raw::linear(x, w, Tensor::zeros({4}, DType::c128)); });
  expect_error(ErrorKind::internal, "[linear] x of c128 and weight of f64", [&] {
    raw::linear(Tensor::zeros({2, 4}, DType::c128), Tensor::zeros({5, 4}, DType::f64));
  });
  // Regression: some of these were promoted, and some were refused without a reason.
  for (const auto& [of_x, of_w] : {std::pair{DType::f32, DType::f64}, std::pair{DType::i64, DType::f32},
                                   std::pair{DType::f64, DType::c64}, std::pair{DType::f32, DType::c128}}) {
    expect_error(ErrorKind::internal,
                 "they must be of one dtype, or x the real counterpart of a complex weight", [&] {
                   raw::linear(Tensor::zeros({2, 4}, of_x), Tensor::zeros({5, 4}, of_w));
                 });
  }
}

TEST(Embedding, TakesRowsAndRefusesIdsOutOfRange) {
  const Tensor table = random_normal({4, 3}, DType::f32);
  const Tensor y = raw::embedding(table, ids({3, 0, 3}));
  EXPECT_EQ(max_difference(y.select(0, 2), table.select(0, 3)), 0);
  expect_error(ErrorKind::internal, "[embedding] id 4 at position 1 is not in 0..3", [&] {
    raw::embedding(table, ids({0, 4}));
  });
  expect_error(ErrorKind::internal, "[embedding] id -1 at position 0",
               [&] { raw::embedding(table, ids({-1})); });
  expect_error(ErrorKind::internal, "i64", [&] { raw::embedding(table, row({1})); });
}

TEST(Dropout, RefusesProbabilitiesOutsideZeroToOne) {
  for (const double p : {-0.1, 1.5, static_cast<double>(NAN)}) {
    expect_error(ErrorKind::internal, "[dropout]", [p] { raw::dropout(row({1}), p, {}); });
  }
  EXPECT_EQ(max_difference(raw::dropout(row({1, 2}), 1, {}), row({0, 0})), 0);
}

TEST(LayerNorm, NamesShapesThatDoNotFit) {
  expect_error(ErrorKind::internal, "[layer_norm] x: f64 [2], weight: f64 [3]", [] {
    raw::layer_norm(row({1, 2}), row({1, 1, 1}), row({1, 1, 1}));
  });
}

TEST(Softmax, ByDefinitionAndAtAnyMagnitude) {
  const Tensor x = random_normal({3, 19}, DType::f64);
  const auto v = x.to_vector<double>(), p = raw::softmax(x).to_vector<double>(),
             l = raw::log_softmax(x).to_vector<double>();
  for (std::size_t r = 0; r < 3; ++r) {
    double sum = 0;
    for (std::size_t c = 0; c < 19; ++c) sum += std::exp(v[r * 19 + c]);
    for (std::size_t c = 0; c < 19; ++c) {
      EXPECT_NEAR(p[r * 19 + c], std::exp(v[r * 19 + c]) / sum, 1e-15);
      EXPECT_NEAR(l[r * 19 + c], v[r * 19 + c] - std::log(sum), 1e-14);
    }
  }
  EXPECT_EQ(raw::softmax(row({1e4, 1e4 - 1000, -infinity})).to_vector<double>(),
            (std::vector<double>{1, 0, 0}));
  EXPECT_NEAR(raw::softmax(Tensor::from(std::vector<float>{-1e30F, -1e30F})).to_vector<float>()[0], 0.5,
              1e-7);
  EXPECT_EQ(raw::softmax(x, 0).shape(), x.shape());
  EXPECT_LE(max_difference(raw::softmax(x, 0), raw::softmax(x.transpose(0, 1)).transpose(0, 1)), 1e-16);
  for (const int dim : {0, -1}) EXPECT_EQ(raw::softmax(Tensor::scalar(3.0), dim).item<double>(), 1);
  // Regression: any dimension was taken.
  for (const int dim : {1, -2}) {
    expect_error(ErrorKind::internal, "[log_softmax] dimension",
                 [&] { raw::log_softmax(Tensor::scalar(3.0), dim); });
  }
}

TEST(CrossEntropy, IsTheMeanNegativeLogProbabilityOfTheLabels) {
  const Tensor x = random_normal({4, 7}, DType::f64);
  const auto l = raw::log_softmax(x).to_vector<double>();
  const double expected = -(l[0 * 7 + 2] + l[3 * 7 + 6]) / 2;
  EXPECT_NEAR(raw::cross_entropy(x, ids({2, -1, -1, 6})).item<double>(), expected, 1e-14);
  expect_error(ErrorKind::internal, "[cross_entropy] label 7 of row 1 is neither -1 nor in 0..6", [&] {
    raw::cross_entropy(x, ids({0, 7, 0, 0}));
  });
  expect_error(ErrorKind::internal, "none of 4 rows has a label", [&] {
    raw::cross_entropy(x, ids({-1, -1, -1, -1}));
  });
  expect_error(ErrorKind::internal, "labels: i64 [3] must be i64 [4]", [&] {
    raw::cross_entropy(x, ids({0, 1, 2}));
  });
}

TEST(LabelMargin, MakesACrossEntropyTheOneOfSmoothedLabels) {
  const Variable x(random_normal({4, 3}, DType::f64)), w(random_normal({7, 3}, DType::f64)),
      b(random_normal({7}, DType::f64));
  const auto l = raw::log_softmax(linear(x, w, b).value()).to_vector<double>();
  const double smoothing = 0.2;
  for (const std::vector<std::int64_t>& labels : {std::vector<std::int64_t>{2, 0, 5, 6}, {2, -1, -1, 6}}) {
    double expected = 0, count = 0;
    for (std::size_t t = 0; t < labels.size(); ++t) {
      if (labels[t] < 0) continue;
      ++count;
      for (std::size_t c = 0; c < 7; ++c) {
        const double wanted = smoothing / 7 + (static_cast<std::int64_t>(c) == labels[t] ? 1 - smoothing : 0);
        expected -= wanted * l[t * 7 + c];
      }
    }
    const Tensor at = Tensor::from(labels);
    const Variable loss = linear_cross_entropy(x, w, b, at) + smoothing * label_margin(x, w, b, at);
    EXPECT_NEAR(loss.value().item<double>(), expected / count, 1e-14);
  }
  expect_error(ErrorKind::internal, "[label_margin] label 7 of row 1 is neither -1 nor in 0..6", [&] {
    label_margin(x, w, b, ids({0, 7, 0, 0}));
  });
  expect_error(ErrorKind::internal, "[label_margin] x: f64 [4, 3], weight: f64 [7, 3], bias: f64 [4, 3]",
               [&] {
                 label_margin(x, w, x, ids({0, 1, 2, 3}));
               });
  const auto complex = [](const Variable& v) { return Variable(v.value().to(DType::c128)); };
  expect_error(ErrorKind::internal, "of one real dtype", [&] {
    label_margin(complex(x), complex(w), complex(b), ids({0, 1, 2, 3}));
  });
}

TEST(LinearCrossEntropy, IsTheCompositionInSinglePrecisionToo) {
  const Variable x(random_normal({50, 8}, DType::f32, 1), true),
      w(random_normal({300, 8}, DType::f32, 2), true), b(random_normal({300}, DType::f32, 3), true);
  std::vector<std::int64_t> labels;
  for (std::int64_t t = 0; t < 50; ++t) labels.push_back(t * 37 % 300);
  const Variable fused = linear_cross_entropy(x, w, b, ids(labels), 7);
  const Variable composed = cross_entropy(linear(x, w, b), ids(labels));
  EXPECT_NEAR(fused.value().item<float>(), composed.value().item<float>(), 1e-5);
  expect_error(ErrorKind::internal, "[linear_cross_entropy]",
               [&] { linear_cross_entropy(x, w, x, ids(labels)); });
}

// So many classes that tiles are computed twice instead of kept, and more tokens than one group of chunks.
TEST(LinearCrossEntropy, IsTheCompositionForManyClasses) {
  const std::int64_t tokens = 801, C = 9001;
  const Variable x(random_normal({tokens, 5}, DType::f64, 1), true),
      w(random_normal({C, 5}, DType::f64, 2), true), b(random_normal({C}, DType::f64, 3), true);
  std::vector<std::int64_t> labels;
  for (std::int64_t t = 0; t < tokens; ++t) labels.push_back(t % 7 == 3 ? -1 : t * 3777 % C);
  const auto gradients = [&](const Variable& loss) {
    for (auto v : {x, w, b}) v.zero_grad();
    loss.backward();
    return Tensors{loss.value(), x.grad(), w.grad(), b.grad()};
  };
  const Tensors fused = gradients(linear_cross_entropy(x, w, b, ids(labels)));
  const Tensors composed = gradients(cross_entropy(linear(x, w, b), ids(labels)));
  for (std::size_t i = 0; i < fused.size(); ++i)
    EXPECT_LE(test::max_difference(fused[i], composed[i]), 1e-13) << i;
}

TEST(Shape, ConcatNamesWhatDoesNotFit) {
  const Tensor a = Tensor::zeros({2, 3}, DType::f32);
  EXPECT_EQ(raw::concat({a, a, Tensor::zeros({2, 0}, DType::f32)}, 1).shape(), (Shape{2, 6}));
  expect_error(ErrorKind::internal, "[concat]", [&] {
    raw::concat({a, Tensor::zeros({3, 3}, DType::f32)}, 1);
  });
  expect_error(ErrorKind::internal, "[concat]", [&] {
    raw::concat({a, Tensor::zeros({2, 3}, DType::f64)}, 0);
  });
  expect_error(ErrorKind::internal, "no tensors", [] { raw::concat({}, 0); });
}

TEST(TopK, FallingOrderTiesByIndexAndNanFirstAsTheMaximum) {
  const auto [indices, top] = raw::top_k(row({1, 5, NAN, 5, -2}), 5);
  EXPECT_EQ(indices.to_vector<std::int64_t>(), (std::vector<std::int64_t>{2, 1, 3, 0, 4}));
  EXPECT_EQ(top.slice(0, 1, 5).to_vector<double>(), (std::vector<double>{5, 5, 1, -2}));
  EXPECT_EQ(raw::argmax(row({1, 5, NAN, 5, -2}), 0).item<std::int64_t>(),
            indices.to_vector<std::int64_t>()[0]);
  EXPECT_EQ(raw::top_k(random_normal({3, 4}, DType::f32), 0).indices.shape(), (Shape{3, 0}));
  expect_error(ErrorKind::internal, "[top_k] k = 6", [] { raw::top_k(row({1, 2, 3, 4, 5}), 6); });
}

// Our own kernels sum in fixed blocks: the same bits with one thread and with several.
TEST(Threads, TheirNumberDoesNotChangeABit) {
  const Variable x(random_normal({3000, 64}, DType::f32, 1), true),
      weight(random_normal({64}, DType::f32, 2), true), bias(random_normal({64}, DType::f32, 3), true),
      table(random_normal({50, 64}, DType::f32, 4), true),
      lambda(raw::mul(random_normal({64}, DType::f32, 5), Tensor::from(std::vector<float>{0.3F})), true);
  std::vector<std::int64_t> tokens, offsets{0};
  for (std::int64_t t = 0; t < 3000; ++t) tokens.push_back(t * t % 50);
  for (std::int64_t s = 1; s <= 100; ++s) offsets.push_back(30 * s);
  const auto run = [&](int threads) {
    omp_set_num_threads(threads);
    Variable h = layer_norm(embedding(table, ids(tokens)) + x, weight, bias);
    h = gelu(linear_scan(lambda, dropout(h, 0.3, {1, 2}), ids(offsets)).states);
    sum(square(h) * weight).backward();
    Tensors results{h.value()};
    for (Variable v : {x, weight, bias, table, lambda}) {
      results.push_back(v.grad().clone());
      v.zero_grad();
    }
    return results;
  };
  const int threads = omp_get_max_threads();
  const Tensors one = run(1), several = run(std::max(threads, 2));
  omp_set_num_threads(threads);
  for (std::size_t k = 0; k < one.size(); ++k) EXPECT_EQ(max_difference(one[k], several[k]), 0) << k;
}

// Regression: a sum times a rounded 1 / n gave .99999994 for 41 ones, and a constant feature had a variance.
TEST(Reduce, TheMeanOfEqualNumbersIsThatNumber) {
  for (std::int64_t n = 1; n < 200; ++n) {
    for (const double x : {1.0, 1e6, 0.1}) {
      const Tensor same = Tensor::full({n}, x), rows = Tensor::full({n, 3}, x);
      ASSERT_EQ(raw::mean(same).item<float>(), static_cast<float>(x)) << n;
      ASSERT_EQ(raw::mean(rows, 0).to_vector<float>()[1], static_cast<float>(x)) << n;
      ASSERT_EQ(raw::mean(rows.transpose(0, 1), 1).to_vector<float>()[1], static_cast<float>(x)) << n;
      if (n > 1) {
        ASSERT_EQ(raw::var(same).item<float>(), 0) << n;
      }
    }
    ASSERT_EQ(raw::mean(Tensor::ones({n}, DType::f64)).item<double>(), 1) << n;
  }
  expect_error(ErrorKind::internal, "[mean]", [] { raw::mean(Tensor::arange(3)); });
}

// Regression: only the rounding of the mean was left, and normalising blew it up to .3 and more.
TEST(LayerNorm, ARowOfEqualNumbersIsItsBias) {
  for (std::int64_t n = 1; n < 200; ++n) {
    for (const double x : {12345.678, 0.1, -3e5}) {
      const Tensor y =
          raw::layer_norm(Tensor::full({1, n}, x), Tensor::ones({n}), Tensor::zeros({n}), /*eps=*/1e-5);
      ASSERT_LE(max_difference(y, Tensor::zeros({1, n})), 1e-4) << n << " times " << x;
    }
  }
}

TEST(Attention, RefusesADropoutThatIsNoProbability) {
  const IndexTensor offsets(ids({0, 2}));
  for (const double p : {-0.5, 1.5, std::nan("")}) {
    expect_error(ErrorKind::internal, "is no probability", [&] {
      attention(Variable(Tensor::ones({2, 6})), offsets, {.heads = 1, .dropout = p});
    });
  }
}

}  // namespace
}  // namespace lrurec::ops
