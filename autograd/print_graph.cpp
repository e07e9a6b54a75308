#include "autograd/print_graph.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "tensor/error.h"

namespace lrurec {
namespace {

/// The places of a graph, leaves and nodes, numbered from 1; inputs come before what uses them.
class NumberedGraph {
 public:
  explicit NumberedGraph(const Variable& output) : root_(output) {
    if (!root_.needed()) fail_op("print_graph", "nothing was recorded for this variable");
    // Depth-first post-order without recursion: chains may be long.
    std::vector<std::pair<const Node::Edge*, std::size_t>> stack{{&root_, 0}};
    while (!stack.empty()) {
      auto& [place, next] = stack.back();
      const Node* node = place->node();
      if (numbers_.contains(key(*place))) {
        stack.pop_back();
      } else if (node == nullptr || next == node->edges().size()) {
        places_.push_back(place);
        numbers_.emplace(key(*place), places_.size());
        stack.pop_back();
      } else if (const Node::Edge& input = node->edges()[next++]; input.needed()) {
        stack.emplace_back(&input, 0);
      }
    }
  }

  const std::vector<const Node::Edge*>& places() const { return places_; }
  std::size_t number(const Node::Edge& place) const { return numbers_.at(key(place)); }

 private:
  static const void* key(const Node::Edge& place) {
    return place.node() != nullptr ? static_cast<const void*>(place.node()) : place.leaf();
  }

  const Node::Edge root_;
  std::vector<const Node::Edge*> places_;
  std::unordered_map<const void*, std::size_t> numbers_;
};

/// "mul f64[3]", with all outputs of the operation.
std::string name_of(const Node::Edge& place) {
  const auto type_of = [](DType dtype, const Shape& shape) {
    return fmt::format("{}{}", name(dtype), shape.str());
  };
  const Node* node = place.node();
  if (node == nullptr) return "leaf " + type_of(place.dtype(), place.shape());
  std::string text = node->op();
  for (std::size_t i = 0; i < node->outputs(); ++i) {
    text += (i == 0 ? " " : ", ") + type_of(node->output(i).dtype, node->output(i).shape);
  }
  return text;
}

}  // namespace

std::string print_graph(const Variable& output) {
  const NumberedGraph graph(output);
  std::string text;
  for (const Node::Edge* place : graph.places()) {
    text += fmt::format("#{} {}", graph.number(*place), name_of(*place));
    if (const Node* node = place->node()) {
      std::string before = " <- ";
      for (const auto& input : node->edges()) {
        text += std::exchange(before, ", ");
        text += input.needed() ? fmt::format("#{}", graph.number(input)) : "constant";
        if (input.output() > 0) text += fmt::format(".{}", input.output());
      }
    }
    text += '\n';
  }
  return text;
}

std::string print_graph_dot(const Variable& output) {
  const NumberedGraph graph(output);
  std::string text = "digraph {\n  node [fontname=\"sans-serif\"]\n";
  for (const Node::Edge* place : graph.places()) {
    const std::size_t number = graph.number(*place);
    text += fmt::format("  n{} [label=\"{}\"{}]\n", number, name_of(*place),
                        place->node() == nullptr ? " shape=box" : "");
    if (place->node() == nullptr) continue;
    for (const auto& input : place->node()->edges()) {
      if (input.needed()) text += fmt::format("  n{} -> n{}\n", graph.number(input), number);
    }
  }
  return text + "}\n";
}

}  // namespace lrurec
