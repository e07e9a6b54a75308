#!/usr/bin/env bash
# Runs every `lrurec bench` and collects the JSON in a folder, one file each, to be compared within one run only.
#   tools/bench/run_all.sh OUT [DATA.lrd PRESET]...
# DATA is a data set file, PRESET the settings for it; results bear the file's name, so no two files may share it. Without any, a generated data set is used. Where
# build/bin/lrurec_benchmarks was built (-DLRUREC_BENCHMARKS=ON) its kernels are timed as well.
#   LRUREC=path/to/lrurec   another command than build/bin/lrurec
#   BENCH_QUICK=1           few runs: to see that everything works, not to quote
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../help.sh"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lrurec=${LRUREC:-$root/build/bin/lrurec}

usage() {
  echo "usage: tools/bench/run_all.sh OUT [DATA.lrd PRESET]..." >&2
  exit 2
}
[ $# -ge 1 ] && [ $(($# % 2)) -eq 1 ] || usage
out=$1
shift
same=$(for ((i = 1; i <= $#; i += 2)); do basename "${!i}" .lrd; done | sort | uniq -d)
[ -z "$same" ] || { echo "run_all: results of several would be written to one file: $same" >&2; exit 2; }
[ -x "$lrurec" ] || { echo "run_all: $lrurec is missing; build it with tools/build.sh lrurec" >&2; exit 1; }
mkdir -p "$out"

bench=("$lrurec" bench) train=() eval=() scan=() incremental=() ops=() kernels=()
if [ -n "${BENCH_QUICK:-}" ]; then
  bench+=(--rough)
  train=(--steps 3 --warmup 1) eval=(--runs 1) scan=(--lengths 64,1024 --runs 1)
  incremental=(--items 5000 --steps 64) ops=(--runs 1) kernels=(--benchmark_min_time=0.01)
fi

if [ $# -eq 0 ]; then
  [ -e "$out/demo.lrd" ] || "$lrurec" prepare --demo -o "$out/demo.lrd" >"$out/demo.txt"
  set -- "$out/demo.lrd" demo
fi

# Written under its name only when whole, so that a run that failed leaves nothing that looks like a result.
run() {
  local name=$1
  shift
  echo "run_all: $name" >&2
  "$@" >"$out/$name.part"
  mv "$out/$name.part" "$out/$name"
}

while [ $# -gt 0 ]; do
  name=$(basename "$1" .lrd)
  run "train-$name.json" "${bench[@]}" train "$1" --preset "$2" "${train[@]}" --json
  run "eval-$name.json" "${bench[@]}" eval "$1" --preset "$2" "${eval[@]}" --json
  shift 2
done
run scan.json "${bench[@]}" scan "${scan[@]}" --json
run incremental.json "${bench[@]}" incremental "${incremental[@]}" --json
run ops.json "${bench[@]}" ops "${ops[@]}" --json
if [ -x "$root/build/bin/lrurec_benchmarks" ]; then
  # As the command does for itself: threads that spin while they wait take the cores from those that work.
  run kernels.json env OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}" "$root/build/bin/lrurec_benchmarks" --benchmark_format=json "${kernels[@]}"
fi
echo "run_all: results in $out" >&2
