#!/usr/bin/env bash
# Runs the long form of the laws of merging, and of every test package under test/
# that has one: those that take the flag -torture. The others would refuse it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=()
while read -r package; do
  if go test -race -run '^$' "$package" -torture >/dev/null 2>&1; then
    packages+=("$package")
  fi
done < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./merge ./test/...)

if ((${#packages[@]} == 0)); then
  echo "no package takes the flag -torture, so there is nothing long to run" >&2
  exit 1
fi
printf 'long forms: %s\n' "${packages[*]}"
go test -race -count=1 -timeout 60m -v "${packages[@]}" -torture
