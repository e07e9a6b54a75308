#include "ops/linear_top_k/class_codes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "tensor/parallel_errors.h"

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#endif

namespace lrurec::ops::kernels {
namespace {

// Four products of a class are summed in 16 bits, two at a time: 8 * 62 * 63 < 2^15.
constexpr int row_limit = 31, class_limit = 63;
static_assert(8 * 2 * row_limit * class_limit < (1 << 15));
constexpr double t = 1.0 / 40;
constexpr float least_scale =
    1e-30F;  ///< smaller numbers go into the error, so that products of scales do not vanish

std::int64_t whole(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

constexpr double most = std::numeric_limits<float>::max();

/// A float that is at least `value`, also among denormal numbers.
float rounded_up(double value) {
  constexpr double least = std::numeric_limits<float>::denorm_min();
  return static_cast<float>(std::min(value * (1 + 1e-6) + least, most));
}

/// x = scale * code + rest, codes within +-limit.
struct Coded {
  float scale = 0;
  double coded_norm = 0, rest_norm = 0, norm = 0;
};
template <class Write>
Coded encode(const std::vector<double>& x, int limit, Write&& write) {
  double largest = 0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  Coded coded;
  const double scale = largest / limit;
  if (scale >= least_scale && scale < most) coded.scale = static_cast<float>(scale);
  const double inverse = coded.scale > 0 ? 1.0 / coded.scale : 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int code = std::clamp(static_cast<int>(std::lrint(x[i] * inverse)), -limit, limit);
    write(static_cast<std::int64_t>(i), code);
    const double part = static_cast<double>(coded.scale) * code;
    coded.norm += x[i] * x[i];
    coded.coded_norm += part * part;
    coded.rest_norm += (x[i] - part) * (x[i] - part);
  }
  coded.norm = std::sqrt(coded.norm);
  coded.coded_norm = std::sqrt(coded.coded_norm);
  coded.rest_norm = std::sqrt(coded.rest_norm);
  return coded;
}

double norm(std::int64_t n, const float* x) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return std::sqrt(sum);
}

/// Classes by falling b + sqrt(H) |w - w0|, the highest score that a row can have after a layer norm. Before
/// them come some hundreds of that order, evenly spaced.
std::vector<std::int64_t> order_of_classes(std::int64_t C, std::int64_t H, const float* weight,
                                           const float* bias, const std::vector<double>& mean) {
  std::vector<double> highest(static_cast<std::size_t>(C));
#pragma omp parallel for schedule(static)
  for (std::int64_t c = 0; c < C; ++c) {
    double sum = 0;
    for (std::int64_t i = 0; i < H; ++i) {
      const double centred = weight[c * H + i] - mean[static_cast<std::size_t>(i)];
      sum += centred * centred;
    }
    highest[static_cast<std::size_t>(c)] = bias[c] + std::sqrt(static_cast<double>(H) * sum);
  }
  std::vector<std::int64_t> order(highest.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::int64_t c) { return highest[static_cast<std::size_t>(c)]; });
  constexpr std::int64_t sample = ClassCodes::sample_tiles * ClassCodes::tile;
  std::vector<std::int64_t> first, rest;
  for (std::int64_t i = 0; i < C; ++i) {
    (i % (C / sample + 1) == 0 ? first : rest).push_back(order[static_cast<std::size_t>(i)]);
  }
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

bool all_finite(std::int64_t n, const float* x) {
  float zero = 0;
  for (std::int64_t i = 0; i < n; ++i) zero += x[i] - x[i];
  return zero == 0;
}

}  // namespace

ClassCodes::ClassCodes(std::int64_t C, std::int64_t H, const float* weight, const float* bias)
    : padded_width_(whole(H, block)),
      tiles_(whole(C, tile) / tile),
      codes_(tiles_ * tile * padded_width_, 0),
      start_(tiles_ * tile, 0),
      scale_(tiles_ * tile, 0),
      bias_(tiles_ * tile, std::numeric_limits<float>::lowest()),
      error_(tiles_ * tile, 0),
      sound_(H <= most_width) {
  sound_ = sound_ && all_finite(C * H, weight) && all_finite(C, bias);
  if (!sound_) return;
  mean_.assign(static_cast<std::size_t>(H), 0);
  for (std::int64_t c = 0; c < C; ++c) {
    for (std::int64_t i = 0; i < H; ++i) mean_[static_cast<std::size_t>(i)] += weight[c * H + i];
  }
  for (double& value : mean_) value /= static_cast<double>(C);
  order_ = order_of_classes(C, H, weight, bias, mean_);
  double largest = 0, largest_centred = 0, largest_bias = 0;
  ParallelErrors errors;
#pragma omp parallel reduction(max : largest, largest_centred, largest_bias)
  {
    std::vector<double> centred;
    errors.attempt([&] { centred.resize(mean_.size()); });
#pragma omp for schedule(static)
    for (std::int64_t place = 0; place < C; ++place) {
      if (centred.empty()) continue;
      const std::int64_t c = id(place);
      for (std::size_t i = 0; i < mean_.size(); ++i) {
        centred[i] = weight[c * H + static_cast<std::int64_t>(i)] - mean_[i];
      }
      std::int8_t* codes = codes_.data() + place / group * group * padded_width_ + place % group * 4;
      std::int32_t sum = 0;
      const Coded coded = encode(centred, class_limit, [&](std::int64_t i, int code) {
        codes[i / 4 * 4 * group + i % 4] = static_cast<std::int8_t>(code);
        sum += code;
      });
      start_[place] = -row_limit * sum;
      scale_[place] = coded.scale;
      bias_[place] = bias[c];
      error_[place] = rounded_up(coded.rest_norm + t * coded.norm);
      largest = std::max(largest, norm(H, weight + c * H));
      largest_centred = std::max(largest_centred, coded.norm);
      largest_bias = std::max(largest_bias, std::abs(static_cast<double>(bias[c])));
    }
  }
  errors.rethrow();
  largest_norm_ = largest + largest_centred;
  largest_bias_ = largest_bias;
  sound_ = 1e4 * largest_norm_ < most;  // a p q must not overflow: |p| is at most 31 sqrt(H)
}

bool code_row(const ClassCodes& classes, std::int64_t H, const float* x, std::uint8_t* codes, CodedRow& row) {
  if (!classes.sound() || !all_finite(H, x)) return false;
  std::fill_n(codes, classes.padded_width(), static_cast<std::uint8_t>(row_limit));
  const Coded coded = encode({x, x + H}, row_limit, [&](std::int64_t i, int code) {
    codes[i] = static_cast<std::uint8_t>(code + row_limit);
  });
  const double largest = coded.norm * classes.largest_norm() + classes.largest_bias();
  if (!(100 * std::max(largest, coded.norm) < most)) return false;
  row.codes = codes;
  row.scale = coded.scale;
  row.error = rounded_up(std::max(coded.coded_norm, coded.rest_norm / t));
  row.rounding = static_cast<double>(H + 64) * 0x1p-23 * largest + std::numeric_limits<float>::min();
  row.shift = 0;
  for (std::int64_t i = 0; i < H; ++i) row.shift += x[i] * classes.mean()[static_cast<std::size_t>(i)];
  return true;
}

#if defined(__AVX2__) && defined(__FMA__)

bool estimate_tile(const ClassCodes& classes, std::int64_t j, const CodedRow& row, float bar,
                   TileEstimates& found) {
  constexpr int groups = 4;  // at once: they share what is read of the row
  const auto load = [](const void* from) { return _mm256_load_si256(static_cast<const __m256i*>(from)); };
  const __m256i ones = _mm256_set1_epi16(1);
  const std::int64_t width = classes.padded_width(), group_codes = ClassCodes::group * width;
  const std::int8_t* const codes = classes.codes(j);
  const std::int32_t* const start = classes.start(j);
  const float *const scale = classes.scale(j), *const bias = classes.bias(j), *const error = classes.error(j);
  found.reached = {};
  for (std::int64_t g = 0; g < ClassCodes::tile / ClassCodes::group; g += groups) {
    __m256i sum[groups];
#pragma GCC unroll 4
    for (int v = 0; v < groups; ++v) sum[v] = load(start + (g + v) * ClassCodes::group);
    for (std::int64_t i = 0; i < width; i += ClassCodes::block) {
      __m256i p[4];
#pragma GCC unroll 4
      for (int part = 0; part < 4; ++part) {
        std::int32_t four;
        std::memcpy(&four, row.codes + i + 4 * part, 4);
        p[part] = _mm256_set1_epi32(four);
      }
#pragma GCC unroll 4
      for (int v = 0; v < groups; ++v) {
        const std::int8_t* q = codes + (g + v) * group_codes + i * ClassCodes::group;
        const __m256i a =
            _mm256_add_epi16(_mm256_maddubs_epi16(p[0], load(q)), _mm256_maddubs_epi16(p[1], load(q + 32)));
        const __m256i b = _mm256_add_epi16(_mm256_maddubs_epi16(p[2], load(q + 64)),
                                           _mm256_maddubs_epi16(p[3], load(q + 96)));
        sum[v] = _mm256_add_epi32(sum[v], _mm256_madd_epi16(_mm256_add_epi16(a, b), ones));
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < groups; ++v) {
      const std::int64_t c = (g + v) * ClassCodes::group;
      const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(sum[v]), _mm256_load_ps(scale + c));
      const __m256 estimate = _mm256_fmadd_ps(_mm256_set1_ps(row.scale), product, _mm256_load_ps(bias + c));
      const __m256 above = _mm256_fmadd_ps(_mm256_set1_ps(row.error), _mm256_load_ps(error + c), estimate);
      _mm256_storeu_ps(found.estimate + c, estimate);
      const __m256 reached = _mm256_cmp_ps(above, _mm256_set1_ps(bar), _CMP_GE_OQ);
      found.reached[static_cast<std::size_t>(c) / 64] |=
          static_cast<std::uint64_t>(_mm256_movemask_ps(reached)) << (c % 64);
    }
  }
  return (found.reached[0] | found.reached[1]) != 0;
}

#else

bool estimate_tile(const ClassCodes& classes, std::int64_t j, const CodedRow& row, float bar,
                   TileEstimates& found) {
  constexpr std::int64_t group = ClassCodes::group;
  const std::int64_t width = classes.padded_width();
  found.reached = {};
  for (std::int64_t g = 0; g < ClassCodes::tile / group; ++g) {
    std::int32_t sum[group];
    std::copy_n(classes.start(j) + g * group, group, sum);
    for (std::int64_t i = 0; i < width; ++i) {
      const std::int8_t* q = classes.codes(j) + g * group * width + i / 4 * 4 * group + i % 4;
      for (std::int64_t c = 0; c < group; ++c) sum[c] += row.codes[i] * q[4 * c];
    }
    for (std::int64_t c = 0; c < group; ++c) {
      const std::int64_t at = g * group + c;
      const float product = static_cast<float>(sum[c]) * classes.scale(j)[at];
      found.estimate[at] = row.scale * product + classes.bias(j)[at];
      const float above = row.error * classes.error(j)[at] + found.estimate[at];
      if (above >= bar) found.reached[static_cast<std::size_t>(at) / 64] |= std::uint64_t{1} << (at % 64);
    }
  }
  return (found.reached[0] | found.reached[1]) != 0;
}

#endif

}  // namespace lrurec::ops::kernels
