#!/bin/sh
# Takes stack.example.yaml from nothing to running and back, over real HTTP, on an emulator of AWS: no account, no cost.
#
# `make demo` builds hatoba and runs this. HATOBA_BIN names another binary. Needs Python 3.10 or later for the emulator.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
home=${HATOBA_EMULATORS:-$root/target/emulators}
binary=${HATOBA_BIN:-${CARGO_TARGET_DIR:-$root/target}/debug/hatoba}

fail() { printf '\ndemo: %s\n' "$*" >&2; exit 1; }
[ -x "$binary" ] || fail "there is no $binary: \`cargo build\` makes it (\`make demo\` does both)"

"$here/emulators/install.sh" ministack || fail "the emulator could not be installed"
python=$home/ministack/bin/python

scratch=$(mktemp -d "${TMPDIR:-/tmp}/hatoba-demo.XXXXXX")
emulator=
stop() {
    exec 9>&-
    if [ -n "$emulator" ]; then
        kill "$emulator" 2>/dev/null || true
        wait "$emulator" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The emulator ends with the last writer of this pipe, however this script ends.
mkfifo "$scratch/life"
exec 8<>"$scratch/life" 9>"$scratch/life"
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$here/emulators/serve.sh" ministack "$port" <"$scratch/life" >"$scratch/emulator.log" 2>&1 8>&- 9>&- &
emulator=$!
exec 8>&-
"$python" - "http://127.0.0.1:$port/_ministack/health" "$emulator" <<'PYTHON' || fail "the emulator did not start: $(tail -n 5 "$scratch/emulator.log")"
import os, sys, time, urllib.request
url, pid = sys.argv[1], int(sys.argv[2])
end = time.monotonic() + 60
while time.monotonic() < end:
    try:
        os.kill(pid, 0)
        urllib.request.urlopen(url, timeout=5).read(1)
        sys.exit(0)
    except ProcessLookupError:
        sys.exit(1)
    except OSError:
        time.sleep(0.05)
sys.exit(1)
PYTHON

# Whatever the caller has set for AWS must not reach the demo, nor the demo anything but the emulator.
for name in $(env | sed -n -e 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p' -e 's/^\(HATOBA_[A-Za-z0-9_]*\)=.*/\1/p'); do unset "$name"; done
export AWS_ENDPOINT_URL="http://127.0.0.1:$port" AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=test \
    AWS_REGION=us-west-2 AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true

cp "$root/stack.example.yaml" "$scratch/stack.yaml"
cd "$scratch"

title() { printf '\n── %s\n' "$*"; }

# expect CODE ARGUMENT...: shows `hatoba ARGUMENT...` as a user types it, runs it, and wants this exit code.
expect() {
    wanted=$1
    shift
    printf '\n$ hatoba %s\n' "$*"
    code=0
    "$binary" "$@" </dev/null 9>&- || code=$?
    [ "$code" -eq "$wanted" ] || fail "\`hatoba $*\` ended with $code instead of $wanted"
}

# edit OLD NEW: changes one line of the stack, by basic regular expressions, and shows the change.
edit() {
    sed "s|$1|$2|" stack.yaml >edited.yaml
    if cmp -s stack.yaml edited.yaml; then
        fail "stack.example.yaml has no line with \`$1\`: the demo no longer fits it"
    fi
    printf '\n$ $EDITOR stack.yaml\n'
    diff stack.yaml edited.yaml | grep '^[<>]' || true
    mv edited.yaml stack.yaml
}

other() { "$python" "$here/demo/other_client.py" "$@" || fail "the other client found something wrong (see above)"; }

title 'the file is checked before anything is sent'
expect 0 validate

title 'nothing exists yet'
expect 2 plan --detailed-exitcode

title 'what the tasks would miss'
expect 1 verify
other prepare
expect 0 verify

title 'from nothing to running'
expect 0 apply --yes

title 'what is there is what the file says'
expect 0 plan --detailed-exitcode

title 'a field changes'
edit 'retention_days: 14' 'retention_days: 30'
expect 0 apply --yes

title 'a new image: a new revision, and the service moves to it'
edit 'image: { repository: papyrus.*' 'image: "public.ecr.aws/docker/library/nginx:1.28-alpine"'
expect 0 apply --yes
expect 0 plan --detailed-exitcode

title 'somebody else changes things behind our back'
other drift
expect 2 plan --detailed-exitcode
expect 0 apply --yes
expect 0 plan --detailed-exitcode

title 'nothing keeps costing money'
expect 0 destroy --yes

title 'asked by somebody else: is anything left?'
other left

printf '\ndemo: everything worked\n'
