#include "tensor/cuda/toolkit/cublas_library.h"

#include <dlfcn.h>

#include <string>

#include "tensor/error.h"

namespace lrurec::cuda {
namespace {

template <class F>
F find(void* library, const char* name) {
  void* symbol = dlsym(library, name);
  if (symbol == nullptr)
    fail(ErrorKind::usage, "the cuBLAS that was found lacks {}; it must be that of CUDA {}", name,
         CUBLAS_VER_MAJOR);
  return reinterpret_cast<F>(symbol);
}

CublasLibrary load() {
  const std::string name = "libcublas.so." + std::to_string(CUBLAS_VER_MAJOR);
  // Where the dynamic linker looks, then where the toolkit was when this was built.
  void* library = dlopen(name.c_str(), RTLD_NOW);
  if (library == nullptr) library = dlopen((LRUREC_CUDA_LIBRARIES "/" + name).c_str(), RTLD_NOW);
  if (library == nullptr) {
    fail(ErrorKind::usage,
         "cuBLAS was not found ({}): put its folder into LD_LIBRARY_PATH, or use --device cpu", dlerror());
  }
  return {
      .create = find<decltype(CublasLibrary::create)>(library, "cublasCreate_v2"),
      .set_stream = find<decltype(CublasLibrary::set_stream)>(library, "cublasSetStream_v2"),
      .set_workspace = find<decltype(CublasLibrary::set_workspace)>(library, "cublasSetWorkspace_v2"),
      .set_math_mode = find<decltype(CublasLibrary::set_math_mode)>(library, "cublasSetMathMode"),
      .gemm = find<decltype(CublasLibrary::gemm)>(library, "cublasGemmEx_64"),
      .version = find<decltype(CublasLibrary::version)>(library, "cublasGetVersion_v2"),
      .status_string = find<decltype(CublasLibrary::status_string)>(library, "cublasGetStatusString"),
  };
}

}  // namespace

const CublasLibrary& cublas_library() {
  static const CublasLibrary library = load();
  return library;
}

}  // namespace lrurec::cuda
