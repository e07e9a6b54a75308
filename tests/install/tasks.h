#pragma once
// Two tasks that show whether a block carries something through time, and a network of two blocks to learn
// them.

#include <lrurec/lrurec.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace lrurec;

/// S packed sequences; x or ids, whichever the task has.
struct Batch {
  Tensor x;             ///< f32 [tokens, 2], of the adding problem
  IndexTensor ids;      ///< i64 [tokens], of selective copying
  IndexTensor offsets;  ///< i64 [S + 1]
  Tensor sums;          ///< f32 [S, 1]
  IndexTensor labels;   ///< i64 [tokens], -1 where there is nothing to say
};

/// The adding problem (Hochreiter & Schmidhuber, 1997): numbers in 0..1, two of them marked, whose sum is
/// wanted. Lengths differ. Always answering 1 gives a mean squared error of 1/6.
inline Batch adding_problem(std::uint64_t seed, std::int64_t sequences, std::int64_t longest) {
  const Philox random(seed, 1);
  std::uint64_t draws = 0;
  std::vector<float> x, sums;
  std::vector<std::int64_t> offsets{0};
  for (std::int64_t s = 0; s < sequences; ++s) {
    const auto half = static_cast<std::uint64_t>(longest) / 4;
    const std::uint64_t length = 2 * half + random.below(draws++, 2 * half + 1);
    const std::uint64_t first = random.below(draws++, length / 2),
                        second = length / 2 + random.below(draws++, length - length / 2);
    float sum = 0;
    for (std::uint64_t t = 0; t < length; ++t) {
      const auto value = static_cast<float>(random.uniform(draws++));
      const bool marked = t == first || t == second;
      x.push_back(value);
      x.push_back(marked ? 1.F : 0.F);
      if (marked) sum += value;
    }
    sums.push_back(sum);
    offsets.push_back(offsets.back() + static_cast<std::int64_t>(length));
  }
  return {.x = Tensor::from(x, {offsets.back(), 2}),
          .ids = {},
          .offsets = Tensor::from(offsets),
          .sums = Tensor::from(sums, {sequences, 1}),
          .labels = {}};
}

/// Selective copying (Gu & Dao, 2023): `kept` letters of an alphabet stand somewhere among blanks; after them
/// the same letters are to be said in order. A guess has the loss log(letters).
struct SelectiveCopying {
  std::int64_t letters = 6, kept = 3, length = 20;
  std::int64_t vocabulary() const { return letters + 2; }  // and blank (0), and "say the next" (letters + 1)

  Batch batch(std::uint64_t seed, std::int64_t sequences) const {
    const Philox random(seed, 2);
    std::uint64_t draws = 0;
    std::vector<std::int64_t> ids, labels, offsets{0};
    for (std::int64_t s = 0; s < sequences; ++s) {
      std::vector<std::int64_t> body(static_cast<std::size_t>(length), 0), said;
      for (std::int64_t left = kept; left > 0;) {
        auto& place = body[random.below(draws++, static_cast<std::uint64_t>(length))];
        if (place != 0) continue;
        place = 1 + static_cast<std::int64_t>(random.below(draws++, static_cast<std::uint64_t>(letters)));
        --left;
      }
      for (const auto letter : body) {
        ids.push_back(letter);
        labels.push_back(-1);
        if (letter != 0) said.push_back(letter);
      }
      for (const auto letter : said) {
        ids.push_back(letters + 1);
        labels.push_back(letter);
      }
      offsets.push_back(static_cast<std::int64_t>(ids.size()));
    }
    return {.x = {},
            .ids = Tensor::from(ids),
            .offsets = Tensor::from(offsets),
            .sums = {},
            .labels = Tensor::from(labels)};
  }
};

/// Two blocks, each with a norm before it and a residual round it.
template <class B>
struct Stack : nn::Module {
  Stack(std::int64_t width, nn::Initializer& init) {
    register_module("norms", norms);
    register_module("blocks", blocks);
    for (int i = 0; i < 2; ++i) {
      norms.add(width, 1e-6, init);
      blocks.add(width, init);
    }
  }
  Variable forward(Variable x, const IndexTensor& offsets) const {
    for (std::size_t i = 0; i < blocks.size(); ++i) x += blocks[i].forward(norms[i].forward(x), offsets);
    return x;
  }
  nn::ModuleList<nn::RMSNorm> norms;
  nn::ModuleList<B> blocks;
};

template <class B>
struct AddingNetwork : nn::Module {
  AddingNetwork(std::int64_t width, nn::Initializer& init)
      : input(2, width, init, nn::WeightScale::fan_in),
        stack(width, init),
        output(width, 1, init, nn::WeightScale::fan_in) {
    register_module("input", input);
    register_module("stack", stack);
    register_module("output", output);
  }
  Variable loss(const Batch& batch) const {
    const Variable h = stack.forward(input.forward(Variable(batch.x)), batch.offsets);
    const Variable last = ops::embedding(h, nn::last_tokens(batch.offsets));
    return ops::mse_loss(output.forward(last), Variable(batch.sums));
  }
  nn::Linear input;
  Stack<B> stack;
  nn::Linear output;
};

template <class B>
struct CopyingNetwork : nn::Module {
  CopyingNetwork(std::int64_t vocabulary, std::int64_t width, nn::Initializer& init)
      : embedding(vocabulary, width, init),
        stack(width, init),
        output(width, vocabulary, init, nn::WeightScale::fan_in) {
    embedding.weight.set_value(init.normal({vocabulary, width}));
    register_module("embedding", embedding);
    register_module("stack", stack);
    register_module("output", output);
  }
  Variable loss(const Batch& batch) const {
    return ops::cross_entropy(output.forward(stack.forward(embedding.forward(batch.ids), batch.offsets)),
                              batch.labels);
  }
  nn::Embedding embedding;
  Stack<B> stack;
  nn::Linear output;
};

/// Trains for `steps` steps on ever new batches. Returns the loss on batches that training has not seen.
template <class Network, class Draw>
double fit(Network& network, const Draw& draw, int steps, double lr) {
  nn::AdamW optimizer({{network.named_parameters(), /*weight_decay=*/0.0}}, {.lr = lr});
  const nn::LrSchedule schedule{
      .shape = nn::LrSchedule::Shape::cosine, .warmup_steps = 20, .decay_steps = steps};
  for (int step = 0; step < steps; ++step) {
    const Variable loss = network.loss(draw(static_cast<std::uint64_t>(step)));
    loss.backward();
    optimizer.set_lr(lr * schedule.share(step));
    optimizer.clip_and_step(1.0, loss.value());
    network.zero_grad();
  }
  const NoGrad no_grad;
  double sum = 0;
  for (std::uint64_t i = 0; i < 4; ++i)
    sum += network.loss(draw(1'000'000 + i)).value().template item<float>();
  return sum / 4;
}
