#pragma once

#include <complex>
#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// lambda [D], B [D, H], b [D], C [O, D], c [O].
template <class T>
struct LruWeights {
  std::int64_t H, D, O;
  const std::complex<T>*lambda, *B, *b, *C;
  const T* c;
};

/// The arguments of lru, all on the device except host_offsets. Complex rows of D numbers are kept as planes,
/// D real parts and then D imaginary parts, so that each complex product is one real product.
template <class T>
struct Lru {
  std::int64_t sequences;
  const std::int64_t *host_offsets, *offsets;  ///< [sequences + 1]
  LruWeights<T> weights;
  const T* packed;                           ///< the weights as pack_lru left them
  const T* x;                                ///< [tokens, H]
  const std::complex<T>* initial = nullptr;  ///< [S, D]; null: zero
  bool bf16 = false;                         ///< on a CPU, for f32: operands of products in bf16

  std::int64_t tokens() const { return host_offsets[sequences]; }
};

/// What the forward pass writes; null: not wanted (a GPU needs states).
template <class T>
struct LruOutputs {
  T* y = nullptr;                          ///< [tokens, O]
  T* y_last = nullptr;                     ///< [S, O], from the final states
  std::complex<T>* final_state = nullptr;  ///< [S, D]; always wanted; may be Lru::initial
  T* states = nullptr;                     ///< [tokens, 2, D]
};

/// The backward pass reads dy [tokens, O] and dfinal [S, D] (null: zero) and writes the other members, of
/// which dinitial may be null.
template <class T>
struct LruGradients {
  const T* dy = nullptr;
  const std::complex<T>* dfinal = nullptr;
  T* dx = nullptr;
  std::complex<T>*dlambda = nullptr, *dB = nullptr, *db = nullptr, *dC = nullptr;
  T* dc = nullptr;
  std::complex<T>* dinitial = nullptr;
};

/// Puts the weights in the layout that the real products read; it serves until the weights change.
std::int64_t packed_lru_size(Cpu, std::int64_t H, std::int64_t D, std::int64_t O);
std::int64_t packed_lru_size(Cuda, std::int64_t H, std::int64_t D, std::int64_t O);
template <class T>
void pack_lru(Cpu, const LruWeights<T>& weights, T* packed);
template <class T>
void pack_lru(Cuda, const LruWeights<T>& weights, T* packed);

template <class T>
void lru_forward(Cpu, const Lru<T>& f, const LruOutputs<T>& out);
template <class T>
void lru_forward(Cuda, const Lru<T>& f, const LruOutputs<T>& out);

/// states: as the forward pass wrote them.
template <class T>
void lru_backward(Cpu, const Lru<T>& f, const T* states, const LruGradients<T>& gradients);
template <class T>
void lru_backward(Cuda, const Lru<T>& f, const T* states, const LruGradients<T>& gradients);

}  // namespace lrurec::ops::kernels
