#pragma once
// DetectAnomaly: where did the NaN come from?

#include <string>

#include "tensor/tensor.h"

namespace lrurec {

/// While one of these lives on a thread, what its operations compute is looked at:
///
/// - backward() throws ErrorKind::non_finite at the first operation whose backward makes a gradient that is
///   infinite or NaN. The error names that operation, the input that the gradient is of, shapes and the first
///   such element, and whether the gradient that it was given was finite: if not, an operation or the caller
///   handed it on.
/// - An output of a recorded operation that is not finite, of inputs that are, is remembered: the first one
/// is
///   forward(), and part of that error. It is no error in itself: a mask of -infinity is right in a softmax.
///
/// What is not looked at: tensors that no operation recorded (ops::raw, data()), the inside of a fused
/// operation, gradients from outside the thread, and accumulated gradients. Every look reads the whole
/// tensor, and waits for a GPU: for debugging only.
class DetectAnomaly {
 public:
  DetectAnomaly();
  ~DetectAnomaly();
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

  /// The first operation that made a number which is not finite of finite ones: "log: f64[3] of f64[3], -inf
  /// at [1]". Empty while there was none.
  const std::string& forward() const { return forward_; }

  /// The one that lives on this thread, or null.
  static DetectAnomaly* current();
  void note_forward(std::string text);

 private:
  DetectAnomaly* before_;
  std::string forward_;
};

/// "nan at [0, 2]" for the first element that is infinite or NaN; empty where there is none.
std::string describe_non_finite(const Tensor& t);

}  // namespace lrurec
