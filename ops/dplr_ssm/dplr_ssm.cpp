#include "ops/dplr_ssm/dplr_ssm.h"

#include <array>

#include "ops/complex/complex.h"
#include "ops/dplr_ssm/kernels.h"
#include "ops/elementwise/elementwise.h"
#include "ops/linear_scan/offsets.h"
#include "ops/reduce/reduce.h"
#include "ops/shape/shape_ops.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

struct DplrSsmInputs {
  Tensor u, a, e, f, b, c, offsets;

  std::int64_t sequences() const { return offsets.numel() - 1; }
  std::int64_t H() const { return a.size(0); }
  std::int64_t N() const { return a.size(1); }
  Tensor states() const { return Tensor::zeros({sequences(), H() * N()}, a.dtype(), u.device()); }

  /// g<T>(device, arguments)
  template <class F>
  void run(F&& g) const {
    dispatch_real("dplr_ssm", u.dtype(), [&]<class T>() {
      const KernelCall call("dplr_ssm", u.device());
      const auto pairs = [](const Tensor& z) -> const T* { return z.view_as_real().data<T>(); };
      const kernels::DplrSsm<T> arguments{
          sequences(), u.size(0), H(),      N(),     offsets.data<std::int64_t>(), u.data<T>(), pairs(a),
          pairs(e),    pairs(f),  pairs(b), pairs(c)};
      on_device("dplr_ssm", u.device(), [&](auto where) { g.template operator()<T>(where, arguments); });
    });
  }
};

DplrSsmInputs inputs(const Tensor& u, const DplrMatrices& m, const IndexTensor& offsets) {
  const Tensor& a = m.a.value();
  if (u.rank() != 2 || a.rank() != 2 || a.size(0) != u.size(1) || a.dtype() != complex_of(u.dtype())) {
    fail_op("dplr_ssm", "u: {} {} and a: {} {} must be [tokens, H] and complex [H, N]", name(u.dtype()),
            u.shape().str(), name(a.dtype()), a.shape().str());
  }
  for (const Variable* other : {&m.e, &m.f, &m.b, &m.c}) {
    if (other->value().shape() == a.shape() && other->value().dtype() == a.dtype()) continue;
    fail_op("dplr_ssm", "e, f, b and c must be {} {} like a, not {} {}", name(a.dtype()), a.shape().str(),
            name(other->value().dtype()), other->value().shape().str());
  }
  check_offsets("dplr_ssm", offsets, u.size(0));
  return {u.contiguous(),
          a.contiguous(),
          m.e.value().contiguous(),
          m.f.value().contiguous(),
          m.b.value().contiguous(),
          m.c.value().contiguous(),
          offsets.to(u.device()).values()};
}

raw::DplrSsmResult forward(const DplrSsmInputs& in, const Tensor& initial) {
  const Tensor y = Tensor::empty(in.u.shape(), in.u.dtype(), in.u.device());
  const Tensor state = initial.defined() ? initial.contiguous().clone() : in.states();
  in.run([&]<class T>(auto where, const kernels::DplrSsm<T>& arguments) {
    kernels::dplr_ssm_forward(where, arguments, y.data<T>(), state.view_as_real().data<T>());
  });
  return {y, state};
}

}  // namespace

raw::DplrSsmResult raw::dplr_ssm(const Tensor& u, const DplrMatrices& m, const IndexTensor& offsets,
                                 const Tensor& state) {
  const DplrSsmInputs in = inputs(u, m, offsets);
  if (state.defined() &&
      (state.shape() != Shape{in.sequences(), in.H() * in.N()} || state.dtype() != in.a.dtype())) {
    fail_op("dplr_ssm", "state: {} {} must be {} [{}, {}]", name(state.dtype()), state.shape().str(),
            name(in.a.dtype()), in.sequences(), in.H() * in.N());
  }
  return forward(in, state);
}

// The equations are in the header. The backward pass computes the states again.
Variable dplr_ssm(const Variable& u, const DplrMatrices& m, const IndexTensor& offsets) {
  const DplrSsmInputs in = inputs(u.value(), m, offsets);
  return record(
      "dplr_ssm", {u, m.a, m.e, m.f, m.b, m.c}, forward(in, {}).y, [in](const Tensor& grad, const Needs&) {
        const Tensor dy = grad.contiguous(), du = Tensor::empty(in.u.shape(), in.u.dtype(), in.u.device());
        std::array<Tensor, 5> parts;
        for (Tensor& part : parts) part = in.states();
        in.run([&]<class T>(auto where, const kernels::DplrSsm<T>& arguments) {
          const auto pairs = [&](std::size_t i) -> T* { return parts[i].view_as_real().data<T>(); };
          kernels::dplr_ssm_backward<T>(where, arguments, dy.data<T>(), du.data<T>(),
                                        {pairs(0), pairs(1), pairs(2), pairs(3), pairs(4)});
        });
        Tensors gradients{du};
        for (const Tensor& part : parts) {
          gradients.push_back(raw::sum(part, {0}).reshape(in.a.shape()));
        }
        return gradients;
      });
}

Variable dplr_ssm_composed(const Variable& u, const DplrMatrices& m, const IndexTensor& offsets) {
  const DplrSsmInputs in = inputs(u.value(), m, offsets);
  const auto ends = offsets.host().to_vector<std::int64_t>();
  const auto twice_real = [](const Variable& z) { return sum(real(z), {1}, /*keep_dims=*/true) * 2.0; };
  std::vector<Variable> rows;
  for (std::size_t s = 0; s + 1 < ends.size(); ++s) {
    Variable state(Tensor::zeros(in.a.shape(), in.a.dtype(), in.u.device()));
    for (std::int64_t t = ends[s]; t < ends[s + 1]; ++t) {
      const Variable rho = twice_real(m.f * state), input = reshape(slice(u, 0, t, t + 1), {in.H(), 1});
      state = m.a * state - m.e * rho + m.b * input;
      rows.push_back(reshape(twice_real(m.c * state), {1, in.H()}));
    }
  }
  return rows.empty() ? u * 1.0 : concat(rows, 0);
}

}  // namespace lrurec::ops
