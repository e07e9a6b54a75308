#!/usr/bin/env bash
# Sets up, builds and runs every test. The last line is "N passed, N failed" (", N skipped" where some were).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/setup.sh
tools/build.sh

report=$(mktemp --suffix=.xml)
log=$(mktemp)
trap 'rm -f "$report" "$log"' EXIT
code=0
# Threads that wait by spinning take the cores of whatever else runs here.
OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} build/bin/lrurec_tests --gtest_brief=1 --gtest_output="xml:$report" >"$log" 2>&1 || code=$?
# The test runner's own summary is left out: the counts below come from its report.
grep -vE '^\[(==========|  PASSED  )\]' "$log" || true

attribute() { sed -n "s/.*<testsuites .*\\b$1=\"\\([0-9]*\\)\".*/\\1/p" "$report" | head -n 1; }
ran=$(attribute tests)
failed=$(($(attribute failures) + $(attribute errors)))
skipped=$(grep -c '<skipped' "$report" || true)
ran=${ran:-0}
# A crash, or a failure outside any test, must not pass for success.
if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
summary="$((ran - failed - skipped)) passed, $failed failed"
[ "$skipped" -gt 0 ] && summary+=", $skipped skipped"
echo "$summary"
[ "$code" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$ran" -gt 0 ]
