#!/usr/bin/env bash
# Times training steps of lrurec beside two PyTorch versions of the model; see usage and pytorch/README.md.
set -euo pipefail

usage() {
  cat <<'TEXT'
Times training steps: lrurec, PyTorch as published (padded), PyTorch packed; in turn, on all cores.

usage: tools/bench/compare_pytorch.sh [OPTIONS] NAME=FILE...

  NAME=FILE           a preset (ml-1m, beauty, video) and its data as SASRec text (`user item` a line)
  --rounds N          times each design is started, in turn (default 3)
  --steps N           timed steps of the packed design a round (default 10)
  --padded-steps N    timed steps of the padded design a round (default 3)
  --bf16              products of f32 with operands rounded to bf16, in all three; the checks stay in f32
  --fixture FILE      check parity against this file too, besides the one of the tests; may be repeated
  --output FOLDER     where compare_pytorch.md and compare_pytorch.json go (default build/compare-pytorch)
  --help              this text

LRUREC_PYTORCH  a python that has torch, numpy and safetensors; otherwise build/pytorch-venv is made, by pip
LRUREC          the command to time (default build/bin/lrurec)

Nothing is timed unless both PyTorch versions pass pytorch/check.py.
TEXT
}

fail() {
  echo "compare_pytorch: $1" >&2
  exit "${2:-1}"
}
misuse() { fail "$1 (--help shows the usage)" 2; }
say() { echo "compare_pytorch: $1" >&2; }

rounds=3 steps=10 padded_steps=3 output='' data_sets=() fixtures=() bf16=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h)
      usage
      exit 0
      ;;
    --bf16)
      bf16=(--bf16)
      shift
      ;;
    --rounds | --steps | --padded-steps | --fixture | --output)
      [ $# -ge 2 ] || misuse "$1 needs a value"
      case $1 in
        --fixture) fixtures+=("$(realpath -m -- "$2")") ;;
        --output) output=$(realpath -m -- "$2") ;;
        *)
          [[ $2 =~ ^[1-9][0-9]*$ ]] || misuse "$1 must be a whole number from 1 on, not '$2'"
          case $1 in
            --rounds) rounds=$2 ;;
            --steps) steps=$2 ;;
            --padded-steps) padded_steps=$2 ;;
          esac
          ;;
      esac
      shift 2
      ;;
    -*) misuse "unknown option '$1'" ;;
    *=*)
      case ${1%%=*} in
        ml-1m | beauty | video) ;;
        *) misuse "'${1%%=*}' is none of the presets ml-1m, beauty, video" ;;
      esac
      [ -f "${1#*=}" ] || fail "there is no file '${1#*=}'"
      for other in "${data_sets[@]}"; do
        [ "${other%%=*}" != "${1%%=*}" ] || misuse "${1%%=*} is named twice"
      done
      data_sets+=("${1%%=*}=$(realpath -- "${1#*=}")")
      shift
      ;;
    *) misuse "'$1' is not of the form NAME=FILE" ;;
  esac
done
[ ${#data_sets[@]} -gt 0 ] || misuse "no data set is named"

lrurec=${LRUREC:-}
[ -z "$lrurec" ] || lrurec=$(realpath -m -- "$lrurec")
# A path, not a name that PATH is searched for. What a link leads to would be another environment's.
[[ ${LRUREC_PYTORCH:-} != */* ]] || LRUREC_PYTORCH=$(realpath -sm -- "$LRUREC_PYTORCH")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
lrurec=${lrurec:-$PWD/build/bin/lrurec}
[ -x "$lrurec" ] || fail "there is no command '$lrurec': build it with tools/build.sh lrurec"
output=${output:-$PWD/build/compare-pytorch}
mkdir -p "$output" || fail "the folder '$output' cannot be made"

python=${LRUREC_PYTORCH:-}
if [ -z "$python" ]; then
  venv=build/pytorch-venv
  python=$venv/bin/python
  if ! "$python" -c 'import torch, numpy, safetensors' 2>/dev/null; then
    say "installing torch, numpy and safetensors into $venv"
    python3 -m venv "$venv" >&2 ||
      fail "python3 cannot make a virtual environment; is python3-venv installed?"
    "$python" -m pip install --quiet torch numpy safetensors >&2 ||
      fail "pip could not install torch, numpy and safetensors"
  fi
fi
"$python" -c 'import torch, numpy, safetensors' 2>/dev/null ||
  fail "'$python' lacks torch, numpy or safetensors"

here=tools/bench/pytorch
threads=$(nproc)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

shape_of() { # preset -> the flags of train_step.py
  case $1 in
    ml-1m) echo --max-length 200 --dropout 0.2 ;;
    beauty | video) echo --max-length 50 --dropout 0.6 ;;
  esac
}

say "checking both PyTorch versions"
check=("$python" "$here/check.py" --threads "$threads" --fixture tests/fixtures/parity_tiny.safetensors)
for fixture in "${fixtures[@]}"; do check+=(--fixture "$fixture"); done
for data_set in "${data_sets[@]}"; do
  read -r -a shape <<<"$(shape_of "${data_set%%=*}")"
  "${check[@]}" --data "${data_set#*=}" "${shape[@]:0:2}" --batch-size 32 >&2 ||
    fail "a PyTorch version computes something else, so nothing is timed"
done

for data_set in "${data_sets[@]}"; do
  name=${data_set%%=*} file=${data_set#*=}
  "$lrurec" prepare "$file" -o "$work/$name.lrd" --format sasrec >"$work/prepare.log" 2>&1 || {
    cat "$work/prepare.log" >&2
    fail "lrurec could not prepare '$file'"
  }
done

for data_set in "${data_sets[@]}"; do
  name=${data_set%%=*} file=${data_set#*=}
  read -r -a shape <<<"$(shape_of "$name")"
  for ((round = 1; round <= rounds; ++round)); do
    say "$name, round $round of $rounds"
    "$lrurec" bench train "$work/$name.lrd" --preset "$name" "${bf16[@]/%/=true}" --json >"$work/$name.ours.$round.json" ||
      fail "lrurec bench train failed on $name"
    for design in packed padded; do
      flags=(--data "$file" "${shape[@]}" --batch-size 128 --runs 1 --threads "$threads" "${bf16[@]}" --json)
      case $design in
        packed) flags+=(--steps "$steps" --warmup 3) ;;
        padded) flags+=(--steps "$padded_steps" --warmup 1) ;;
      esac
      "$python" "$here/train_step.py" --design $design "${flags[@]}" >"$work/$name.$design.$round.json" ||
        fail "the $design design failed on $name"
    done
  done
done

"$python" "$here/table.py" "$work" "$output" || fail "the results could not be put together"
say "wrote $output/compare_pytorch.md and compare_pytorch.json"
cat "$output/compare_pytorch.md"
