#!/bin/sh
# Runs a command with both emulators beside it, and stops them whatever happens.
#
#   tests/run.sh COMMAND [ARGUMENT]...
#
# The command finds them in HATOBA_TEST_MINISTACK and HATOBA_TEST_MOTO (http://127.0.0.1:PORT, free ports), and the linter of
# workflow files in HATOBA_TEST_LINTER. Their logs are in target/emulators/{ministack,moto}.log. The exit status is the command's.
set -eu

[ $# -gt 0 ] || { printf '%s\n' "usage: tests/run.sh COMMAND [ARGUMENT]..." >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
home=${HATOBA_EMULATORS:-$root/target/emulators}

"$here/emulators/install.sh"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/hatoba-tests.XXXXXX")
pids=
stop() {
    exec 9>&-
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Both emulators read this pipe; they stop when its last writer, this shell, is gone.
mkfifo "$scratch/life"
exec 8<>"$scratch/life" 9>"$scratch/life"

probe='
import os, sys, time, urllib.request
url, pid = sys.argv[1], int(sys.argv[2])
end = time.monotonic() + 60
while time.monotonic() < end:
    os.kill(pid, 0)
    try:
        urllib.request.urlopen(url, timeout=5).read(1)
        sys.exit(0)
    except OSError:
        time.sleep(0.05)
sys.exit(1)
'

# start KIND HEALTH-PATH: sets $port and adds to $pids.
start() {
    python=$home/$1/bin/python
    port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$here/emulators/serve.sh" "$1" "$port" <"$scratch/life" >"$home/$1.log" 2>&1 8>&- 9>&- &
    started=$!
    pids="$pids $started"
    if ! "$python" -c "$probe" "http://127.0.0.1:$port$2" "$started" 2>/dev/null; then
        printf '%s\n' "run.sh: $1 did not start; the end of $home/$1.log:" >&2
        tail -n 20 "$home/$1.log" >&2
        return 1
    fi
}

start ministack /_ministack/health
HATOBA_TEST_MINISTACK=http://127.0.0.1:$port
start moto /moto-api/
HATOBA_TEST_MOTO=http://127.0.0.1:$port
exec 8>&-
HATOBA_TEST_LINTER=$home/linter/bin/jactionlint
export HATOBA_TEST_MINISTACK HATOBA_TEST_MOTO HATOBA_TEST_LINTER

# Not `exec`: the trap must live. In the foreground, so that Ctrl-C reaches the command as it would without this script.
status=0
"$@" 9>&- || status=$?
exit "$status"
