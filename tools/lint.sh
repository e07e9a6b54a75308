#!/usr/bin/env bash
# clang-tidy. Needs clang, clang-tidy and libomp-dev beside what tools/setup.sh installs (tools/setup.sh --ci does it).
#   tools/lint.sh                   all sources but the tests, about four minutes on two cores
#   tools/lint.sh --changed [BASE]  those that differ from BASE (the commit before this one), and for each header that does
#                                   one that includes it, at most 16 in all: part of CI
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in clang++ clang-tidy; do
  command -v "$tool" >/dev/null || { echo "lint: install clang, clang-tidy and libomp-dev first" >&2; exit 1; }
done
sources=$(git ls-files 'tensor/*.cpp' 'autograd/*.cpp' 'ops/*.cpp' 'nn/*.cpp' 'lrurec/*.cpp' 'tools/*.cpp' \
  ':!tensor/cuda/toolkit' ':!tensor/cuda/emulator')  # for builds with nvcc, and for those without it that emulate it
if [ "${1:-}" = --changed ]; then
  base=${2:-HEAD~1}
  there() { git rev-parse -q --verify "$base^{tree}" >/dev/null; }
  # A clone of one commit alone has none before it, but can get it.
  there || GIT_TERMINAL_PROMPT=0 git fetch -q --deepen 1 2>/dev/null || true
  if ! there; then
    [ $# -eq 1 ] || { echo "lint: there is no commit $base to compare with" >&2; exit 2; }
    base=$(git hash-object -t tree /dev/null)  # nothing was before: all has changed
  fi
  differing=$(git diff --name-only --diff-filter=d "$base")
  changed=$(grep -xF "$differing" <<<"$sources" || true)
  # Sources that a header is looked at with: its own comes first.
  with() {
    grep -xF "${1%.*}.cpp" <<<"$sources" || true
    git grep -lF "#include \"$1\"" -- '*.cpp' | grep -xF "$sources" || true
  }
  for header in $(grep -E '\.(h|inc)$' <<<"$differing" || true); do
    candidates=$(with "$header")
    if ! grep -qxF "$candidates" <<<"$changed"; then changed+=$'\n'${candidates%%$'\n'*}; fi
  done
  sources=$(grep . <<<"$changed" | sort -u || true)
  count=$(grep -c . <<<"$sources" || true)
  if [ "$count" -gt 16 ]; then
    echo "lint: $count files changed; looking at 16 of them, tools/lint.sh does all" >&2
    sources=$(head -n 16 <<<"$sources")
  fi
elif [ $# -gt 0 ]; then
  echo "usage: tools/lint.sh [--changed [BASE]]" >&2
  exit 2
fi
if [ -z "$sources" ]; then
  echo "lint: ok, nothing to look at"
  exit 0
fi
cmake -S . -B build/lint -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DLRUREC_CUDA=OFF -DLRUREC_TESTS=OFF -DLRUREC_UNITY=OFF \
  -DLRUREC_BENCHMARKS=ON >/dev/null
xargs -P "$(nproc)" -n 2 clang-tidy -p build/lint --quiet <<<"$sources" \
  2> >(grep -v 'warnings generated\|^Suppressed\|^Use -' >&2)
echo "lint: ok"
