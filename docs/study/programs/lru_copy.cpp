// The copy task: five symbols, then 30 blanks, then the symbols have to be said in order.
#include <fmt/format.h>

#include "nn/lru.h"
#include "nn/optim/adam.h"
#include "ops/ops.h"
#include "tensor/random.h"

using namespace lrurec;

const std::int64_t B = 16, symbols = 8, copied = 5, wait = 30, L = 2 * copied + wait, H = 32;

struct Copier : nn::Module {
  explicit Copier(nn::Initializer& init)
      : embedding(symbols + 2, H, init), lru(H, 2 * H, init, nn::WeightScale::fan_in), out(H, symbols, init) {
    register_module("embedding", embedding), register_module("lru", lru), register_module("out", out);
  }
  nn::Embedding embedding;
  nn::LRU lru;
  nn::Linear out;
};

int main() {
  nn::Initializer init(1);
  Copier model(init);
  nn::AdamW optimizer({{model.named_parameters()}}, {.lr = 0.01});
  std::vector<std::int64_t> ends;
  for (std::int64_t s = 0; s <= B; ++s) ends.push_back(s * L);
  const IndexTensor offsets = Tensor::from(ends);
  double right = 0;  // share of the symbols, the mean of the last 40 steps
  for (std::uint64_t step = 0; step < 200; ++step) {
    const Philox random(2, step);
    std::vector<std::int64_t> ids(B * L, symbols), labels(B * L, -1);  // blank; no label
    for (std::int64_t s = 0; s < B; ++s) {
      for (std::int64_t i = 0; i < copied; ++i) {
        const auto symbol = static_cast<std::int64_t>(random.below(s * copied + i, symbols));
        ids[s * L + i] = symbol, labels[s * L + copied + wait + i] = symbol;
        ids[s * L + copied + wait + i] = symbols + 1;  // "say it now"
      }
    }
    const Variable x = model.embedding.forward(Tensor::from(ids));
    const Variable logits = model.out.forward(model.lru.forward(x, offsets).y);
    const Variable loss = ops::cross_entropy(logits, Tensor::from(labels));
    model.zero_grad();
    loss.backward();
    optimizer.clip_and_step(1.0);
    const auto said = ops::raw::argmax(logits.value(), 1).to_vector<std::int64_t>();
    std::int64_t hits = 0;
    for (std::size_t t = 0; t < labels.size(); ++t) hits += said[t] == labels[t];
    if (step >= 160) right += static_cast<double>(hits) / (B * copied) / 40;
  }
  fmt::print("chance: {:.3f} right; after 200 steps above .95: {}\n", 1.0 / symbols,
             right > 0.95 ? "yes" : "no");
}
