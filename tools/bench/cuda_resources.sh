#!/usr/bin/env bash
# Registers, shared memory and spills of every CUDA kernel, as ptxas reports them; no GPU is needed.
#   tools/bench/cuda_resources.sh [architecture, 90 unless given]
# Exit 1 when a float kernel of a hot folder spills registers to memory, or any declares more than 16 KiB __shared__.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

architecture=${1:-90}
hot='linear_scan|lru|layer_norm|residual_layer_norm|softmax|linear_cross_entropy|feed_forward|dropout|embedding|linear_rank|optim'
command -v nvcc >/dev/null || { echo "nvcc was not found: install the CUDA Toolkit" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compile() {
  nvcc -std=c++20 --expt-relaxed-constexpr -O3 -I. -DFMT_SHARED -DFMT_USE_CONSTEXPR=1 -DLRUREC_CUDA_ENABLED \
    -DLIBCUDACXX_ENABLE_SIMPLIFIED_COMPLEX_OPERATIONS \
    -gencode "arch=compute_$2,code=sm_$2" -Xptxas=-v -c "$1" -o /dev/null >"$3/$(echo "$1" | tr / +).log" 2>&1 ||
    { cat "$3/$(echo "$1" | tr / +).log" >&2; exit 1; }
}
export -f compile
git ls-files '*.cu' | grep -vE '/toolkit/|^tests/' | xargs -P "$(nproc)" -I{} bash -c "compile {} $architecture $work"

printf '%-22s %-88s %9s %8s %7s %6s\n' folder kernel registers shared stack spills
for log in "$work"/*.log; do
  file=$(basename "$log" .log | tr + /)
  # Three lines a kernel: its name, stack and spills, registers and shared memory.
  awk -v folder="$(basename "$(dirname "$file")")" '
    /Compiling entry function/ { match($0, /\047[^\047]*\047/); name = substr($0, RSTART + 1, RLENGTH - 2) }
    /bytes stack frame/ { stack = $1; stores = $5; loads = $9 }
    /Used [0-9]+ registers/ {
      match($0, /Used [0-9]+/); registers = substr($0, RSTART + 5, RLENGTH - 5)
      shared = 0; if (match($0, /[0-9]+ bytes smem/)) { shared = substr($0, RSTART, RLENGTH - 11) }
      print folder, name, registers, shared, stack, stores + loads
    }' "$log"
done | c++filt | sed -E 's/lrurec::|ops::kernels::|\(anonymous namespace\)::|<unnamed>::|cuda:://g' |
  awk '{
    # The name has spaces; the last four fields are numbers.
    name = $2; for (i = 3; i <= NF - 4; ++i) name = name " " $i
    sub(/^void /, "", name); sub(/\(.*/, "", name)
    printf "%-22s %-88s %9s %8s %7s %6s\n", $1, substr(name, 1, 88), $(NF - 3), $(NF - 2), $(NF - 1), $NF
  }' | sort | tee "$work/table"
[ -s "$work/table" ] || { echo "nvcc told of no kernel, so that nothing was looked at" >&2; exit 2; }

# Of a block's 48 KiB a launch takes 32 without asking for more (tensor/cuda/toolkit/launch.h).
if large=$(awk '$(NF - 2) > 16 * 1024' "$work/table" | grep .); then
  echo "these kernels declare more than 16 KiB of shared memory; make it dynamic (shared_memory<T>()):" >&2
  echo "$large" >&2
  exit 1
fi
if spilling=$(grep -E "^($hot) " "$work/table" | grep -v double | awk '$NF > 0' | grep .); then
  echo "these hot kernels spill:" >&2
  echo "$spilling" >&2
  exit 1
fi
echo "no float kernel of a hot folder spills, none declares more than 16 KiB of shared memory"
