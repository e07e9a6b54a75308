#pragma once
// Memory of OpenBLAS where the address space is limited.

namespace lrurec::command {

/// Makes OpenBLAS take its buffers now, while there is room. Later it would ask for them for ever.
void claim_blas_buffers();

}  // namespace lrurec::command
