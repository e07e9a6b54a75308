#!/usr/bin/env bash
# clang-tidy over all sources but the tests (about three minutes on two cores; not part of CI). Needs clang, clang-tidy
# and libomp-dev beside what tools/setup.sh installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in clang++ clang-tidy; do
  command -v "$tool" >/dev/null || { echo "lint: install clang, clang-tidy and libomp-dev first" >&2; exit 1; }
done
cmake -S . -B build/lint -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DLRUREC_TESTS=OFF -DLRUREC_BENCHMARKS=ON >/dev/null
git ls-files 'tensor/*.cpp' 'autograd/*.cpp' 'ops/*.cpp' 'nn/*.cpp' 'lrurec/*.cpp' 'tools/*.cpp' |
  xargs -P "$(nproc)" -n 4 clang-tidy -p build/lint --quiet 2> >(grep -v 'warnings generated\|^Suppressed\|^Use -' >&2)
echo "lint: ok"
