#!/usr/bin/env bash
# Runs the long form of the laws of merging, and of every test package under test/
# that has one: those that take the flag -torture. The others would refuse it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=()
while read -r package; do
  if go test -run '^$' "$package" -torture >/dev/null 2>&1; then
    packages+=("$package")
  fi
done < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./merge ./test/...)

if ((${#packages[@]} == 0)); then
  echo "no package takes the flag -torture, so there is nothing long to run" >&2
  exit 1
fi
printf 'long forms: %s\n' "${packages[*]}"

# The laws of merging start no goroutine. A race detector would find nothing in
# them, and makes their 100,000 cases take eight times as long.
laws=() races=()
for package in "${packages[@]}"; do
  case $package in
    */merge) laws+=("$package") ;;
    *) races+=("$package") ;;
  esac
done
status=0
if ((${#laws[@]})); then
  go test -count=1 -timeout 30m -v "${laws[@]}" -torture || status=1
fi
if ((${#races[@]})); then
  go test -race -count=1 -timeout 60m -v "${races[@]}" -torture || status=1
fi
exit "$status"
