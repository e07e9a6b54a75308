#include "tools/lrurec/gpu_flags.h"

#include <map>
#include <string>

namespace lrurec::command {

void add_gpu_flags(CLI::App& sub, const std::shared_ptr<train::GpuWays>& ways) {
  using ops::HeadAlgorithm;
  sub.add_option_function<std::string>(
         "--head",
         [ways](const std::string& text) {
           const bool two = text == ops::name(HeadAlgorithm::two_pass);
           ways->head.algorithm = two ? HeadAlgorithm::two_pass : HeadAlgorithm::chunked;
         },
         "the prediction head on a GPU: chunked (default: scores of some tokens stored at a time) or "
         "two-pass "
         "(none stored)")
      ->check(CLI::IsMember({"chunked", "two-pass"}));
  sub.add_option(
         "--head-chunk", ways->head.chunk,
         "chunked: tokens at a time; two-pass: columns of a split; 0 (default) = chosen automatically")
      ->check(CLI::Range(0, 1 << 24));
  sub.add_flag("--graphs", ways->graphs, "on a GPU: record a step once and start it as one CUDA graph");
  sub.add_option(
         "--update-pieces", ways->update_pieces,
         "on a GPU: thread blocks for each 16,384 numbers of a parameter in AdamW's update (default 1)")
      ->check(CLI::Range(1, 64));
}

}  // namespace lrurec::command
