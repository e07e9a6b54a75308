#include "lrurec/model/session.h"

#include <algorithm>
#include <numeric>

#include "ops/feed_forward/kernels.h"
#include "ops/lru/kernels.h"
#include "ops/ops.h"
#include "ops/residual_layer_norm/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::model {

namespace cpu = ops::cpu;

struct IncrementalModel::Weights {
  virtual ~Weights() = default;
  virtual Tensor step(const Tensor& items, Tensor& state) const = 0;
};

template <class T>
struct IncrementalModel::WeightsOf : Weights {
  using Z = std::complex<T>;

  /// Weight and bias of a layer norm.
  struct Norm {
    Tensor weight, bias;
  };
  struct Block {
    cpu::LruPlanes<T> lru;
    Tensor c;  ///< real part of the output projection's bias
    Norm lru_norm, feed_forward_norm;
    Tensor W1, b1, W2, b2;
    cpu::FeedForwardTransposed<T> transposed;
  };

  explicit WeightsOf(const LRURec& model) : config(model.config()) {
    const NoGrad no_grad;
    const auto norm = [&](const std::string& name) {
      return Norm{copy(model, name + ".weight"), copy(model, name + ".bias")};
    };
    embedding = copy(model, "embedding.weight");
    embedding_norm = norm("embedding_layer_norm");
    for (std::int64_t i = 0; i < config.blocks; ++i) {
      const std::string at = "blocks." + std::to_string(i) + ".";
      const Tensor W1 = copy(model, at + "feed_forward.w_1.weight"),
                   b1 = copy(model, at + "feed_forward.w_1.bias"),
                   W2 = copy(model, at + "feed_forward.w_2.weight"),
                   b2 = copy(model, at + "feed_forward.w_2.bias");
      blocks.push_back({planes(model, at + "lru."),
                        ops::raw::real(model.parameter(at + "lru.out_proj.bias").value()).contiguous(),
                        norm(at + "lru_layer_norm"), norm(at + "feed_forward_layer_norm"), W1, b1, W2, b2,
                        cpu::FeedForwardTransposed<T>(feed_forward(0, nullptr, W1, b1, W2, b2))});
    }
  }

  Tensor step(const Tensor& items, Tensor& state) const override {
    const std::int64_t n = items.numel(), H = config.hidden, D = config.channels;
    std::vector<std::int64_t> offsets(static_cast<std::size_t>(n + 1));
    for (std::int64_t i = 0; i <= n; ++i) offsets[static_cast<std::size_t>(i)] = i;  // sequences of one token
    const cpu::LruShape shape{n, H, D, H, offsets.data()};

    Tensor x = Tensor::empty({n, H}, dtype_of<T>), y = Tensor::empty({n, H}, dtype_of<T>);
    const Scratch<T> out(n * H);
    const std::int64_t* ids = items.data<std::int64_t>();
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(embedding.data<T>() + ids[i] * H, H, out.data() + i * H);
    normalise(n, embedding_norm, out.data(), nullptr, x.data<T>());
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const Block& block = blocks[b];
      Z* carried = state.data<Z>() + static_cast<std::int64_t>(b) * n * D;
      cpu::LruInputs<T> in;
      in.x = x.data<T>();
      in.c = block.c.template data<T>();
      in.initial = carried;  // each sequence reads its state before it writes it
      cpu::lru_forward<T>(shape, in, block.lru, out.data(), nullptr, carried, nullptr);
      normalise(n, block.lru_norm, out.data(), x.data<T>(), y.data<T>());
      cpu::feed_forward(feed_forward(n, y.data<T>(), block.W1, block.b1, block.W2, block.b2),
                        block.transposed, x.data<T>());
      if (config.outer_gelu) x = ops::raw::gelu(x);
      std::copy_n(x.data<T>(), n * H, out.data());
      normalise(n, block.feed_forward_norm, out.data(), y.data<T>(), x.data<T>());
    }
    return x;
  }

 private:
  static Tensor copy(const LRURec& model, const std::string& name) {
    return model.parameter(name).value().contiguous().clone();
  }

  cpu::LruPlanes<T> planes(const LRURec& model, const std::string& at) const {
    const auto value = [&](const char* name) { return model.parameter(at + name).value(); };
    const NoGrad no_grad;
    const auto [lambda, B, b] = ops::lru_coefficients(
        Variable(value("nu_log")), Variable(value("theta_log")), Variable(value("gamma_log")),
        Variable(value("in_proj.weight")), Variable(value("in_proj.bias")));
    const Tensor C = value("out_proj.weight").contiguous();
    cpu::LruInputs<T> in;
    in.lambda = lambda.value().template data<Z>();
    in.B = B.value().template data<Z>();
    in.b = b.value().template data<Z>();
    in.C = C.data<Z>();
    return cpu::LruPlanes<T>({0, config.hidden, config.channels, config.hidden, nullptr}, in);
  }

  cpu::FeedForward<T> feed_forward(std::int64_t n, const T* x, const Tensor& W1, const Tensor& b1,
                                   const Tensor& W2, const Tensor& b2) const {
    return {
        n,  config.hidden, W1.size(0), W2.size(0), x, W1.data<T>(), b1.data<T>(), W2.data<T>(), b2.data<T>(),
        0., Philox(0, 0)};
  }

  void normalise(std::int64_t n, const Norm& norm, const T* a, const T* x, T* y) const {
    const cpu::ResidualLayerNorm<T> f{n,
                                      config.hidden,
                                      norm.weight.template data<T>(),
                                      norm.bias.template data<T>(),
                                      config.layer_norm_eps,
                                      DropoutMask(Philox(0, 0), 0)};
    cpu::residual_layer_norm<T>(f, a, x, y, nullptr, nullptr);
  }

  ModelConfig config;
  Tensor embedding;
  Norm embedding_norm;
  std::vector<Block> blocks;
};

/// On a GPU a step is a pass over sequences of one token by the model's own operations.
struct IncrementalModel::OnGpu : Weights {
  OnGpu(const LRURec& model, DType real) : copy(model.config(), 0, real) {
    for (auto& p : copy.named_parameters()) {
      p.variable.set_value(model.parameter(p.name).value().contiguous().clone());
    }
  }

  Tensor step(const Tensor& items, Tensor& state) const override {
    std::vector<std::int64_t> offsets(static_cast<std::size_t>(items.numel() + 1));
    std::iota(offsets.begin(), offsets.end(), 0);
    return copy.continue_from(items, Tensor::from(offsets), state);
  }

 private:
  LRURec copy;
};

IncrementalModel::IncrementalModel(const LRURec& model)
    : config_(model.config()),
      real_(model.parameter("bias").dtype()),
      device_(model.device()),
      items_(model.parameter("embedding.weight").value(), model.parameter("bias").value()) {
  if (device_.is_cuda()) {
    weights_ = std::make_unique<OnGpu>(model, real_);
    return;
  }
  dispatch_real("incremental", real_, [&]<class T>() { weights_ = std::make_unique<WeightsOf<T>>(model); });
}

IncrementalModel::~IncrementalModel() = default;

Tensor IncrementalModel::initial_state(std::int64_t n) const {
  return Tensor::zeros({config_.blocks, n, config_.channels}, complex_of(real_), device_);
}

Tensor IncrementalModel::step(const Tensor& items, Tensor& state) const {
  const Shape wanted{config_.blocks, items.numel(), config_.channels};
  if (items.rank() != 1 || items.dtype() != DType::i64 || state.shape() != wanted ||
      state.dtype() != complex_of(real_) || !state.is_contiguous()) {
    fail(ErrorKind::internal, "[incremental] items: {} {}, state: {} {} must be i64 [n] and dense {} {}",
         name(items.dtype()), items.shape().str(), name(state.dtype()), state.shape().str(),
         name(complex_of(real_)), wanted.str());
  }
  if (state.device() != device_) {
    fail(ErrorKind::internal, "[incremental] the state is on {}, the model is on {}", state.device().str(),
         device_.str());
  }
  const Tensor ids = items.host().contiguous();
  for (std::int64_t i = 0; i < ids.numel(); ++i) {
    const auto item = ids.data<std::int64_t>()[i];
    if (item < 1 || item > config_.num_items) {
      fail(ErrorKind::internal, "[incremental] item {} is not in 1..{}", item, config_.num_items);
    }
  }
  return weights_->step(ids, state);
}

ops::raw::TopK IncrementalModel::top_k(const Tensor& hidden, std::int64_t k,
                                       const ops::raw::ExcludedClasses& excluded) const {
  return ops::raw::linear_top_k(hidden, items_, k, excluded);
}

void Session::observe(std::int64_t item) {
  hidden_ = model_.step(Tensor::from(std::vector<std::int64_t>{item}), state_);
  ++events_;
}

std::vector<Session::Recommendation> Session::recommend(std::int64_t k,
                                                        std::span<const std::int32_t> excluded) const {
  if (!hidden_.defined()) fail(ErrorKind::internal, "[session] there was no event yet");
  std::vector<std::int64_t> out{0};
  out.insert(out.end(), excluded.begin(), excluded.end());
  std::sort(out.begin(), out.end());
  const auto count = std::ssize(out);
  const auto best =
      model_.top_k(hidden_, k, {Tensor::from(std::vector<std::int64_t>{0, count}), Tensor::from(out)});
  const auto ids = best.indices.to_vector<std::int64_t>();
  const auto scores = best.values.to(DType::f64).to_vector<double>();
  std::vector<Recommendation> result;
  for (std::size_t i = 0; i < ids.size() && ids[i] >= 0; ++i) result.push_back({ids[i], scores[i]});
  return result;
}

void Session::set_state(const Tensor& state) {
  if (state.shape() != state_.shape() || state.dtype() != state_.dtype()) {
    fail(ErrorKind::internal, "[session] state: {} {} must be {} {}", name(state.dtype()),
         state.shape().str(), name(state_.dtype()), state_.shape().str());
  }
  state_ = state.to(state_.device()).contiguous().clone();
}

}  // namespace lrurec::model
