#!/usr/bin/env bash
# Which lines of tensor/, autograd/ and ops/ the tests reach (CPU code; CUDA kernels run in the emulated build). Prints a
# share for each folder and the files below 90%.
#   tools/coverage.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v python3 >/dev/null || { echo "coverage: install python3 first" >&2; exit 1; }
tools/setup.sh
folder=build/coverage
mkdir -p $folder
source tools/ccache.sh $folder
cmake -S . -B $folder -G Ninja -DCMAKE_BUILD_TYPE=Debug -DLRUREC_CUDA=OFF "${launcher[@]}" \
  -DCMAKE_CXX_FLAGS_DEBUG="-Og -g1" -DCMAKE_CXX_FLAGS="--coverage" >$folder/configure.log
cmake --build $folder --target lrurec_tests --parallel "$(nproc)" >$folder/build.log 2>&1 || { tail -n 40 $folder/build.log >&2; exit 1; }
find $folder -name '*.gcda' -delete
# Tests within one process: what the command runs is the same library.
$folder/bin/lrurec_tests --gtest_brief=1 --gtest_filter='-*Command*:*Cuda*:Tour.*:Bench*:Completion.*:PytorchToSafetensors.*:Docs.*' |
  tail -n 1
(cd $folder && find CMakeFiles -name '*.gcda' -print0 | xargs -0 gcov --json-format --stdout 2>/dev/null) | python3 -c '
import collections, json, os, sys
hits = collections.defaultdict(dict)
root = os.getcwd()
for line in sys.stdin:
    for file in json.loads(line)["files"]:
        path = os.path.relpath(os.path.normpath(os.path.join(root, "build/coverage", file["file"])), root)
        if path.split("/")[0] not in ("tensor", "autograd", "ops") or "gradient_cases" in path:
            continue
        for entry in file["lines"]:
            hits[path][entry["line_number"]] = max(hits[path].get(entry["line_number"], 0), entry["count"])
total = collections.Counter()
for path, lines in sorted(hits.items()):
    reached, count = sum(1 for n in lines.values() if n), len(lines)
    for key in (path.split("/")[0], "all"):
        total[key, "reached"] += reached
        total[key, "lines"] += count
    if reached < 0.9 * count:
        print(f"{path}: {reached} of {count} lines; not reached: {sorted(n for n in lines if not lines[n])[:20]}")
for key in ("tensor", "autograd", "ops", "all"):
    share = total[key, "reached"] / max(total[key, "lines"], 1)
    print(f"{key}: {share:.1%} of lines")
'
