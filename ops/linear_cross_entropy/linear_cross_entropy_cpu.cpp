// Linear layer, softmax and loss by tiles of tokens x classes that stay in cache.
//
//   for each chunk of tokens
//     pass 1, tiles of classes side by side:  S = X E^T + b;  W = exp(S - m), m = row maxima of the tile
//     L = log of the sum of all exp(S): from the tiles' maxima and sums
//     pass 2, tiles of classes side by side:  P = W exp(m - L) scale, minus scale at the label
//                                             dE += P^T X,  db += sum P,  dX += P E
//
// Few classes: the chunk's tiles of W are kept from pass 1 to pass 2. Many classes: they would travel through
// memory, which takes longer than computing them again, so one tile a thread is all there is.

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/linear_cross_entropy/kernels.h"
#include "tensor/simd.h"
#include "tensor/tile_product.h"

namespace lrurec::ops::cpu {
namespace {

constexpr std::int64_t tile_classes = 128;
constexpr std::int64_t kept_bytes = std::int64_t{8} << 20;  // a share of the last cache level

/// Tiles are summed into dX in this many groups, whatever the number of threads: the same bits for any.
constexpr std::int64_t groups = 16;

struct Plan {
  std::int64_t chunk;
  bool keep;  ///< the tiles of a chunk from pass 1 to pass 2
};

template <class T>
Plan make_plan(const HeadShape& shape, std::int64_t tiles, bool two_passes) {
  constexpr std::int64_t few = 256, some = 512, many = 768;
  const auto row_bytes = tiles * tile_classes * static_cast<std::int64_t>(sizeof(T));
  const bool keep = two_passes && row_bytes * few <= kept_bytes;
  const std::int64_t most = keep ? std::min(some, kept_bytes / row_bytes) : many;
  std::int64_t chunk = shape.chunk;
  if (chunk == 0) {  // equal chunks
    const std::int64_t count = std::max<std::int64_t>((shape.tokens + most - 1) / most, 1);
    chunk = (shape.tokens + count - 1) / count;
  }
  chunk = std::clamp<std::int64_t>(chunk, 1, std::max<std::int64_t>(shape.tokens, 1));
  return {chunk, keep && chunk * row_bytes <= 2 * kept_bytes};
}

template <class T>
class Head {
 public:
  Head(const HeadShape& shape, const T* x, const T* weight, const T* bias, const std::int64_t* labels,
       T scale, HeadGradients<T> gradients)
      : shape_(shape),
        x_(x),
        weight_(weight),
        bias_(bias),
        labels_(labels),
        scale_(scale),
        gradients_(gradients),
        tiles_((shape.classes + tile_classes - 1) / tile_classes),
        plan_(make_plan<T>(shape, tiles_, gradients.dx != nullptr)),
        weights_(size(plan_.keep ? tiles_ : threads(), plan_.chunk * tile_classes)),
        transposed_(size(threads(), shape.H * tile_classes)),
        tile_max_(size(tiles_, plan_.chunk)),
        tile_sum_(size(tiles_, plan_.chunk)),
        label_logit_(size(plan_.chunk, 1)),
        log_sum_(size(plan_.chunk, 1)),
        dx_(gradients.dx == nullptr ? 0 : size(groups, plan_.chunk * shape.H)) {}

  double run() {
    if (gradients_.dx != nullptr) {
      std::fill_n(gradients_.dweight, shape_.classes * shape_.H, T(0));
      std::fill_n(gradients_.dbias, shape_.classes, T(0));
    }
    double total = 0;
    for (start_ = 0; start_ < shape_.tokens; start_ += plan_.chunk) {
      tokens_ = std::min(plan_.chunk, shape_.tokens - start_);
#pragma omp parallel for schedule(dynamic, 1)
      for (std::int64_t j = 0; j < tiles_; ++j) compute_weights(j, slot(j));
      total += combine_sums();
      if (gradients_.dx == nullptr) continue;
#pragma omp parallel for schedule(dynamic, 1)
      for (std::int64_t group = 0; group < groups; ++group) add_gradients(group);
      sum_dx();
    }
    return total;
  }

 private:
  using Batch = xsimd::batch<T>;
  static constexpr auto width = static_cast<std::int64_t>(Batch::size);
  static_assert(tile_classes % width == 0);

  static std::size_t size(std::int64_t a, std::int64_t b) { return static_cast<std::size_t>(a * b); }
  static std::int64_t threads() { return omp_get_max_threads(); }
  std::int64_t columns(std::int64_t j) const {
    return std::min(tile_classes, shape_.classes - j * tile_classes);
  }
  T* slot(std::int64_t j) {
    return weights_.data() + (plan_.keep ? j : omp_get_thread_num()) * plan_.chunk * tile_classes;
  }
  const T* rows() const { return x_ + start_ * shape_.H; }
  bool labelled(std::int64_t t) const { return labels_[start_ + t] >= 0; }

  /// Pass 1 for tile j: w = exp(S - m) with its row maxima and sums; also the labels' logits.
  void compute_weights(std::int64_t j, T* w) {
    const std::int64_t first = j * tile_classes, n = columns(j), H = shape_.H;
    T* transposed = transposed_.data() + omp_get_thread_num() * H * tile_classes;
    if (n < tile_classes) std::fill_n(transposed, H * tile_classes, T(0));
    tile_transpose(n, H, weight_ + first * H, H, transposed, tile_classes);
    std::array<T, tile_classes> bias;
    bias.fill(-std::numeric_limits<T>::infinity());  // classes beyond the last weigh nothing
    std::copy_n(bias_ + first, n, bias.data());
    tile_product(TileStart::bias, tokens_, tile_classes, H, TileOperand<T>{rows(), H, 1}, transposed,
                 tile_classes, w, tile_classes, bias.data());
    for (std::int64_t t = 0; t < tokens_; ++t, w += tile_classes) {
      const std::int64_t label = labels_[start_ + t] - first;
      if (label >= 0 && label < n) label_logit_[size(t, 1)] = w[label];
      T top = w[0];
#pragma omp simd reduction(max : top)
      for (std::int64_t c = 0; c < tile_classes; ++c) top = w[c] > top ? w[c] : top;
      if (!std::isfinite(top)) top = 0;
      Batch sum(T(0));
      for (std::int64_t c = 0; c < tile_classes; c += width) {
        const Batch e = xsimd::exp(Batch::load_unaligned(w + c) - Batch(top));
        e.store_unaligned(w + c);
        sum += e;
      }
      tile_max_[size(j, plan_.chunk) + size(t, 1)] = top;
      tile_sum_[size(j, plan_.chunk) + size(t, 1)] = xsimd::hadd(sum);
    }
  }

  /// log_sum_ of every token, and the chunk's sum of losses.
  double combine_sums() {
#pragma omp parallel for schedule(static)
    for (std::int64_t t = 0; t < tokens_; ++t) {
      T top = -std::numeric_limits<T>::infinity();
      for (std::int64_t j = 0; j < tiles_; ++j)
        top = std::max(top, tile_max_[size(j, plan_.chunk) + size(t, 1)]);
      double sum = 0;  // 10^5 classes keep f32's digits
      for (std::int64_t j = 0; j < tiles_; ++j) {
        const std::size_t at = size(j, plan_.chunk) + size(t, 1);
        sum += static_cast<double>(tile_sum_[at] * std::exp(tile_max_[at] - top));
      }
      log_sum_[size(t, 1)] = static_cast<T>(static_cast<double>(top) + std::log(sum));
    }
    double total = 0;
    for (std::int64_t t = 0; t < tokens_; ++t) {
      if (labelled(t)) total += static_cast<double>(log_sum_[size(t, 1)] - label_logit_[size(t, 1)]);
    }
    return total;
  }

  /// Pass 2 for a group of tiles.
  void add_gradients(std::int64_t group) {
    const std::int64_t H = shape_.H;
    T* dx = dx_.data() + group * plan_.chunk * H;
    std::fill_n(dx, tokens_ * H, T(0));
    for (std::int64_t j = tiles_ * group / groups; j < tiles_ * (group + 1) / groups; ++j) {
      const std::int64_t first = j * tile_classes, n = columns(j);
      T* w = slot(j);
      if (!plan_.keep) compute_weights(j, w);
      weights_to_gradient(j, w);
      tile_product(TileStart::sum, tokens_, H, n, TileOperand<T>{w, tile_classes, 1}, weight_ + first * H, H,
                   dx, H);
      tile_product(TileStart::sum, n, H, tokens_, TileOperand<T>{w, 1, tile_classes}, rows(), H,
                   gradients_.dweight + first * H, H);
    }
  }

  /// w becomes P = scale * (softmax - onehot), its column sums go to the gradient of the bias.
  void weights_to_gradient(std::int64_t j, T* w) {
    const std::int64_t first = j * tile_classes, n = columns(j);
    std::array<T, tile_classes> sums{};
    for (std::int64_t t = 0; t < tokens_; ++t, w += tile_classes) {
      const T exponent = tile_max_[size(j, plan_.chunk) + size(t, 1)] - log_sum_[size(t, 1)];
      const Batch factor(labelled(t) ? std::exp(exponent) * scale_ : T(0));
      const std::int64_t label = labels_[start_ + t] - first;
      if (label >= 0 && label < n) sums[size(label, 1)] -= scale_;
      for (std::int64_t c = 0; c < tile_classes; c += width) {
        const Batch p = Batch::load_unaligned(w + c) * factor;
        p.store_unaligned(w + c);
        (Batch::load_unaligned(sums.data() + c) + p).store_unaligned(sums.data() + c);
      }
      if (label >= 0 && label < n) w[label] -= scale_;
    }
    for (std::int64_t c = 0; c < n; ++c) gradients_.dbias[first + c] += sums[size(c, 1)];
  }

  void sum_dx() {
    const std::int64_t count = tokens_ * shape_.H;
    T* out = gradients_.dx + start_ * shape_.H;
#pragma omp parallel for schedule(static)
    for (std::int64_t block = 0; block < count; block += 1024) {
      const std::int64_t end = std::min(count, block + 1024);
      std::copy(dx_.data() + block, dx_.data() + end, out + block);
      for (std::int64_t group = 1; group < groups; ++group) {
        const T* part = dx_.data() + group * plan_.chunk * shape_.H;
        for (std::int64_t i = block; i < end; ++i) out[i] += part[i];
      }
    }
  }

  HeadShape shape_;
  const T *x_, *weight_, *bias_;
  const std::int64_t* labels_;
  T scale_;
  HeadGradients<T> gradients_;
  std::int64_t tiles_;
  Plan plan_;
  std::int64_t start_ = 0, tokens_ = 0;   ///< the chunk at hand
  std::vector<T> weights_;                ///< tiles of [chunk, tile_classes]: one each, or one a thread
  std::vector<T> transposed_;             ///< a tile of E^T for every thread
  std::vector<T> tile_max_, tile_sum_;    ///< [tiles, chunk]
  std::vector<T> label_logit_, log_sum_;  ///< [chunk]
  std::vector<T> dx_;                     ///< [groups, chunk, H]
};

}  // namespace

template <class T>
double linear_cross_entropy(const HeadShape& shape, const T* x, const T* weight, const T* bias,
                            const std::int64_t* labels, T scale, HeadGradients<T> gradients) {
  return Head<T>(shape, x, weight, bias, labels, scale, gradients).run();
}

#define HEAD(T)                                                                           \
  template double linear_cross_entropy<T>(const HeadShape&, const T*, const T*, const T*, \
                                          const std::int64_t*, T, HeadGradients<T>);
HEAD(float)
HEAD(double)

}  // namespace lrurec::ops::cpu
