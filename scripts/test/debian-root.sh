# Sourced, after common.sh, by scripts that need a bare Debian: makes one with debootstrap, and what pip in it needs to reach packages as
# it does on this machine. DEBIAN_SUITE is the release (bookworm), PIP_INDEX_URL the package index.
# shellcheck shell=sh

SUITE=${DEBIAN_SUITE:-bookworm}
PATH=$PATH:/usr/sbin
# shellcheck disable=SC2034  # what `need` names
PACKAGES="buildah debootstrap jq util-linux"

# `make_root FOLDER PACKAGES`: once; what debootstrap prints is in FOLDER.log.
make_root() {
    [ -e "$1.done" ] && return
    say "Debian $SUITE with $2"
    rm -rf "$1"
    mkdir -p "$(dirname "$1")"
    script=/usr/share/debootstrap/scripts/$SUITE
    [ -e "$script" ] || script=${script%/*}/sid  # a release that is newer than this machine's debootstrap
    debootstrap --variant=minbase --include="$2" "$SUITE" "$1" "" "$script" >"$1.log" 2>&1 ||
        { tail -n 20 "$1.log" >&2; cannot_run "debootstrap failed; $1.log has all that it printed"; }
    rm -rf "$1"/var/cache/apt/archives/*.deb
    touch "$1.done"
}

# `write_pip_settings PIP_CONF CERTIFICATES PATH_OF_CERTIFICATES_INSIDE`
write_pip_settings() {
    trusted=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    [ -r "$trusted" ] || cannot_run "SSL_CERT_FILE must name the certificates that this machine trusts, not $trusted"
    cp "$trusted" "$2"
    index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || true)}
    printf '[global]\ncert = %s\n' "$3" >"$1"
    [ -z "$index" ] || printf 'index-url = %s\n' "$index" >>"$1"
}
