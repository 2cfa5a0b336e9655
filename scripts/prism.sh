#!/usr/bin/env bash
# Runs the black-box tests once more, with a validating proxy between them and the
# servers that holds every answer against the server's own description, and has the
# descriptions of policies linted. Arguments are passed on to go test. IFMATCH_LONG=1
# runs all of it over every store, with crowds of full size.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "== go test ./test/protocol -prism $*"
go test -json -count=1 -timeout 30m ./test/protocol -prism "$@" | go run ./scripts/testlog
