#!/usr/bin/env bash
# Sets up, builds and runs every test. The last line is "N passed, N failed" (", N skipped" where some were).
#
# Tests of the CUDA kernels are skipped in the main build unless there is a GPU; they then run in a second build, where
# the same kernel files are emulated on the CPU (docs/architecture.md).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/setup.sh

ran=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run BINARY [option...]: adds what its report counts.
run() {
  local code=0 report=$work/report.xml log=$work/log
  rm -f "$report"
  # Threads that wait by spinning take the cores of whatever else runs here.
  OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} "$@" --gtest_brief=1 --gtest_output="xml:$report" >"$log" 2>&1 || code=$?
  # The runner's own summary is left out, and why a test was skipped: the counts below come from its report.
  awk '/: Skipped$/ { getline; next } /^\[(==========|  PASSED  |  SKIPPED )\]/ { next } NF' "$log"
  attribute() { sed -n "s/.*<testsuites .*\\b$1=\"\\([0-9]*\\)\".*/\\1/p" "$report" 2>/dev/null | head -n 1; }
  local tests failures errors
  tests=$(attribute tests) failures=$(attribute failures) errors=$(attribute errors)
  failures=$((${failures:-0} + ${errors:-0}))
  # A crash, or a failure outside any test, must not pass for success; nor must a run of nothing.
  if { [ "$code" -ne 0 ] && [ "$failures" -eq 0 ]; } || [ "${tests:-0}" -eq 0 ]; then failures=$((failures + 1)); fi
  ran=$((ran + ${tests:-0}))
  failed=$((failed + failures))
  skipped=$((skipped + $(grep -c '<skipped' "$report" 2>/dev/null || true)))
}
tools/build.sh
run build/bin/lrurec_tests

# Whoever builds on the installed libraries: counted as one test.
ran=$((ran + 1))
tools/test_install.sh build || failed=$((failed + 1))

LRUREC_CUDA=EMULATED LRUREC_BUILD=build/emulated tools/build.sh lrurec lrurec_tests
run build/emulated/bin/lrurec_tests --gtest_filter='*Cuda*'

summary="$((ran - failed - skipped)) passed, $failed failed"
[ "$skipped" -gt 0 ] && summary+=", $skipped skipped"
echo "$summary"
[ "$failed" -eq 0 ]
