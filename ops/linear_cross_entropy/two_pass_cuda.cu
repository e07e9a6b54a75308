// The prediction head in two passes over the same tiles of scores, which are never stored.
//   First:  rows are tokens. An online softmax: with the largest score m so far, sums of e^(s - m) and of
//           e^(s - m) W, scaled down when m grows -> loss, normaliser, dX.
//   Second: rows are classes. P = softmax - onehot again, from the normaliser -> dW = P^T X, db.
// Each pass may cut its columns into splits (head_tiles.h); a last kernel joins them in order.

#include <cmath>
#include <limits>

#include "ops/linear_cross_entropy/head_tiles.h"
#include "ops/linear_cross_entropy/tile_products_cuda.h"
#include "ops/linear_cross_entropy/two_pass_cuda.h"
#include "tensor/cuda/runtime.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::ops::kernels {
namespace {

constexpr int pass_warps = 4, pass_threads = pass_warps * cuda::warp_size;
template <class Products>
constexpr int warp_rows = 8 * Products::rows;
template <class Products>
constexpr int block_rows = pass_warps* warp_rows<Products>;

/// A matrix [count, H] that is read in tiles.
template <class T>
struct Matrix {
  const T* data;
  std::int64_t count, H;
  bool fours;  ///< rows may be read by fours

  /// Loads some rows from `first` on, 64 elements of each; zeros beyond the matrix.
  template <class Products, int rows>
  __device__ void load(std::int64_t first, std::int64_t feature, T* to) const {
#pragma unroll 2  // more, and the tensor cores' sums do not fit the registers
    for (int i = static_cast<int>(threadIdx.x); i < rows * tile / 4; i += pass_threads) {
      const int row = i / (tile / 4), at = 4 * (i % (tile / 4));
      const std::int64_t k = feature + at;
      const T* from = data + (first + row) * H + k;
      cuda::Pack<T, 4> x{};
      if (first + row < count && k < H) {
        if (fours) {
          x = cuda::load<4>(from);
        } else {
          for (int e = 0; e < 4; ++e) x[e] = k + e < H ? from[e] : T(0);
        }
      }
#pragma unroll
      for (int e = 0; e < 4; ++e) x[e] = Products::rounded(x[e]);
      cuda::store<4>(to + row * tile_pitch + at, x);
    }
  }
};

/// The sum (maximum) over the four lanes that share a row.
template <class T>
__device__ T row_sum(T x, cuda::Place caller = cuda::Place::current()) {
  const cuda::CalledFrom here(caller);
  x += __shfl_xor_sync(cuda::whole_warp, x, 1);
  return x + __shfl_xor_sync(cuda::whole_warp, x, 2);
}
template <class T>
__device__ T row_max(T x, cuda::Place caller = cuda::Place::current()) {
  const cuda::CalledFrom here(caller);
  for (int step = 1; step <= 2; step *= 2) {
    const T other = __shfl_xor_sync(cuda::whole_warp, x, step);
    x = other > x ? other : x;
  }
  return x;
}

/// Stores a lane's part of a row of sums. The block has 64 elements of the row, by blockIdx.z.
template <class Products, class T>
__device__ void store_sum(const T (&sum)[lane_columns], std::int64_t H, T* row) {
#pragma unroll
  for (int i = 0; i < lane_columns; ++i) {
    const std::int64_t h = static_cast<std::int64_t>(blockIdx.z) * tile + Products::feature(i);
    if (h < H) row[h] = sum[i];
  }
}

template <class T>
struct FirstPass {
  Matrix<T> rows, columns;  ///< X, W
  const T* bias;
  const std::int64_t* labels;
  bool gradients;
  T *top, *total, *sums;  ///< of each split: [tokens], [tokens], [tokens, H]
  T* label_score;         ///< [tokens]

  using Column = T;  ///< its bias
  __device__ Column column(std::int64_t c) const {
    return c < columns.count ? bias[c] : -std::numeric_limits<T>::infinity();
  }

  /// The state of a lane's rows. `total` is the part of this lane, `top` that of the whole row.
  template <int R>
  struct State {
    int label[R];  ///< 32 bits: no table of 2^31 classes fits a GPU
    T top[R], total[R];
  };
  template <int R>
  __device__ void begin(State<R>& state, std::int64_t first_row) const {
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const std::int64_t t = first_row + lane_row(r);
      state.label[r] = t < rows.count ? static_cast<int>(labels[t]) : -1;
      state.top[r] = -std::numeric_limits<T>::infinity();
      state.total[r] = 0;
    }
  }

  /// Turns products with W into e^(score - top), and rescales `sum` to the new top.
  template <class Products, int R>
  __device__ void weigh(State<R>& state, const Column* column_bias, std::int64_t first_row,
                        std::int64_t first_column, T (&s)[R][lane_columns], T (&sum)[R][lane_columns]) const {
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const int label = state.label[r] - static_cast<int>(first_column);
      T largest = state.top[r], found = 0;
#pragma unroll
      for (int i = 0; i < lane_columns; ++i) {
        s[r][i] += column_bias[Products::column(i)];
        largest = s[r][i] > largest ? s[r][i] : largest;
        if (Products::column(i) == label) found = s[r][i];
      }
      if (blockIdx.z == 0 && label >= 0 && label < tile && Products::owns(label)) {
        label_score[first_row + lane_row(r)] = found;
      }
      largest = row_max(largest);
      // A row may have seen only classes with a bias of minus infinity, where the difference would be NaN.
      const T base = largest == -std::numeric_limits<T>::infinity() ? T(0) : largest;
      const T factor = std::exp(state.top[r] - base);
      state.top[r] = largest;
      state.total[r] *= factor;
#pragma unroll
      for (int i = 0; i < lane_columns; ++i) {
        s[r][i] = std::exp(s[r][i] - base);
        state.total[r] += s[r][i];
        sum[r][i] *= factor;
      }
    }
  }

  template <class Products, int R>
  __device__ void end(const State<R>& state, std::int64_t first_row, const T (&sum)[R][lane_columns]) const {
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const std::int64_t t = first_row + lane_row(r), at = blockIdx.y * rows.count + t;
      const T whole = row_sum(state.total[r]);
      if (t >= rows.count) continue;
      if (blockIdx.z == 0 && cuda::lane() % 4 == 0) top[at] = state.top[r], total[at] = whole;
      if (gradients) store_sum<Products>(sum[r], rows.H, sums + at * rows.H);
    }
  }
};

template <class T>
struct SecondPass {
  Matrix<T> rows, columns;  ///< W, X
  const T* bias;
  const std::int64_t* labels;
  const T *top, *factor;  ///< [tokens]: P = e^(score - top) factor - onehot scale
  T scale;
  T *dweight, *dbias;  ///< of each split: [classes, H], [classes]

  static constexpr bool gradients = true;
  struct Column {
    T top, factor;
    std::int64_t label;
  };
  __device__ Column column(std::int64_t t) const {
    if (t < columns.count) return {top[t], factor[t], labels[t]};
    return {std::numeric_limits<T>::infinity(), T(0), -1};
  }

  template <int R>
  struct State {
    T bias[R], total[R];
  };
  template <int R>
  __device__ void begin(State<R>& state, std::int64_t first_row) const {
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const std::int64_t c = first_row + lane_row(r);
      state.bias[r] = c < rows.count ? bias[c] : -std::numeric_limits<T>::infinity();
      state.total[r] = 0;
    }
  }

  template <class Products, int R>
  __device__ void weigh(State<R>& state, const Column* tokens, std::int64_t first_row, std::int64_t,
                        T (&s)[R][lane_columns], T (&)[R][lane_columns]) const {
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const std::int64_t c = first_row + lane_row(r);
#pragma unroll
      for (int i = 0; i < lane_columns; ++i) {
        const Column& token = tokens[Products::column(i)];
        s[r][i] = std::exp(s[r][i] + state.bias[r] - token.top) * token.factor;
        if (token.label == c) s[r][i] -= scale;
        state.total[r] += s[r][i];
      }
    }
  }

  template <class Products, int R>
  __device__ void end(const State<R>& state, std::int64_t first_row, const T (&sum)[R][lane_columns]) const {
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const std::int64_t c = first_row + lane_row(r), at = blockIdx.y * rows.count + c;
      const T whole = row_sum(state.total[r]);
      if (c >= rows.count) continue;
      if (blockIdx.z == 0 && cuda::lane() % 4 == 0) dbias[at] = whole;
      store_sum<Products>(sum[r], rows.H, dweight + at * rows.H);
    }
  }
};

/// How many blocks the registers of a multiprocessor should hold at once.
template <class Products>
constexpr int resident = sizeof(typename Products::Real) == 8 ? 1
                         : Products::stages                   ? 3
                                                              : 2;

// A block takes a tile of rows (blockIdx.x), a split of the columns (y), and 64 elements of the sums (z).
template <class Products, class Pass, class T = typename Products::Real>
__global__ void __launch_bounds__(pass_threads, resident<Products>) pass_kernel(Pass pass, HeadTiles tiles) {
  __shared__ typename Pass::Column columns[tile];
  constexpr int R = Products::rows, own_rows = warp_rows<Products>;
  T* a = cuda::shared_memory<T>();
  T *b = a + block_rows<Products> * tile_pitch, *stage = b + (tile + cuda::warp() * own_rows) * tile_pitch;
  const T* own = a + cuda::warp() * own_rows * tile_pitch;
  const std::int64_t H = pass.rows.H,
                     block_row = static_cast<std::int64_t>(blockIdx.x) * block_rows<Products>,
                     row = block_row + cuda::warp() * own_rows,
                     slice = static_cast<std::int64_t>(blockIdx.z) * tile;
  const std::int64_t begin = blockIdx.y * tiles.length, end = begin + tiles.length < tiles.column_tiles
                                                                  ? begin + tiles.length
                                                                  : tiles.column_tiles;
  typename Pass::template State<R> state;
  pass.begin(state, row);
  T sum[R][lane_columns] = {};
  for (std::int64_t k = begin; k < end; ++k) {
    const std::int64_t first = k * tile;
    T s[R][lane_columns] = {};
    std::int64_t h = 0;
    // Runs once even where rows have no elements, for the columns' biases.
    do {
      __syncthreads();  // what lies in the tiles has been used
      if (k == begin || H > tile) pass.rows.template load<Products, block_rows<Products>>(block_row, h, a);
      pass.columns.template load<Products, tile>(first, h, b);
      if (h == 0 && threadIdx.x < tile) columns[threadIdx.x] = pass.column(first + threadIdx.x);
      __syncthreads();
      Products::scores(own, b, s);
    } while ((h += tile) < H);
    pass.template weigh<Products>(state, columns, row, first, s, sum);
    if (!pass.gradients) continue;
    if (H > tile) {  // else the columns' tile is there already
      __syncthreads();
      pass.columns.template load<Products, tile>(first, slice, b);
      __syncthreads();
    }
    Products::accumulate(s, stage, b, sum);
  }
  pass.template end<Products>(state, row, sum);
}

template <class Products, class Pass>
void run_pass(const Pass& pass, const HeadTiles& tiles) {
  const std::int64_t slices = pass.gradients ? (pass.rows.H + tile - 1) / tile : 1;
  constexpr int rows = (Products::stages ? 2 : 1) * block_rows<Products> + tile;
  constexpr std::size_t shared = rows * tile_pitch * sizeof(typename Products::Real);
  cuda::launch("linear_cross_entropy", pass_kernel<Products, Pass>,
               dim3(static_cast<unsigned>(tiles.row_tiles), static_cast<unsigned>(tiles.splits),
                    static_cast<unsigned>(std::max<std::int64_t>(slices, 1))),
               pass_threads, shared, pass, tiles);
}

// A warp takes a token and brings the splits of the first pass to one maximum. It leaves in top[0, ...] and
// total[0, ...] what the second pass reads; for a token without label, values that make its P zero. The
// label's row is rounded like the rows in the sum, since where p is near 1, dX is a small difference of the
// two.
template <class Products, class T = typename Products::Real>
__global__ void __launch_bounds__(pass_threads)
    join_tokens_kernel(FirstPass<T> pass, std::int64_t splits, T scale, T* loss, T* dx) {
  const std::int64_t t = static_cast<std::int64_t>(blockIdx.x) * pass_warps + cuda::warp(),
                     n = pass.rows.count, H = pass.rows.H;
  if (t >= n) return;
  const std::int64_t label = pass.labels[t];
  T largest = pass.top[t], total = 0;
  for (std::int64_t k = 1; k < splits; ++k) {
    const T top = pass.top[k * n + t];
    largest = top > largest ? top : largest;
  }
  for (std::int64_t k = 0; k < splits; ++k) {
    total += pass.total[k * n + t] * std::exp(pass.top[k * n + t] - largest);
  }
  for (std::int64_t h = cuda::lane(); pass.gradients && h < H; h += cuda::warp_size) {
    T sum = 0;
    for (std::int64_t k = 0; k < splits; ++k) {
      sum += pass.sums[(k * n + t) * H + h] * std::exp(pass.top[k * n + t] - largest);
    }
    dx[t * H + h] =
        label < 0 ? T(0) : scale * (sum / total - Products::rounded(pass.columns.data[label * H + h]));
  }
  __syncwarp();  // every lane has read what one of them now replaces
  if (cuda::lane() != 0) return;
  loss[t] = label < 0 ? T(0) : (largest - pass.label_score[t]) + std::log(total);
  pass.top[t] = label < 0 ? std::numeric_limits<T>::infinity() : largest;
  pass.total[t] = label < 0 ? T(0) : scale / total;
}

// Adds the splits of the second pass in order: n elements of dweight, then those of dbias.
template <class T>
__global__ void join_classes_kernel(std::int64_t splits, std::int64_t n, std::int64_t classes,
                                    const T* dweights, const T* dbiases, T* dweight, T* dbias) {
  for (std::int64_t i = cuda::global_thread(); i < n + classes; i += cuda::grid_threads()) {
    const std::int64_t size = i < n ? n : classes, at = i < n ? i : i - n;
    const T* from = (i < n ? dweights : dbiases) + at;
    T sum = from[0];
    for (std::int64_t k = 1; k < splits; ++k) sum += from[k * size];
    (i < n ? dweight : dbias)[at] = sum;
  }
}

template <class Products, class T = typename Products::Real>
void two_passes(const LinearCrossEntropy<T>& f, T* loss) {
  const std::int64_t n = f.tokens, C = f.classes, H = f.H;
  const bool fours = cuda::in_fours(H, f.x, f.weight);
  const Matrix<T> x{f.x, n, H, fours}, weight{f.weight, C, H, fours};

  const HeadTiles by_token(n, C, block_rows<Products>, resident<Products>, f.chunk);
  const std::int64_t parts = by_token.splits;
  const cuda::Scratch<T> top(parts * n), total(parts * n), label_score(n),
      sums(f.wants_gradients() ? parts * n * H : 0);
  const FirstPass<T> first{x,          weight,       f.bias,      f.labels,          f.wants_gradients(),
                           top.data(), total.data(), sums.data(), label_score.data()};
  run_pass<Products>(first, by_token);
  cuda::launch("linear_cross_entropy", join_tokens_kernel<Products>,
               static_cast<unsigned>((n + pass_warps - 1) / pass_warps), pass_threads, 0, first, parts,
               f.scale(), loss, f.dx);
  if (!f.wants_gradients()) return;

  const HeadTiles by_class(C, n, block_rows<Products>, resident<Products>, f.chunk);
  const std::int64_t splits = by_class.splits;
  const bool whole = splits == 1;
  const cuda::Scratch<T> dweights(whole ? 0 : splits * C * H), dbiases(whole ? 0 : splits * C);
  const SecondPass<T> second{weight,
                             x,
                             f.bias,
                             f.labels,
                             top.data(),
                             total.data(),
                             f.scale(),
                             whole ? f.dweight : dweights.data(),
                             whole ? f.dbias : dbiases.data()};
  run_pass<Products>(second, by_class);
  if (whole) return;
  cuda::launch("linear_cross_entropy", join_classes_kernel<T>, cuda::blocks_for(C * H + C), 256, 0, splits,
               C * H, C, dweights.data(), dbiases.data(), f.dweight, f.dbias);
}

}  // namespace

template <>
void two_pass_head(const LinearCrossEntropy<float>& f, float* loss) {
  if (cuda::tf32()) {
    two_passes<Tf32Products>(f, loss);
  } else {
    two_passes<FmaProducts<float>>(f, loss);
  }
}
template <>
void two_pass_head(const LinearCrossEntropy<double>& f, double* loss) {
  two_passes<FmaProducts<double>>(f, loss);
}

}  // namespace lrurec::ops::kernels
