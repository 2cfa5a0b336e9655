#!/usr/bin/env bash
# The static checks. What cannot be fetched is skipped aloud; what can be must pass.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

linter=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
scanner=golang.org/x/vuln/cmd/govulncheck@v1.8.0
fetch_limit=8m # the linter is compiled on its first use; what is done by then is kept for the next
scan_limit=5m

failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

skipped() { # what
  echo "SKIPPED, NOT CHECKED: $1" >&2
  tail -n 3 "$log" >&2
}

echo "== gofmt"
unformatted=$(gofmt -l .)
if [[ -n $unformatted ]]; then
  echo "not formatted; run gofmt -w on:" "$unformatted" >&2
  failed=1
fi

echo "== go vet"
go vet ./... || failed=1

echo "== golangci-lint"
if timeout "$fetch_limit" go run "$linter" version >"$log" 2>&1; then
  go run "$linter" run ./... || failed=1
else
  skipped "the linter could not be fetched and built"
fi

echo "== govulncheck"
if timeout "$fetch_limit" go run "$scanner" -version >"$log" 2>&1 || grep -q '^Scanner:' "$log"; then
  status=0
  timeout "$scan_limit" go run "$scanner" ./... >"$log" 2>&1 || status=$?
  if ((status == 0)); then
    tail -n 1 "$log"
  elif grep -q '^Vulnerability #' "$log"; then
    cat "$log" >&2
    failed=1
  else
    skipped "the vulnerability database could not be reached"
  fi
else
  skipped "govulncheck could not be fetched and built"
fi

exit "$failed"
