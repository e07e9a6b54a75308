#pragma once
// Three recurrent blocks of the literature, written on the public headers. x: [tokens, H] -> [tokens, H] over
// packed sequences, offsets: i64 [S + 1].

#include <lrurec/lrurec.h>

#include <cmath>
#include <vector>

using namespace lrurec;

/// What the tasks train: a layer that mixes the tokens of each sequence and reads no later ones.
struct Block : nn::Module {
  virtual Variable forward(const Variable& x, const IndexTensor& offsets) const = 0;
};

/// The minimal GRU of Feng et al. (2024): its gate sees the input alone, so that h is a linear scan.
///
///   z_t = sigmoid(W_z x_t),  h_t = (1 - z_t) h_{t-1} + z_t W_h x_t
struct MinGru : Block {
  MinGru(std::int64_t width, nn::Initializer& init)
      : gate(width, width, init, nn::WeightScale::fan_in),
        candidate(width, width, init, nn::WeightScale::fan_in) {
    register_module("gate", gate);
    register_module("candidate", candidate);
  }
  Variable forward(const Variable& x, const IndexTensor& offsets) const override {
    const Variable z = ops::sigmoid(gate.forward(x));
    return ops::linear_scan(1 - z, z * candidate.forward(x), offsets).states;
  }
  nn::Linear gate, candidate;
};

/// The real-gated linear recurrent unit of Griffin (De et al., 2024).
///
///   r_t = sigmoid(W_r x_t), i_t = sigmoid(W_i x_t), a_t = sigmoid(Lambda)^(8 r_t)
///   h_t = a_t h_{t-1} + sqrt(1 - a_t^2) i_t x_t
struct RgLru : Block {
  RgLru(std::int64_t width, nn::Initializer& init)
      : recurrence_gate(width, width, init, nn::WeightScale::fan_in),
        input_gate(width, width, init, nn::WeightScale::fan_in),
        lambda(register_parameter("lambda", start(init.uniform({width}, 0.9, 0.999)))) {
    register_module("recurrence_gate", recurrence_gate);
    register_module("input_gate", input_gate);
  }
  Variable forward(const Variable& x, const IndexTensor& offsets) const override {
    const Variable r = ops::sigmoid(recurrence_gate.forward(x)), i = ops::sigmoid(input_gate.forward(x));
    const Variable log_a = -8 * ops::softplus(-lambda) * r;
    return ops::linear_scan(ops::exp(log_a), ops::sqrt(-ops::expm1(2 * log_a)) * i * x, offsets).states;
  }
  /// The Lambda whose sigmoid(Lambda)^8 is a.
  static Tensor start(const Tensor& a) {
    const Variable root = ops::pow(Variable(a), 1.0 / 8);
    return ops::log(root / (1 - root)).value();
  }
  nn::Linear recurrence_gate, input_gate;
  Variable lambda;
};

/// A block as Mamba's (Gu & Dao, 2023): a selective state space with N states a channel, after a short
/// convolution and beside a gate, E channels wide.
///
///   u = silu(conv(W_u x)), delta = softplus(W_delta u + b), B = W_B u, C = W_C u, A < 0
///   h_t[e, n] = exp(delta_t[e] A[e, n]) h_{t-1}[e, n] + delta_t[e] B_t[n] u_t[e]
///   y_t[e] = sum_n C_t[n] h_t[e, n] + D[e] u_t[e],  out = W (y * silu(W_z x))
struct Mamba : Block {
  Mamba(std::int64_t width, nn::Initializer& init, std::int64_t expand = 2, std::int64_t states = 8)
      : E(expand * width),
        N(states),
        input(width, E, init, nn::WeightScale::fan_in),
        gate(width, E, init, nn::WeightScale::fan_in),
        output(E, width, init, nn::WeightScale::fan_in),
        step_size(E, E, init),
        to_state(E, N, init, nn::WeightScale::fan_in),
        from_state(E, N, init, nn::WeightScale::fan_in),
        conv(E, /*kernel=*/4, init),
        // A[e, n] = -(n + 1); steps from about .01 to .1
        log_a(register_parameter("log_a", init.function({E, N},
                                                        [this](std::int64_t i) {
                                                          return std::log(static_cast<double>(i % N + 1));
                                                        }))),
        skip(register_parameter("skip", init.constant({E}, 1))) {
    step_size.bias.set_value(init.uniform({E}, -4.6, -2.3));
    register_module("input", input);
    register_module("gate", gate);
    register_module("output", output);
    register_module("step_size", step_size);
    register_module("to_state", to_state);
    register_module("from_state", from_state);
    register_module("conv", conv);
  }
  Variable forward(const Variable& x, const IndexTensor& offsets) const override {
    const Variable u = ops::silu(conv.forward(input.forward(x), offsets));
    const Variable delta = ops::reshape(ops::softplus(step_size.forward(u)), {-1, E, 1});
    const Variable B = ops::reshape(to_state.forward(u), {-1, 1, N}),
                   C = ops::reshape(from_state.forward(u), {-1, 1, N});
    const Variable decay = ops::exp(-(delta * ops::exp(log_a)));
    const Variable drive = delta * B * ops::reshape(u, {-1, E, 1});
    const Variable h =
        ops::linear_scan(ops::reshape(decay, {-1, E * N}), ops::reshape(drive, {-1, E * N}), offsets).states;
    const Variable y = ops::sum(ops::reshape(h, {-1, E, N}) * C, 2) + skip * u;
    return output.forward(y * ops::silu(gate.forward(x)));
  }
  std::int64_t E, N;
  nn::Linear input, gate, output, step_size, to_state, from_state;
  nn::Conv1d conv;
  Variable log_a, skip;
};
