#!/bin/sh
# Runs one emulator in the foreground on 127.0.0.1 until its standard input is closed.
#
#   tests/emulators/serve.sh ministack|moto PORT
#
# Standard input must be a pipe whose other end the starter holds open. When the starter ends, in whatever way, SIGKILL
# included, the kernel closes the pipe and the emulator is stopped: no test run leaves one behind.
set -eu

kind=$1
port=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=${HATOBA_EMULATORS:-$root/target/emulators}/$kind/bin

# The watcher outlives the exec below, which keeps this shell's process id. `kill -0` guards against an id that was
# given to another process in the meantime.
self=$$
exec 3<&0
(
    exec 0<&3 3<&-
    cat >/dev/null 2>&1 || true
    kill -TERM "$self" 2>/dev/null || exit 0
    tries=0
    while [ "$tries" -lt 20 ]; do
        sleep 0.1
        kill -0 "$self" 2>/dev/null || exit 0
        tries=$((tries + 1))
    done
    kill -KILL "$self" 2>/dev/null || true
) &

# A clean environment: a developer's own AWS_* variables would change what the emulators accept.
scratch=${TMPDIR:-/tmp}
case $kind in
    ministack)
        # AUTH: identity, boundary and trust policies are enforced; a 12-digit access key is that account's root.
        exec env -i PATH="$bin:$PATH" HOME="$scratch" TMPDIR="$scratch" LANG=C.UTF-8 \
            GATEWAY_PORT="$port" BIND_HOST=127.0.0.1 AUTH=true LOG_LEVEL=WARNING SFTP_ENABLED=0 IOT_MTLS_ENABLED=0 \
            "$bin/ministack" 3<&- </dev/null
        ;;
    moto)
        # Two reads until a service is ACTIVE; the AWS managed policies are there from the start.
        exec env -i PATH="$bin:$PATH" HOME="$scratch" TMPDIR="$scratch" LANG=C.UTF-8 \
            MOTO_IAM_LOAD_MANAGED_POLICIES=true MOTO_ECS_SERVICE_RUNNING=2 \
            "$bin/python" "$here/serve_moto.py" -H 127.0.0.1 -p "$port" 3<&- </dev/null
        ;;
    *)
        printf '%s\n' "serve.sh: no emulator is called '$kind': ministack, moto" >&2
        exit 2
        ;;
esac
