#pragma once
// The boundaries of packed sequences.

#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// offsets: i64 [S + 1], 0 = offsets[0] <= ... <= offsets[S] = tokens; an error naming `op` otherwise
/// (offsets_of_lengths makes them).
void check_offsets(std::string_view op, const IndexTensor& offsets, std::int64_t tokens);
/// The same for any number of tokens, which is returned.
std::int64_t check_offsets(std::string_view op, const IndexTensor& offsets);

}  // namespace lrurec::ops
