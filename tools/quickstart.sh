#!/usr/bin/env bash
# From a fresh clone to a trained and evaluated model on generated data, in a few minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
start=$SECONDS

tools/setup.sh
tools/build.sh lrurec
lrurec=build/bin/lrurec
rm -rf build/demo
mkdir -p build/demo

show() { echo "\$ $*"; "$@"; echo; }
show "$lrurec" prepare --demo -o build/demo/demo.lrd
show "$lrurec" train build/demo/demo.lrd -o build/demo/run --preset demo
show "$lrurec" evaluate build/demo/run
show "$lrurec" recommend build/demo/run --user u1 -k 5 --exclude-seen
show "$lrurec" report build/demo/run
echo "quickstart took $((SECONDS - start)) s"
