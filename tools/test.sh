#!/usr/bin/env bash
# Runs every check in order of cost and stops at the first stage that fails. `tools/test.sh unit browser` runs the stages named.
# Under CI=true a missing browser or data set is an error, not a skip.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

wanted=" $* "
report=""

stage() {
  local name=$1 started=$SECONDS rc
  shift
  if [ "$wanted" != "  " ] && [[ "$wanted" != *" $name "* ]]; then return 0; fi
  echo "=== $name: $*"
  "$@"
  rc=$?
  report+="$(printf '%-12s %4d s' "$name" $((SECONDS - started)))"$'\n'
  if [ $rc -ne 0 ]; then
    printf '\n%s=== %s failed (%d)\n' "$report" "$name" $rc
    exit $rc
  fi
}

[ "${CI:-}" != "true" ] || stage system headworks check system
stage lint ruff check .
stage format ruff format --check .
stage types mypy
stage imports lint-imports
stage check headworks check
stage unit pytest -q -m "not integration and not browser"
stage integration pytest -q -m integration --durations=12
stage postgresql python tools/with_postgres.py pytest -q tests/control
stage browser pytest -q -m browser
printf '\n%s' "$report"
