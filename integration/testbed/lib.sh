# shellcheck shell=bash
# Shared helpers for the directory testbeds. Source it; do not run it.
set -euo pipefail
umask 077

TB_DIR=${TB_DIR:-${TMPDIR:-/tmp}/ldap-testbed}   # parent of every state directory

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
need() { local c; for c; do command -v "$c" >/dev/null || die "missing command $c: run integration/install.sh"; done; }

# A pid file holds "pid starttime"; the start time guards against a recycled pid.
starttime() { # fails for a process that has ended, also where nobody has reaped it
  local s; s=$(cat "/proc/$1/stat" 2>/dev/null) && s=${s##*) } && [[ $s != Z* ]] && cut -d' ' -f20 <<<"$s"; }
save_pid() { printf '%s %s\n' "$2" "$(starttime "$2")" >"$1"; }
alive() { local p t; [[ -s $1 ]] && read -r p t <"$1" && [[ $(starttime "$p") == "$t" ]]; }
pid_of() { local p; read -r p _ <"$1" && printf '%s\n' "$p"; }
# Each server leads its own session, so a signal to that session reaches its children and nothing else.
signal_all() { ! alive "$1" || pkill "-$2" -s "$(pid_of "$1")"; }
pause_all() { # file: freeze, and wait until no thread runs: each answers a signal to stop in its own time
  local i running; alive "$1" || return 0; signal_all "$1" STOP
  for ((i = 0; i < 500; i++)); do
    running=$(for p in $(pgrep -s "$(pid_of "$1")"); do cat "/proc/$p/task/"*/stat 2>/dev/null || true; done | sed 's/.*) //; /^[TtZX]/d')
    [[ -n $running ]] || return 0
    sleep 0.02
  done
  die "process of $1 does not stop"
}
stop_pid() { # file [seconds]
  local i p; alive "$1" || { rm -f "$1"; return 0; }
  p=$(pid_of "$1"); kill -TERM "$p"; pkill -CONT -s "$p" || true
  for ((i = 0; i < ${2:-20} * 10; i++)); do alive "$1" || break; sleep 0.1; done
  for ((i = 0; i < 30; i++)); do pgrep -s "$p" >/dev/null || break; sleep 0.1; done
  pkill -KILL -s "$p" || true
  rm -f "$1"
}
kill_pid() { # file: at once, as a crash does
  local i p; alive "$1" || { rm -f "$1"; return 0; }
  p=$(pid_of "$1"); signal_all "$1" KILL
  for ((i = 0; i < 200; i++)); do pgrep -r D,R,S,T,t -s "$p" >/dev/null || break; sleep 0.02; done; rm -f "$1"; }
wait_for() { # pidfile seconds command...
  local f=$1 end=$((SECONDS + $2)); shift 2
  until "$@" >/dev/null 2>&1; do
    alive "$f" || die "process of $f died while starting"
    ((SECONDS < end)) || die "not ready in time: $*"
    sleep 0.1
  done
}
one_at_a_time() { ((${#1} < 80)) || die "state path too long for unix sockets: $1"; mkdir -p "$1"; exec 9>"$1/.lock"; flock -w 300 9 || die "another run holds $1"; }
mem_kb() { # pid file: proportional memory of the process and of everything in its session
  alive "$1" || { echo 0; return 0; }
  local p; for p in $(pgrep -s "$(pid_of "$1")"); do cat "/proc/$p/smaps_rollup" 2>/dev/null; done | awk '/^Pss:/ {s+=$2} END {print s+0}'; }

# make_ca DIR, make_cert DIR NAME SUBJECT SAN|client: a private CA (ca.pem) and leaf certificates
make_ca() { [[ -s $1/ca.pem ]] && return 0; mkdir -p "$1"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj '/O=Testbed/CN=Testbed CA' \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$1/ca.key" -out "$1/ca.pem" 2>/dev/null; }
make_cert() { [[ -s $1/$2.pem ]] && return 0
  local ext=extendedKeyUsage=clientAuth; [[ $4 == client ]] || ext="extendedKeyUsage=serverAuth"$'\n'"subjectAltName=$4"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$3" -keyout "$1/$2.key" 2>/dev/null |
    openssl x509 -req -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -days 3650 -out "$1/$2.pem" \
      -extfile <(printf 'basicConstraints=CA:FALSE\n%s\n' "$ext") 2>/dev/null; }

# LDIF writers: rec LINES... prints one record; b64 ATTR VALUE encodes any value safely
rec() { printf '%s\n' "$@" ''; }
b64() { printf '%s:: %s\n' "$1" "$(printf %s "$2" | base64 -w0)"; }
