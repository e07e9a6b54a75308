#!/usr/bin/env bash
# Style of all tracked files: clang-format, shell syntax, no large files, no fixture that git leaves out.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

git ls-files -z '*.cpp' '*.h' '*.cu' '*.cuh' | xargs -0 clang-format --dry-run -Werror
git ls-files -z '*.sh' .ci/run | xargs -0 -n 1 bash -n
large=$(git ls-files -z | xargs -0 -I{} find {} -size +1024k)
if [ -n "$large" ]; then
  echo "files of more than 1 MiB: $large" >&2
  exit 1
fi
ignored=$(git ls-files --others --ignored --exclude-standard tests tools | grep -v __pycache__ || true)
if [ -n "$ignored" ]; then
  echo "files that tests may read and a clone lacks, since .gitignore names them: $ignored" >&2
  exit 1
fi
echo "style: ok"
