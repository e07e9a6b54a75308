#pragma once
// The recorded graph as text, and as a picture by Graphviz.

#include <string>

#include "autograd/variable.h"

namespace lrurec {

/// What backward() from `output` would walk, in the order of the forward pass: a line for each leaf and each
/// operation, with dtype and shape of its outputs and the numbers of its inputs. "#5.1" is the second output
/// of number 5. An input that needs no gradient is not part of the graph: it is "constant".
///
///   #1 leaf f64[3]
///   #2 exp f64[3] <- #1
///   #3 mul f64[3] <- #1, #2
///   #4 sum f64[] <- #3
///
/// An error where nothing was recorded for `output`.
std::string print_graph(const Variable& output);

/// The same as a program for Graphviz (`dot -Tsvg`): arrows lead from inputs to the operations that use them,
/// leaves are boxes.
std::string print_graph_dot(const Variable& output);

}  // namespace lrurec
