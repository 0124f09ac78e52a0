#!/usr/bin/env bash
# Writes requirements/*.txt from requirements/*.in: exact versions with hashes for every platform, no index address.
# Versions already locked are kept; `tools/lock.sh --upgrade` takes the newest allowed ones.
set -euo pipefail
cd "$(dirname "$0")/../requirements"

for name in uv runtime dev; do
  ../.tools/uv/bin/uv pip compile "$name.in" -o "$name.txt" --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate "$@"
  echo "locked requirements/$name.txt"
done
