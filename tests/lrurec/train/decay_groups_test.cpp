#include <gtest/gtest.h>

#include <set>

#include "lrurec/model/lrurec.h"
#include "nn/optim/optimizer.h"

namespace lrurec::train {
namespace {

/// Parameters of block 0 and of the whole that weight decay leaves alone.
std::set<std::string> exempt(const std::string& backbone) {
  const model::LRURec model({.num_items = 5, .hidden = 4, .channels = 6, .blocks = 1, .backbone = backbone},
                            1);
  const auto groups = nn::decay_groups(model, 0.3);
  EXPECT_EQ(groups[0].weight_decay, 0.3);
  EXPECT_EQ(groups[1].weight_decay, 0);
  EXPECT_EQ(groups[0].parameters.size() + groups[1].parameters.size(), model.named_parameters().size());
  std::set<std::string> names;
  for (const auto& p : groups[1].parameters) {
    const std::string block = "blocks.0.";
    names.insert(p.name.starts_with(block) ? p.name.substr(block.size()) : p.name);
  }
  return names;
}

// As in the published implementation: the logs of the LRU are decayed.
TEST(DecayGroups, LeaveOutBiasesAndLayerNorms) {
  EXPECT_EQ(exempt("lru"),
            (std::set<std::string>{"bias", "embedding_layer_norm.weight", "embedding_layer_norm.bias",
                                   "lru_layer_norm.weight", "lru_layer_norm.bias", "lru.in_proj.bias",
                                   "lru.out_proj.bias", "feed_forward.w_1.bias", "feed_forward.w_2.bias",
                                   "feed_forward_layer_norm.weight", "feed_forward_layer_norm.bias"}));
}

TEST(DecayGroups, LeaveOutNormsWhateverTheirName) {
  struct Net : nn::Module {
    explicit Net(nn::Initializer& init) : layer(2, 2, init), first(2, 1e-5, init), second(2, 1e-5, init) {
      register_module("layer", layer), register_module("norm1", first), register_module("norm2", second);
    }
    nn::Linear layer;
    nn::LayerNorm first;
    nn::RMSNorm second;
  };
  nn::Initializer init(1);
  const auto groups = nn::decay_groups(Net(init), 0.3);
  ASSERT_EQ(groups[0].parameters.size(), 1);
  EXPECT_EQ(groups[0].parameters[0].name, "layer.weight");
}

TEST(DecayGroups, LeaveOutWhatALayerSays) {
  for (const char* name : {"s4d.log_step", "s4d.log_decay", "s4d.frequency"})
    EXPECT_TRUE(exempt("s4d").contains(name));
  for (const char* name : {"s4d.C", "s4d.D", "s4d.output.weight"}) EXPECT_FALSE(exempt("s4d").contains(name));
  for (const char* name : {"s4.log_step", "s4.log_decay", "s4.frequency", "s4.P", "s4.B"}) {
    EXPECT_TRUE(exempt("s4").contains(name)) << name;
  }
  EXPECT_FALSE(exempt("s4").contains("s4.C"));
  for (const char* name : {"rwkv.decay", "rwkv.bonus", "rwkv.mu_k", "rwkv.mu_v", "rwkv.mu_r"}) {
    EXPECT_TRUE(exempt("rwkv").contains(name));
  }
  for (const char* name : {"rwkv.key", "rwkv.output"}) EXPECT_FALSE(exempt("rwkv").contains(name));
}

}  // namespace
}  // namespace lrurec::train
