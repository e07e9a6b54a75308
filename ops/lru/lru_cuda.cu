// The linear recurrent unit on a GPU: real products by cuBLAS around the scan of
// ops/primitives/recurrence_cuda.h. The scan turns the rows of the first product into states in place.

#include "ops/lru/kernels.h"
#include "ops/primitives/column_sum_cuda.h"
#include "ops/primitives/fill_cuda.h"
#include "ops/primitives/recurrence_cuda.h"
#include "tensor/cuda/gemm.h"
#include "tensor/cuda/runtime.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::complex, cuda::elements, cuda::global_thread, cuda::grid_threads;

/// Complex projections as planes. One thread for each complex number of B [D, H], then of C [O, D].
template <class T>
__global__ void planes_kernel(std::int64_t H, std::int64_t D, std::int64_t O, const complex<T>* B,
                              const complex<T>* C, T* B_planes, T* C_planes) {
  for (std::int64_t i = global_thread(); i < D * H + O * D; i += grid_threads()) {
    if (i < D * H) {
      B_planes[i] = B[i].real();
      B_planes[D * H + i] = B[i].imag();
    } else {
      const std::int64_t k = i - D * H, o = k / D, d = k % D;
      C_planes[o * 2 * D + d] = C[k].real();
      C_planes[o * 2 * D + D + d] = -C[k].imag();
    }
  }
}

/// Gradients of the planes of B, C and b as complex numbers.
template <class T>
__global__ void unplanes_kernel(std::int64_t H, std::int64_t D, std::int64_t O, const T* B_planes,
                                const T* C_planes, const T* b_planes, complex<T>* B, complex<T>* C,
                                complex<T>* b) {
  for (std::int64_t i = global_thread(); i < D * H + O * D + D; i += grid_threads()) {
    if (i < D * H) {
      B[i] = {B_planes[i], B_planes[D * H + i]};
    } else if (i < D * H + O * D) {
      const std::int64_t k = i - D * H, o = k / D, d = k % D;
      C[k] = {C_planes[o * 2 * D + d], -C_planes[o * 2 * D + D + d]};
    } else {
      const std::int64_t d = i - D * H - O * D;
      b[d] = {b_planes[d], b_planes[D + d]};
    }
  }
}

/// Complex states [S, D] as planes [S, 2, D].
template <class T>
__global__ void to_planes_kernel(std::int64_t count, std::int64_t D, const complex<T>* states, T* planes) {
  for (std::int64_t i = global_thread(); i < count; i += grid_threads()) {
    const std::int64_t s = i / D, d = i % D;
    planes[s * 2 * D + d] = states[i].real();
    planes[s * 2 * D + D + d] = states[i].imag();
  }
}

/// The parts of Lru::packed: [Re B; Im B] [2 D, H], then [Re C | -Im C] [O, 2 D].
template <class T>
const T* packed_B(const Lru<T>& f) {
  return f.packed;
}
template <class T>
const T* packed_C(const Lru<T>& f) {
  return f.packed + 2 * f.weights.D * f.weights.H;
}

/// y [rows, O] = [Re h | Im h] [Re C | -Im C]^T + c
template <class T>
void project_out(const Lru<T>& f, std::int64_t rows, const T* planar_states, T* y) {
  const std::int64_t D = f.weights.D, O = f.weights.O;
  cuda::repeat_row("lru", rows, O, f.weights.c, y);
  cuda::gemm<T>(Read::plain, Read::transpose, rows, O, 2 * D, planar_states, 2 * D, packed_C(f), 2 * D, T(1),
                y, O);
}

template <class T>
cuda::ScanSequences sequences_of(const Lru<T>& f) {
  return {f.sequences, f.weights.D, f.host_offsets, f.offsets};
}

}  // namespace

std::int64_t packed_lru_size(Cuda, std::int64_t H, std::int64_t D, std::int64_t O) { return 2 * D * (H + O); }

template <class T>
void pack_lru(Cuda, const LruWeights<T>& w, T* packed) {
  const std::int64_t D = w.D, H = w.H, O = w.O;
  cuda::launch("lru", planes_kernel<T>, cuda::blocks_for(D * H + O * D), cuda::block_threads, 0, H, D, O,
               elements(w.B), elements(w.C), packed, packed + 2 * D * H);
}

template <class T>
void lru_forward(Cuda, const Lru<T>& f, const LruOutputs<T>& out) {
  using Z = complex<T>;
  const std::int64_t D = f.weights.D, H = f.weights.H;
  // u = x B^T; the scan adds the bias as it reads u
  cuda::gemm<T>(Read::plain, Read::transpose, f.tokens(), 2 * D, H, f.x, H, packed_B(f), H, T(0), out.states,
                2 * D);
  const cuda::PlanarRows<T> u{out.states, D, elements(f.weights.b)}, h{out.states, D};
  cuda::ScanEnds<Z> ends;
  ends.initial = elements(f.initial);
  ends.final_state = elements(out.final_state);
  cuda::scan<false, false>("lru", sequences_of(f), elements(f.weights.lambda), u, h, ends,
                           cuda::LambdaGradient<Z, cuda::PlanarRows<T>>{});
  if (out.y != nullptr) project_out(f, f.tokens(), static_cast<const T*>(out.states), out.y);
  if (out.y_last != nullptr) {
    const cuda::Scratch<T> last(f.sequences * 2 * D);
    cuda::launch("lru", to_planes_kernel<T>, cuda::blocks_for(f.sequences * D), cuda::block_threads, 0,
                 f.sequences * D, D, elements(out.final_state), last.data());
    project_out(f, f.sequences, static_cast<const T*>(last.data()), out.y_last);
  }
}

// dh = dy [Re C | -Im C], g_t = dh_t + conj(lambda) g_{t+1} in place; dx = [Re g | Im g] [Re B; Im B], and
// the weights' gradients by products over all tokens.
template <class T>
void lru_backward(Cuda, const Lru<T>& f, const T* states, const LruGradients<T>& to) {
  using Z = complex<T>;
  const std::int64_t D = f.weights.D, H = f.weights.H, O = f.weights.O, tokens = f.tokens();
  const cuda::Scratch<T> g(tokens * 2 * D), dB(2 * D * H), dC(O * 2 * D), db(2 * D);
  if (to.dy != nullptr) {
    cuda::gemm<T>(Read::plain, Read::plain, tokens, 2 * D, O, to.dy, O, packed_C(f), 2 * D, T(0), g.data(),
                  2 * D);
  } else {
    cuda::fill_zero(g.data(), static_cast<std::size_t>(tokens * 2 * D) * sizeof(T));
  }

  const cuda::ScanSequences sequences = sequences_of(f);
  const std::int64_t pieces = cuda::scan_pieces(sequences);
  const cuda::Scratch<Z> slopes(pieces * D);
  const cuda::PlanarRows<T> rows{g.data(), D}, h{const_cast<T*>(states), D};  // h is only read
  cuda::ScanEnds<Z> ends;
  ends.add_first = elements(to.dfinal);
  ends.carried_out = elements(to.dinitial);
  cuda::scan<true, true>("lru", sequences, elements(f.weights.lambda), rows, rows, ends,
                         cuda::LambdaGradient<Z, cuda::PlanarRows<T>>{slopes.data(), h, elements(f.initial)});
  cuda::column_sum(pieces, D, reinterpret_cast<const std::complex<T>*>(slopes.data()), to.dlambda);

  cuda::gemm<T>(Read::plain, Read::plain, tokens, H, 2 * D, g.data(), 2 * D, packed_B(f), H, T(0), to.dx, H);
  cuda::gemm<T>(Read::transpose, Read::plain, 2 * D, H, tokens, g.data(), 2 * D, f.x, H, T(0), dB.data(), H);
  cuda::column_sum(tokens, 2 * D, g.data(), db.data());
  if (to.dy != nullptr) {
    cuda::gemm<T>(Read::transpose, Read::plain, O, 2 * D, tokens, to.dy, O, states, 2 * D, T(0), dC.data(),
                  2 * D);
    cuda::column_sum(tokens, O, to.dy, to.dc);
  } else {
    cuda::fill_zero(dC.data(), static_cast<std::size_t>(O * 2 * D) * sizeof(T));
    cuda::fill_zero(to.dc, static_cast<std::size_t>(O) * sizeof(T));
  }
  cuda::launch("lru", unplanes_kernel<T>, cuda::blocks_for(D * H + O * D + D), cuda::block_threads, 0, H, D,
               O, dB.data(), dC.data(), db.data(), elements(to.dB), elements(to.dC), elements(to.db));
}

#define LRU(T)                                                             \
  template void pack_lru<T>(Cuda, const LruWeights<T>&, T*);               \
  template void lru_forward<T>(Cuda, const Lru<T>&, const LruOutputs<T>&); \
  template void lru_backward<T>(Cuda, const Lru<T>&, const T*, const LruGradients<T>&);
LRU(float)
LRU(double)

}  // namespace lrurec::ops::kernels
