#pragma once
// Marks a function that runs on the host and in CUDA kernels: index arithmetic, masks, formulas. Outside of
// CUDA files it is plain C++, so that its tests need no GPU.

#ifdef __CUDACC__
#define LRUREC_HOST_DEVICE __host__ __device__
#else
#define LRUREC_HOST_DEVICE
#endif
