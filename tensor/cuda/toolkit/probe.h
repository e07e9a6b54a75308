#pragma once

namespace lrurec::cuda {

/// Whether this build has machine code, or code to translate, for the GPU that is selected.
bool kernels_fit_device();

}  // namespace lrurec::cuda
