#!/usr/bin/env bash
# Installs every system package the tests and PDF documents need (Debian, Ubuntu). Without arguments: what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
  packages=("$@")
else
  mapfile -t packages < <("${PYTHON:-python3}" src/headworks/checks/system.py | grep . || true)
fi
if [ ${#packages[@]} -eq 0 ]; then
  echo "nothing is missing"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "this system has no apt; install what these Debian packages bring: ${packages[*]}" >&2
  exit 1
fi

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}"
