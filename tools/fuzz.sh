#!/usr/bin/env bash
# Fuzzes all that reads what comes from outside (tests/fuzz/targets.h), under AddressSanitizer and
# UndefinedBehaviorSanitizer. Findings are left in build/fuzz/findings and make the script fail.
#   tools/fuzz.sh [--seconds N] [target...]   default: 1200 seconds each of all targets, one after the other
#   tools/fuzz.sh --keep [target...]          what covers most in few bytes becomes tests/fuzz/corpus, replayed by the tests
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset LRUREC_BUILD  # what is run below lies in build/

seconds=1200 keep=
targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) seconds=$2; shift ;;
    --keep) keep=yes ;;
    -*) echo "usage: tools/fuzz.sh [--seconds N] [--keep] [target...]" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done

tools/setup.sh
tools/setup.sh --fuzz
folder=build/fuzz
tools/build.sh lrurec
mkdir -p "$folder"
source tools/ccache.sh "$folder"
cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++ -DLRUREC_CUDA=OFF \
  -DLRUREC_FUZZ=ON -DLRUREC_TESTS=OFF \
  -DCMAKE_CXX_FLAGS="-O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
  "${launcher[@]}" >"$folder/configure.log"
cmake --build "$folder" --target lrurec_fuzz >"$folder/build.log" || { tail -n 30 "$folder/build.log" >&2; exit 1; }
fuzzer=$PWD/$folder/bin/lrurec_fuzz
known=$(LRUREC_FUZZ_TARGET= "$fuzzer" 2>&1 | sed -n 's/.*one of: //p' || true)
[ -n "$known" ] || { echo "fuzz: $fuzzer names no targets" >&2; exit 1; }
for target in ${targets[@]+"${targets[@]}"}; do
  [[ " $known " == *" $target "* ]] || { echo "fuzz: there is no target '$target'; there are: $known" >&2; exit 2; }
done
[ ${#targets[@]} -gt 0 ] || read -r -a targets <<<"$known"

# Whole files to start from: a fuzzer would be long in finding them.
seeds=$PWD/$folder/seeds
rm -rf "$seeds"
mkdir -p "$seeds"
for target in "${targets[@]}"; do mkdir -p "$seeds/$target" "$folder/corpus/$target" "tests/fuzz/corpus/$target"; done
make_seeds() {
  local lrurec=$PWD/build/bin/lrurec work
  work=$(mktemp -d)
  (
    cd "$work"
    header=56  # bytes of the envelope before the payload
    payload() { { printf '%b' "$1"; tail -c +$((header + 1)) "$2"; } >"$3"; }
    put() { if [ -d "$seeds/$1" ]; then cat >"$seeds/$1/$2"; else cat >/dev/null; fi; }
    "$lrurec" prepare --demo -o d.lrd --demo-users 8 --demo-items 32 --demo-length 5 -q >/dev/null
    "$lrurec" train d.lrd -o run -q --hidden 4 --channels 6 --max-length 5 --batch-size 4 --validate-every 2 --max-steps 4 --log-every 1 >/dev/null
    payload '\x01' d.lrd p && put dataset whole <p
    put envelope dataset <d.lrd
    put envelope checkpoint <run/checkpoints/best.ckpt
    for name in best last; do payload '\x01' run/checkpoints/$name.ckpt p && put checkpoint $name <p; done
    for names in lrurec published; do
      "$lrurec" export run -o w --force --names $names >/dev/null 2>&1 || "$lrurec" export run -o w --force >/dev/null
      put safetensors $names <w
    done
    printf 'i1\n{"user": "a", "item": "i2", "k": 3}\n{"user": 7, "item": "i40"}\n{bad\n' | put events lines
    printf '{"user": "u1"}\n{"items": ["i1", "i2"], "k": 3, "exclude": ["i5"], "id": [1]}\n{"items": []}\n' | put requests lines
    LRUREC_FUZZ_SESSION_SEED=1 "$fuzzer" 2>/dev/null | put sessions whole
    i=0
    for format in sasrec inter movielens-dat movielens-csv movielens-tab amazon-csv amazon-json steam; do
      rm -f raw
      "$lrurec" data write d.lrd --format $format --numbers -o raw 2>/dev/null >/dev/null
      { printf "\\x$(printf %02x $i)"; head -n 12 raw; } | put readers $format
      { printf "\\x$(printf %02x $i)"; head -n 12 raw | gzip; } | put readers $format-gz
      i=$((i + 1))
    done
    { printf '\x08'; printf 'a,b,3\nc,d,4\n'; } | put readers columns
    put toml config <run/config.toml
    printf 'data = "d.lrd"\nseeds = [1, 2]\n[settings]\npreset = "demo"\n[grid]\ndropout = [0.1, 0.2]\n' | put toml plan
    { cat run/metrics.jsonl; printf '\0'; cat run/run.json; } | put metrics whole
  )
  rm -rf "$work"
}
make_seeds

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
mkdir -p "$folder/findings"
failed=0
for target in "${targets[@]}"; do
  export LRUREC_FUZZ_TARGET=$target
  if [ -n "$keep" ]; then
    rm -rf "$folder/kept" && mkdir -p "$folder/kept"
    "$fuzzer" -merge=1 -max_len=4096 "$folder/kept" "$seeds/$target" "$folder/corpus/$target" "tests/fuzz/corpus/$target" 2>/dev/null
    # The smallest of what adds coverage, and the seeds; found inputs that were wrong once (found-*) stay.
    find "tests/fuzz/corpus/$target" -type f ! -name 'found-*' -delete
    find "$folder/kept" -type f -size -5k -printf '%s %p\n' | sort -n | awk 'NR <= 60 { print $2 }' |
      xargs -r -I{} cp {} "tests/fuzz/corpus/$target/"
    for seed in "$seeds/$target"/*; do [ "$(stat -c %s "$seed")" -gt 8192 ] || cp "$seed" "tests/fuzz/corpus/$target/seed-$(basename "$seed")"; done
    echo "$target: $(find "tests/fuzz/corpus/$target" -type f | wc -l) inputs kept"
    continue
  fi
  log=$folder/$target.log code=0
  start=$SECONDS
  "$fuzzer" -max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=1024 -timeout=20 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$folder/findings/$target-" "$folder/corpus/$target" "$seeds/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1 || code=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  echo "$target: ${runs:-?} executions in $((SECONDS - start)) s, $([ $code -eq 0 ] && echo "nothing found" || echo "FOUND SOMETHING, see $log and $folder/findings")"
  [ $code -eq 0 ] || failed=$((failed + 1))
done
[ "$failed" -eq 0 ]
