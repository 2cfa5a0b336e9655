#!/usr/bin/env bash
# Runs the suite that every store passes over the store that a DSN names, or over all
# of them, with servers of their own. Databases and keys that it makes are its own;
# what is there already is not touched.
#
#   conformance.sh ''|memory:|sqlite:PATH|postgres://…|etcd://HOST:PORT,…/
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dsn=${1-}
suite() { # packages
  go test -race -count=1 -timeout 30m -run '^TestConformance$' "$@"
}
stores=internal/store

case $dsn in
  '') # the servers are started once, by this script run a second time
    if [[ -z ${IFMATCH_TEST_STARTED-} ]]; then
      IFMATCH_TEST_STARTED=1 exec scripts/stores.sh run "$0"
    fi
    drivers=()
    for kind in memory sqlite postgres etcd; do
      if [[ -d $stores/$kind ]]; then drivers+=("./$stores/$kind"); fi
    done
    suite "${drivers[@]}"
    ;;
  memory:) suite "./$stores/memory" ;;
  sqlite:*) # on the disk that the path lies on
    TMPDIR=$(cd "$(dirname "${dsn#sqlite:}")" && pwd)
    export TMPDIR
    suite "./$stores/sqlite"
    ;;
  postgres://* | postgresql://*) IFMATCH_TEST_POSTGRES=$dsn suite "./$stores/postgres" ;;
  etcd://*)
    hosts=${dsn#etcd://}
    IFMATCH_TEST_ETCD=${hosts%%/*} suite "./$stores/etcd"
    ;;
  *)
    echo "a DSN begins with memory:, sqlite:, postgres:// or etcd://" >&2
    exit 2
    ;;
esac
