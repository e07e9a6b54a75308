#pragma once
// A function that runs on the host and in CUDA kernels: index arithmetic, masks, formulas. Elsewhere it is
// plain C++, so that tests of it need no GPU.

#ifdef __CUDACC__
#define LRUREC_HOST_DEVICE __host__ __device__
#else
#define LRUREC_HOST_DEVICE
#endif
