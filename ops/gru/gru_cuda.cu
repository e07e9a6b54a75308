// A block takes a sequence, and a thread one of its channels (or several, where states are wide). The state
// lies in shared memory, where every thread reads it for its rows of U. There are two barriers for each
// token.

#include "ops/gru/kernels.h"
#include "tensor/cuda/kernel.h"
#include "tensor/error.h"

namespace lrurec::ops::kernels {
namespace {

template <class T>
__device__ T sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

constexpr int most_threads = 1024;

template <class T>
__global__ void __launch_bounds__(most_threads) gru_forward_kernel(Gru<T> f, T* h, T* final_state, T* kept) {
  T* state = cuda::shared_memory<T>();  // [2][H]: before and after a token
  const std::int64_t s = blockIdx.x, H = f.H;
  for (std::int64_t k = threadIdx.x; k < H; k += blockDim.x) {
    state[k] = f.initial == nullptr ? T(0) : f.initial[s * H + k];
  }
  __syncthreads();
  for (std::int64_t token = f.offsets[s]; token < f.offsets[s + 1]; ++token) {
    T* after = state + H;
    for (std::int64_t k = threadIdx.x; k < H; k += blockDim.x) {
      T a_r = 0, a_z = 0, m = 0;
      for (std::int64_t j = 0; j < H; ++j) {
        const T* column = f.columns + j * 3 * H + k;
        a_r += state[j] * column[0];
        a_z += state[j] * column[H];
        m += state[j] * column[2 * H];
      }
      m += f.c[k];
      const T* g = f.g + token * 3 * H + k;
      const T r = sigmoid(g[0] + a_r), z = sigmoid(g[H] + a_z), n = std::tanh(g[2 * H] + r * m);
      after[k] = n + z * (state[k] - n);
      h[token * H + k] = after[k];
      if (kept != nullptr) {
        T* keep = kept + token * 4 * H + k;
        keep[0] = r, keep[H] = z, keep[2 * H] = n, keep[3 * H] = m;
      }
    }
    __syncthreads();
    for (std::int64_t k = threadIdx.x; k < H; k += blockDim.x) state[k] = after[k];
    __syncthreads();
  }
  for (std::int64_t k = threadIdx.x; k < H; k += blockDim.x) final_state[s * H + k] = state[k];
}

template <class T>
__global__ void __launch_bounds__(most_threads) gru_backward_kernel(Gru<T> f, GruGradients<T> out) {
  T* da = cuda::shared_memory<T>();  // [3 H]
  T* carried = da + 3 * f.H;         // [H]: dh from the token after
  const std::int64_t s = blockIdx.x, H = f.H;
  for (std::int64_t k = threadIdx.x; k < H; k += blockDim.x) {
    carried[k] = out.dfinal == nullptr ? T(0) : out.dfinal[s * H + k];
  }
  for (std::int64_t token = f.offsets[s + 1] - 1; token >= f.offsets[s]; --token) {
    for (std::int64_t k = threadIdx.x; k < H; k += blockDim.x) {
      const T* keep = out.kept + token * 4 * H + k;
      const T r = keep[0], z = keep[H], n = keep[2 * H], m = keep[3 * H];
      const T h = token > f.offsets[s]   ? out.h[(token - 1) * H + k]
                  : f.initial == nullptr ? T(0)
                                         : f.initial[s * H + k];
      out.before[token * H + k] = h;
      const T d = carried[k] + (out.dh == nullptr ? T(0) : out.dh[token * H + k]);
      const T dn = d * (1 - z) * (1 - n * n), dz = d * (h - n) * z * (1 - z), dr = dn * m * r * (1 - r);
      T *dg = out.dg + token * 3 * H + k, *keep_da = out.da + token * 3 * H + k;
      dg[0] = dr, dg[H] = dz, dg[2 * H] = dn;
      keep_da[0] = da[k] = dr;
      keep_da[H] = da[H + k] = dz;
      keep_da[2 * H] = da[2 * H + k] = dn * r;
      carried[k] = d * z;
    }
    __syncthreads();
    for (std::int64_t k = threadIdx.x; k < H; k += blockDim.x) {
      T sum = carried[k];
      for (std::int64_t j = 0; j < 3 * H; ++j) sum += da[j] * f.U[j * H + k];
      carried[k] = sum;
    }
    __syncthreads();
  }
  for (std::int64_t k = threadIdx.x; k < H && out.dinitial != nullptr; k += blockDim.x) {
    out.dinitial[s * H + k] = carried[k];
  }
}

unsigned threads_for(std::int64_t H) {
  return static_cast<unsigned>(
      std::min<std::int64_t>(most_threads, (H + cuda::warp_size - 1) / cuda::warp_size * cuda::warp_size));
}

/// Bytes of shared memory for `rows` rows of H.
template <class T>
std::size_t shared_bytes(int rows, std::int64_t H) {
  constexpr std::size_t most = 227 * 1024;  // of a block, on an H100; an A100 has less, and says so itself
  const std::size_t of_one = static_cast<std::size_t>(rows) * sizeof(T),
                    bytes = of_one * static_cast<std::size_t>(H);
  if (bytes > most) {
    fail_op("gru", "a state of {} channels does not fit into a block's shared memory; on a GPU {} do at most",
            H, most / of_one);
  }
  return bytes;
}

}  // namespace

template <class T>
void gru_forward(Cuda, const Gru<T>& f, T* h, T* final_state, T* kept) {
  if (f.H == 0) return;
  cuda::launch("gru", gru_forward_kernel<T>, static_cast<unsigned>(f.sequences), threads_for(f.H),
               shared_bytes<T>(2, f.H), f, h, final_state, kept);
}

template <class T>
void gru_backward(Cuda, const Gru<T>& f, const GruGradients<T>& out) {
  if (f.H == 0) return;
  cuda::launch("gru", gru_backward_kernel<T>, static_cast<unsigned>(f.sequences), threads_for(f.H),
               shared_bytes<T>(4, f.H), f, out);
}

#define GRU(T)                                                   \
  template void gru_forward<T>(Cuda, const Gru<T>&, T*, T*, T*); \
  template void gru_backward<T>(Cuda, const Gru<T>&, const GruGradients<T>&);
GRU(float)
GRU(double)

}  // namespace lrurec::ops::kernels
