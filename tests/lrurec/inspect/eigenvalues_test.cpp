#include "lrurec/inspect/eigenvalues.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lrurec/model/lrurec.h"
#include "tests/support/tensors.h"

namespace lrurec::inspect {
namespace {

const model::ModelConfig small{.num_items = 7, .hidden = 4, .channels = 9, .blocks = 3};

TEST(Eigenvalues, AreThoseOfEveryBlock) {
  const model::LRURec model(small, 5);
  const auto blocks = eigenvalues(model);
  ASSERT_EQ(blocks.size(), 3U);
  const auto means = model.mean_abs_lambda();
  for (std::size_t b = 0; b < 3; ++b) {
    ASSERT_EQ(blocks[b].size(), 9U);
    EXPECT_NEAR(mean_abs(blocks[b]), means[b], 1e-6);
  }
  EXPECT_NE(blocks[0], blocks[1]);
}

TEST(Eigenvalues, OfAnotherBackboneAreAnErrorThatNamesIt) {
  const model::LRURec model({.num_items = 7, .hidden = 4, .channels = 4, .blocks = 1, .backbone = "s4"}, 5);
  test::expect_error(ErrorKind::usage,
                     "LRURec with the backbone s4 has no channels with an eigenvalue each; LRURec with lru, "
                     "gated-lru, s4d or rwkv has",
                     [&] { eigenvalues(model); });
  test::expect_error(ErrorKind::internal, "are the LRU's", [&] { mean_definitions(model); });
}

TEST(Eigenvalues, OfOtherBackbonesAreThoseOfTheirStates) {
  for (const std::string backbone : {"s4d", "rwkv", "gated-lru"}) {
    const model::ModelConfig config{
        .num_items = 7, .hidden = 4, .channels = 9, .blocks = 2, .backbone = backbone};
    const auto blocks = eigenvalues(model::LRURec(config, 5));
    ASSERT_EQ(blocks.size(), 2U);
    for (const auto& block : blocks) {
      EXPECT_EQ(block.size(), backbone == "s4d" ? 128U : backbone == "rwkv" ? 4U : 9U);
      for (const auto z : block) {
        EXPECT_GE(std::abs(z), 0);
        EXPECT_LT(std::abs(z), 1);
      }
    }
    EXPECT_EQ(blocks, initial_eigenvalues(config, 5));
  }
}

TEST(Eigenvalues, BeforeTrainingLieInTheRing) {
  EXPECT_EQ(initial_eigenvalues(small, 5), eigenvalues(model::LRURec(small, 5)));
  EXPECT_NE(initial_eigenvalues(small, 5), initial_eigenvalues(small, 6));
  for (const auto& block : initial_eigenvalues(small, 5)) {
    for (const auto z : block) {
      EXPECT_GE(std::abs(z), 0.8 - 1e-6);
      EXPECT_LE(std::abs(z), 0.99 + 1e-6);
    }
  }
}

TEST(Eigenvalues, HalfLifeIsWhenHalfIsLeft) {
  for (const std::complex<double> z : {std::polar(0.5, 1.0), std::polar(0.9, -2.0), std::polar(0.999, 0.0)}) {
    EXPECT_NEAR(std::pow(std::abs(z), half_life(z)), 0.5, 1e-12);
  }
  EXPECT_EQ(half_life(0), 0);
  EXPECT_NEAR(median_half_life({std::polar(0.25, 1.0), std::polar(0.5, 2.0), 0.99}), 1, 1e-12);
  // Half-lives 1/2, 1, 2 and 69.
  EXPECT_NEAR(median_half_life({std::polar(std::sqrt(0.5), 3.0), std::polar(0.25, 1.0), 0.99, 0.5}), 1.5,
              1e-12);
}

TEST(Eigenvalues, TheMedianOfFourIsTheMeanOfTheTwoInTheMiddle) {
  const model::LRURec model({.num_items = 7, .hidden = 4, .channels = 4, .blocks = 1}, 5);
  const auto blocks = eigenvalues(model);
  std::vector<double> sizes;
  for (const auto z : blocks[0]) sizes.push_back(std::abs(z));
  std::sort(sizes.begin(), sizes.end());
  const auto definitions = mean_definitions(model);
  ASSERT_EQ(definitions[3].name, "median |lambda|");
  EXPECT_NEAR(definitions[3].blocks[0], (sizes[1] + sizes[2]) / 2, 1e-12);
}

// Each against a sum written out, from the parameters themselves.
TEST(Eigenvalues, MeansAreWhatTheirNamesSay) {
  const model::LRURec model(small, 5);
  const auto blocks = eigenvalues(model);
  const auto definitions = mean_definitions(model);
  const auto find = [&](const std::string& part) {
    for (const auto& one : definitions) {
      if (one.name.find(part) != std::string::npos) return one.blocks;
    }
    ADD_FAILURE() << part;
    return std::vector<double>{};
  };
  for (std::size_t b = 0; b < 3; ++b) {
    const std::string at = "blocks." + std::to_string(b) + ".lru.";
    const auto numbers = [&](const std::string& name) {
      const Tensor value = model.parameter(at + name).value();
      return (is_complex(value.dtype()) ? value.view_as_real() : value).to(DType::f64).to_vector<double>();
    };
    const auto nu_log = numbers("nu_log"), gamma_log = numbers("gamma_log"), B = numbers("in_proj.weight"),
               C = numbers("out_proj.weight");
    double nu = 0, weighted = 0, gains = 0, energies = 0, by_energy = 0;
    for (std::size_t k = 0; k < 9; ++k) {
      nu += std::exp(nu_log[k]) / 9;
      double b2 = 0, c2 = 0;
      for (std::size_t i = 0; i < 8; ++i) b2 += B[k * 8 + i] * B[k * 8 + i];  // row k: 4 complex numbers
      for (std::size_t h = 0; h < 4; ++h) {
        for (std::size_t part = 0; part < 2; ++part) c2 += std::pow(C[(h * 9 + k) * 2 + part], 2);
      }
      const double gain = std::exp(gamma_log[k]) * std::sqrt(b2 * c2), abs = std::exp(-std::exp(nu_log[k])),
                   energy = gain * gain / (1 - abs * abs);
      gains += gain, weighted += gain * abs, energies += energy, by_energy += energy * abs;
    }
    EXPECT_NEAR(find("as the paper says")[b], mean_abs(blocks[b]), 1e-12);
    EXPECT_NEAR(find("mean nu = ")[b], nu, 1e-6);
    EXPECT_NEAR(find("geometric")[b], std::exp(-nu), 1e-6);
    EXPECT_NEAR(find("by gain")[b], weighted / gains, 1e-6);
    EXPECT_NEAR(find("by energy")[b], by_energy / energies, 1e-6);
  }
  EXPECT_EQ(&nearest(definitions, definitions[3].blocks), &definitions[3]);
  EXPECT_EQ(nearest(definitions, {find("mean nu = ")[0] * 1.01, find("mean nu = ")[1] * 0.99}).name,
            definitions[1].name);
}

}  // namespace
}  // namespace lrurec::inspect
