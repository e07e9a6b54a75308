#!/usr/bin/env bash
# Packs what tools/gpu_check.sh needs into one archive, for a machine with a GPU, its driver and nothing else: no internet,
# no compiler, none of our libraries. Build it where the CUDA Toolkit is. The machine's C library must be no older than the
# one here that the binaries use (the script says which).
#   tools/gpu_bundle.sh [--cublas] [FILE]...    files (data sets as SASRec text, parity fixtures) go along, under data/
# --cublas takes cuBLAS along (0.6 GB unpacked), for a machine with neither the toolkit nor PyTorch.
# makes build/gpu-bundle.tar.xz. There:  tar xf gpu-bundle.tar.xz && gpu-bundle/tools/gpu_check.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cublas=false
[ "${1:-}" = --cublas ] && { cublas=true; shift; }
files=()
for file in "$@"; do
  [ -f "$file" ] || { echo "gpu_bundle: there is no file '$file'" >&2; exit 2; }
  files+=("$(realpath -- "$file")")
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# For a processor that is not this one: AVX2, which every host of a GPU of these architectures has.
build=build/gpu
# The libraries are found beside the binaries, by them alone: a variable for all programs would give them to Python too.
# compute-sanitizer names a kernel's lines by -lineinfo, which changes no code and outlives strip.
options=(-DCMAKE_BUILD_TYPE=Release -DLRUREC_CUDA=ON -DLRUREC_ARCH=x86-64-v3 -DCMAKE_CUDA_FLAGS=-lineinfo
  '-DCMAKE_BUILD_RPATH=$ORIGIN/../lib' -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags
  "-DCMAKE_CUDA_ARCHITECTURES=${CMAKE_CUDA_ARCHITECTURES:-90}")
source tools/ccache.sh $build
options+=("${launcher[@]}")
cmake -S . -B $build -G Ninja "${options[@]}" >/dev/null
cmake --build $build --parallel "$(nproc)" --target lrurec lrurec_tests >&2

bundle=build/gpu-bundle
rm -rf $bundle
mkdir -p $bundle/bin $bundle/lib $bundle/data
cp $build/bin/lrurec $build/bin/lrurec_tests $bundle/bin/
strip $bundle/bin/*
# Everything but the C library, which belongs to the machine, and what comes with the GPU's driver.
ldd $build/bin/lrurec_tests | awk '$3 ~ /^\// { print $3 }' |
  grep -vE '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*|libcuda)\.so' | xargs -I{} cp -L {} $bundle/lib/
if $cublas; then
  toolkit=$(sed -n 's/^CMAKE_CUDA_COMPILER:[A-Z]*=//p' $build/CMakeCache.txt)
  cp -L "$(dirname "$(dirname "$(realpath "$toolkit")")")"/lib64/libcublas{,Lt}.so.[0-9][0-9] $bundle/lib/
fi
mkdir -p $bundle/tools/bench $bundle/tests $bundle/docs
cp tools/gpu_check.sh $bundle/tools/
cp -r tools/bench/pytorch tools/bench/gpu_report.py $bundle/tools/bench/
rm -rf $bundle/tools/bench/pytorch/__pycache__
cp -r tests/fixtures $bundle/tests/
{ git describe --always --dirty 2>/dev/null || echo unknown; } >$bundle/version
for file in ${files[@]+"${files[@]}"}; do cp -- "$file" $bundle/data/; done
tar -C build -cJf build/gpu-bundle.tar.xz gpu-bundle
ls -lh build/gpu-bundle.tar.xz
echo "needs $(objdump -T $bundle/bin/* $bundle/lib/* | grep -o 'GLIBC_2[.][0-9]*' | sort -uV | tail -n 1) or later"
