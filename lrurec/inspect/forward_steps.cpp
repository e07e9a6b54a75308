#include "lrurec/inspect/forward_steps.h"

#include <utility>

#include "lrurec/model/lrurec.h"
#include "ops/ops.h"
#include "tensor/error.h"

namespace lrurec::inspect {
std::vector<ForwardStep> forward_steps(const model::Model& model, std::span<const std::int32_t> items) {
  using namespace ops;
  const auto& config = model.config();
  if (const char* reason = model::unlike_the_papers(config)) {
    fail(ErrorKind::usage, "only the paper's LRURec can be shown line by line, but {}; choose another run",
         reason);
  }
  if (items.empty()) fail(ErrorKind::internal, "[forward_steps] the history is empty");
  const NoGrad no_grad;
  const std::vector<std::int64_t> ids(items.begin(), items.end());
  const IndexTensor rows = IndexTensor(Tensor::from(ids)).to(model.device());
  const IndexTensor whole = IndexTensor(offsets_of_lengths({std::ssize(ids)})).to(model.device());

  std::vector<ForwardStep> steps;
  const auto note = [&](std::string equation, std::string place, Variable value) {
    steps.push_back({std::move(equation), std::move(place), value.value()});
    return value;
  };
  const auto p = [&](const std::string& name) { return model.parameter(name); };
  const auto affine = [&](const Variable& x, const std::string& name) {
    return linear(x, p(name + ".weight"), p(name + ".bias"));
  };
  const auto norm = [&](const Variable& x, const std::string& name) {
    return config.layer_norm ? layer_norm(x, p(name + ".weight"), p(name + ".bias"), config.layer_norm_eps)
                             : x;
  };
  const auto add = [&](const Variable& a, const Variable& x) { return config.residual ? a + x : a; };
  // "LN(a + x)" as far as this model has a norm and a residual.
  const auto joined = [&](const std::string& a, const std::string& x) {
    const std::string sum = config.residual ? a + " + " + x : a;
    return config.layer_norm ? "LN(" + sum + ")" : sum;
  };

  Variable x = note("e = E[item]", "", embedding(p("embedding.weight"), rows));
  if (config.layer_norm) x = note("x = LN(e)", "eq. 7", norm(x, "embedding_layer_norm"));
  std::string in = config.layer_norm ? "x" : "e";  // what the next line reads
  for (std::int64_t n = 0; n < config.blocks; ++n) {
    const std::string block = fmt::format("blocks.{}.", n), lru = block + "lru.";
    const Variable lambda = exp(complex(-exp(p(lru + "nu_log")), exp(p(lru + "theta_log"))));
    const Variable u = note(fmt::format("u = γ (B {} + b)", in), "eq. 5",
                            exp(p(lru + "gamma_log")) * affine(x, lru + "in_proj"));
    const Variable h = note("h_t = λ h_t-1 + u_t", "eq. 5", linear_scan(lambda, u, whole).states);
    const Variable r = note("r = Re(C h + c)", "eq. 5", real(affine(h, lru + "out_proj")));
    const Variable y = note("y = " + joined("r", in), "eq. 9", norm(add(r, x), block + "lru_layer_norm"));
    x = y;
    in = "y";
    if (config.pffn) {
      const std::string network = block + "feed_forward.";
      const Variable inner = note("v = GELU(W1 y + b1)", "eq. 8", gelu(affine(y, network + "w_1")));
      Variable f = affine(inner, network + "w_2");
      if (config.outer_gelu) f = gelu(f);
      note(config.outer_gelu ? "f = GELU(W2 v + b2)" : "f = W2 v + b2", "eq. 8", f);
      x = note("x = " + joined("f", "y"), "eq. 9", norm(add(f, y), block + "feed_forward_layer_norm"));
      in = "x";
    }
  }
  note(fmt::format("scores = E {} + b", in), "eq. 10", linear(x, p("embedding.weight"), p("bias")));
  return steps;
}

}  // namespace lrurec::inspect
