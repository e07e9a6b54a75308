#!/usr/bin/env bash
# From a fresh clone to a trained and evaluated model on generated data, in a few minutes on two cores.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset LRUREC_BUILD  # what is run below lies in build/
start=$SECONDS

step() { echo "quickstart: step $1 of 3, $2 ($((SECONDS - start)) s)" >&2; }
step 1 "packages"
tools/setup.sh
step 2 "building the command"
tools/build.sh lrurec
step 3 "data, training, evaluation, recommendations, report"
lrurec=build/bin/lrurec
rm -rf build/demo
mkdir -p build/demo

show() { echo "\$ $*"; "$@"; echo; }
show "$lrurec" prepare --demo -o build/demo/demo.lrd
show "$lrurec" train build/demo/demo.lrd -o build/demo/run --preset demo
show "$lrurec" evaluate build/demo/run
show "$lrurec" recommend build/demo/run --user u1 -k 5
show "$lrurec" report build/demo/run
echo "quickstart took $((SECONDS - start)) s"
