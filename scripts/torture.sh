#!/usr/bin/env bash
# Runs the long form of every test package that has one: those that define the
# flag -torture. The others would refuse it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t packages < <(grep -rlE --include='*.go' 'flag\.(Bool|BoolVar)\([^)]*"torture"' test | xargs -r dirname | sort -u | sed 's,^,./,')
if ((${#packages[@]} == 0)); then
  echo "no package under test/ defines the flag -torture, so there is nothing long to run" >&2
  exit 1
fi
go test -race -count=1 -timeout 60m -v "${packages[@]}" -torture
