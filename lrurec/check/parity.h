#pragma once
// Parity with the published model: a fixture's weights and input through ours, and everything compared.

#include <filesystem>
#include <string>
#include <vector>

#include "tensor/device.h"
#include "tensor/dtype.h"

namespace lrurec::check {

/// Tolerances for float32 fixtures: logits absolute, loss relative, each gradient relative to its own norm.
struct ParityTolerances {
  double logits = 2e-4;
  double loss = 1e-5;
  double gradient = 1e-3;
};

struct ParityLine {
  std::string name;       ///< "logits", "loss", or the published name of a parameter
  double difference = 0;  ///< in the unit of its tolerance
  double tolerance = 0;
  bool ok() const { return difference <= tolerance; }  // false for a NaN
};

struct ParityReport {
  std::vector<ParityLine> lines;
  bool ok() const;
};

/// Runs a fixture (format: docs/parity.md) in the given precision (f32 or f64) on a device. The padded input
/// becomes packed sequences; all padding positions are compared with the start token's logits. A file that is
/// no fixture is ErrorKind::file.
ParityReport check_parity(const std::filesystem::path& fixture, DType precision = DType::f32,
                          Device device = {}, const ParityTolerances& tolerances = {});

}  // namespace lrurec::check
