#!/usr/bin/env bash
# Sets up, builds and runs every test. The last line is "N passed, N failed" (", N skipped" where some were).
#   tools/test.sh          everything
#   tools/test.sh --fast   after a small change: no second build for the CUDA kernels, no installation, and without the
#                          tests of the command (a few others start programs too)
#
# Tests of the CUDA kernels run in the main build where there is a GPU, and everywhere in a second build, where the same
# kernel files are emulated on the CPU (docs/architecture.md).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset LRUREC_BUILD LRUREC_BINARY LRUREC_SOURCE_DIR  # what is built and tested below lies here
if [ "${LRUREC_CUDA:-}" = EMULATED ]; then
  echo "test: LRUREC_CUDA=EMULATED builds the tests of CUDA kernels alone, and these run all the same; leave it unset" >&2
  exit 2
fi

fast=
case "${1:-}" in
  "") ;;
  --fast) fast=yes ;;
  *) echo "usage: tools/test.sh [--fast]" >&2; exit 2 ;;
esac

tools/setup.sh

ran=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pids=()
# What runs in the background does not hear Ctrl-C.
trap 'kill "${pids[@]}" 2>/dev/null || true; exit 130' INT TERM
say() { echo "test: $1 ($SECONDS s)" >&2; }

# run BINARY [option...]: runs the tests, shared out over the cores, and adds what the reports count.
run() {
  local shards shard
  pids=()
  shards=$(nproc)
  [ "$shards" -le 4 ] || shards=4
  rm -f "$work"/*.xml
  for ((shard = 0; shard < shards; ++shard)); do
    # Threads that wait by spinning take the cores of whatever else runs here.
    OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$shard \
      "$@" --gtest_brief=1 --gtest_output="xml:$work/$shard.xml" >"$work/$shard.log" 2>&1 &
    pids+=($!)
  done
  for ((shard = 0; shard < shards; ++shard)); do
    local code=0 report=$work/$shard.xml
    wait "${pids[$shard]}" || code=$?
    # The runner's own summary is left out, and why a test was skipped: both are told below, from its report.
    awk '/: Skipped$/ { getline; next } /^(Note: This is test shard|\[(==========|  PASSED  |  SKIPPED )\])/ { next } NF' \
      "$work/$shard.log"
    # A test process that crashed has left no report.
    attribute() { { sed -n "s/.*<testsuites .*\\b$1=\"\\([0-9]*\\)\".*/\\1/p" "$report" 2>/dev/null || true; } | head -n 1; }
    local tests failures errors
    tests=$(attribute tests) failures=$(attribute failures) errors=$(attribute errors)
    failures=$((${failures:-0} + ${errors:-0}))
    # A crash, or a failure outside any test, must not pass for success; nor must a run of nothing.
    tests=${tests:-0}
    if { [ "$code" -ne 0 ] && [ "$failures" -eq 0 ]; } || [ "$tests" -eq 0 ]; then
      failures=$((failures + 1)) tests=$((tests + 1))
    fi
    ran=$((ran + tests))
    failed=$((failed + failures))
    local left_out
    left_out=$(grep -c '<skipped' "$report" 2>/dev/null || true)
    skipped=$((skipped + ${left_out:-0}))
  done
  # Each reason for skipping once, and of how many tests.
  { sed -n 's/.*<skipped message="[^"&]*&#x0A;\([^"]*\)".*/\1/p' "$work"/*.xml 2>/dev/null || true; } |
    sed 's/\(&#x0A;\)*$//; s/&#x0A;/ /g; s/&quot;/"/g; s/&apos;/'"'"'/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' |
    sort | uniq -c | sed 's/^ *\([0-9]*\) /test: \1 skipped: /' >&2
}

say "building"
tools/build.sh lrurec lrurec_tests
say "running"
if [ -n "$fast" ]; then
  run build/bin/lrurec_tests --gtest_filter='-*Command*:*Cuda*:Tour.*:Bench*:Completion.*:PytorchToSafetensors.*'
else
  if [[ $(build/bin/lrurec check device --json) == *'"problem"'* ]]; then  # no GPU
    run build/bin/lrurec_tests --gtest_filter='-*Cuda*'
  else
    run build/bin/lrurec_tests
  fi
  say "installing"
  # A project that uses the installed libraries: counted as one test.
  ran=$((ran + 1))
  tools/test_install.sh build || failed=$((failed + 1))

  say "building with CUDA kernels emulated"
  LRUREC_CUDA=EMULATED LRUREC_BUILD=build/emulated tools/build.sh lrurec lrurec_tests
  say "running the tests of the CUDA kernels"
  run build/emulated/bin/lrurec_tests --gtest_filter='*Cuda*'
fi
say "done"

summary="$((ran - failed - skipped)) passed, $failed failed"
[ "$skipped" -gt 0 ] && summary+=", $skipped skipped"
echo "$summary"
[ "$failed" -eq 0 ]
