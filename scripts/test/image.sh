#!/bin/sh
# Builds the container image without a container daemon, and tests it: `make image-test`.
#
# The base is a Debian created by debootstrap, cached in build/image until `make clean`; buildah builds on it, and the
# tests in tests/delivery/image run the image in separate namespaces, with a read-only root. It needs root, buildah,
# debootstrap and unshare.
#
#   BUILT_IMAGE    an existing image of Docker or Podman to test instead; needs only unshare
#   DEBIAN_SUITE   the release of the base           (bookworm)
#   PIP_INDEX_URL  the package index of the build    (that of pip on this machine)
set -eu
. "$(dirname "$0")/../common.sh"
. scripts/test/debian-root.sh

WORK=$PWD/build/image
BASE=$WORK/$SUITE
IMAGE=localhost/lead-scoring-api
BASE_IMAGE=localhost/debian-python:$SUITE

[ "$(id -u)" -eq 0 ] || cannot_run "creating a base and namespaces requires root: run it with sudo, or in a virtual machine"
engine=docker
command -v docker >/dev/null || engine=podman
if [ -n "${BUILT_IMAGE:-}" ]; then
    need "$engine" jq setpriv unshare
else
    need buildah debootstrap setpriv unshare
fi

# A separate storage: it leaves the images of the machine alone, and `make clean` removes it.
in_store() {
    command=$1
    shift
    buildah --root "$WORK/storage" --runroot "$WORK/run" --storage-driver vfs "$command" "$@"
}

import_base() {
    in_store inspect --type image "$BASE_IMAGE" >/dev/null 2>&1 && [ "$WORK/imported" -nt "$BASE.done" ] && return
    container=$(in_store from scratch)
    in_store add --quiet "$container" "$BASE" / >/dev/null
    in_store commit --quiet --rm "$container" "$BASE_IMAGE" >/dev/null
    touch "$WORK/imported"
}

build() {
    say "building $IMAGE on $BASE_IMAGE"
    in_store bud --quiet --isolation chroot --format docker --pull-never \
        --build-arg BASE_IMAGE="$BASE_IMAGE" --build-arg BUILD_PACKAGES="g++ python3-dev" \
        --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
        --secret id=pip.conf,src="$WORK/pip.conf" --secret id=ca.pem,src="$WORK/ca.pem" \
        --tag "$IMAGE" . >"$WORK/build.log" 2>&1 ||
        { tail -n 40 "$WORK/build.log" >&2; cannot_run "the build of the image failed; its log is $WORK/build.log"; }
}

# The files of the image, and its configuration.
unpack() {
    container=$(in_store from --pull-never "$IMAGE")
    rm -f "$WORK/root"
    ln -s "$(in_store mount "$container")" "$WORK/root"
    in_store inspect --type image "$IMAGE" >"$WORK/inspect.json"
}

# Containers of earlier runs are whole copies of the image; the last one is kept for inspection.
forget() {
    in_store rm --all >/dev/null 2>&1 || true
}

# The same for an existing image. Files that the engine adds to every container are not part of the image.
take() {
    say "exporting $BUILT_IMAGE from $engine"
    rm -rf "$WORK/root" "$WORK/taken"
    mkdir -p "$WORK/taken"
    container=$("$engine" create "$BUILT_IMAGE")
    "$engine" export "$container" | tar -x -C "$WORK/taken" --exclude .dockerenv
    "$engine" rm "$container" >/dev/null
    ln -s "$WORK/taken" "$WORK/root"
    "$engine" image inspect "$BUILT_IMAGE" | jq '{Docker: {config: .[0].Config}}' >"$WORK/inspect.json"
}

run_tests() {
    IMAGE_FOLDER=$WORK .venv/bin/python -m pytest tests/delivery/image -q -rs "$@"
}

if [ -n "${BUILT_IMAGE:-}" ]; then
    take
    run_tests "$@"
    exit 0
fi
make_root "$BASE" python3,python3-venv,ca-certificates
rm -rf "$BASE"/var/lib/apt/lists/*
import_base
write_pip_settings "$WORK/pip.conf" "$WORK/ca.pem" /run/secrets/ca.pem  # both stay out of the image
forget
start=$(date +%s)
build
unpack
say "built in $(($(date +%s) - start)) s; $(du -sm "$WORK/root/" | cut -f 1) MB, of which $(du -sm "$BASE" | cut -f 1) MB are the base"
run_tests "$@"
