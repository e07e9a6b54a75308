#!/usr/bin/env bash
# The exercises of docs/study/exercises.
#   tools/study.sh list               what there is
#   tools/study.sh check N [FILE]     is exercise N solved? FILE: your copy of exercise.cpp; without it the one in its place
#   tools/study.sh solution N         prints the solution
# Exit codes: 0 right, 1 wrong or does not compile, 2 usage. LRUREC_BUILD=... is another folder than build.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$root/docs/study/exercises

usage() {
  [ $# -eq 0 ] || echo "study: $1" >&2
  echo "usage: tools/study.sh list | check N [FILE] | solution N" >&2
  exit 2
}

# folder_of N: the folder of exercise N.
folder_of() {
  [[ $1 =~ ^[0-9]+$ ]] || usage "an exercise is a number, not '$1'"
  local found=("$here/$1"_*/)
  [ -d "${found[0]}" ] || usage "there is no exercise $1; tools/study.sh list shows those there are"
  echo "${found[0]%/}"
}

list() {
  local file
  for file in "$here"/*/exercise.cpp; do
    echo "$(sed -n '1s|^// Exercise \([0-9]*\): \(.*\)\.$|\1  \2|p' "$file")  (${file#"$root"/})"
  done | sort -n
}

# stopped FILE CRASH: from AddressSanitizer's words why a program was stopped, and at which line of FILE.
stopped() {
  local why where
  why=$(sed -n 's/.*ERROR: AddressSanitizer: \([A-Za-z-]*\).*/\1/p' "$2")
  case $why in
    ABRT) why="it was stopped, as the lines above say" ;;
    *-buffer-overflow) why="it was stopped, it read or wrote outside an array" ;;
    stack-overflow) why="it was stopped, it called itself without end" ;;
    *) why="it crashed ($why)" ;;
  esac
  # The first of the calls, up to an empty line, that is in the file.
  where=$(file=" $1:" awk '/^ *#0/ { inside = 1 } inside && /^$/ { exit }
    inside && (at = index($0, ENVIRON["file"])) { print substr($0, at + 1); exit }' "$2")
  echo "$why${where:+: $where}"
}

check() {
  local number=$1 folder file build
  folder=$(folder_of "$number") || exit
  file=$(realpath -m "${2:-$folder/exercise.cpp}")
  [ -f "$file" ] || usage "there is no file $file"
  [ -r "$file" ] || usage "$file cannot be read"
  cd "$root"
  build=${LRUREC_BUILD:-build}
  source tools/ccache.sh "$build"

  if [ ! -f "$build/build.ninja" ]; then
    echo "study: setting up $build, once" >&2
    tools/build.sh "study_needs_$number" || {
      echo "study: $build could not be set up; tools/setup.sh installs what the build needs" >&2
      exit 1
    }
  fi
  local learner=$build/study/${number}_learner.cpp wanted="#include \"$file\""
  mkdir -p "$build/study"
  [ "$(cat "$learner" 2>/dev/null)" = "$wanted" ] || echo "$wanted" >"$learner"

  # What the check needs, then the learner's file alone: what the compiler says of that is shown as it is.
  local log=$build/study/build.log
  cmake --build "$build" --target "study_needs_$number" 2>&1 | tee "$log" |
    awk -v n="$number" '/Building CXX/ && !said++ { print "study: building what exercise " n " is checked with" }' >&2 ||
    { cat "$log" >&2; exit 1; }
  local code=0
  cmake --build "$build" --target "study_learner_$number" -- --quiet >"$log" 2>&1 || code=$?
  # Without ninja's own lines: "FAILED: ...", the command below it, "ninja: ...".
  awk '/^FAILED: / { getline; next } /^ninja: / { next } { print }' "$log" >&2
  if [ "$code" -ne 0 ]; then
    echo "study: $file does not compile" >&2
    exit 1
  fi

  # AddressSanitizer writes to crash.PID why it stopped the program. What the shell itself says of a crash is left out.
  local crash=$build/study/crash
  rm -f "$crash".*
  export ASAN_OPTIONS="handle_abort=1:detect_leaks=0:exitcode=99:log_path='$crash'" OMP_WAIT_POLICY=passive
  { timeout 60 "$build/bin/study_exercises/study_learner_$number" 2>&3; } 3>&2 2>/dev/null || code=$?
  case $code in
    0 | 1) ;;
    99) echo "exercise $number: wrong, $(stopped "$file" "$crash".*)" ;;
    124) echo "exercise $number: wrong, it had not ended after a minute; look for a loop that never ends" ;;
    *) echo "exercise $number: wrong, it crashed (exit code $code), as a read or write outside an array does" ;;
  esac
  [ "$code" -eq 0 ] || exit 1
}

case "${1:-}" in
  list) [ $# -eq 1 ] || usage; list ;;
  check) [ $# -eq 2 ] || [ $# -eq 3 ] || usage; check "${@:2}" ;;
  solution)
    [ $# -eq 2 ] || usage
    folder=$(folder_of "$2") || exit
    cat "$folder/solution.cpp"
    ;;
  *) usage ;;
esac
