#include "ops/layer_norm/kernels.h"
#include "ops/primitives/row_norm_cuda.h"

namespace lrurec::ops::kernels {
namespace layer_norm_rows {

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
  const T *weight, *bias;
  T *y, *mean, *rstd;
  template <int N>
  __device__ void store(std::int64_t row, std::int64_t c, Pack<T, N> normal) const {
    const Pack<T, N> w = cuda::load<N>(weight + c), b = cuda::load<N>(bias + c);
    for (int j = 0; j < N; ++j) normal[j] = normal[j] * w[j] + b[j];
    cuda::store(y + row * width + c, normal);
  }
  __device__ void finish(std::int64_t row, T mu, T scale) const {
    mean[row] = mu;
    rstd[row] = scale;
  }
};

template <class T>
struct Saved {
  std::int64_t width;
  const T *dy, *x, *mean, *rstd;
  template <int N>
  __device__ void load(std::int64_t row, std::int64_t c, Pack<T, N>& g, Pack<T, N>& normal) const {
    g = cuda::load<N>(dy + row * width + c);
    normal = cuda::load<N>(x + row * width + c);
    for (int j = 0; j < N; ++j) normal[j] = (normal[j] - mean[row]) * rstd[row];
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

}  // namespace layer_norm_rows

template <class T>
void layer_norm_forward(Cuda, std::int64_t rows, std::int64_t width, const T* x, const T* weight,
                        const T* bias, double eps, T* y, T* mean, T* rstd) {
  const bool fours = cuda::in_fours(width, x, weight, bias, y);
  cuda::normalise_rows<T>("layer_norm", rows, width, eps, fours, layer_norm_rows::Input<T>{width, x},
                          layer_norm_rows::Output<T>{width, weight, bias, y, mean, rstd});
}

template <class T>
void layer_norm_backward(Cuda, std::int64_t rows, std::int64_t width, const T* dy, const T* x,
                         const T* weight, const T* mean, const T* rstd, T* dx, T* dweight, T* dbias) {
  const bool fours = cuda::in_fours(width, dy, x, weight, dx);
  cuda::normalise_rows_backward("layer_norm", rows, width, fours, weight,
                                layer_norm_rows::Saved<T>{width, dy, x, mean, rstd},
                                layer_norm_rows::Gradient<T>{width, dx}, dweight, dbias);
}

#define LAYER_NORM(T)                                                                                  \
  template void layer_norm_forward<T>(Cuda, std::int64_t, std::int64_t, const T*, const T*, const T*,  \
                                      double, T*, T*, T*);                                             \
  template void layer_norm_backward<T>(Cuda, std::int64_t, std::int64_t, const T*, const T*, const T*, \
                                       const T*, const T*, T*, T*, T*);
LAYER_NORM(float)
LAYER_NORM(double)

}  // namespace lrurec::ops::kernels
