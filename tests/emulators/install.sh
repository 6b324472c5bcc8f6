#!/bin/sh
# Installs the emulators, and the linter of workflow files, into virtual environments under target/emulators (or
# $HATOBA_EMULATORS).
#
#   tests/emulators/install.sh [ministack|moto|linter]...      all when none is named
#
# Says nothing and costs milliseconds when they are already there; safe to run twice at the same time.
# Needs Python 3.10 or later with the venv module. HATOBA_PYTHON names one; otherwise the newest tried name wins.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
home=${HATOBA_EMULATORS:-$root/target/emulators}

say() { printf '%s\n' "emulators: $*" >&2; }

usable() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1
}

find_python() {
    for name in ${HATOBA_PYTHON:-} python3.13 python3.12 python3.11 python3.10 python3; do
        if usable "$name"; then
            printf '%s\n' "$name"
            return 0
        fi
    done
    say "no Python 3.10 or later with the venv module was found (on Debian: the packages python3 and python3-venv); HATOBA_PYTHON can name one"
    return 1
}

# The stamp holds what was installed; it is written last, so half an installation is never taken for a whole one.
wanted() { cksum <"$here/requirements-$1.txt"; }
current() { [ "$(cat "$home/$1/.installed" 2>/dev/null)" = "$(wanted "$1")" ] && "$home/$1/bin/python" -c '' 2>/dev/null; }

# Each step states its failure: `set -e` does not hold inside a function whose status is asked for.
install_one() {
    current "$1" && return 0
    python=$(find_python) || return 1
    say "installing $1 into ${home#"$root"/}/$1 (once, well under a minute)"
    rm -rf "${home:?}/$1" || return 1
    "$python" -m venv "$home/$1" || return 1
    "$home/$1/bin/python" -m pip install --quiet --disable-pip-version-check \
        --requirement "$here/requirements-$1.txt" >&2 || return 1
    wanted "$1" >"$home/$1/.installed"
}

# One lock for each emulator: a directory, because making one is atomic everywhere. It holds the owner's process id, so
# that the lock of a killed run is broken by the next one.
locked_install() {
    lock=$home/.lock-$1
    while ! mkdir "$lock" 2>/dev/null; do
        owner=$(cat "$lock/pid" 2>/dev/null) || owner=
        if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
            rm -rf "$lock"
        else
            sleep 0.2
        fi
    done
    # $$ is this script also in a background job: the lock lives as long as the script does.
    printf '%s\n' "$$" >"$lock/pid"
    status=0
    (install_one "$1") || status=$?
    rm -rf "$lock"
    return "$status"
}

[ $# -gt 0 ] || set -- ministack moto linter
for name; do
    [ -f "$here/requirements-$name.txt" ] || { say "nothing is called '$name': ministack, moto, linter"; exit 2; }
done

missing=
for name; do
    current "$name" || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

mkdir -p "$home"
jobs=
# Word splitting is wanted: names hold no blanks.
for name in $missing; do
    locked_install "$name" &
    jobs="$jobs $!"
done
status=0
for job in $jobs; do
    wait "$job" || status=1
done
[ "$status" -eq 0 ] || say "the installation failed; the lines above say why"
exit "$status"
