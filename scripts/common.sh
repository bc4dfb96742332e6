# What ./demo and ./test share: the packages, the build, and where things are said. To be sourced.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(build-essential cmake ninja-build pkg-config libdnnl-dev libhwy-dev libjpeg62-turbo-dev libpng-dev libwebp-dev
  zlib1g-dev libtomlplusplus-dev nlohmann-json3-dev libfmt-dev)
test_packages=(libgtest-dev libbenchmark-dev libprotobuf-dev protobuf-compiler)

say() { printf '\n== %s\n' "$*"; }

# Installs those of the named Debian packages that are missing. Needs root (or sudo) only if there are any.
install_missing() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  say "installing ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "These Debian packages are missing: ${missing[*]}" >&2
      echo "Install them as root (apt-get install ${missing[*]}), then run this again." >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# build PRESET [cmake options]: configures where needed and builds what changed.
build() {
  local preset=$1
  shift
  say "building ($preset) in build/$preset"
  cmake --preset "$preset" "$@" >/dev/null
  cmake --build --preset "$preset"
}
