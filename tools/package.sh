#!/usr/bin/env bash
# Builds Debian packages in build/package: lrurec (the command) and lrurec-dev (libraries, headers, CMake package).
# They run on any x86-64 processor with AVX2 (2013 and later); LRUREC_ARCH=... chooses another.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=build/package
options=(-DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DLRUREC_TESTS=OFF -DLRUREC_CUDA="${LRUREC_CUDA:-$(command -v nvcc >/dev/null && echo ON || echo OFF)}")
if [ "$(uname -m)" = x86_64 ]; then
  options+=(-DLRUREC_ARCH="${LRUREC_ARCH-x86-64-v3}")
else
  options+=(-DLRUREC_ARCH="${LRUREC_ARCH-}")
fi
if command -v ccache >/dev/null; then
  options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
fi
mkdir -p $build
cmake -S . -B $build -G Ninja "${options[@]}" >$build/configure.log || { cat $build/configure.log >&2; exit 1; }
cmake --build $build --parallel "$(nproc)" >&2
rm -f $build/*.deb
(cd $build && cpack -G DEB) >&2
ls $build/*.deb
