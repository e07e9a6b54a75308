#!/usr/bin/env bash
# Runs the tests under a sanitizer, in a build of its own.
#   tools/sanitize.sh address [FILTER]   AddressSanitizer and UndefinedBehaviorSanitizer (GCC); default: all tests
#   tools/sanitize.sh fast               the same for readers, files, operations and hostile input to the command: for
#                                        every change, in a few minutes
#   tools/sanitize.sh threads [FILTER]   ThreadSanitizer, by clang with libomp and its Archer tool, which tells it of
#                                        OpenMP's barriers (GCC's OpenMP gives false reports). A program with a race is
#                                        run first: one that is not reported is an error.
#   tools/sanitize.sh races [FILTER]     the tests of CUDA kernels, emulated, where every access of a kernel is looked at:
#                                        memory that two of its threads use, one writing, and neither waits for the other
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kind=${1:-}
filter=${2:-}
source tools/ccache.sh build/sanitize
configure() { # FOLDER option...
  local folder=$1
  shift
  mkdir -p "$folder"
  cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DLRUREC_CUDA=OFF "${launcher[@]}" "$@" >"$folder/configure.log"
}

compile() { # FOLDER target...
  cmake --build "$1" --target "${@:2}" --parallel "$(nproc)" >"$1/build.log" 2>&1 || { tail -n 40 "$1/build.log" >&2; exit 1; }
}

some_match() { # BINARY: a run of nothing would pass
  [ -n "$("$1" --gtest_list_tests --gtest_filter="$filter")" ] || { echo "sanitize: no test matches '$filter'" >&2; exit 2; }
}

# in_two_shards FOLDER: its tests that match the filter, side by side; ends the script.
in_two_shards() {
  local folder=$1 shard failed=0
  some_match "$folder/bin/lrurec_tests"
  export OMP_WAIT_POLICY=passive
  pids=()
  trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT INT TERM  # what runs in the background does not hear Ctrl-C
  for shard in 0 1; do
    GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=$shard "$folder/bin/lrurec_tests" --gtest_brief=1 --gtest_filter="$filter" >"$folder/$shard.log" 2>&1 &
    pids+=($!)
  done
  for shard in 0 1; do
    wait "${pids[$shard]}" || { failed=1; grep -vE 'SKIPPED|Skipped|no CUDA kernels' "$folder/$shard.log" | tail -n 60; }
    grep -hE '^\[  (PASSED|FAILED)' "$folder/$shard.log" || true
  done
  [ $failed -eq 0 ] && echo "sanitize: nothing found"
  exit $failed
}

case "$kind" in
  address | fast)
    tools/setup.sh
    folder=build/asan files= once=OFF without=
    if [ "$kind" = fast ]; then
      # Optimising what sanitizers add takes the compiler longest, then checks of every pointer: without both, half the
      # time. A null pointer and a size that is too small AddressSanitizer notices where they are used.
      folder=build/asan-fast once=ON without=-fno-sanitize=null,object-size,vptr
      files='/tests/(nn/serialization/|lrurec/(data|util|serve)/|fuzz/|autograd/|tensor/(tensor|random)|ops/(values|gradient_cases_test|extreme|sampled|linear_scan)|tools/(hostile|run_folder))'
    fi
    configure $folder -DLRUREC_TEST_FILES="$files" -DLRUREC_RUN_ONCE=$once -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" \
      -DCMAKE_CXX_FLAGS="-fsanitize=address,undefined $without -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
    compile $folder lrurec lrurec_tests
    # What a limit of the address space tells is no news to a sanitizer, which takes terabytes of it; and where a test
    # makes system calls of its own, it must not stand in between.
    : "${filter:=-*Little*:*NeedsLittleMemory*:*AStartThatFailed*:Archive.HostileSizes*:Durability.*:SweepCommand.MemoryForOneRun*}"
    export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
    in_two_shards $folder
    ;;
  races)
    tools/setup.sh
    folder=build/races
    configure $folder -DLRUREC_CUDA=EMULATED -DLRUREC_EMULATOR_RACES=ON -DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-g1
    compile $folder lrurec lrurec_tests
    : "${filter:=*Cuda*}"
    in_two_shards $folder
    ;;
  threads)
    tools/setup.sh
    tools/setup.sh --fuzz
    folder=build/tsan
    export TSAN_OPTIONS="ignore_noninstrumented_modules=1:halt_on_error=1:exitcode=66" OMP_NUM_THREADS=4
    mkdir -p $folder
    # The control: a race that must be reported, and the same without, which must not be.
    cat >$folder/race.cpp <<'CPP'
#include <cstdio>
int main(int argc, char**) {
  long sum = 0;
  if (argc > 1) {
#pragma omp parallel for
    for (int i = 0; i < 100000; ++i) sum += i;
  } else {
#pragma omp parallel for reduction(+ : sum)
    for (int i = 0; i < 100000; ++i) sum += i;
  }
  std::printf("%ld\n", sum);
}
CPP
    clang++ -fopenmp -fsanitize=thread -g -O1 $folder/race.cpp -o $folder/race
    archer=$(find /usr/lib -name 'libarcher.so' | head -n 1)
    [ -z "$archer" ] || export OMP_TOOL_LIBRARIES=$archer
    $folder/race >/dev/null 2>$folder/clean.log || { echo "sanitize: a program without a race is reported; see $folder/clean.log" >&2; exit 1; }
    if $folder/race with >/dev/null 2>$folder/race.log; then echo "sanitize: a race was not reported" >&2; exit 1; fi
    configure $folder -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" \
      -DCMAKE_CXX_FLAGS="-fsanitize=thread -fno-omit-frame-pointer"
    compile $folder lrurec_tests
    # What runs in parallel within one process; not what starts others, forks, or compares times.
    : "${filter:=All/GradientCases.*:ReferenceKernels.*:Threads.*:*LinearScan*:GatedScan.*:Gru.*:Attention.*:Wkv.*:Rank.*:LinearTopK.*:Stepper.*:Autograd.*:Model.*:Trainer.*:Evaluate*:Recommender*:SessionStore*:Batch*:Philox*}"
    some_match $folder/bin/lrurec_tests
    export OPENBLAS_NUM_THREADS=1  # not instrumented: what it does within a product is its own affair
    $folder/bin/lrurec_tests --gtest_brief=1 --gtest_filter="$filter" >$folder/tests.log 2>&1 || { tail -n 60 $folder/tests.log; exit 1; }
    grep -hE '^\[  PASSED' $folder/tests.log
    echo "sanitize: no race found, and the one made on purpose was"
    ;;
  *)
    echo "usage: tools/sanitize.sh address|fast|threads|races [FILTER]" >&2
    exit 2
    ;;
esac
