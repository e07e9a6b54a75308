#!/usr/bin/env bash
# Configures and builds targets into build/: tools/build.sh [target...]. The command is then build/bin/lrurec.
#   LRUREC_WERROR=ON   treats warnings as errors
#   LRUREC_CUDA=...    AUTO (default: CUDA kernels for the GPU of this machine, none where there is none),
#                      ON (for A100 and H100/H200), OFF, or EMULATED (kernels run on the CPU)
#   LRUREC_RUN_ONCE=ON optimises kernels alone and compiles more files together: for what is built to be tested once
#   LRUREC_ARCH=...    the processor to build for (-march), native by default: this one; see docs/install.md
#   LRUREC_SHARE=OFF   no manual page and completion, for which the command is run: where this processor cannot run it
#   LRUREC_BUILD=...   another folder than build
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${LRUREC_BUILD:-build}
options=(-DCMAKE_BUILD_TYPE=Release "-DLRUREC_WERROR=${LRUREC_WERROR:-OFF}" "-DLRUREC_CUDA=${LRUREC_CUDA:-AUTO}"
  "-DLRUREC_RUN_ONCE=${LRUREC_RUN_ONCE:-OFF}" "-DLRUREC_ARCH=${LRUREC_ARCH-native}" "-DLRUREC_SHARE=${LRUREC_SHARE:-ON}"
  -DLRUREC_TESTS=ON -DLRUREC_TEST_FILES=)  # what a folder was configured with before must not make the tests fewer
source tools/ccache.sh "$folder"
options+=("${launcher[@]}")
mkdir -p "$folder"
if ! cmake -S . -B "$folder" -G Ninja "${options[@]}" >"$folder/configure.log" 2>&1; then
  cat "$folder/configure.log" >&2
  exit 1
fi
grep -F 'LRUREC_CUDA:' "$folder/configure.log" >&2 || true

# How far it is: over and over on one line of a terminal, else a line now and then.
export NINJA_STATUS='building %f of %t, %e s: '
build() { cmake --build "$folder" --parallel "$(nproc)" --target "${@:-all}"; }
if [ -t 2 ]; then
  build "$@" >&2
else
  next=$SECONDS
  build "$@" | while IFS= read -r line; do
    if [[ $line != "building "* ]]; then
      printf '%s\n' "$line"
    elif [ "$SECONDS" -ge "$next" ]; then
      printf '%s\n' "${line%%:*}"
      next=$((SECONDS + 15))
    fi
  done >&2
fi
