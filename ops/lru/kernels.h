#pragma once

#include <complex>
#include <cstdint>

#include "tensor/device.h"
#include "tensor/scratch.h"

namespace lrurec::ops::cpu {

struct LruShape {
  std::int64_t sequences, H, D, O;
  const std::int64_t* offsets;  ///< [sequences + 1]

  std::int64_t tokens() const { return offsets[sequences]; }
};

/// lambda [D], B [D, H], b [D], C [O, D], c [O], and initial [S, D] or null.
template <class T>
struct LruInputs {
  const T* x = nullptr;  ///< [tokens, H]
  const std::complex<T>*lambda = nullptr, *B = nullptr, *b = nullptr, *C = nullptr;
  const T* c = nullptr;
  const std::complex<T>* initial = nullptr;
};

/// The projections as planes, the way the real products read them.
template <class T>
struct LruPlanes {
  Scratch<T> lambda;     ///< [2 D]: real parts, imaginary parts
  Scratch<T> B, B_rows;  ///< [H, 2 D] and its transpose [2 D, H]
  Scratch<T> b;          ///< [2 D]
  Scratch<T> C, C_rows;  ///< [2 D, O] = [Re C^T; -Im C^T] and its transpose [O, 2 D]

  LruPlanes(const LruShape& shape, const LruInputs<T>& in);
};

/// Gradients, overwritten. dinitial may be null.
template <class T>
struct LruGradients {
  T* dx = nullptr;
  std::complex<T>*dlambda = nullptr, *dB = nullptr, *db = nullptr, *dC = nullptr;
  T* dc = nullptr;
  std::complex<T>* dinitial = nullptr;
};

/// Writes y [tokens, O], y_last [S, O] (of the final states), the final states [S, D], and all states as
/// planes [tokens, 2, D] (real parts, imaginary parts). y, y_last and states may be null: not wanted.
template <class T>
void lru_forward(const LruShape& shape, const LruInputs<T>& in, const LruPlanes<T>& planes, T* y, T* y_last,
                 std::complex<T>* final_state, T* states);

/// dy [tokens, O] and dfinal [S, D] may be null (zero).
template <class T>
void lru_backward(const LruShape& shape, const LruInputs<T>& in, const T* states, const T* dy,
                  const std::complex<T>* dfinal, const LruGradients<T>& gradients);

}  // namespace lrurec::ops::cpu

namespace lrurec::ops::kernels {

/// The same on the GPU: device memory but for host_offsets. `planes` holds the projections as real matrices,
/// which forward and backward share: [Re B; Im B] [2 D, H], then [Re C | -Im C] [O, 2 D].
template <class T>
struct CudaLru {
  std::int64_t sequences, H, D, O;
  const std::int64_t *host_offsets, *offsets;
  cpu::LruInputs<T> in;
  T* planes;  ///< [2 D H + 2 O D]

  std::int64_t tokens() const { return host_offsets[sequences]; }
  T* B() const { return planes; }
  T* C() const { return planes + 2 * D * H; }
};

/// Writes planes, states [tokens, 2, D], final_state [S, D], and y [tokens, O] or y_last [S, O].
template <class T>
void lru_forward(Cuda, const CudaLru<T>& f, T* states, std::complex<T>* final_state, T* y, T* y_last);

/// dy [tokens, O] and dfinal [S, D] may be null (zero).
template <class T>
void lru_backward(Cuda, const CudaLru<T>& f, const T* states, const T* dy, const std::complex<T>* dfinal,
                  const cpu::LruGradients<T>& gradients);

}  // namespace lrurec::ops::kernels
