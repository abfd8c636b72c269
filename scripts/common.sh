# Every script sources this first: it changes to the project folder, answers --help with the comment at the head of the
# script, and defines the messages and checks that all scripts share.
#
#   SCRIPT   the absolute path of the running script
#   NAME     the prefix of its messages
#   CALLER   the folder that it was called from
# shellcheck shell=sh

# shellcheck disable=SC2034  # not every script needs it
CALLER=$PWD
CDPATH='' cd -- "$(dirname "$0")" || exit
SCRIPT=$PWD/${0##*/}
NAME=${0##*/}
NAME=${NAME%.sh}
# A script is in scripts/ or in a subfolder.
until [ -e scripts/common.sh ] || [ "$PWD" = / ]; do cd .. || exit; done

# Prints the comment at the head of the script, up to the line that sets its shell options.
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

# Exits with 1: the task or check failed.
fail() {
    complain "$@"
    exit 1
}

# Exits with 2: the script could not start.
cannot_run() {
    complain "$@"
    exit 2
}

# `check_arguments LEAST MOST "$@"`: rejects options, an empty first argument, and too few or too many arguments.
check_arguments() {
    least=$1
    most=$2
    shift 2
    case "${1:-}" in -*) misused ;; esac
    if [ $# -lt "$least" ] || [ $# -gt "$most" ] || { [ "$least" -gt 0 ] && [ -z "$1" ]; }; then misused; fi
}

# `need PROGRAM...`; PACKAGES lists the packages to install, if their names differ from those of the programs.
need() {
    for program in "$@"; do
        command -v "$program" >/dev/null ||
            cannot_run "$program is required and not installed${PACKAGES:+ (Debian, Ubuntu: apt-get install $PACKAGES)}"
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
