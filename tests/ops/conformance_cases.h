#pragma once
// Reads the cases of tools/reference/conformance.py and compares results with PyTorch's.

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "nn/serialization/safetensors.h"
#include "tests/support/tensors.h"

namespace lrurec::test {

/// A file of cases: a JSON description, and all numbers in a long tensor for each type.
class RecordedCases {
 public:
  using Json = nlohmann::json;

  explicit RecordedCases(const std::filesystem::path& path)
      : file_(nn::read_safetensors(path)), cases_(Json::parse(file_.metadata.at("cases"))) {}

  const Json& cases() const { return cases_; }

  /// An input [dtype, shape, place, layout, shape before a broadcast]: a view of that layout, or dense.
  Tensor input(const Json& described) const {
    const Shape shape = shape_of(described[1]);
    const std::string layout = described.size() > 3 ? described[3].get<std::string>() : "dense";
    const Shape base = layout == "broadcast" ? shape_of(described[4]) : shape;
    const Tensor dense = stored(dtype_of_name(described[0]), base, described[2]);
    if (layout == "broadcast") return dense.broadcast_to(shape);
    if (layout == "transposed") return dense.transpose(0, -1).clone().transpose(0, -1);
    if (layout == "stepped") {
      Shape wide = shape;
      wide[shape.rank() - 1] = 2 * shape.at(-1) + 1;
      Tensor view = Tensor::full(wide, 777, dense.dtype()).slice(-1, 1, wide.at(-1), 2);
      return view.copy_(dense);
    }
    if (layout != "dense") throw std::runtime_error("no layout is called " + layout);
    return dense;
  }

  struct Result {
    Tensor values;
    Tensor slack;  ///< how much further off a part of an element may be than a few ulps; or undefined
    Tensor
        own;  ///< PyTorch's in the precision of the inputs, where it is another kind of number; or undefined
  };
  /// An output [dtype, shape, places].
  Result output(const Json& described) const {
    return result(dtype_of_name(described[0]), shape_of(described[1]), described[2]);
  }
  /// A gradient: places; dtype and shape are those of its input.
  Result gradient(const Json& places, const Tensor& input) const {
    return result(input.dtype(), input.shape(), places);
  }

 private:
  static Shape shape_of(const Json& sizes) { return Shape(sizes.get<std::vector<std::int64_t>>()); }

  static DType dtype_of_name(const std::string& wanted) {
    for (const DType dtype : {DType::boolean, DType::i64, DType::f32, DType::f64, DType::c64, DType::c128}) {
      if (wanted == name(dtype)) return dtype;
    }
    throw std::runtime_error("no dtype is called " + wanted);
  }

  Result result(DType dtype, const Shape& shape, const Json& places) const {
    Result found{stored(dtype, shape, places[0]), {}, {}};
    Shape parts = shape;
    if (is_complex(dtype)) parts.push_back(2);
    if (places.size() > 1 && places[1] >= 0) found.slack = stored(real_of(dtype), parts, places[1]);
    if (places.size() > 2) found.own = stored(dtype, shape, places[2]);
    return found;
  }

  Tensor stored(DType dtype, Shape shape, std::int64_t at) const {
    const DType in_file = dtype == DType::boolean ? DType::i64 : is_complex(dtype) ? real_of(dtype) : dtype;
    if (is_complex(dtype)) shape.push_back(2);
    const Tensor& all = file_.tensors.at(std::string(name(in_file)));
    const Tensor values = all.slice(0, at, at + shape.numel()).clone().reshape(shape);
    return is_complex(dtype) ? values.view_as_complex() : values.to(dtype);
  }

  nn::Safetensors file_;
  Json cases_;
};

/// dL/dy: eighths from -2 to 2 without 0, pseudo-random, as conformance.py makes them.
inline Tensor cotangent(std::int64_t seed, std::int64_t output, const Tensor& like) {
  Shape parts = like.shape();
  if (is_complex(like.dtype())) parts.push_back(2);
  std::vector<double> values(static_cast<std::size_t>(parts.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t place = i + 1 + static_cast<std::uint64_t>(seed * 1000 + output * 100);
    const auto eighths = static_cast<std::int64_t>((place * 2654435761U % (1ULL << 32U) >> 16U) % 32) - 16;
    values[i] = static_cast<double>(eighths + (eighths >= 0 ? 1 : 0)) / 8;
  }
  const Tensor all = Tensor::from(values, parts);
  return (is_complex(like.dtype()) ? all.view_as_complex() : all).to(like.dtype());
}

/// How two numbers can disagree; nothing where they agree.
struct Tolerance {
  double absolute = 0;
  double normal = 0;  ///< the smallest number with all its digits
  bool sign_of_zero = true;
};
inline std::string disagreement(double ours, double theirs, const Tolerance& tolerance) {
  if (std::isnan(ours) != std::isnan(theirs)) return std::isnan(ours) ? "NaN here" : "NaN there";
  if (std::isnan(ours)) return "";
  if (std::isinf(ours) && std::isinf(theirs)) return ours == theirs ? "" : "the other infinity";
  if (std::isinf(ours) || std::isinf(theirs)) return std::isinf(ours) ? "infinite here" : "infinite there";
  if (ours == 0 && theirs == 0) {
    return tolerance.sign_of_zero && std::signbit(ours) != std::signbit(theirs) ? "sign of zero" : "";
  }
  if (std::abs(ours - theirs) <= tolerance.absolute) return "";
  return std::max(std::abs(ours), std::abs(theirs)) <= 32 * tolerance.normal ? "denormal" : "number";
}

/// Half the distance between numbers near 1, the smallest number above 0 and the smallest with all its
/// digits.
struct Precision {
  double eps, least, normal;
};
template <class T>
constexpr Precision precision{std::numeric_limits<T>::epsilon() / 2, std::numeric_limits<T>::denorm_min(),
                              std::numeric_limits<T>::min()};
inline Precision precision_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::c64:
      return precision<float>;
    case DType::f64:
    case DType::c128:
      return precision<double>;
    default:
      return {0, 0, 0};
  }
}

/// Every disagreement of a result with PyTorch's: which kind, and where. A number agrees with PyTorch's of
/// double precision or with its own of the inputs' precision.
struct Found {
  std::string kind, where;
};
inline std::vector<Found> compare(const Tensor& ours, const RecordedCases::Result& theirs,
                                  bool sign_of_zero) {
  constexpr double ulps = 16;
  if (ours.shape() != theirs.values.shape() || ours.dtype() != theirs.values.dtype()) {
    return {{"shape or dtype", std::string(name(ours.dtype())) + ours.shape().str() + " instead of " +
                                   std::string(name(theirs.values.dtype())) + theirs.values.shape().str()}};
  }
  const auto a = values(ours), b = values(theirs.values);
  const auto own = theirs.own.defined() ? values(theirs.own) : b;
  const auto slack =
      theirs.slack.defined() ? theirs.slack.to(DType::f64).to_vector<double>() : std::vector<double>();
  const auto [eps, least, normal] = precision_of(ours.dtype());
  const std::size_t parts = is_complex(ours.dtype()) ? 2 : 1;
  const auto part = [](c128 z, std::size_t which) { return which == 0 ? z.real() : z.imag(); };
  // Which part of a complex number is infinite, and whether the other is NaN, depends on the order in which
  // products were added: it is infinite.
  const auto infinite = [](c128 z) { return std::isinf(z.real()) || std::isinf(z.imag()); };
  std::vector<Found> found;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (parts == 2 && infinite(a[i]) && (infinite(b[i]) || infinite(own[i]))) continue;
    for (std::size_t p = 0; p < parts; ++p) {
      const double here = part(a[i], p), there = part(b[i], p), low = part(own[i], p);
      const double size = std::isfinite(std::abs(b[i])) ? std::abs(b[i])
                          : std::isfinite(there)        ? std::abs(there)
                                                        : 0;
      const Tolerance tolerance{
          ulps * eps * size + (slack.empty() ? 0 : slack[i * parts + p]) + ulps * least / 2, normal,
          sign_of_zero};
      const std::string kind = disagreement(here, there, tolerance);
      if (kind.empty() || disagreement(here, low, tolerance).empty()) continue;
      const auto text = [](c128 z) { return fmt::format("{:.9g}{:+.9g}i", z.real(), z.imag()); };
      found.push_back(
          {kind, fmt::format("element {}: {} here, {} there{}", i, text(a[i]), text(b[i]),
                             theirs.own.defined() ? ", " + text(own[i]) + " there in its precision" : "")});
    }
  }
  return found;
}

}  // namespace lrurec::test
