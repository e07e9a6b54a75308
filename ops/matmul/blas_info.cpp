#include "ops/matmul/blas_info.h"

#include <cblas.h>

namespace lrurec::ops {

std::string blas_description() {
  return std::string(openblas_get_config()) + ", " + openblas_get_corename() + " kernels";
}

}  // namespace lrurec::ops
