#include "ops/matmul/blas_info.h"

#include <cblas.h>

namespace lrurec::ops {

std::string blas_description() {
  return std::string(openblas_get_config()) + ", " + openblas_get_corename() + " kernels";
}

void set_blas_threads(int threads) { openblas_set_num_threads(threads); }

}  // namespace lrurec::ops
