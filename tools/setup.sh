#!/usr/bin/env bash
# Installs the Debian packages that building and testing need; does nothing when all are there.
#   tools/setup.sh          what the build and the tests need
#   tools/setup.sh --ci     also what the style checks need
#   tools/setup.sh --fuzz   also what the fuzzers and the thread sanitizer need
#   tools/setup.sh --docs   also what the reference of the library needs (tools/reference.sh)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"

packages=(
  g++ cmake ninja-build pkg-config ca-certificates git xz-utils bzip2 ccache
  libopenblas-openmp-dev  # BLAS
  libxsimd-dev            # vectorised exp, erf, ...
  libkissfft-dev          # Fourier transforms
  libfmt-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev
  libcereal-dev libxxhash-dev libarchive-dev zlib1g-dev
  libjs-chart.js          # charts of lrurec report
  libgtest-dev libgmock-dev libbenchmark-dev
)
for flag in "$@"; do
  case "$flag" in
    --ci) packages+=(clang-format clang-tidy clang libomp-dev chromium fonts-dejavu-core doxygen) ;;
    --fuzz) packages+=(clang libclang-rt-14-dev libomp-dev) ;;
    --docs) packages+=(doxygen) ;;
    *) echo "usage: tools/setup.sh [--ci] [--fuzz] [--docs]" >&2; exit 2 ;;
  esac
done

find_missing() {
  local package
  missing=()
  for package in "${packages[@]}"; do
    # Each of several architectures has a status.
    [[ $(dpkg-query -W -f ' ${db:Status-Status} ' "$package" 2>/dev/null) == *" installed "* ]] || missing+=("$package")
  done
}
find_missing
[ ${#missing[@]} -eq 0 ] && exit 0

echo "setup: installing ${missing[*]}" >&2
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  # At a terminal sudo may ask for the password.
  if ! sudo -n true 2>/dev/null && ! { [ -t 0 ] && [ -t 2 ] && sudo -v; }; then
    # What they hold may be here all the same, from elsewhere: the build will tell.
    echo "setup: without root these packages cannot be installed: ${missing[*]}" >&2
    echo "setup: going on without them. Should the build miss something, run" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 0
  fi
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}"; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The package lists of a fresh machine are empty or old: the first try may fail for that alone.
if ! install >"$log" 2>&1; then
  "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -qq >>"$log" 2>&1 || true
  if ! install >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    find_missing
    echo "setup: apt-get could not install ${missing[*]}" >&2
    for package in "${missing[@]}"; do
      case $package in
        ccache | libbenchmark-dev) ;;  # the build uses them where they are
        *) exit 1 ;;
      esac
    done
    echo "setup: going on without" >&2
  fi
fi
