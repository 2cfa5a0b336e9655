#!/usr/bin/env bash
# Starts servers of the stores that do not live inside the process, for tests, and
# stops them.
#
#   stores.sh start DIR    starts what is installed, keeps it under DIR, and prints
#                          lines for eval: export IFMATCH_TEST_…=…
#   stores.sh stop DIR     stops what start began there, and removes DIR
#   stores.sh run COMMAND  runs a command between the two
#
# Works as root, where the servers run as another user, and as an ordinary user.
# What is missing is skipped aloud. Nothing here weakens what a server promises:
# fsync stays on.
set -euo pipefail
here=$(realpath "${BASH_SOURCE[0]}")
module=$(dirname "$(dirname "$here")")

umask 022 # servers run as another user than root

wait_limit=60 # seconds for a server to begin, or to end

skipped() { echo "SKIPPED, NOT CHECKED: $1" >&2; }

# as becomes a command that runs as the user of servers: root starts none. It is for
# subshells, whose process id is the command's own.
as() { # user command…
  if ((EUID == 0)); then
    exec setpriv --reuid="$1" --regid="$(id -g "$1")" --clear-groups "${@:2}"
  fi
  exec "${@:2}"
}

server_user() {
  if ((EUID != 0)); then
    id -un
  elif id postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo nobody
  fi
}

# postgres_bin prints the folder of the newest PostgreSQL, nothing without one.
postgres_bin() {
  local found
  found=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1 || true)
  if command -v postgres >/dev/null; then
    found=$(dirname "$(readlink -f "$(command -v postgres)")")
  fi
  if [[ -n $found && -x $found/initdb && -x $found/postgres ]]; then
    echo "$found"
  fi
}

# free_port prints a TCP port of the loopback interface that nobody listens on.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000)) # below the ports that clients are given
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}

# runs tells whether a process has not ended. One that nobody has waited for has.
runs() { # pid
  local state
  state=$(ps -o stat= -p "$1") && [[ $state != Z* ]]
}

# until_true waits until a command succeeds. It fails once the process has ended.
until_true() { # pid command…
  local deadline=$((SECONDS + wait_limit))
  until "${@:2}" >/dev/null 2>&1; do
    if ! runs "$1" || ((SECONDS > deadline)); then
      return 1
    fi
    sleep 0.1
  done
}

start_postgres() { # dir
  local dir=$1/postgres bin user port pid password
  bin=$(postgres_bin)
  if [[ -z $bin ]]; then
    skipped "the PostgreSQL driver, for want of PostgreSQL 15 or later (apt-get install postgresql)"
    return
  fi
  user=$(server_user)
  mkdir -p "$dir"
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  (umask 077 && echo "$password" >"$dir/password")
  if ((EUID == 0)); then chown "$user" "$dir" "$dir/password"; fi
  if ! (as "$user" "$bin/initdb" -D "$dir/data" -U ifmatch -A scram-sha-256 --pwfile "$dir/password" -E UTF8 --locale=C) >"$dir/log" 2>&1; then
    skipped "the PostgreSQL driver: initdb failed"
    tail -n 3 "$dir/log" >&2
    return
  fi
  port=$(free_port)
  # Tests open many connections and databases; nothing else differs from the default.
  as "$user" "$bin/postgres" -D "$dir/data" -h 127.0.0.1 -p "$port" -k "$dir" -c max_connections=400 \
    >>"$dir/log" 2>&1 </dev/null 3>&- &
  pid=$!
  echo "$pid" >"$dir/pid"
  if ! until_true "$pid" "$bin/pg_isready" -h 127.0.0.1 -p "$port"; then
    skipped "the PostgreSQL driver: the server did not start"
    tail -n 5 "$dir/log" >&2
    stop_one "$dir" INT
    return
  fi
  echo "export IFMATCH_TEST_POSTGRES='postgres://ifmatch:$password@127.0.0.1:$port/postgres?sslmode=disable'"
}

# start_etcd builds the server from its Go module, which is one of its own so that
# the product does not depend on it.
start_etcd() { # dir
  local dir=$1/etcd user client peer pid
  mkdir -p "$dir"
  if [[ ! -f $module/test/etcd/go.mod ]]; then
    skipped "the etcd driver: there is no test/etcd"
    return
  fi
  if ! (cd "$module/test/etcd" && timeout 10m go build -o "$dir/etcd" .) >"$dir/log" 2>&1; then
    skipped "the etcd driver: its server could not be built"
    tail -n 3 "$dir/log" >&2
    return
  fi
  user=$(server_user)
  if ((EUID == 0)); then chown "$user" "$dir"; fi
  client=$(free_port)
  peer=$(free_port)
  as "$user" "$dir/etcd" --name ifmatch --data-dir "$dir/data" --log-level error \
    --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "ifmatch=http://127.0.0.1:$peer" >>"$dir/log" 2>&1 </dev/null 3>&- &
  pid=$!
  echo "$pid" >"$dir/pid"
  if ! until_true "$pid" curl -fsS "http://127.0.0.1:$client/health"; then
    skipped "the etcd driver: the server did not start"
    tail -n 5 "$dir/log" >&2
    stop_one "$dir" TERM
    return
  fi
  echo "export IFMATCH_TEST_ETCD=127.0.0.1:$client"
}

# stop_one ends the server whose process id a folder has, and waits for its end.
stop_one() { # dir signal
  local pid deadline=$((SECONDS + wait_limit))
  [[ -f $1/pid ]] || return 0
  pid=$(<"$1/pid")
  if [[ $(ps -o args= -p "$pid") != *"$1"* ]]; then # it has ended, and its number may be another's by now
    rm -f "$1/pid"
    return
  fi
  kill "-$2" "$pid" 2>/dev/null || true
  while runs "$pid"; do
    if ((SECONDS > deadline)); then kill -KILL "$pid" 2>/dev/null || true; fi
    sleep 0.1
  done
  rm -f "$1/pid"
}

start() { # dir
  mkdir -p "$1"
  local dir
  dir=$(cd "$1" && pwd)
  if ((EUID == 0)); then chmod 755 "$dir"; fi # for the user that servers run as
  start_postgres "$dir"
  start_etcd "$dir"
}

stop() { # dir
  local dir
  [[ -d $1 ]] || return 0
  dir=$(cd "$1" && pwd)
  stop_one "$dir/postgres" INT # fast: what is open is rolled back
  stop_one "$dir/etcd" TERM
  rm -rf "${dir:?}"
}

run() { # command…
  local dir status=0
  dir=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder as it is now
  trap "'$here' stop '$dir'" EXIT # after a signal too
  eval "$("$here" start "$dir")"
  "$@" || status=$?
  return "$status"
}

case ${1-}:$# in
  start:2 | stop:2) "$1" "$2" ;;
  run:[2-9] | run:[1-9][0-9]) run "${@:2}" ;;
  *)
    echo "usage: stores.sh start DIR | stop DIR | run COMMAND…" >&2
    exit 2
    ;;
esac
