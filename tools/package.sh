#!/usr/bin/env bash
# Builds Debian packages in build/package: lrurec (the command) and lrurec-dev (libraries, headers, CMake package).
# They run on any x86-64 processor with AVX2 (2013 and later), and the command holds builds for AVX-512 as well, of which
# it starts the one that fits. LRUREC_ARCH=... makes one build for another processor, with LRUREC_SHARE=OFF where this one
# cannot run it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in file dpkg-shlibdeps; do  # without the second cpack leaves out most of what the package depends on
  command -v $tool >/dev/null || { echo "package: install file and dpkg-dev first" >&2; exit 1; }
done
umask 022  # of files that are installed for everybody
build=$PWD/build/package
source tools/ccache.sh "$build"
options=(-DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DLRUREC_TESTS=OFF -DLRUREC_SHARE="${LRUREC_SHARE:-ON}" -DLRUREC_CUDA="${LRUREC_CUDA:-$(command -v nvcc >/dev/null && echo ON || echo OFF)}" "${launcher[@]}")

# make_build FOLDER ARCH TARGET [OPTION...]
make_build() {
  mkdir -p "$1"
  cmake -S . -B "$1" -G Ninja "${options[@]}" -DLRUREC_ARCH="$2" "${@:4}" >"$1/configure.log" || { cat "$1/configure.log" >&2; exit 1; }
  cmake --build "$1" --parallel "$(nproc)" --target "$3" >&2
}

better=
if [ "$(uname -m)" != x86_64 ]; then
  arch=${LRUREC_ARCH-}
elif [ -n "${LRUREC_ARCH+set}" ]; then
  arch=$LRUREC_ARCH
else
  arch=x86-64-v3
  # Put into the package as they are built, and perhaps for a better processor than this one.
  as_installed=(-DLRUREC_SHARE=OFF -DCMAKE_SKIP_RPATH=ON -DCMAKE_EXE_LINKER_FLAGS=-s)
  make_build "$build/avx512" x86-64-v4 lrurec "${as_installed[@]}"
  make_build "$build/avx512-bf16" cooperlake lrurec "${as_installed[@]}"  # x86-64-v4 with VNNI and BF16: of AMD since Zen 4, of Intel's servers since 2023
  better="$build/avx512;$build/avx512-bf16"
fi
make_build "$build" "$arch" all -DLRUREC_BETTER_BUILDS="$better"
rm -f "$build"/*.deb
(cd "$build" && cpack -G DEB) >&2
# A program that looks for libraries elsewhere than the system does could be given another's.
rm -rf "$build/unpacked"
dpkg-deb -x "$build"/lrurec_*.deb "$build/unpacked"
while read -r program; do
  ! readelf -d "$program" | grep -E 'R(UN)?PATH' >&2 || { echo "package: $program must have no run path" >&2; exit 1; }
done < <(find "$build/unpacked" -name lrurec -type f -perm -u+x)
ls "$build"/*.deb
