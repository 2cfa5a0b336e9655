#!/usr/bin/env bash
# Runs all tests under the race detector. Arguments are passed on to go test.
# Nothing comes from the test cache: some tests start programs of this module,
# which the cache does not look at.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

race=(-race)
if [[ $(go env CGO_ENABLED) != 1 ]] || ! command -v "$(go env CC)" >/dev/null; then
  echo "SKIPPED, NOT CHECKED: data races, for want of a C compiler" >&2
  race=()
fi

echo "== go test ${race[*]} -count=1 ./... $*"
go test -json "${race[@]}" -count=1 -timeout 15m ./... "$@" | go run ./scripts/testlog
