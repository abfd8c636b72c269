#!/bin/sh
# Follows the README on a minimal Debian, as a new user who has just cloned the project: `make newcomer-test`.
#
# debootstrap creates the root with only the packages that the README lists: no compiler, no curl, and one unprivileged
# user. It is cached in build/newcomer until `make clean`; the clone and the user's home are created again. The tests
# in tests/delivery/newcomer run the README's commands there. It needs root, debootstrap and unshare.
#
#   NEWCOMER_TESTS  the tests that run there: all, or programs, those that need other programs      (all)
#   DEBIAN_SUITE    the release                                                                     (bookworm)
#   PIP_INDEX_URL   the package index                                            (that of pip on this machine)
set -eu
. "$(dirname "$0")/../common.sh"
. scripts/test/debian-root.sh

WORK=$PWD/build/newcomer
ROOT=$WORK/$SUITE
USER_ID=1000

[ "$(id -u)" -eq 0 ] || cannot_run "creating a Debian and namespaces requires root: run it with sudo, or in a virtual machine"
need debootstrap unshare git

make_root "$ROOT" python3,python3-venv,make,git,ca-certificates
write_pip_settings "$ROOT/etc/pip.conf" "$ROOT/etc/ssl/certs/ca-certificates.crt" /etc/ssl/certs/ca-certificates.crt
[ ! -r /etc/resolv.conf ] || cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
printf '127.0.0.1 localhost\n' >"$ROOT/etc/hosts"  # as every installed machine has it
grep -q '^newcomer:' "$ROOT/etc/passwd" || chroot "$ROOT" useradd --uid $USER_ID --create-home newcomer

# The newest commit: uncommitted changes cannot be cloned. A name with a space, as some users have.
rm -rf "$ROOT/home/newcomer"
mkdir -p "$ROOT/home/newcomer"
git clone --quiet --no-local --depth 1 "file://$PWD" "$ROOT/home/newcomer/lead scoring"
chown -R $USER_ID:$USER_ID "$ROOT/home/newcomer"

NEWCOMER_ROOT=$ROOT .venv/bin/python -m pytest tests/delivery/newcomer -q -rs --timeout 3600 "$@"
