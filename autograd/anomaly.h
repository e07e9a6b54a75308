#pragma once
// DetectAnomaly: where did the NaN come from?

#include <string>

#include "tensor/tensor.h"

namespace lrurec {

/// While one of these lives on a thread, the results of its operations are searched for NaN and infinity:
///
/// - backward() throws ErrorKind::non_finite at the first operation whose backward makes a gradient that is
///   infinite or NaN. The error names the operation, the input that the gradient belongs to, its shape and
///   the first such element. It also says whether the gradient that the operation was given was finite. If it
///   was not, another operation or the caller passed it on.
/// - The first recorded operation whose output is not finite although its inputs are is remembered. forward()
///   has it, and that error quotes it. It is no error in itself: a mask of -infinity is right in a softmax.
///
/// Not searched: tensors that no operation recorded (ops::raw, data()), the inside of a fused operation,
/// gradients from outside the thread, and accumulated gradients. Every search reads the whole tensor and
/// waits for a GPU: for debugging only.
class DetectAnomaly {
 public:
  DetectAnomaly();
  ~DetectAnomaly();
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

  /// The first operation that made a NaN or infinity from finite inputs: "log: f64[3] of f64[3], -inf at
  /// [1]". Empty while there was none.
  const std::string& forward() const { return forward_; }

  /// The one that lives on this thread, or null.
  static DetectAnomaly* current();
  /// For the graph: sets forward() unless there is one already.
  void note_forward(std::string text);

 private:
  DetectAnomaly* before_;
  std::string forward_;
};

/// "nan at [0, 2]" for the first element that is infinite or NaN; empty where there is none.
std::string describe_non_finite(const Tensor& t);

}  // namespace lrurec
