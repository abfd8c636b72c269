#!/bin/sh
# Starts Prometheus, Alertmanager and, in containers, Grafana: `start-monitoring.sh [--containers | --local]`.
#
#   --containers  Prometheus, Alertmanager and Grafana of docker-compose.yml, in the background
#   --local       the programs of this machine, Prometheus and Alertmanager, until Ctrl-C
#
# Without an option it uses containers if possible, otherwise the programs of this machine.
#
#   BASE_URL           the service that local programs monitor          (http://localhost:8000)
#   PROMETHEUS_PORT    the port of a local Prometheus                   (9090)
#   ALERTMANAGER_PORT  the port of a local Alertmanager                 (9093)
#   MONITORING_FOLDER  copies, logs and data of local programs          (build/monitoring)
#
# Exit code: 0 if it started, and stopped on request; 1 if a program exited by itself; 2 if nothing could be started.
set -eu
. "$(dirname "$0")/common.sh"

BASE_URL=${BASE_URL:-http://localhost:8000}
PROMETHEUS_PORT=${PROMETHEUS_PORT:-9090}
ALERTMANAGER_PORT=${ALERTMANAGER_PORT:-9093}
FOLDER=${MONITORING_FOLDER:-build/monitoring}

# Prints the first installed program; Debian uses the name `alertmanager` for another program.
first_of() {
    for program in "$@"; do
        if command -v "$program"; then return; fi
    done
    cannot_run "$1 is not installed (Debian, Ubuntu: apt-get install prometheus prometheus-alertmanager)"
}

in_containers() {
    ./scripts/container.sh up prometheus alertmanager grafana
    printf '%s\n' 'Prometheus http://localhost:9090, Alertmanager http://localhost:9093, Grafana http://localhost:3000'
}

# The shipped files use the host names of the compose network; these copies use the addresses of this machine.
copy_settings() {
    service=${BASE_URL#*://}
    service=${service%%/*}
    case "$BASE_URL" in
        http://*) ;;
        *) cannot_run "BASE_URL must begin with http://, not '$BASE_URL'; for another scheme edit monitoring/prometheus" ;;
    esac
    mkdir -p "$FOLDER"
    FOLDER=$(cd "$FOLDER" && pwd)
    rm -rf "$FOLDER/prometheus" "$FOLDER/alertmanager"
    cp -R monitoring/prometheus monitoring/alertmanager "$FOLDER"
    sed -e "s|api:8000|$service|" -e "s|alertmanager:9093|127.0.0.1:$ALERTMANAGER_PORT|" \
        -e "s|localhost:9090|127.0.0.1:$PROMETHEUS_PORT|" \
        monitoring/prometheus/prometheus.yml >"$FOLDER/prometheus/prometheus.yml"
    sed "s|/etc/alertmanager|$FOLDER/alertmanager|" \
        monitoring/alertmanager/alertmanager.yml >"$FOLDER/alertmanager/alertmanager.yml"
}

# Waits until a program is ready, unless it exits first.
wait_for() {
    name=$1
    pid=$2
    port=$3
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || {
            tail -n 5 "$FOLDER/$name.log" >&2
            cannot_run "$name did not start; its log is $FOLDER/$name.log"
        }
        if curl --silent --fail --output /dev/null "http://127.0.0.1:$port/-/ready"; then
            printf '%s http://127.0.0.1:%s\n' "$name" "$port"
            return
        fi
        sleep 0.2
    done
    cannot_run "$name is not ready after 20 s; its log is $FOLDER/$name.log"
}

stop() {
    trap - EXIT INT TERM
    # shellcheck disable=SC2086  # a list of process ids; one that has already exited is not an error
    kill $pids 2>/dev/null || true
    wait
}

on_this_machine() {
    need curl
    prometheus=$(first_of prometheus)
    alertmanager=$(first_of prometheus-alertmanager alertmanager)
    copy_settings
    pids=
    trap 'stop' EXIT
    trap 'stop; exit 0' INT TERM
    "$alertmanager" --config.file="$FOLDER/alertmanager/alertmanager.yml" --storage.path="$FOLDER/alerts" \
        --web.listen-address="127.0.0.1:$ALERTMANAGER_PORT" \
        --web.external-url="http://127.0.0.1:$ALERTMANAGER_PORT" --cluster.listen-address= >"$FOLDER/alertmanager.log" 2>&1 &
    alertmanager_pid=$!
    pids=$alertmanager_pid
    "$prometheus" --config.file="$FOLDER/prometheus/prometheus.yml" --storage.tsdb.path="$FOLDER/series" \
        --web.user-assets="$FOLDER/prometheus/pages" --web.external-url="http://127.0.0.1:$PROMETHEUS_PORT" \
        --web.listen-address="127.0.0.1:$PROMETHEUS_PORT" >"$FOLDER/prometheus.log" 2>&1 &
    prometheus_pid=$!
    pids="$alertmanager_pid $prometheus_pid"
    wait_for alertmanager "$alertmanager_pid" "$ALERTMANAGER_PORT"
    wait_for prometheus "$prometheus_pid" "$PROMETHEUS_PORT"
    printf 'monitoring %s until Ctrl-C\n' "$BASE_URL"
    while kill -0 "$alertmanager_pid" 2>/dev/null && kill -0 "$prometheus_pid" 2>/dev/null; do
        sleep 1 &
        wait $!
    done
    fail "a program exited by itself; the logs are in $FOLDER"
}

case "${1:-}" in
    --containers) in_containers ;;
    --local) on_this_machine ;;
    '') if ./scripts/container.sh check >/dev/null 2>&1; then in_containers; else on_this_machine; fi ;;
    *) misused ;;
esac
