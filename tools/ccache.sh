# Sourced by scripts that compile: `launcher` has CMake's options for ccache, where it is installed. In a home folder that
# cannot be written to ccache would fail every compilation, so its files then lie in the build folder, `$1`. A CCACHE_DIR
# that is not there yet is made, as ccache itself would.
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
  [ -z "${CCACHE_DIR:-}" ] || mkdir -p "$CCACHE_DIR" 2>/dev/null || true
  [ -w "${CCACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}}}" ] || CCACHE_DIR=$(realpath -m "$1")/ccache
  [ -z "${CCACHE_DIR:-}" ] || export CCACHE_DIR
fi
