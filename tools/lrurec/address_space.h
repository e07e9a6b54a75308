#pragma once
// Memory of OpenBLAS where the address space is limited.

namespace lrurec::command {

/// Lets OpenBLAS take its buffers now, as long as there is room: later it would ask for ever.
void claim_blas_buffers();

}  // namespace lrurec::command
