#pragma once
// Every function with a namesake in PyTorch, as the recorded cases call it; the other half of the table is
// tools/reference/conformance_table.py, under the same names.

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "ops/ops.h"

namespace lrurec::test {

/// A function on the inputs of a case (those that are indices or masks carry no gradient) and its arguments.
struct ConformingFunction {
  std::string group;
  std::function<Variables(const Variables& x, const nlohmann::json& args)> compute;
};

/// Rows of unary.inc and binary.inc that PyTorch has no function for; none so far.
inline const std::set<std::string> without_namesake{};

inline const std::map<std::string, ConformingFunction>& conforming_functions() {
  using namespace ops;
  using Json = nlohmann::json;
  static const auto table = [] {
    std::map<std::string, ConformingFunction> rows;
    const auto row = [&](const char* group, const char* name, auto compute) {
      rows[name] = {group, [compute](const Variables& x, const Json& args) {
                      using Result = std::invoke_result_t<decltype(compute), const Variables&, const Json&>;
                      if constexpr (std::is_same_v<Result, Variables>) {
                        return compute(x, args);
                      } else {
                        return Variables{Variable(compute(x, args))};
                      }
                    }};
    };
#define ROW(GROUP, NAME, ...) \
  row(GROUP, NAME,            \
      []([[maybe_unused]] const Variables& x, [[maybe_unused]] const Json& a) { return __VA_ARGS__; })
#define UNARY(NAME, KINDS, VALUES, F, DF) ROW("elementwise, one operand", #NAME, NAME(x[0]));
#include "ops/elementwise/unary.inc"
#define BINARY(NAME, KINDS, VALUES, F, DFA, DFB) ROW("elementwise, two operands", #NAME, NAME(x[0], x[1]));
#include "ops/elementwise/binary.inc"

    row("elementwise, two operands", "number", [](const Variables& x, const Json& a) {
      const std::string operation = a["operation"];
      const double number = a["number"];
      const bool left = a["left"];
      if (operation == "add") return left ? number + x[0] : x[0] + number;
      if (operation == "sub") return left ? number - x[0] : x[0] - number;
      if (operation == "mul") return left ? number * x[0] : x[0] * number;
      return left ? number / x[0] : x[0] / number;
    });

    const char* choices = "comparisons and choices";
    ROW(choices, "equal", equal(x[0], x[1]));
    ROW(choices, "not_equal", not_equal(x[0], x[1]));
    ROW(choices, "less", x[0] < x[1]);
    ROW(choices, "less_equal", x[0] <= x[1]);
    ROW(choices, "greater", x[0] > x[1]);
    ROW(choices, "greater_equal", x[0] >= x[1]);
    ROW(choices, "logical_and", raw::logical_and(x[0].value(), x[1].value()));
    ROW(choices, "logical_or", raw::logical_or(x[0].value(), x[1].value()));
    ROW(choices, "logical_not", raw::logical_not(x[0].value()));
    ROW(choices, "where", where(x[0].value(), x[1], x[2]));
    ROW(choices, "where_number", where(x[0].value(), x[1], a["number"].get<double>()));
    ROW(choices, "masked_fill", masked_fill(x[0], x[1].value(), a["number"]));
    ROW(choices, "clamp", clamp(x[0], a["low"], a["high"]));

    const char* numbers = "complex numbers";
    ROW(numbers, "complex", complex(x[0], x[1]));
    ROW(numbers, "polar", polar(x[0], x[1]));
    ROW(numbers, "to_complex", to_complex(x[0]));
    ROW(numbers, "real", real(x[0]));
    ROW(numbers, "imag", imag(x[0]));
    ROW(numbers, "conj", conj(x[0]));
    ROW(numbers, "abs", abs(x[0]));
    ROW(numbers, "angle", angle(x[0]));
    ROW(numbers, "view_as_real", view_as_real(x[0]));
    ROW(numbers, "view_as_complex", view_as_complex(x[0]));

    const char* reductions = "reductions";
    const auto dims = [](const Json& a) { return Dims(a["dims"].get<std::vector<int>>()); };
    row(reductions, "sum", [=](const Variables& x, const Json& a) { return sum(x[0], dims(a), a["keep"]); });
    row(reductions, "mean",
        [=](const Variables& x, const Json& a) { return mean(x[0], dims(a), a["keep"]); });
    row(reductions, "var",
        [=](const Variables& x, const Json& a) { return var(x[0], dims(a), a["correction"], a["keep"]); });
    row(reductions, "norm",
        [=](const Variables& x, const Json& a) { return norm(x[0], dims(a), a["keep"]); });
    row(reductions, "logsumexp",
        [=](const Variables& x, const Json& a) { return logsumexp(x[0], dims(a), a["keep"]); });
    ROW(reductions, "max", max(x[0], a["dim"], a["keep"]));
    ROW(reductions, "min", min(x[0], a["dim"], a["keep"]));
    ROW(reductions, "argmax", raw::argmax(x[0].value(), a["dim"], a["keep"]));
    ROW(reductions, "argmin", raw::argmin(x[0].value(), a["dim"], a["keep"]));
    ROW(reductions, "cumsum", cumsum(x[0], a["dim"]));
    ROW(reductions, "softmax", softmax(x[0], a["dim"]));
    ROW(reductions, "log_softmax", log_softmax(x[0], a["dim"]));
    row(reductions, "top_k", [](const Variables& x, const Json& a) {
      const auto found = top_k(x[0], a["k"]);
      return Variables{found.values, Variable(found.indices)};
    });

    const char* shapes = "shapes and places";
    const auto shape = [](const Json& a) { return Shape(a["shape"].get<std::vector<std::int64_t>>()); };
    row(shapes, "reshape", [=](const Variables& x, const Json& a) { return reshape(x[0], shape(a)); });
    row(shapes, "broadcast_to",
        [=](const Variables& x, const Json& a) { return broadcast_to(x[0], shape(a)); });
    ROW(shapes, "transpose", transpose(x[0], a["dims"][0], a["dims"][1]));
    ROW(shapes, "permute", permute(x[0], a["dims"]));
    ROW(shapes, "flip", flip(x[0], a["dims"]));
    ROW(shapes, "unsqueeze", unsqueeze(x[0], a["dim"]));
    ROW(shapes, "squeeze", squeeze(x[0], a["dim"]));
    ROW(shapes, "slice", slice(x[0], a["dim"], a["start"], a["end"], a["step"]));
    ROW(shapes, "select", select(x[0], a["dim"], a["index"]));
    ROW(shapes, "slice_assign", slice_assign(x[0], a["dim"], a["start"], a["end"], x[1]));
    ROW(shapes, "split", split(x[0], a["size"], a["dim"]));
    ROW(shapes, "unbind", unbind(x[0], a["dim"]));
    ROW(shapes, "concat", concat(x, a["dim"]));
    ROW(shapes, "stack", stack(x, a["dim"]));
    ROW(shapes, "gather", gather(x[0], a["dim"], x[1].value()));
    ROW(shapes, "scatter_add", scatter_add(x[0], a["dim"], x[1].value(), x[2]));
    ROW(shapes, "embedding", embedding(x[0], x[1].value()));

    const char* layers = "products, transforms, layers and losses";
    ROW(layers, "matmul", matmul(x[0], x[1]));
    ROW(layers, "linear", linear(x[0], x[1], x.size() > 2 ? x[2] : Variable()));
    ROW(layers, "layer_norm", layer_norm(x[0], x[1], x[2], a["eps"]));
    ROW(layers, "rms_norm", rms_norm(x[0], x[1], a["eps"]));
    ROW(layers, "conv1d", conv1d(x[0], x[1], x[2].value(), x[3]));
    ROW(layers, "fft", fft(x[0]));
    ROW(layers, "ifft", ifft(x[0]));
    ROW(layers, "rfft", rfft(x[0]));
    ROW(layers, "irfft", irfft(x[0], a["n"]));
    ROW(layers, "cross_entropy", cross_entropy(x[0], x[1].value()));
    ROW(layers, "linear_cross_entropy", linear_cross_entropy(x[0], x[1], x[2], x[3].value()));
    ROW(layers, "mse_loss", mse_loss(x[0], x[1]));
    ROW(layers, "binary_cross_entropy_with_logits", binary_cross_entropy_with_logits(x[0], x[1]));
    ROW(layers, "attention", attention(x[0], x[1].value(), {.heads = a["heads"], .causal = a["causal"]}));
    ROW(layers, "gru", gru(x[0], x[1], x[2], x[3].value()).h);
#undef ROW
    return rows;
  }();
  return table;
}

}  // namespace lrurec::test
