#!/bin/sh
# Builds the container image without a container daemon, and tests it: `make image-test`.
#
# The base is a Debian made by debootstrap, kept in build/image until `make clean`; buildah builds on it, and the tests
# in tests/delivery/image run what came out in namespaces of their own, with its root mounted read-only. Needs root, buildah,
# debootstrap and unshare.
#
#   BUILT_IMAGE    an image that Docker or Podman has, tested in place of one that is built here; then only unshare is
#                  needed
#   DEBIAN_SUITE   the release the base is made of   (bookworm)
#   PIP_INDEX_URL  the package index of the build    (what pip on this machine is set to)
set -eu
. "$(dirname "$0")/../common.sh"
. scripts/test/debian-root.sh

WORK=$PWD/build/image
BASE=$WORK/$SUITE
IMAGE=localhost/lead-scoring-api
BASE_IMAGE=localhost/debian-python:$SUITE

[ "$(id -u)" -eq 0 ] || cannot_run "only root may make a base and namespaces: run it with sudo, or in a virtual machine"
engine=docker
command -v docker >/dev/null || engine=podman
if [ -n "${BUILT_IMAGE:-}" ]; then
    need "$engine" jq setpriv unshare
else
    need buildah debootstrap setpriv unshare
fi

# A storage of its own: the machine's images are not touched, and `make clean` takes it away.
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
    say "image: $IMAGE on $BASE_IMAGE"
    in_store bud --quiet --isolation chroot --format docker --pull-never \
        --build-arg BASE_IMAGE="$BASE_IMAGE" --build-arg BUILD_PACKAGES="g++ python3-dev" \
        --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
        --secret id=pip.conf,src="$WORK/pip.conf" --secret id=ca.pem,src="$WORK/ca.pem" \
        --tag "$IMAGE" . >"$WORK/build.log" 2>&1 ||
        { tail -n 40 "$WORK/build.log" >&2; cannot_run "the image cannot be built; all that was said is in $WORK/build.log"; }
}

# The image as files, and what a runtime is told about it.
unpack() {
    container=$(in_store from --pull-never "$IMAGE")
    rm -f "$WORK/root"
    ln -s "$(in_store mount "$container")" "$WORK/root"
    in_store inspect --type image "$IMAGE" >"$WORK/inspect.json"
}

# Containers of earlier runs are whole copies of the image; that of the last one stays, to be looked at.
forget() {
    in_store rm --all >/dev/null 2>&1 || true
}

# The same of an image that an engine has built. What the engine itself puts into every container is not the image's.
take() {
    say "image: $BUILT_IMAGE, as $engine has it"
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
