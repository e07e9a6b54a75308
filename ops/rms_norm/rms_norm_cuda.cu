#include "ops/primitives/row_norm_cuda.h"
#include "ops/rms_norm/kernels.h"

namespace lrurec::ops::kernels {
namespace rms_norm_rows {

using cuda::Pack;

template <class T>
struct Input {
  std::int64_t width;
  const T* x;
  template <int N>
  __device__ Pack<T, N> load(std::int64_t row, std::int64_t c) const {
    return cuda::load<N>(x + row * width + c);
  }
};

template <class T>
struct Output {
  std::int64_t width;
  const T* weight;
  T *y, *scale;
  template <int N>
  __device__ void store(std::int64_t row, std::int64_t c, Pack<T, N> normal) const {
    const Pack<T, N> w = cuda::load<N>(weight + c);
    for (int j = 0; j < N; ++j) normal[j] *= w[j];
    cuda::store(y + row * width + c, normal);
  }
  __device__ void finish(std::int64_t row, T, T of_row) const { scale[row] = of_row; }
};

template <class T>
struct Saved {
  std::int64_t width;
  const T *dy, *x, *rstd;
  template <int N>
  __device__ void load(std::int64_t row, std::int64_t c, Pack<T, N>& g, Pack<T, N>& normal) const {
    g = cuda::load<N>(dy + row * width + c);
    normal = cuda::load<N>(x + row * width + c);
    for (int j = 0; j < N; ++j) normal[j] *= rstd[row];
  }
};

template <class T>
struct Gradient {
  std::int64_t width;
  T* dx;
  template <int N>
  __device__ void store(std::int64_t row, std::int64_t c, const Pack<T, N>& d) const {
    cuda::store(dx + row * width + c, d);
  }
};

}  // namespace rms_norm_rows

template <class T>
void rms_norm_forward(Cuda, std::int64_t rows, std::int64_t width, const T* x, const T* weight, double eps,
                      T* y, T* scale) {
  const bool fours = cuda::in_fours(width, x, weight, y);
  cuda::normalise_rows<T, false>("rms_norm", rows, width, eps, fours, rms_norm_rows::Input<T>{width, x},
                                 rms_norm_rows::Output<T>{width, weight, y, scale});
}

template <class T>
void rms_norm_backward(Cuda, std::int64_t rows, std::int64_t width, const T* dy, const T* x, const T* weight,
                       const T* scale, T* dx, T* dweight) {
  const bool fours = cuda::in_fours(width, dy, x, weight, dx);
  const cuda::Scratch<T> unused(width);  // the gradient of a bias, which RMS norm does not have
  cuda::normalise_rows_backward<false>("rms_norm", rows, width, fours, weight,
                                       rms_norm_rows::Saved<T>{width, dy, x, scale},
                                       rms_norm_rows::Gradient<T>{width, dx}, dweight, unused.data());
}

#define RMS_NORM(T)                                                                                        \
  template void rms_norm_forward<T>(Cuda, std::int64_t, std::int64_t, const T*, const T*, double, T*, T*); \
  template void rms_norm_backward<T>(Cuda, std::int64_t, std::int64_t, const T*, const T*, const T*,       \
                                     const T*, T*, T*);
RMS_NORM(float)
RMS_NORM(double)

}  // namespace lrurec::ops::kernels
