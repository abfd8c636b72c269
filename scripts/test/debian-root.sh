# Sourced after common.sh by scripts that need a minimal Debian: creates one with debootstrap, and gives its pip the package
# index of this machine. DEBIAN_SUITE is the release (bookworm), PIP_INDEX_URL the package index.
# shellcheck shell=sh

SUITE=${DEBIAN_SUITE:-bookworm}
PATH=$PATH:/usr/sbin
# shellcheck disable=SC2034  # used by `need`
PACKAGES="buildah debootstrap jq util-linux"

# `make_root FOLDER PACKAGES`: creates it once; the output of debootstrap is in FOLDER.log.
make_root() {
    [ -e "$1.done" ] && return
    say "creating Debian $SUITE with $2"
    rm -rf "$1"
    mkdir -p "$(dirname "$1")"
    script=/usr/share/debootstrap/scripts/$SUITE
    [ -e "$script" ] || script=${script%/*}/sid  # a release that is newer than this machine's debootstrap
    debootstrap --variant=minbase --include="$2" "$SUITE" "$1" "" "$script" >"$1.log" 2>&1 ||
        { tail -n 20 "$1.log" >&2; cannot_run "debootstrap failed; its log is $1.log"; }
    rm -rf "$1"/var/cache/apt/archives/*.deb
    touch "$1.done"
}

# `write_pip_settings PIP_CONF CERTIFICATES PATH_OF_CERTIFICATES_INSIDE`
write_pip_settings() {
    trusted=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    [ -r "$trusted" ] || cannot_run "SSL_CERT_FILE must be a readable file of trusted certificates, not '$trusted'"
    cp "$trusted" "$2"
    index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || true)}
    printf '[global]\ncert = %s\n' "$3" >"$1"
    [ -z "$index" ] || printf 'index-url = %s\n' "$index" >>"$1"
}
