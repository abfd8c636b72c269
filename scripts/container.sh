#!/bin/sh
# Builds and runs the container image and the stack around it, with Docker or Podman, whichever is available.
#
#   container.sh build   build IMAGE from the Dockerfile
#   container.sh run     run the service from IMAGE on PORT, until it is stopped
#   container.sh up      start the service, Prometheus, Alertmanager and Grafana, and wait until they are healthy;
#                        `up NAME...` starts only these
#   container.sh down    stop them; the data of Prometheus and Grafana is kept
#   container.sh check   print the container engine and the compose command in use
#
#   IMAGE         the image                                       (lead-scoring-api:latest)
#   BASE_IMAGE    the base image                                  (the Dockerfile's)
#   REQUIREMENTS  the lock file in requirements/ to install       (serve-postgres.txt)
#   BUILD_ARGS    additional arguments of the build, such as --secret id=pip.conf,src=/etc/pip.conf
#   PORT          the port of the service                         (8000)
#
# `run` and `up` pass every setting of the service that is set in the environment. With LEDGER, `run` keeps /app/data in the
# volume lead-scoring_ledger, as `up` does.
#
# Exit code: 0 on success, 2 if there is no container engine or no compose, otherwise that of the engine.
set -eu
. "$(dirname "$0")/common.sh"

IMAGE=${IMAGE:-lead-scoring-api:latest}
REQUIREMENTS=${REQUIREMENTS:-serve-postgres.txt}
PORT=${PORT:-8000}
export IMAGE REQUIREMENTS PORT

# An installed program may not work: Docker without its daemon.
works() {
    command -v "$1" >/dev/null && "$@" >/dev/null 2>&1
}

find_engine() {
    for candidate in docker podman; do
        if works "$candidate" info; then
            printf '%s' "$candidate"
            return
        fi
    done
    if command -v docker >/dev/null; then
        cannot_run "docker is installed, but its daemon does not respond; start it, or install podman"
    fi
    cannot_run "neither docker nor podman is installed"
}

# Prints the compose command.
find_compose() {
    if [ "$1" = docker ] && works docker compose version; then
        printf 'docker compose'
    elif works docker-compose version; then
        printf 'docker-compose'
    elif [ "$1" = podman ] && works podman compose version; then
        printf 'podman compose'
    else
        cannot_run "$1 works, but has no compose: install its compose plugin, or docker-compose"
    fi
}

build() {
    revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml | head -n 1)
    set -- --build-arg REQUIREMENTS="$REQUIREMENTS" --build-arg VERSION="$version" --build-arg REVISION="$revision"
    if [ -n "${BASE_IMAGE:-}" ]; then
        set -- "$@" --build-arg BASE_IMAGE="$BASE_IMAGE"
    fi
    if [ "$engine" = podman ]; then
        set -- "$@" --format docker # the OCI format has no health check
    fi
    # shellcheck disable=SC2086  # BUILD_ARGS is a list
    "$engine" build "$@" ${BUILD_ARGS:-} --tag "$IMAGE" .
}

# Asks the image for the settings that it reads. PORT and HOST are those of this machine.
settings() {
    "$engine" run --rm "$IMAGE" serve --help | sed -n 's/^ *\([A-Z][A-Z_]*\)=.*/\1/p' | grep -vx -e PORT -e HOST
}

run() {
    names=$(settings)
    set --
    for name in $names; do
        if printenv "$name" >/dev/null; then
            set -- "$@" --env "$name"
        fi
    done
    if [ -n "${LEDGER:-}" ]; then
        set -- "$@" --volume lead-scoring_ledger:/app/data
    fi
    exec "$engine" run --rm --name lead-scoring-api --publish "$PORT:8000" --read-only --cap-drop ALL \
        --security-opt no-new-privileges --stop-timeout 40 "$@" "$IMAGE"
}

case "${1:-}" in
    build | run | up | down | check) verb=$1 ;;
    *) misused ;;
esac

shift
engine=$(find_engine)
case "$verb" in
    build) build ;;
    run) run ;;
    *)
        compose=$(find_compose "$engine")
        # $compose may be two words
        case "$verb $#" in
            check*) printf '%s, %s\n' "$engine" "$compose" ;;
            down*) $compose down ;;
            'up 0') $compose up --detach --build --wait ;;
            up*) $compose up --detach --wait --no-deps "$@" ;;
        esac
        ;;
esac
