#!/usr/bin/env bash
# Runs the tests against deliberately broken builds. Arguments are passed on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ! -d test/teeth ]]; then
  echo "SKIPPED, NOT CHECKED: there are no broken builds under test/teeth yet" >&2
  exit 0
fi
echo "== teeth $*"
if [[ $* == *-short* || -n ${IFMATCH_TEST_POSTGRES-} ]]; then # none of the short ones needs a server
  exec go run ./test/teeth "$@"
fi
exec scripts/stores.sh run go run ./test/teeth "$@"
