#include "ops/gradient_cases/gradient_cases.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/gradient_cases/cases.h"
#include "ops/to/to.h"
#include "tensor/random.h"

namespace lrurec::ops {
namespace {

/// One part (real or imaginary) of every element of an input.
std::vector<double> draw(const InputSpec& spec, const Philox& random, std::uint64_t part) {
  const auto n = static_cast<std::size_t>(spec.shape.numel());
  std::vector<double> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = random.normal(2 * i + part);
  switch (spec.values) {
    case Values::normal:
      break;
    case Values::positive:
      for (auto& v : x) v = 0.5 + std::abs(v);
      break;
    case Values::away_from_zero:
      for (auto& v : x) v += std::copysign(0.2, v);
      break;
    case Values::distinct: {
      std::vector<std::size_t> order(n);
      std::iota(order.begin(), order.end(), 0);
      std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
      for (std::size_t rank = 0; rank < n; ++rank) {
        x[order[rank]] = 0.5 * (static_cast<double>(rank) - static_cast<double>(n) / 2);
      }
      break;
    }
    case Values::unit_disk:  // the modulus is set by the caller
      break;
  }
  return x;
}

double into_disk(double modulus) { return 0.5 + 0.49 * modulus / (1 + modulus); }

}  // namespace

Variables make_inputs(const GradientCase& one, DType real, std::uint64_t seed) {
  Variables inputs;
  for (std::size_t k = 0; k < one.inputs.size(); ++k) {
    const InputSpec& spec = one.inputs[k];
    const Philox random(seed, k);
    std::vector<double> re = draw(spec, random, 0);
    std::vector<double> im = spec.complex ? draw(spec, random, 1) : std::vector<double>(re.size());
    std::vector<c128> z(re.size());
    for (std::size_t i = 0; i < z.size(); ++i) {
      z[i] = {re[i], im[i]};
      if (spec.values == Values::unit_disk) z[i] *= into_disk(std::abs(z[i])) / std::abs(z[i]);
    }
    if (spec.complex) {
      inputs.emplace_back(Tensor::from(z, spec.shape).to(complex_of(real)), true);
    } else {
      std::transform(z.begin(), z.end(), re.begin(), [](c128 x) { return x.real(); });
      inputs.emplace_back(Tensor::from(re, spec.shape).to(real), true);
    }
  }
  return inputs;
}

GradientCase moved_to(GradientCase one, Device device) {
  one.function = [function = one.function, device](const Variables& x) {
    Variables inputs, outputs;
    for (const auto& v : x) inputs.push_back(to(v, device));
    for (const auto& y : function(inputs)) outputs.push_back(to(y, Device{}));
    return outputs;
  };
  return one;
}

GradcheckReport check_gradients(const GradientCase& one, std::uint64_t seed, std::int64_t entries) {
  GradcheckOptions options;
  options.entries = entries;
  return gradcheck(one.name(), one.function, make_inputs(one, DType::f64, seed), options);
}

const std::vector<GradientCase>& gradient_cases() {
  static const Cases all = [] {
    Cases cases;
    add_elementwise_cases(cases);
    add_tensor_cases(cases);
    add_selection_cases(cases);
    add_layer_cases(cases);
    add_sampled_cases(cases);
    add_sequence_cases(cases);
    add_scan_cases(cases);
    return cases;
  }();
  return all;
}

}  // namespace lrurec::ops
