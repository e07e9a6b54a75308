// The CPU's kernels against the plain ones of <op>_reference.h, on the same arguments.

#include "ops/feed_forward/feed_forward_reference.h"
#include "ops/linear_cross_entropy/linear_cross_entropy_reference.h"
#include "ops/linear_scan/linear_scan_reference.h"
#include "ops/lru/lru_reference.h"
#include "ops/sampled_cross_entropy/sampled_cross_entropy_reference.h"
#include "tests/support/tensors.h"

namespace lrurec::ops::kernels {
namespace {

using test::random_normal;
using Ids = std::vector<std::int64_t>;

/// Sequences shorter and longer than a tile or a chunk of 64 tokens, and empty ones at both ends and between.
const Ids offsets{0, 0, 1, 64, 64, 129, 300, 301, 301};
const std::int64_t sequences = std::ssize(offsets) - 1, tokens = offsets.back();

/// Arguments made on the way: random inputs, and outputs that both kernels write, to be compared.
class Buffers {
 public:
  template <class T>
  const T* in(const Shape& shape, double scale = 1) {
    Tensor t = random_normal(shape, dtype_of<T>, ++seed_);
    Tensor scaled = Tensor::zeros(shape, dtype_of<T>);
    for (std::int64_t i = 0; i < t.numel(); ++i) scaled.data<T>()[i] = t.data<T>()[i] * T(scale);
    inputs_.push_back(scaled);
    return scaled.data<T>();
  }
  template <class T>
  T* out(const Shape& shape) {
    outputs_.push_back(Tensor::full(shape, 1e30, dtype_of<T>));  // what is not written shows
    return outputs_.back().data<T>();
  }
  const Tensors& outputs() const { return outputs_; }

 private:
  std::uint64_t seed_ = 0;
  Tensors inputs_, outputs_;
};

/// `run(kind, buffers)` once for each kind of kernel: all outputs must agree.
template <class Run>
void expect_equal(Run&& run) {
  Buffers expected, actual;
  run(Reference{}, expected);
  run(Cpu{}, actual);
  ASSERT_EQ(expected.outputs().size(), actual.outputs().size());
  ASSERT_FALSE(expected.outputs().empty());
  for (std::size_t k = 0; k < expected.outputs().size(); ++k) {
    const Tensor &e = expected.outputs()[k], &a = actual.outputs()[k];
    EXPECT_LE(test::max_difference(e, a), 1e-12 * (1 + test::max_abs(e))) << "output " << k;
    EXPECT_LT(test::max_abs(e), 1e29) << "output " << k << " was not written";
  }
}

template <class T>
Scan<T> make_scan(Buffers& b, Time time, bool with_ends) {
  constexpr std::int64_t D = 5;
  Scan<T> f{sequences,
            D,
            offsets.data(),
            offsets.data(),
            time,
            b.in<T>({D}, 0.4),
            b.in<T>({tokens, D}),
            b.out<T>({tokens, D})};
  f.states = b.in<T>({tokens, D});
  f.dlambda = b.out<T>({D});
  f.final_state = b.out<T>({sequences, D});
  f.carried_out = b.out<T>({sequences, D});
  if (!with_ends) return f;
  f.initial = b.in<T>({sequences, D});
  f.add_first = b.in<T>({sequences, D});
  f.states_initial = b.in<T>({sequences, D});
  return f;
}

template <class T>
void check_scan(void (*kernel)(Cpu, const Scan<T>&)) {
  for (const Time time : {Time::forward, Time::reversed}) {
    for (const bool with_ends : {false, true}) {
      expect_equal([&](auto kind, Buffers& b) {
        const Scan<T> f = make_scan<T>(b, time, with_ends);
        if constexpr (std::is_same_v<decltype(kind), Reference>) {
          scan(kind, f);
        } else {
          kernel(kind, f);
        }
      });
    }
  }
}

TEST(ReferenceKernels, OfTheScanAreWhatEachAlgorithmComputes) {
  check_scan<double>(scan_sequential);
  check_scan<double>(scan_recursive);
  check_scan<double>(scan_chunked);
  check_scan<c128>(scan_sequential);
  check_scan<c128>(scan_recursive);
  check_scan<c128>(scan_chunked);
}

template <class T>
void check_gated_scan(void (*kernel)(Cpu, const Scan<T>&)) {
  constexpr std::int64_t D = 5;
  for (const Time time : {Time::forward, Time::reversed}) {
    for (const bool with_ends : {false, true}) {
      expect_equal([&](auto kind, Buffers& b) {
        Scan<T> f{sequences,
                  D,
                  offsets.data(),
                  offsets.data(),
                  time,
                  b.in<T>({tokens, D}, 0.4),
                  b.in<T>({tokens, D}),
                  b.out<T>({tokens, D})};
        if (time == Time::forward) {
          f.final_state = b.out<T>({sequences, D});
          if (with_ends) f.initial = b.in<T>({sequences, D});
        } else {
          f.states = b.in<T>({tokens, D});
          f.dlambda = b.out<T>({tokens, D});
          f.carried_out = b.out<T>({sequences, D});
          if (with_ends) f.add_first = b.in<T>({sequences, D});
          if (with_ends) f.states_initial = b.in<T>({sequences, D});
        }
        if constexpr (std::is_same_v<decltype(kind), Reference>) {
          gated_scan(kind, f);
        } else {
          kernel(kind, f);
        }
      });
    }
  }
}

TEST(ReferenceKernels, OfTheGatedScanAreWhatEachAlgorithmComputes) {
  check_gated_scan<double>(gated_scan_sequential);
  check_gated_scan<double>(gated_scan_recursive);
  check_gated_scan<double>(gated_scan_chunked);
  check_gated_scan<c128>(gated_scan_sequential);
  check_gated_scan<c128>(gated_scan_recursive);
  check_gated_scan<c128>(gated_scan_chunked);
}

TEST(ReferenceKernels, OfTheLinearRecurrentUnitAreItsPasses) {
  constexpr std::int64_t H = 7, D = 6, O = 3;
  for (const bool with_ends : {false, true}) {
    expect_equal([&](auto kind, Buffers& b) {
      const LruWeights<double> weights{H,
                                       D,
                                       O,
                                       b.in<c128>({D}, 0.4),
                                       b.in<c128>({D, H}),
                                       b.in<c128>({D}),
                                       b.in<c128>({O, D}),
                                       b.in<double>({O})};
      std::vector<double> packed(static_cast<std::size_t>(packed_lru_size(Cpu{}, H, D, O)));
      pack_lru(Cpu{}, weights, packed.data());
      const Lru<double> f{sequences,
                          offsets.data(),
                          offsets.data(),
                          weights,
                          packed.data(),
                          b.in<double>({tokens, H}),
                          with_ends ? b.in<c128>({sequences, D}) : nullptr};
      const LruOutputs<double> out{b.out<double>({tokens, O}), b.out<double>({sequences, O}),
                                   b.out<c128>({sequences, D}), b.out<double>({tokens, 2, D})};
      lru_forward(kind, f, out);
      LruGradients<double> to;
      to.dy = b.in<double>({tokens, O});
      to.dx = b.out<double>({tokens, H});
      to.dlambda = b.out<c128>({D});
      to.dB = b.out<c128>({D, H});
      to.db = b.out<c128>({D});
      to.dC = b.out<c128>({O, D});
      to.dc = b.out<double>({O});
      if (with_ends) to.dfinal = b.in<c128>({sequences, D}), to.dinitial = b.out<c128>({sequences, D});
      lru_backward(kind, f, static_cast<const double*>(out.states), to);
    });
  }
}

TEST(ReferenceKernels, OfTheFeedForwardNetworkAreItsPasses) {
  constexpr std::int64_t H = 5, O = 4;
  // Rows of 64 numbers are those that tile_stride moves apart.
  for (const auto& [I, p] : {std::pair<std::int64_t, double>{12, 0.0}, {12, 0.3}, {64, 0.3}}) {
    expect_equal([&, I = I, p = p](auto kind, Buffers& b) {
      const FeedForwardWeights<double> weights{
          H, I, O, b.in<double>({I, H}), b.in<double>({I}), b.in<double>({O, I}), b.in<double>({O})};
      std::vector<double> packed(static_cast<std::size_t>(packed_feed_forward_size(Cpu{}, H, I, O)));
      pack_feed_forward(Cpu{}, weights, packed.data());
      std::vector<double> kept(static_cast<std::size_t>(kept_feed_forward_size(Cpu{}, tokens, I, true)));
      const FeedForward<double> f{
          tokens,     weights, packed.data(), b.in<double>({tokens, H}), DropoutMask(Philox(3, 4), p),
          kept.data()};
      double* y = b.out<double>({tokens, O});
      const double* dy = b.in<double>({tokens, O});
      const FeedForwardGradients<double> to{b.out<double>({tokens, H}), b.out<double>({I, H}),
                                            b.out<double>({I}), b.out<double>({O, I}), b.out<double>({O})};
      if constexpr (std::is_same_v<decltype(kind), Reference>) {
        feed_forward(kind, f, y, dy, &to);
      } else {
        feed_forward(kind, f, /*for_backward=*/true, y);
        feed_forward_backward(kind, f, dy, to);
      }
    });
  }
}

Ids some_labels(std::int64_t classes) {
  Ids labels;
  for (std::int64_t t = 0; t < tokens; ++t) labels.push_back(t % 5 == 3 ? -1 : t * 31 % classes);
  return labels;
}

std::int64_t labelled(const Ids& labels) {
  return tokens - std::count(labels.begin(), labels.end(), std::int64_t{-1});
}

TEST(ReferenceKernels, OfTheLinearCrossEntropyAreItsLossAndGradients) {
  constexpr std::int64_t H = 6;
  // Below one tile of classes, a few tiles that are kept in the cache, so many that they are kept in memory,
  // all chunks at once or some, and so many that they are computed twice.
  const std::vector<std::pair<std::int64_t, std::int64_t>> sizes{
      {3, 0}, {300, 0}, {5000, 0}, {30000, 4}, {50000, 0}};
  for (const auto& [classes, chunk] : sizes) {
    const Ids labels = some_labels(classes);
    expect_equal([&, classes = classes, chunk = chunk](auto kind, Buffers& b) {
      LinearCrossEntropy<double> f{tokens,
                                   H,
                                   classes,
                                   b.in<double>({tokens, H}),
                                   b.in<double>({classes, H}),
                                   b.in<double>({classes}),
                                   labels.data(),
                                   labelled(labels),
                                   chunk,
                                   b.out<double>({1})};
      f.dx = b.out<double>({tokens, H});
      f.dweight = b.out<double>({classes, H});
      f.dbias = b.out<double>({classes});
      linear_cross_entropy(kind, f);
    });
  }
}

TEST(ReferenceKernels, OfTheSampledCrossEntropyAreItsLossAndGradients) {
  constexpr std::int64_t H = 6, C = 40, n = 9;
  const Ids labels = some_labels(C);
  for (const bool shared : {false, true}) {
    Ids negatives;
    for (std::int64_t k = 0; k < (shared ? n : tokens * n); ++k) negatives.push_back(k * 17 % C);
    expect_equal([&](auto kind, Buffers& b) {
      const double* weight = b.in<double>({C, H});
      std::vector<double> rows;
      for (std::int64_t j = 0; j < n; ++j) {
        const double* row = weight + negatives[static_cast<std::size_t>(j)] * H;
        rows.insert(rows.end(), row, row + H);
      }
      SampledCrossEntropy<double> f{tokens,
                                    H,
                                    n,
                                    shared,
                                    b.in<double>({tokens, H}),
                                    weight,
                                    b.in<double>({C}),
                                    labels.data(),
                                    negatives.data(),
                                    rows.data(),
                                    labelled(labels),
                                    0.7,
                                    100,
                                    b.out<double>({1})};
      f.dx = b.out<double>({tokens, H});
      f.dlabel = b.out<double>({tokens});
      if (shared) f.dshared_weight = b.out<double>({n, H}), f.dshared_bias = b.out<double>({n});
      if (!shared) f.dnegatives = b.out<double>({tokens, n});
      sampled_cross_entropy(kind, f);
    });
  }
}

}  // namespace
}  // namespace lrurec::ops::kernels
