#!/usr/bin/env bash
# Installs a build into a temporary folder, and builds and runs the small project in tests/install against it.
#   tools/test_install.sh [BUILD]        default: build
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath -m "${1:-$root/build}")
cd "$root"

work=$(mktemp -d)
# The manifests of the user's own installation wait meanwhile: those of one as root could not be written over.
kept=$(mktemp -d "$build/install_manifests.XXXXXX")
manifests() { find "$1" -maxdepth 1 -name 'install_manifest*.txt'; }
manifests "$build" | xargs -r -d '\n' mv -t "$kept"
put_back() {
  manifests "$build" | xargs -r -d '\n' rm -f
  manifests "$kept" | xargs -r -d '\n' mv -t "$build"
  rm -rf "$kept" "$work"
}
trap put_back EXIT
prefix=$work/prefix
# A relative prefix, for which the way up to a folder that is there once had no end.
(cd "$work" && umask 077 && timeout 300 cmake --install "$build" --prefix prefix >"$work/install.log")

if find "$prefix" ! -type l ! -perm -044 -o -type d ! -perm -055 | grep .; then
  echo "test_install: these are not for all users" >&2
  exit 1
fi

# Nothing that is installed may lead back to the sources or the build.
if grep -rlF -e "$PWD/" -e "$build" "$prefix"/lib* --include='*.cmake'; then
  echo "test_install: these installed files name the source folder" >&2
  exit 1
fi
"$prefix/bin/lrurec" --version
for file in share/man/man1/lrurec.1 share/bash-completion/completions/lrurec share/fish/vendor_completions.d/lrurec.fish; do
  test -s "$prefix/$file" || { echo "test_install: $file is missing" >&2; exit 1; }
done
# Moved, since a package must not know where it was put first; and away from the sources.
mv "$prefix" "$work/moved"
cp -r tests/install "$work/outside"
cmake -S "$work/outside" -B "$work/outside/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PREFIX_PATH="$work/moved" >"$work/configure.log" || { cat "$work/configure.log" >&2; exit 1; }
cmake --build "$work/outside/build" >"$work/build.log" || { cat "$work/build.log" >&2; exit 1; }
"$work/outside/build/outside"
echo "install: ok"
