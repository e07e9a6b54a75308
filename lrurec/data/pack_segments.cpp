#include "lrurec/data/pack_segments.h"

namespace lrurec::data::kernels {

void pack_segments(Cpu, const Segments& segments, const std::int32_t* ids, std::int64_t* items,
                   std::int64_t* labels) {
  for (std::int64_t t = 0; t < segments.tokens; ++t) {
    const TokenSource from = source_of(segments, t);
    items[t] = from.start_token ? 0 : ids[from.label - 1];
    labels[t] = ids[from.label];
  }
}

}  // namespace lrurec::data::kernels
