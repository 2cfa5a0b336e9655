#!/usr/bin/env bash
# Looks for what the tests need. As root on a Debian-like system it installs what
# is missing; otherwise it names it, and the tests that need it are skipped aloud.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v go >/dev/null; then
  echo "go is missing: install Go 1.26 or later from https://go.dev/dl/" >&2
  exit 1
fi

PATH=$PATH:/usr/sbin # where servers lie, which the tests look in too
for bin in /usr/lib/postgresql/*/bin; do PATH=$PATH:$bin; done # where Debian keeps those of PostgreSQL

# command, packages that bring it, what is lost without it
needs=(
  "cc|gcc libc6-dev|the race detector"
  "curl|curl|the tour of the README"
  "git|git|merging JSON files in git"
  "nginx|nginx-light|the tests behind a proxy that compresses"
  "apache2|apache2-bin|the tests behind another one"
  "node|nodejs|the precondition table, which a client of its own runs"
  "postgres|postgresql|the PostgreSQL driver, and what moves stores to it and back"
  "chromium|chromium|what a browser lets web pages do with the server, and what its cache keeps"
  "npm|npm|clients and caches that are not ours, the retry loop in TypeScript, and Prism"
)

packages=()
for need in "${needs[@]}"; do
  IFS='|' read -r command names _ <<<"$need"
  if ! command -v "$command" >/dev/null; then
    read -ra split <<<"$names"
    packages+=("${split[@]}")
  fi
done

if ((${#packages[@]} > 0)) && ((EUID == 0)) && command -v apt-get >/dev/null; then
  install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
  echo "installing: ${packages[*]}"
  if ! apt-get update -qq >/dev/null; then
    echo "the list of packages could not be fetched; going on without" >&2
  elif ! install "${packages[@]}"; then # one that this system does not have keeps none of the others away
    for package in "${packages[@]}"; do
      install "$package" || echo "$package could not be installed; going on without" >&2
    done
  fi
fi

for need in "${needs[@]}"; do
  IFS='|' read -r command names lost <<<"$need"
  if ! command -v "$command" >/dev/null; then
    echo "MISSING, GOING ON WITHOUT: $command, for $lost. Install: $names" >&2
  fi
done

go mod download
