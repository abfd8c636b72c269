#!/bin/sh
# Walks through the README on a bare Debian, as somebody who has just cloned the project: `make newcomer-test`.
#
# The root is made by debootstrap with what the README names and nothing else: no compiler, no curl, no user but one
# without rights. It stays in build/newcomer until `make clean`; the clone and the user's home are made anew. The tests
# in tests/delivery/newcomer run the README's commands there. Needs root, debootstrap and unshare.
#
#   NEWCOMER_TESTS  which tests `make test` runs there: all, or unit, which takes minutes less   (all)
#   DEBIAN_SUITE    the release   (bookworm)
#   PIP_INDEX_URL   the package index   (what pip on this machine is set to)
set -eu
. "$(dirname "$0")/../common.sh"
. scripts/test/debian-root.sh

WORK=$PWD/build/newcomer
ROOT=$WORK/$SUITE
USER_ID=1000

[ "$(id -u)" -eq 0 ] || cannot_run "only root may make a Debian and namespaces: run it with sudo, or in a virtual machine"
need debootstrap unshare git

make_root "$ROOT" python3,python3-venv,make,git,ca-certificates
write_pip_settings "$ROOT/etc/pip.conf" "$ROOT/etc/ssl/certs/ca-certificates.crt" /etc/ssl/certs/ca-certificates.crt
[ ! -r /etc/resolv.conf ] || cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
printf '127.0.0.1 localhost\n' >"$ROOT/etc/hosts"  # as every installed machine has it
grep -q '^newcomer:' "$ROOT/etc/passwd" || chroot "$ROOT" useradd --uid $USER_ID --create-home newcomer

# The newest commit: what is not committed, nobody can clone. A name with a space, as people have them.
rm -rf "$ROOT/home/newcomer"
mkdir -p "$ROOT/home/newcomer"
git clone --quiet --no-local --depth 1 "file://$PWD" "$ROOT/home/newcomer/lead scoring"
chown -R $USER_ID:$USER_ID "$ROOT/home/newcomer"

NEWCOMER_ROOT=$ROOT .venv/bin/python -m pytest tests/delivery/newcomer -q -rs --timeout 3600 "$@"
