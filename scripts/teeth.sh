#!/usr/bin/env bash
# Runs the tests against deliberately broken builds. Arguments are passed on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ! -d test/teeth ]]; then
  echo "SKIPPED, NOT CHECKED: there are no broken builds under test/teeth yet" >&2
  exit 0
fi
echo "== teeth $*"
exec go run ./test/teeth "$@"
