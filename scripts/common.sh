# Sourced first by every script: goes to the project's folder, answers --help with the script's head, and has what all of
# them say and check.
#
#   SCRIPT   the script that runs, by its whole path
#   NAME     what its messages begin with
#   CALLER   the folder that it was called from
# shellcheck shell=sh

# shellcheck disable=SC2034  # not every script needs it
CALLER=$PWD
CDPATH='' cd -- "$(dirname "$0")" || exit
SCRIPT=$PWD/${0##*/}
NAME=${0##*/}
NAME=${NAME%.sh}
# A script is in scripts/ or in a folder of it.
until [ -e scripts/common.sh ] || [ "$PWD" = / ]; do cd .. || exit; done

# The comment at the head of the script, which ends where it sets its options.
usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$SCRIPT"
}

misused() {
    usage >&2
    exit 2
}

say() {
    printf '==> %s\n' "$1"
}

complain() {
    for line in "$@"; do printf '%s: %s\n' "$NAME" "$line" >&2; done
}

# Ends with 1: what was to be done or checked has failed.
fail() {
    complain "$@"
    exit 1
}

# Ends with 2: it could not begin.
cannot_run() {
    complain "$@"
    exit 2
}

# `check_arguments LEAST MOST "$@"`: refuses an option, an empty first argument, and fewer or more of them.
check_arguments() {
    least=$1
    most=$2
    shift 2
    case "${1:-}" in -*) misused ;; esac
    if [ $# -lt "$least" ] || [ $# -gt "$most" ] || { [ "$least" -gt 0 ] && [ -z "$1" ]; }; then misused; fi
}

# `need PROGRAM...`; PACKAGES names what brings them, where that is not their own names.
need() {
    for program in "$@"; do
        command -v "$program" >/dev/null ||
            cannot_run "$program is needed, and not installed${PACKAGES:+ (Debian, Ubuntu: apt-get install $PACKAGES)}"
    done
}

# `need_set VARIABLE...`
need_set() {
    for needed in "$@"; do
        [ -n "$(printenv "$needed")" ] || cannot_run "$needed must be set"
    done
}

# A sourced file sees the arguments of the script that sources it.
case "${1:-}" in
    -h | --help)
        usage
        exit 0
        ;;
esac
