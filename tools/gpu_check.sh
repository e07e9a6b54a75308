#!/usr/bin/env bash
# What needs a real GPU, in one command; see usage.
set -uo pipefail

usage() {
  cat <<'TEXT'
Tests, checks and times the CUDA backend on this machine's GPU, and writes one report.

usage: tools/gpu_check.sh [OPTIONS] [NAME=FILE]...

  NAME=FILE           a preset (ml-1m, beauty, video) and its data as SASRec text (`user item` a line). Files data/NAME.txt
                      beside this folder are found by themselves; without any, data is generated, but not for `peers`
  --sections LIST     which, in this order; default: all but the last three
      device          what is here
      tests           all CUDA tests, those of kernels that have not run on a GPU first; in many processes, since after a
                      fault of a kernel nothing more runs in its own
      parity          with the published model
      training        losses beside the CPU's, step by step
      bits            the same in every run
      ways            what is built and not yet the default, beside what is
      benchmarks      steps, evaluation, events
      sanitizer       the short tests under compute-sanitizer
      scan            the scan at four lengths
      peers           steps beside PyTorch's
      full            trainings to early stopping
  --seeds N           trainings for each data set in `full` (default 3)
  --results FOLDER    where each section leaves its results (default build/gpu-check); the report is made of all that are
                      there, so sections can run one by one
  --report FILE       the report (default docs/gpu-results.md)
  --archive FILE      all that is in the results' folder as one file (.tar.gz), to be unpacked there on another machine
  --help              this text

A step that takes too long is ended and has failed: after a minute, in `sanitizer` and `peers` five, in `full` an hour.
Report and archive are made anew after each section, about every half minute in between, and when the run is ended: where
time is short and few files come back, give both (--report OUT/gpu.md --archive OUT/gpu.tar.gz).
On an H200 with ML-1M and Beauty an earlier version took, in seconds: tests 7, parity 2, training 10, bits 4, benchmarks 19,
sanitizer 41, scan 23, peers 347, full (two seeds) 242. Tests and sanitizer have grown since; `ways` has not run yet.

LRUREC_PYTORCH  a python that has torch with CUDA, for `peers` (default python3)

Needs a build with CUDA (build/bin, or bin/ of what tools/gpu_bundle.sh packed), the driver and cuBLAS. No internet. Exit
code 1 when a section failed or could not run or the report could not be made, 2 for a wrong command line or no GPU.
TEXT
}

misuse() { echo "gpu_check: $1 (--help shows the usage)" >&2; exit 2; }
say() { echo "gpu_check: $1" >&2; }

asked_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
root=$PWD
# Paths are those of the folder where the script was started.
there() { (cd "$asked_from" && realpath -m -- "$1"); }
sections="device tests parity training bits ways benchmarks sanitizer" seeds=3 results=build/gpu-check
report=docs/gpu-results.md archive="" data_sets=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --sections | --seeds | --results | --report | --archive)
      [ $# -ge 2 ] || misuse "$1 needs a value"
      case $1 in --results | --report | --archive) declare "${1#--}=$(there "$2")" ;; *) declare "${1#--}=$2" ;; esac
      shift 2
      ;;
    -*) misuse "unknown option '$1'" ;;
    ml-1m=* | beauty=* | video=*)
      file=$(there "${1#*=}")
      [ -f "$file" ] || misuse "there is no file '${1#*=}'"
      data_sets+=("${1%%=*}=$file")
      shift
      ;;
    *) misuse "'$1' is not NAME=FILE with one of the presets ml-1m, beauty, video" ;;
  esac
done
[[ $seeds =~ ^[1-9][0-9]*$ ]] || misuse "--seeds must be a whole number from 1 on"
known=" device tests parity training bits ways benchmarks sanitizer scan peers full "
[[ $sections =~ [^[:space:]] ]] || misuse "--sections names none"
for section in $sections; do [[ $known == *" $section "* ]] || misuse "there is no section '$section'"; done
for name in ml-1m beauty video; do
  if [ ${#data_sets[@]} -eq 0 ] || ! [[ " ${data_sets[*]}" == *" $name="* ]]; then
    [ -f "data/$name.txt" ] && data_sets+=("$name=$root/data/$name.txt")
  fi
done

bin=$root/build/bin
[ -x "$root/bin/lrurec" ] && bin=$root/bin
[ -x "$bin/lrurec" ] && [ -x "$bin/lrurec_tests" ] || misuse "there is no $bin/lrurec with lrurec_tests: build first"
# A test that finds no GPU fails: to be skipped would look like passed.
export LRUREC_BINARY=$bin/lrurec LRUREC_SOURCE_DIR=$root OMP_WAIT_POLICY=passive LRUREC_REQUIRE_GPU=1
python=${LRUREC_PYTORCH:-python3}
# cuBLAS must be of the CUDA that this was built with: the linker may know another, or none. PyTorch's packages bring
# it, and so does the toolkit.
usable() { "$bin/lrurec" check device cuda >/dev/null 2>&1; }
if ! usable; then
  given=${LD_LIBRARY_PATH:-}
  while read -r folder; do
    export LD_LIBRARY_PATH=$folder${given:+:$given}
    usable && break
    export LD_LIBRARY_PATH=$given
  done < <(
    "$python" -c 'import glob, site
for p in site.getsitepackages() + [site.getusersitepackages()]:
    print("\n".join(glob.glob(p + "/nvidia/*/lib")))' 2>/dev/null
    ls -d /usr/local/cuda*/lib64 2>/dev/null
  )
fi
lrurec() { "$bin/lrurec" "$@"; }
usable || { lrurec check device cuda >&2; exit 2; }

mkdir -p "$results" || misuse "the folder '$results' cannot be made"
results=$(realpath "$results")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0 code=0
version=$(cat version 2>/dev/null || git describe --always --dirty 2>/dev/null || echo unknown)

# Report and archive of all results that there are.
problem="" published_at=0
publish() {
  problem="" published_at=$SECONDS
  if [ -n "$archive" ]; then
    # With fractions of seconds: the report has the steps in the order of their times.
    mkdir -p "$(dirname "$archive")" && tar --format=posix -C "$results" -czf "$archive.part" . &&
      mv "$archive.part" "$archive" || problem="the archive $archive could not be made"
  fi
  command -v "$python" >/dev/null || return 0
  "$python" tools/bench/gpu_report.py "$results" "$report" ||
    problem="the report could not be made of the results in $results"
}
# Ended from outside, the script leaves what there is, of the step that runs as well.
running=""
trap '[ -z "$running" ] || { kill "$running"; code=143; record; }; publish; exit 143' INT TERM

# reason FILE: the lines that say why a step failed; GoogleTest has them on stdout.
reason() {
  local lines
  lines=$(grep -hE -A 4 'Failure|CUDA:' "$1.out" "$1.err" | head -n 12)
  if [ -n "$lines" ]; then
    echo "$lines"
  elif [ -s "$1.err" ]; then
    tail -n 3 "$1.err"
  else
    tail -n 3 "$1.out"
  fi
}

# step SECTION TITLE COMMAND...: runs it for at most $limit seconds, keeps its output ($file.out), whether it succeeded
# ($code), and of which version it is.
step() {
  local section=$1 title=$2 start=$SECONDS
  shift 2
  local command=$*
  code=0
  file=$results/$section.$(echo "$title" | tr -c 'a-zA-Z0-9\n' '_')
  say "$section: $title"
  # By a shell, since a command may be a function of this script; waited for so that a signal need not wait.
  timeout -k 5 "$limit" bash -c '"$@"' _ "$@" >"$file.out" 2>"$file.err" &
  running=$!
  wait "$running" || code=$?
  running=""
  record
  if [ $code -eq 0 ]; then
    rm -f "$file.err"
  else
    failures=$((failures + 1))
    took_too_long && say "  ended after $limit s"
    say "  failed with exit code $code: $(reason "$file")"
  fi
  [ $((SECONDS - published_at)) -lt 30 ] || publish
}
record() { printf '%s\n' "$title" "$code" "$((SECONDS - start))" "$version" "$command" >"$file.step"; }
took_too_long() { [ $code -eq 124 ] || [ $code -eq 137 ]; }
unable_reason() { echo "$1; --sections leaves the section out" >&2; return 1; }
# unable SECTION REASON: a section that was wanted and cannot run is a failure too.
unable() { step "$1" "did not run" unable_reason "$2"; }

prepared=()
for data_set in "${data_sets[@]}"; do
  name=${data_set%%=*}
  lrurec prepare "${data_set#*=}" -o "$work/$name.lrd" --format sasrec >/dev/null || exit 1
  prepared+=("$name")
done
if [ ${#prepared[@]} -eq 0 ]; then
  lrurec prepare --demo -o "$work/demo.lrd" >/dev/null || exit 1
  prepared=(demo)
fi

run_device() {
  step device "what is here" lrurec check device cuda
  command -v nvidia-smi >/dev/null && step device "nvidia-smi" nvidia-smi
}
# cuda_tests TITLE FILE: the tests that FILE names, in one process. Where there is a fault, once more with every launch
# waited for; then those behind the first that fails in a process of their own, since its fault fails them all.
cuda_tests() {
  local title=$1 names=$2 round first
  by_name() { echo "--gtest_filter=$(paste -sd: "$names")" >"$names.flags"; }
  by_name
  step tests "$title" "$bin/lrurec_tests" --gtest_brief=1 "--gtest_flagfile=$names.flags"
  for round in 1 2 3 4; do
    [ -s "$names" ] && faulted || break
    by_name
    step tests "$title, launch by launch, part $round" \
      env CUDA_LAUNCH_BLOCKING=1 "$bin/lrurec_tests" "--gtest_flagfile=$names.flags"
    took_too_long && break
    first=$(first_to_fail <"$file.out")
    [ -n "$first" ] || break
    awk -v first="$first" 'behind; $0 == first { behind = 1 }' "$names" >"$names.behind"
    mv "$names.behind" "$names"
  done
  rm "$names" "$names.flags"
}
# A crash, or an error of CUDA in one of the tests: more than a comparison that failed.
faulted() { [ $code -gt 1 ] || { [ $code -eq 1 ] && grep -q CUDA: "$file.out"; }; }
# Of what GoogleTest prints: the first test that failed, or the one that was running at the end.
first_to_fail() {
  awk '/^\[ RUN / { running = $4 } /^\[ +(OK|SKIPPED) / { running = "" }
    /^\[  FAILED / { running = $4; exit } END { sub(/,$/, "", running); if (running != "") print running }'
}
run_tests() {
  # What docs/architecture.md names as run emulated only comes first.
  local young='attention|conv1d|cumsum|diagonal_?ssm|dplr|statespace|fft|gather|gated|eachtoken|graph|gru'
  young+='|linear_?cross_?entropy|rms_?norm|segment|spectral|where|wkv'
  "$bin/lrurec_tests" --gtest_list_tests "--gtest_filter=*Cuda*" |
    awk '$1 ~ /[.]$/ { suite = $1; next } /^ / { print suite $1 }' >"$work/tests"
  [ -s "$work/tests" ] || { unable tests "$bin/lrurec_tests lists no CUDA tests"; return; }
  { grep -iE "$young" "$work/tests"; grep -viE "$young" "$work/tests"; } | split --numeric-suffixes=1 -l 200 - "$work/tests."
  local groups=("$work"/tests.*) group
  for group in "${groups[@]}"; do
    cuda_tests "CUDA tests, group ${group##*.} of ${#groups[@]}" "$group"
  done
  step tests "gradients of every operation" lrurec check grad --device cuda
}
# without_hazards COMMAND...: hazards that racecheck calls warnings leave its exit code 0.
without_hazards() {
  "$@" | tee "$work/racecheck"
  local code=${PIPESTATUS[0]}
  [ "$code" -ne 0 ] || grep -q 'RACECHECK SUMMARY: 0 hazards' "$work/racecheck" || code=1
  return "$code"
}
run_sanitizer() {
  sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1)
  # All but what starts the command, runs many times the same kernels, or makes an error of the driver on purpose.
  local short='*Cuda*-TrainingCuda.*:GraphsCuda.*:BenchCuda.*:DeviceCommandCuda.*:*/GradientCasesCuda.EveryRunGivesTheSameBits/*'
  short+=':*/GradientCasesCuda.GradientsAreTheDerivative/*:LinearRankCuda.GoesThroughTheRowsInChunks'
  short+=':RuntimeCuda.AnErrorThatWasCaughtIsNotTheNextKernels:CudaGraph.IsMadeAnewForOtherWork'
  if [ -n "$sanitizer" ]; then
    local tool ours checked limit=300
    for tool in memcheck racecheck initcheck synccheck; do
      # How cuBLAS and CUB share memory is theirs; but what they write must count as written.
      ours=() checked=()
      [ $tool = racecheck ] && ours=(--kernel-name kns=lrurec) checked=(without_hazards)
      # Blocks of the size asked for, none used again: what lies behind one, or is not written, is seen.
      step sanitizer "$tool" "${checked[@]}" env LRUREC_EXACT_MEMORY=1 "$sanitizer" --tool $tool --error-exitcode 9 \
        "${ours[@]}" "$bin/lrurec_tests" --gtest_brief=1 "--gtest_filter=$short"
      # Which memory a kernel is handed is memcheck's to see.
      [ $tool = memcheck ] && short+=':*/GradientCasesCuda.StridedInputsGiveTheSame/*:*/SeveralInputsCuda.*'
    done
  else
    unable sanitizer "compute-sanitizer was not found; install the CUDA Toolkit for it"
  fi
}
run_parity() {
  for fixture in tests/fixtures/parity_tiny.safetensors data/parity*.safetensors; do
    [ -f "$fixture" ] && step parity "$(basename "$fixture")" lrurec check parity "$fixture" --device cuda
  done
  compgen -G "$results/parity.*.step" >/dev/null ||
    unable parity "there is no tests/fixtures/parity_tiny.safetensors and no data/parity*.safetensors"
}
run_training() {
  for name in "${prepared[@]}"; do
    step training "$name, 30 steps on CPU and GPU side by side" \
      lrurec check training "$work/$name.lrd" --preset "$name" --device cuda --steps 30
    step training "$name, the same in TF32" \
      lrurec check training "$work/$name.lrd" --preset "$name" --device cuda --steps 30 --tf32
  done
}
# two_processes NAME OPTION...: the same training in two processes, and the bytes of its weights.
two_processes() {
  local name=$1 run
  shift
  rm -rf "$work"/bits.*
  for run in 1 2; do
    lrurec train "$work/$name.lrd" -o "$work/bits.$run" --preset "$name" --device cuda --max-steps 20 \
      --validate-every 20 --quiet "$@" >/dev/null &&
      lrurec export "$work/bits.$run" -o "$work/bits.$run.safetensors" --checkpoint last >/dev/null || return
  done
  cmp "$work/bits.1.safetensors" "$work/bits.2.safetensors" && echo "both have the same bytes of weights"
}
run_bits() {
  for name in "${prepared[@]}"; do
    data=("$work/$name.lrd" --preset "$name" --device cuda)
    step bits "$name, 20 times the same 20 steps" lrurec check training "${data[@]}" --steps 20 --repeat 20
    step bits "$name, the same in TF32" lrurec check training "${data[@]}" --steps 20 --repeat 20 --tf32
    step bits "$name, in TF32, recorded and launched" \
      lrurec check training "${data[@]}" --steps 20 --repeat 5 --tf32 --graphs
    step bits "$name, 20 steps in two processes" two_processes "$name"
    step bits "$name, 20 steps in two processes, TF32" two_processes "$name" --tf32 true
  done
}
run_benchmarks() {
  for name in "${prepared[@]}"; do
    for tf32 in true false; do
      step benchmarks "training step, $name, TF32 $tf32" \
        lrurec bench train "$work/$name.lrd" --preset "$name" --device cuda --tf32 $tf32 --warmup 30 --json
      # In TF32 as a training with it validates, without as `evaluate` computes.
      step benchmarks "evaluation, $name, TF32 $tf32" \
        lrurec bench eval "$work/$name.lrd" --preset "$name" --device cuda --tf32 $tf32 --json
    done
  done
  step benchmarks "incremental" lrurec bench incremental --device cuda --json
}
run_scan() {
  step scan "scan" lrurec bench scan --device cuda --lengths 64,200,1024,16384 --tokens 102400 --json
}
run_ways() {
  for name in "${prepared[@]}"; do
    data=("$work/$name.lrd" --preset "$name" --device cuda)
    for tf32 in true false; do
      step ways "two-pass head beside the CPU, $name, TF32 $tf32" \
        lrurec check training "${data[@]}" --steps 30 --head two-pass --tf32 $tf32
    done
    for head in chunked two-pass; do
      step ways "same bits recorded and launched, $head head, $name" \
        lrurec check training "${data[@]}" --steps 60 --repeat 3 --head $head --graphs --update-pieces 16
    done
  done
  # In turn, so that a ratio is of runs near each other.
  for round in 1 2 3; do
    for name in "${prepared[@]}"; do
      way() {
        step ways "$1, $name, $round" lrurec bench train "$work/$name.lrd" --preset "$name" --device cuda --tf32 \
          --warmup 60 --json "${@:2}"
      }
      way "as it is"
      way "two-pass head" --head two-pass
      way "graphs" --graphs
      way "16 update pieces" --update-pieces 16
      way "64 update pieces" --update-pieces 64
      way "all three" --head two-pass --graphs --update-pieces 16
      way "as it is, without TF32" --tf32 false
      way "two-pass head, without TF32" --tf32 false --head two-pass
    done
  done
}
run_peers() {
  local limit=300
  if [ ${#data_sets[@]} -eq 0 ]; then
    unable peers "there is no data set to train on beside PyTorch: give NAME=FILE"
  elif "$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    for data_set in "${data_sets[@]}"; do
      name=${data_set%%=*} length=50 dropout=0.6
      [ "$name" = ml-1m ] && length=200 dropout=0.2
      shape=(--data "${data_set#*=}" --max-length $length --dropout $dropout --device cuda --tf32 --json)
      # In one run with the peers, in turn: the ratios are of these.
      for round in 1 2 3; do
        step peers "lrurec, $name, $round" lrurec bench train "$work/$name.lrd" --preset "$name" --device cuda --tf32 \
          --warmup 30 --json
        step peers "padded, $name, $round" "$python" tools/bench/pytorch/train_step.py --design padded "${shape[@]}" \
          --steps 20 --warmup 5 --runs 1
        step peers "packed, $name, $round" "$python" tools/bench/pytorch/train_step.py --design packed-gpu "${shape[@]}" \
          --compile --steps 100 --warmup 20 --runs 1
      done
    done
  else
    unable peers "'$python' has no PyTorch that sees the GPU (LRUREC_PYTORCH names another python)"
  fi
}
run_full() {
  local limit=3600
  for name in "${prepared[@]}"; do
    for ((seed = 1; seed <= seeds; ++seed)); do
      step full "$name, seed $seed, training to early stopping" \
        lrurec train "$work/$name.lrd" -o "$work/$name.$seed" --preset "$name" --seed $seed --device cuda --tf32
      step full "$name, seed $seed, test metrics" lrurec evaluate "$work/$name.$seed" --device cuda --json
      # A model trained on the GPU is the same file to the CPU.
      [ $seed -eq 1 ] && step full "$name, seed $seed, test metrics on the CPU" lrurec evaluate "$work/$name.$seed" --json
    done
  done
}

# What steps run in shells of their own.
export bin work
export -f lrurec two_processes without_hazards unable_reason
limit=60
for section in $sections; do
  rm -f "$results/$section".*
  "run_$section"
  publish
done

if [ -n "$problem" ]; then
  say "$problem"
elif command -v "$python" >/dev/null; then
  say "wrote $report"
else
  say "no python3 here: the results lie in $results; tools/bench/gpu_report.py makes the report of them elsewhere"
fi
[ $failures -eq 0 ] || say "$failures steps failed"
[ $failures -eq 0 ] && [ -z "$problem" ]
