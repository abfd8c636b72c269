# The service in a container: the engine is compiled in the first stage, and only what serves reaches the second.
#
#   BASE_IMAGE      a Debian with Python 3.11 or newer; both stages stand on it
#   BUILD_PACKAGES  what the first stage installs to compile (with Debian's own Python: "g++ python3-dev")
#   REQUIREMENTS    the lock of what is installed, in requirements/; each has the driver of PostgreSQL
#
# Two secrets are for networks that need them, and stay out of the image: `pip.conf` (another package index) and
# `ca.pem` (the certificate that it is known by).
ARG BASE_IMAGE=python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS build
ARG BUILD_PACKAGES="g++"
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
# BUILD_PACKAGES is a list, and the base says which versions: a pin would break with each of its releases.
# hadolint ignore=DL3008,SC2086
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ${BUILD_PACKAGES} \
 && rm -rf /var/lib/apt/lists/*
COPY requirements/build.txt requirements/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.pem,target=/run/secrets/ca.pem \
    python3 -m venv /tools \
 && /tools/bin/pip install --require-hashes -r requirements/build.txt \
 && python3 -m venv --without-pip /opt/leadscoring
ARG REQUIREMENTS=serve-postgres.txt
COPY requirements/${REQUIREMENTS} requirements/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.pem,target=/run/secrets/ca.pem \
    /tools/bin/pip --python /opt/leadscoring/bin/python3 install --require-hashes -r "requirements/${REQUIREMENTS}"
COPY CMakeLists.txt LICENSE README.md pyproject.toml ./
COPY engine/ engine/
COPY models/model.json models/
COPY src/ src/
RUN PATH="/tools/bin:${PATH}" pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /tools/bin/pip --python /opt/leadscoring/bin/python3 install --no-index --no-deps /wheels/*.whl

FROM ${BASE_IMAGE}
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="lead-scoring-api" \
      org.opencontainers.image.description="Says how likely each sales lead is to convert, and why" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A fixed number, so that volumes and policies can name it; no home, no shell, and nothing in the image is its own but an
# empty folder: a new volume that is mounted there, for the ledger and its tape, gets its owner from it.
RUN groupadd --gid 10001 leadscoring \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin leadscoring \
 && install --directory --owner 10001 --group 10001 --mode 0700 /app/data
COPY --from=build /opt/leadscoring /opt/leadscoring
COPY models/model.json /app/models/model.json
WORKDIR /app
# The workers count in a shared file: in memory, which every runtime mounts there, so that the root can be read-only.
ENV PATH="/opt/leadscoring/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/dev/shm
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["leadscoring", "health"]
# Without a shell between: the service is process 1 and gets the signals itself.
ENTRYPOINT ["leadscoring"]
CMD ["serve"]
