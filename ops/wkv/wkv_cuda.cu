// A thread takes a channel of a sequence and walks its tokens; neighbouring threads read neighbouring
// channels.

#include "ops/wkv/kernels.h"
#include "ops/wkv/recurrence.h"
#include "tensor/cuda/kernel.h"

namespace lrurec::ops::kernels {
namespace {

template <class T>
__global__ void wkv_forward_kernel(Wkv<T> f, T* y, T* state, T* before) {
  const std::int64_t H = f.H;
  for (std::int64_t i = cuda::global_thread(); i < f.sequences * H; i += cuda::grid_threads()) {
    const std::int64_t s = i / H, c = i % H;
    const wkv::Channel<T> of{f.w[c], f.u[c]};
    T* own = state + s * 3 * H + c;
    wkv::State<T> carried{own[0], own[H], own[2 * H]};
    for (std::int64_t t = f.offsets[s]; t < f.offsets[s + 1]; ++t) {
      const T k = f.k[t * H + c], v = f.v[t * H + c];
      if (before != nullptr) {
        T* kept = before + t * 3 * H + c;
        kept[0] = carried.sum, kept[H] = carried.weight, kept[2 * H] = carried.top;
      }
      y[t * H + c] = wkv::mean(of, carried, k, v).y;
      carried = wkv::advance(of, carried, k, v);
    }
    own[0] = carried.sum, own[H] = carried.weight, own[2 * H] = carried.top;
  }
}

template <class T>
__global__ void wkv_backward_kernel(Wkv<T> f, WkvGradients<T> out) {
  const std::int64_t H = f.H;
  for (std::int64_t i = cuda::global_thread(); i < f.sequences * H; i += cuda::grid_threads()) {
    const std::int64_t s = i / H, c = i % H;
    const wkv::Channel<T> of{f.w[c], f.u[c]};
    wkv::Carry<T> carry{T(0), T(0), static_cast<T>(wkv::lowest)};
    T dw = 0, du = 0;
    for (std::int64_t t = f.offsets[s + 1] - 1; t >= f.offsets[s]; --t) {
      const T* kept = out.before + t * 3 * H + c;
      const wkv::State<T> before{kept[0], kept[H], kept[2 * H]};
      const auto gradients =
          wkv::backward(of, before, f.k[t * H + c], f.v[t * H + c], out.dy[t * H + c], carry);
      out.dk[t * H + c] = gradients.k, out.dv[t * H + c] = gradients.v;
      dw += gradients.w, du += gradients.u;
    }
    out.dw_parts[i] = dw, out.du_parts[i] = du;
  }
}

}  // namespace

template <class T>
void wkv_forward(Cuda, const Wkv<T>& f, T* y, T* state, T* before) {
  cuda::launch("wkv", wkv_forward_kernel<T>, cuda::blocks_for(f.sequences * f.H, 64), 64, 0, f, y, state,
               before);
}

template <class T>
void wkv_backward(Cuda, const Wkv<T>& f, const WkvGradients<T>& out) {
  cuda::launch("wkv", wkv_backward_kernel<T>, cuda::blocks_for(f.sequences * f.H, 64), 64, 0, f, out);
}

#define WKV(T)                                                   \
  template void wkv_forward<T>(Cuda, const Wkv<T>&, T*, T*, T*); \
  template void wkv_backward<T>(Cuda, const Wkv<T>&, const WkvGradients<T>&);
WKV(float)
WKV(double)

}  // namespace lrurec::ops::kernels
