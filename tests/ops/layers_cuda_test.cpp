// Layers and reductions on a GPU beyond the operation table: sizes that cross blocks, chunks and register
// layouts, memory that is not aligned, runs of one id through many chunks. Each is compared with the CPU, and
// with itself in other thread orders, bit for bit.

#include <functional>
#include <limits>

#include "autograd/gradcheck.h"
#include "ops/gru/kernels.h"
#include "ops/ops.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::gpu;
using test::max_abs;
using test::max_difference;
using test::random_normal;

using Function = std::function<Variables(const Variables&)>;

/// Outputs, then gradients of the inputs, on the CPU.
Tensors run(const Function& function, const Tensors& inputs) {
  Variables leaves;
  for (const auto& x : inputs) leaves.push_back(x.defined() ? Variable(x, true) : Variable());
  const Variables outputs = function(leaves);
  Tensors result, cotangents;
  for (const auto& y : outputs) {
    result.push_back(y.value().host());
    cotangents.push_back(random_normal(y.shape(), y.dtype(), 5).to(y.value().device()));
  }
  backward(outputs, cotangents);
  for (const auto& x : leaves) {
    if (x.defined()) result.push_back(x.grad().host());
  }
  return result;
}

/// The same on the GPU. `shifted`: inputs begin one element into their memory.
Tensors on_gpu(const Tensors& inputs, bool shifted) {
  Tensors result;
  for (const auto& x : inputs) {
    if (!x.defined() || !shifted) {
      result.push_back(x.defined() ? x.to(gpu) : x);
      continue;
    }
    const Tensor memory = Tensor::full({x.numel() + 1}, 777, x.dtype(), gpu);
    Tensor view = memory.slice(0, 1, x.numel() + 1).reshape(x.shape());
    view.copy_(x);
    result.push_back(view);
  }
  return result;
}

/// The GPU's results are the CPU's in f32 and f64, for any order of threads the same bits.
void expect_as_on_cpu(const std::string& what, const Function& function, const std::vector<Shape>& shapes,
                      bool shifted = false, bool complex = false) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const double tolerance = dtype == DType::f32 ? 2e-5 : 1e-12;
    Tensors inputs;
    for (const auto& shape : shapes) {
      inputs.push_back(random_normal(shape, complex ? complex_of(dtype) : dtype, inputs.size() + 1));
    }
    const Tensors expected = run(function, inputs);
    Tensors first;
    test::in_every_thread_order([&] {
      const Tensors actual = run(function, on_gpu(inputs, shifted));
      for (std::size_t k = 0; k < expected.size(); ++k) {
        EXPECT_LE(max_difference(actual[k], expected[k]), tolerance * (1 + max_abs(expected[k])))
            << what << ", " << name(dtype) << ", result " << k;
        if (!first.empty()) {
          EXPECT_EQ(max_difference(actual[k], first[k]), 0) << what << ", result " << k;
        }
      }
      if (first.empty()) first = actual;
    });
  }
}

std::string sizes(std::int64_t rows, std::int64_t width) { return fmt::format("{} x {}", rows, width); }

TEST(ReduceCuda, SumsOfLongAndManyRowsAndColumns) {
  LRUREC_NEEDS_GPU();
  const std::vector<std::pair<Shape, int>> cases{
      {{1, 20000}, 1}, {{3, 4500}, 1}, {{2, 1030}, 1}, {{70, 33}, 1},  {{0, 5}, 1}, {{5, 0}, 1},
      {{70, 33}, 0},   {{9000, 3}, 0}, {{513, 40}, 0}, {{3000, 1}, 0}, {{0, 5}, 0}, {{5, 0}, 0}};
  for (const auto& [shape, dim] : cases) {
    const Function function = [dim = dim](const Variables& x) { return Variables{sum(x[0], {dim})}; };
    const std::string what = fmt::format("sum of dimension {} of {}", dim, shape.str());
    expect_as_on_cpu(what, function, {shape});
    expect_as_on_cpu("complex " + what, function, {shape}, false, true);
  }
}

TEST(ReduceCuda, ArgmaxTakesTheFirstOfEqualOnesAndNan) {
  LRUREC_NEEDS_GPU();
  const std::int64_t columns = 100;
  Tensor x = random_normal({5, columns}, DType::f32);
  const auto put = [&](std::int64_t row, std::int64_t column, float value) {
    x.data<float>()[row * columns + column] = value;
  };
  put(0, 70, 9), put(0, 7, 9), put(0, 39, 9);
  put(1, 99, 9), put(1, 0, 9);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  put(2, 3, 9), put(2, 90, nan), put(2, 58, nan);
  for (std::int64_t c = 0; c < columns; ++c) put(3, c, -std::numeric_limits<float>::infinity());
  for (std::int64_t c = 0; c < columns; ++c) put(4, c, nan);
  const std::vector<std::int64_t> expected{7, 0, 58, 0, 0};
  EXPECT_EQ(raw::argmax(x, 1).to_vector<std::int64_t>(), expected);
  test::in_every_thread_order(
      [&] { EXPECT_EQ(raw::argmax(x.to(gpu), 1).to_vector<std::int64_t>(), expected); });
}

// Minus infinity takes an element out of a softmax. Threads stride the columns, so some see nothing else.
TEST(SoftmaxCuda, LeavesOutWhatIsMinusInfinity) {
  LRUREC_NEEDS_GPU();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const std::int64_t columns : {5, 40, 300, 3000}) {
    Tensor x = random_normal({3, columns}, DType::f64).contiguous();
    for (std::int64_t c = 0; c < columns; ++c) {
      if (c % 32 != 2) x.data<double>()[c] = -infinity;
      if (c > 0) x.data<double>()[columns + c] = -infinity;
    }
    const Tensor labels = Tensor::from(std::vector<std::int64_t>{2, 0, 1});
    test::in_every_thread_order([&] {
      const Tensor there = x.to(gpu);
      EXPECT_LE(max_difference(raw::softmax(there).host(), raw::softmax(x)), 1e-12) << columns;
      EXPECT_NEAR(raw::cross_entropy(there, labels).item<double>(),
                  raw::cross_entropy(x, labels).item<double>(), 1e-12)
          << columns;
    });
    x.slice(1, 3, 4).fill_(infinity);
    EXPECT_TRUE(std::isnan(raw::cross_entropy(x.to(gpu), labels).item<double>())) << "noticed, not hidden";
    EXPECT_TRUE(std::isnan(raw::cross_entropy(x, labels).item<double>()));
  }
}

const std::vector<std::int64_t> norm_widths{3, 4, 60, 64, 68, 128, 132, 256, 260, 516, 1024, 63, 1028, 1100};

TEST(LayerNormCuda, RowsOfEveryLayout) {
  LRUREC_NEEDS_GPU();
  const Function function = [](const Variables& x) { return Variables{layer_norm(x[0], x[1], x[2])}; };
  for (const auto width : norm_widths) {
    expect_as_on_cpu(sizes(21, width), function, {{21, width}, {width}, {width}});
  }
  expect_as_on_cpu("many rows", function, {{8200, 4}, {4}, {4}});
  expect_as_on_cpu("many odd rows", function, {{700, 5}, {5}, {5}});
  expect_as_on_cpu("not aligned", function, {{40, 64}, {64}, {64}}, true);
  expect_as_on_cpu("no rows", function, {{0, 64}, {64}, {64}});
  expect_as_on_cpu("no odd rows", function, {{0, 3}, {3}, {3}});
}

TEST(ResidualLayerNormCuda, RowsOfEveryLayout) {
  LRUREC_NEEDS_GPU();
  for (const double p : {0.0, 0.4}) {
    const Function function = [p](const Variables& x) {
      return Variables{residual_layer_norm(x[0], x[1], x[2], x[3], 1e-5, p, {3, 4})};
    };
    for (const auto width : norm_widths) {
      if (p == 0 && width > 64) continue;
      expect_as_on_cpu(sizes(21, width), function, {{21, width}, {21, width}, {width}, {width}});
    }
    expect_as_on_cpu("many rows", function, {{1100, 4}, {1100, 4}, {4}, {4}});
    expect_as_on_cpu("not aligned", function, {{40, 64}, {40, 64}, {64}, {64}}, true);
    expect_as_on_cpu("no rows", function, {{0, 64}, {0, 64}, {64}, {64}});
  }
}

TEST(DropoutCuda, AllLengthsAndElementTypes) {
  LRUREC_NEEDS_GPU();
  const Function function = [](const Variables& x) { return Variables{dropout(x[0], 0.3, {5, 6})}; };
  for (const std::int64_t n : {0, 1, 2, 3, 4, 5, 1021, 4096}) {
    for (const bool shifted : {false, true}) {
      expect_as_on_cpu(fmt::format("{} elements", n), function, {{n}}, shifted);
      expect_as_on_cpu(fmt::format("{} complex elements", n), function, {{n}}, shifted, true);
    }
  }
}

TEST(FeedForwardCuda, TilesAndChunks) {
  LRUREC_NEEDS_GPU();
  const auto shapes = [](std::int64_t n, std::int64_t H, std::int64_t I) {
    return std::vector<Shape>{{n, H}, {I, H}, {I}, {H, I}, {H}};
  };
  for (const double p : {0.0, 0.3}) {
    const Function function = [p](const Variables& x) {
      return Variables{feed_forward(x[0], x[1], x[2], x[3], x[4], p, {7, 8})};
    };
    for (const auto I : {4, 128, 132, 37}) {
      expect_as_on_cpu(sizes(70, I), function, shapes(70, 8, I));
    }
    expect_as_on_cpu("many tokens", function, shapes(700, 4, 12));
    expect_as_on_cpu("not aligned", function, shapes(70, 4, 12), true);
    expect_as_on_cpu("no tokens", function, shapes(0, 4, 12));
  }
}

TEST(FeedForwardCuda, KeepsNothingWhereNoBackwardFollows) {
  LRUREC_NEEDS_GPU();
  Variables cpu, cuda;
  for (const auto& shape : {Shape{70, 8}, Shape{40, 8}, Shape{40}, Shape{8, 40}, Shape{8}}) {
    cpu.emplace_back(random_normal(shape, DType::f64, cpu.size() + 1), true);
    cuda.emplace_back(cpu.back().value().to(gpu), true);
  }
  const NoGrad no_grad;
  const auto y = [](const Variables& x) { return feed_forward(x[0], x[1], x[2], x[3], x[4], 0.2).value(); };
  EXPECT_LE(max_difference(y(cuda).host(), y(cpu)), 1e-12);
}

/// The gradient on the GPU, whether it makes the table's gradient or adds to one that is there already.
void expect_embedding(const std::string& what, std::int64_t N, std::int64_t width,
                      const std::vector<std::int64_t>& list, bool complex = false) {
  const Tensor ids = Tensor::from(list), sent = ids.to(gpu);
  for (const Tensor& at : {ids, sent}) {
    const auto look_up = [&](const Variable& w) {
      return embedding(w, w.value().device().is_cuda() ? at : ids);
    };
    expect_as_on_cpu(
        what, [&](const Variables& w) { return Variables{look_up(w[0])}; }, {{N, width}}, false, complex);
    expect_as_on_cpu(
        what + ", first",
        [&](const Variables& w) {
          return Variables{look_up(w[0]), mul(w[0], w[0])};
        },
        {{N, width}}, false, complex);
    expect_as_on_cpu(
        what + ", last",
        [&](const Variables& w) {
          return Variables{mul(w[0], w[0]), look_up(w[0])};
        },
        {{N, width}}, false, complex);
  }
}

TEST(EmbeddingCuda, RunsOfEveryLength) {
  LRUREC_NEEDS_GPU();
  const Philox random(1, 2);
  const auto draw = [&](std::int64_t n, std::uint64_t N, std::uint64_t zeros_of_four) {
    std::vector<std::int64_t> list;
    for (std::uint64_t t = 0; t < static_cast<std::uint64_t>(n); ++t) {
      const bool zero = random.below(2 * t, 4) < zeros_of_four;
      list.push_back(zero ? 0 : static_cast<std::int64_t>(random.below(2 * t + 1, N)));
    }
    return list;
  };
  expect_embedding("one id through 44 chunks", 3, 4, std::vector<std::int64_t>(700, 1));
  expect_embedding("one id, whole chunks", 3, 2, std::vector<std::int64_t>(512, 2));
  expect_embedding("one id in one chunk", 3, 2, std::vector<std::int64_t>(16, 2));
  expect_embedding("half of them the start token", 40, 64, draw(300, 40, 2));
  expect_embedding("rows of two tiles", 7, 260, draw(90, 7, 0));
  expect_embedding("odd rows", 20, 37, draw(100, 20, 1));
  expect_embedding("rows of one", 500, 1, draw(333, 500, 0));
  expect_embedding("few of many", 5000, 4, draw(50, 5000, 0));
  expect_embedding("no ids", 5, 4, {});
  expect_embedding("complex rows", 9, 5, draw(70, 9, 1), true);
}

TEST(EmbeddingCuda, BadIdsAreRefusedBeforeAnythingRuns) {
  LRUREC_NEEDS_GPU();
  const Variable weight(Tensor::zeros({3, 2}, DType::f32, gpu), true);
  const Tensor ids = Tensor::from(std::vector<std::int64_t>{0, 3});
  for (const Tensor& at : {ids, ids.to(gpu)}) {
    test::expect_error(ErrorKind::internal, "id 3 at position 1 is not in 0..2",
                       [&] { embedding(weight, at); });
  }
}

TEST(AttentionCuda, HeadsOfEveryWidth) {
  LRUREC_NEEDS_GPU();
  const Function function = [](const Variables& x) {
    return Variables{attention(x[0], Tensor::from(std::vector<std::int64_t>{0, 0, 3, 7}), {.heads = 2})};
  };
  for (const std::int64_t width : {8, 33, 64, 100}) {
    expect_as_on_cpu(fmt::format("width {}", width), function, {{7, 6 * width}});
  }
  expect_as_on_cpu("not aligned", function, {{7, 6 * 36}}, true);
  expect_as_on_cpu("a key for each lane and more",
                   [](const Variables& x) {
                     return Variables{attention(x[0], Tensor::from(std::vector<std::int64_t>{0, 40}), {})};
                   },
                   {{40, 12}});
}

TEST(StateSpaceCuda, ChannelsOfManyStates) {
  LRUREC_NEEDS_GPU();
  const auto at = [](const Variables& x, std::size_t k) { return complex(0.4 * x[k], 0.4 * x[k + 1]); };
  const IndexTensor offsets = Tensor::from(std::vector<std::int64_t>{0, 0, 3, 4, 7});
  for (const std::int64_t N : {3, 64, 70}) {
    const Shape matrix{2, N};
    expect_as_on_cpu(
        fmt::format("{} states", N),
        [&](const Variables& x) { return Variables{diagonal_ssm(x[0], at(x, 1), at(x, 3), offsets)}; },
        {{7, 2}, matrix, matrix, matrix, matrix});
  }
  for (const std::int64_t N : {3, 64, 70}) {
    const Shape matrix{2, N};
    // The feedback of all states together stays small.
    const auto small = [&](const Variables& x, std::size_t k) {
      return (0.4 / static_cast<double>(N)) * complex(x[k], x[k + 1]);
    };
    expect_as_on_cpu(
        fmt::format("{} states and their feedback", N),
        [&](const Variables& x) {
          return Variables{dplr_ssm(x[0], {at(x, 1), small(x, 3), at(x, 5), at(x, 7), at(x, 9)}, offsets)};
        },
        {{7, 2}, matrix, matrix, matrix, matrix, matrix, matrix, matrix, matrix, matrix, matrix});
  }
}

TEST(FftCuda, LengthsThatWouldTakeTooLongAreRefused) {
  LRUREC_NEEDS_GPU();
  test::expect_error(ErrorKind::internal, "32769 places, of which a GPU takes n^2 steps, are more than 32768",
                     [] {
                       raw::fft(Tensor::zeros({1, (1 << 15) + 1}, DType::c64, gpu));
                     });
}

TEST(SpectralFilterCuda, LeavesOutWhatHasNoEffect) {
  LRUREC_NEEDS_GPU();
  Tensor W = Tensor::zeros({4, 2}, DType::c128);  // of sequences of 6
  for (const std::int64_t k : {0, 3}) W.slice(0, k, k + 1).copy_(Tensor::scalar(c128(0, 1)));
  const Tensor x = random_normal({3, 6, 2}, DType::f64);
  const Tensor y = spectral_filter(Variable(x.to(gpu)), Variable(W.to(gpu))).value().host();
  EXPECT_EQ(max_abs(y), 0);
}

// The filter's gradient is summed in chunks, here of several sequences, the last one short; and of none.
TEST(SpectralFilterCuda, OfManySequencesAndOfNone) {
  LRUREC_NEEDS_GPU();
  const Function function = [](const Variables& x) {
    return Variables{spectral_filter(x[0], complex(x[1], x[2]))};
  };
  expect_as_on_cpu("131 sequences", function, {{131, 5, 3}, {3, 3}, {3, 3}});
  expect_as_on_cpu("no sequences", function, {{0, 5, 3}, {3, 3}, {3, 3}});
}

TEST(GruCuda, OfNoChannelsIsNothing) {
  LRUREC_NEEDS_GPU();
  const IndexTensor offsets = Tensor::from(std::vector<std::int64_t>{0, 1, 3});
  const Function function = [&](const Variables& x) {
    const auto [h, last] = gru(x[0], x[1], x[2], offsets);
    return Variables{h, last};
  };
  expect_as_on_cpu("no channels", function, {{3, 0}, {0, 0}, {0}});
}

#ifdef LRUREC_CUDA_ENABLED
TEST(GruCuda, AStateThatDoesNotFitIntoABlockIsNamed) {
  LRUREC_NEEDS_GPU();
  kernels::Gru<float> wide{};
  wide.H = 30000;
  test::expect_error(ErrorKind::internal, "a state of 30000 channels does not fit",
                     [&] { kernels::gru_forward<float>(Cuda{}, wide, nullptr, nullptr, nullptr); });
  kernels::Gru<double> less_wide{};
  less_wide.H = 8000;
  test::expect_error(ErrorKind::internal, "on a GPU 7264 do at most",
                     [&] { kernels::gru_backward<double>(Cuda{}, less_wide, {}); });
}
#endif

TEST(GradcheckCuda, RefusesWhatItCannotReach) {
  LRUREC_NEEDS_GPU();
  const Function negative = [](const Variables& x) { return Variables{neg(x[0])}; };
  const Tensor x = random_normal({3}, DType::f64);
  test::expect_error(ErrorKind::internal, "inputs are perturbed on the CPU",
                     [&] { gradcheck("neg", negative, {Variable(x.to(gpu), true)}); });
  const Function moved = [](const Variables& v) { return Variables{to(v[0], gpu)}; };
  test::expect_error(ErrorKind::internal, "move them to the CPU",
                     [&] { gradcheck("to", moved, {Variable(x, true)}); });
}

TEST(MatmulCuda, ConjugatesInEveryLayout) {
  LRUREC_NEEDS_GPU();
  const Tensor a = random_normal({5, 7}, DType::c128, 1), b = random_normal({7, 6}, DType::c128, 2);
  const auto transposed = [](const Tensor& t) { return t.transpose(0, 1).contiguous().transpose(0, 1); };
  for (const Tensor& x : {a, transposed(a), test::strided_copy(a)}) {
    for (const Tensor& y : {b, transposed(b), test::strided_copy(b)}) {
      for (const bool conj_a : {false, true}) {
        for (const bool conj_b : {false, true}) {
          // Moving to the GPU makes tensors dense: the layouts are made there.
          const auto there = [&](const Tensor& t) {
            Tensor copy = t.to(gpu);
            if (t.strides().at(-1) == 1) return copy;
            return t.strides().at(0) == 1 ? transposed(copy) : test::strided_copy(copy);
          };
          const Tensor actual = raw::matmul(there(x), there(y), conj_a, conj_b).host();
          EXPECT_LE(max_difference(actual, raw::matmul(x, y, conj_a, conj_b)), 1e-12);
        }
      }
    }
  }
}

}  // namespace
}  // namespace lrurec::ops
