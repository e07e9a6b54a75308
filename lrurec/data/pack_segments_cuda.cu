#include "lrurec/data/pack_segments.h"
#include "tensor/cuda/kernel.h"

namespace lrurec::data::kernels {
namespace {

// One thread a token.
__global__ void pack_kernel(Segments segments, const std::int32_t* ids, std::int64_t* items,
                            std::int64_t* labels) {
  for (std::int64_t t = cuda::global_thread(); t < segments.tokens; t += cuda::grid_threads()) {
    const TokenSource from = source_of(segments, t);
    items[t] = from.start_token ? 0 : ids[from.label - 1];
    labels[t] = ids[from.label];
  }
}

}  // namespace

void pack_segments(Cuda, const Segments& segments, const std::int32_t* ids, std::int64_t* items,
                   std::int64_t* labels) {
  cuda::launch("pack_segments", pack_kernel, cuda::blocks_for(segments.tokens), 256, 0, segments, ids, items,
               labels);
}

}  // namespace lrurec::data::kernels
