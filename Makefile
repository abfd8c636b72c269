# The commands of the project, for developers and CI. `make` alone lists them.

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules

# The port of `make dev`; every other setting is read from the environment too.
export PORT ?= 8000

# The number of test processes; `logical` is one per processor.
JOBS ?= logical

BIN := .venv/bin
# The steps of .venv: serving, then training, then the tools of tests and lint.
SERVING := .venv/.serving
TRAINING := .venv/.training
STAMP := .venv/.installed
# The files that are compiled and installed; Python sources are used in place.
ENGINE := $(shell find CMakeLists.txt engine models/model.json -type f 2>/dev/null)

# The shipped model is a function of these three and of the lock file, so it is reproducible.
MODEL_ROWS ?= 40000
MODEL_SEED ?= 20260101
MODEL_VERSION_TO_TRAIN ?= 1.0.0

# The effort of the fuzzers, as a multiple of that in the tests.
FUZZ_EFFORT ?= 20

# How often writers of the tape are killed.
LEDGER_KILLS ?= 5000

# The environment of the clouds' templates, separate from .venv; and the environment to deploy.
INFRA_VENV := build/infra-venv
INFRA_STAMP := $(INFRA_VENV)/.installed
ENV ?= dev

# The target, concurrent users and duration of the load test. benchmarks/load_test.py has its objectives.
BASE_URL ?= http://localhost:$(PORT)
TRAINING_ROWS ?= 100000
PROOF_ROWS ?= 10000000
CLUSTER_ROWS ?= 2000000
LOAD_USERS ?= 20
LOAD_SECONDS ?= 30
LOAD_REPORT ?= build/load/report.html

.PHONY: help install training azureml clients dev test coverage test-changed test-unit test-integration zoo fuzz lint \
  format bench bench-bulk bench-clusters bench-ledger bulk-proof ledger-kills keeper-kills service-kills ledger-outage \
  live-year live-simulation bench-quality bench-training stress \
  test-sanitize uvicorn-test dashboards docs site screenshots lock model docker-build docker-run docker-compose-up \
  docker-compose-down image-test newcomer-test load-test infra-install infra-test infra-types deploy-aws deploy-azure \
  release-install wheel-test sdist wheels sbom audit secrets workflows release-notes clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Installs again only if the installed files have changed; Python sources are used in place.
# An environment whose folder was moved, or whose Python is gone, is created again.
UNSOUND := $(shell [ -x .venv/bin/python ] && [ "$$(cat .venv/.place 2>/dev/null)" = "$$(pwd -P)" ] || echo unsound)
.PHONY: unsound

$(SERVING): $(UNSOUND) pyproject.toml requirements/serve.txt requirements/build.txt requirements/zig.txt scripts/install/venv.sh $(ENGINE)
	@./scripts/install/venv.sh serving
	@touch $@

$(TRAINING): requirements/train.txt | $(SERVING)
	@./scripts/install/venv.sh training
	@touch $@

$(STAMP): requirements/dev.txt $(SERVING)
	@./scripts/install/venv.sh development
	@touch $@

install: $(STAMP)  ## Create the environment in .venv for everything: serving, training, tests, lint

training: $(TRAINING)  ## Add what `leadscoring train` needs to .venv

# Needed only for its tests: without it they are skipped, except in CI.
AZUREML := build/azureml/.made
$(AZUREML): requirements/azureml.txt scripts/install/azureml.sh scripts/install/from-lock.sh | $(STAMP)
	@./scripts/install/azureml.sh
	@touch $@

# The same for the generators of API clients.
CLIENTS := build/clients/.made
$(CLIENTS): requirements/clients.txt requirements/clients/package-lock.json scripts/install/clients.sh scripts/install/from-lock.sh | $(STAMP)
	@./scripts/install/clients.sh
	@touch $@

# The same for Spark and Ray.
CLUSTERS_VENV := build/clusters-venv
CLUSTERS := $(CLUSTERS_VENV)/.made
$(CLUSTERS): requirements/clusters.txt scripts/install/clusters.sh scripts/install/from-lock.sh | $(STAMP)
	@./scripts/install/clusters.sh
	@touch $@

clusters: $(CLUSTERS)  ## Install Spark, Ray and a cloud, for the tests of scoring on them

clusters-test: $(CLUSTERS)  ## Score on clusters of Spark and Ray and in a cloud on this machine, and break them (needs Java 17)
	CLUSTERS_TEST=yes $(CLUSTERS_VENV)/bin/python -m pytest tests/bulk/test_arrow_batches.py tests/bulk/test_delivered.py \
	  tests/bulk/test_spark.py tests/bulk/test_ray.py tests/bulk/test_objects.py \
	  tests/bulk/test_frames.py tests/bulk/test_parquet_footer.py

clients: $(CLIENTS)  ## Install the generators of API clients, for the tests of the OpenAPI document

azureml: $(AZUREML)  ## Install the Azure ML server, for the tests of the scoring script

# With LEDGER=on, unless it is set: LEDGER= (or off) keeps nothing.
dev: $(SERVING)  ## Install the requirements of serving, then serve the shipped model on http://localhost:PORT (8000)
	@LEDGER="$${LEDGER-on}" exec $(BIN)/leadscoring serve --dev

test: $(STAMP)  ## Install, then run every test, those of changed files first
	$(BIN)/python -m pytest -n $(JOBS) $(TESTS)

coverage: $(STAMP)  ## Run every test with coverage, which takes 50 % longer
	$(BIN)/python -m pytest -n $(JOBS) --cov --cov-report=term:skip-covered

test-changed: $(STAMP)  ## Run only the tests of files changed since the last commit
	$(BIN)/python -m pytest -n $(JOBS) --changed

test-unit: $(STAMP)  ## Run the tests that start no server
	$(BIN)/python -m pytest -n $(JOBS) -m "not integration" $(TESTS)

test-integration: $(STAMP)  ## Run the tests that start a real server
	$(BIN)/python -m pytest -m integration

zoo: $(STAMP)  ## Compare scores with those of the XGBoost versions in ZOO (all known ones), on models of each
	./scripts/test/zoo.sh $(ZOO)

keeper-kills: $(STAMP)  ## Kill the keeper of the ledger KEEPER_KILLS (250) times, in SQLite and in PostgreSQL each
	KEEPER_KILLS=$(or $(KEEPER_KILLS),250) $(BIN)/python -m pytest --timeout 3600 tests/ledger/test_kills.py

service-kills: $(STAMP)  ## Kill workers, keepers and supervisors SERVICE_KILLS (250) times, in SQLite and in PostgreSQL each
	SERVICE_KILLS=$(or $(SERVICE_KILLS),250) $(BIN)/python -m pytest -s --timeout 3600 tests/ledger/test_service_kills.py

ledger-outage: $(STAMP)  ## Stop PostgreSQL and let it hang for OUTAGE_SECONDS (300) each, under load
	OUTAGE_SECONDS=$(or $(OUTAGE_SECONDS),300) $(BIN)/python -m pytest -s --timeout 3600 tests/ledger/test_outage.py

fuzz: $(STAMP)  ## Run the fuzzers, FUZZ_EFFORT (20) times longer than the tests do
	FUZZ_EFFORT=$(FUZZ_EFFORT) $(BIN)/python -m pytest -n $(JOBS) tests/fuzz/test_requests.py tests/fuzz/test_bodies.py \
	  tests/api/test_openapi_fuzz.py tests/transport/test_cuts.py

ledger-kills: $(STAMP)  ## Kill writers of the tape LEDGER_KILLS (5000) times: no acknowledged score may be lost
	LEDGER_KILLS=$(LEDGER_KILLS) $(BIN)/python -m pytest tests/ledger/test_tape_kills.py

uvicorn-test: $(STAMP)  ## Run the transport tests with the oldest and the newest uvicorn that pyproject.toml allows
	./scripts/test/uvicorn.sh

test-sanitize: $(STAMP)  ## Run the engine's tests under the address and undefined-behaviour sanitizers
	./scripts/test/sanitize.sh

lint: $(STAMP)  ## Check format, types, layers, dependencies and scripts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/shellcheck scripts/*.sh scripts/*/*.sh .ci/run
	$(BIN)/hadolint Dockerfile
	@$(MAKE) --no-print-directory workflows
	$(BIN)/python monitoring/grafana/render.py --check

workflows: $(STAMP)  ## Check the workflows of .github: schema, permissions and security
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --persona pedantic --quiet .github

format: $(STAMP)  ## Format the Python files
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## Measure speed, startup and memory; print the table and write benchmarks/README.md
	@command -v wrk >/dev/null || { echo "bench: wrk is required (Debian, Ubuntu: apt-get install wrk)" >&2; exit 1; }
	$(BIN)/python -m benchmarks

bench-ledger: $(STAMP)  ## Measure what the ledger costs, in SQLite and PostgreSQL; write benchmarks/LEDGER.md
	@command -v wrk >/dev/null || { echo "bench-ledger: wrk is required (Debian, Ubuntu: apt-get install wrk)" >&2; exit 1; }
	$(BIN)/python -m benchmarks.ledger

bench-quality: $(STAMP)  ## Measure the quality of trained models on exports with a known truth, and on the real data sets in ../shared/data
	$(BIN)/python -m benchmarks.exports
	$(BIN)/python -m benchmarks.quality

live-year: $(STAMP)  ## Prove that live quality says what is true of a year: two years through the real API, some minutes each
	$(BIN)/python -m benchmarks.live_year

live-simulation: $(STAMP)  ## Simulate the daily evidence of live quality: false alarms, and days until a change is seen
	$(BIN)/python -m benchmarks.live --runs $(or $(RUNS),200)
	$(BIN)/python -m benchmarks.live_draws

bench-training: $(STAMP)  ## Measure what training costs beside one plain fit: processor time and memory; TRAINING_ROWS leads
	$(BIN)/python -m benchmarks.training $(TRAINING_ROWS)

bulk-proof: $(STAMP)  ## Score 10 million rows with planted faults, kill the runs and resume them, and account for every row: up to an hour, 6 GB
	$(BIN)/python -m benchmarks.bulk_proof --rows $(PROOF_ROWS)

bench-clusters: $(CLUSTERS)  ## Measure scoring on clusters of Spark and Ray on this machine, beside one machine and copying (needs Java 17); CLUSTER_ROWS leads
	$(CLUSTERS_VENV)/bin/python -m benchmarks.clusters --rows $(CLUSTER_ROWS)

bench-bulk: $(STAMP)  ## Measure scoring tables and files of leads, beside reading and writing them and beside XGBoost
	$(BIN)/python -m benchmarks.bulk

dashboards: $(STAMP)  ## Generate the dashboards in monitoring/grafana/dashboards
	$(BIN)/python monitoring/grafana/render.py

docs: $(STAMP) dashboards  ## Generate the tables, the example responses and the dashboards, and build the site
	$(BIN)/python scripts/docs/render_docs.py
	$(BIN)/python scripts/docs/render_runbooks.py
	$(BIN)/python scripts/docs/render_examples.py
	$(BIN)/python scripts/docs/render_export_page.py
	$(BIN)/python -m infra.environments
	$(BIN)/python -m infra.kubernetes
	$(BIN)/python -m infra.capacity
	@$(MAKE) --no-print-directory site

# Sphinx and Playwright, which only the documentation needs, in a separate environment.
SITE := build/docs/.made
$(SITE): requirements/docs.txt scripts/install/from-lock.sh | $(STAMP)
	@./scripts/install/from-lock.sh build/docs/env requirements/docs.txt
	@touch $@

site: $(SITE)  ## Build the documentation site in build/site
	build/docs/env/bin/sphinx-build --quiet --fail-on-warning --nitpicky --fresh-env --conf-dir docs/site \
	  --doctree-dir build/docs/trees . build/site
	@echo "==> ready: build/site/index.html"

screenshots: $(STAMP) $(SITE)  ## Take the screenshots in docs/images, with Chromium and demo data
	build/docs/env/bin/python scripts/docs/screenshots.py

stress: $(STAMP)  ## Overload, stop, restart and break the service under load, and write benchmarks/STRESS.md
	$(BIN)/python -m benchmarks.stress $(STRESS)

lock: $(STAMP)  ## Update the pinned dependencies to the newest versions that pyproject.toml allows
	./scripts/release/lock.sh

model: $(STAMP)  ## Train models/model.json on demo data from a fixed seed
	@mkdir -p build/model
	$(BIN)/leadscoring demo-data --rows $(MODEL_ROWS) --seed $(MODEL_SEED) --out build/model/leads.csv
	$(BIN)/python scripts/release/train_shipped_model.py build/model/leads.csv --version $(MODEL_VERSION_TO_TRAIN) \
	  --out models/model.json --report build/model/report

docker-build:  ## Build the container image IMAGE (lead-scoring-api:latest) with Docker or Podman
	@./scripts/container.sh build

docker-run:  ## Run the container image on PORT (8000), read-only and without capabilities
	@./scripts/container.sh run

docker-compose-up:  ## Start the service with Prometheus, Alertmanager and Grafana
	@./scripts/container.sh up

docker-compose-down:  ## Stop the containers of docker-compose-up
	@./scripts/container.sh down

image-test: $(STAMP)  ## Build and test the image without a container daemon (buildah, debootstrap; as root)
	./scripts/test/image.sh

newcomer-test: $(STAMP)  ## Follow the README on a minimal Debian, as an unprivileged user (debootstrap; as root)
	./scripts/test/newcomer.sh

load-test: $(STAMP)  ## Load the service at BASE_URL for LOAD_SECONDS (30), and check its objectives; report in build/load
	@mkdir -p build/load
	$(BIN)/locust --locustfile benchmarks/load_test.py --headless --host $(BASE_URL) --users $(LOAD_USERS) \
	  --spawn-rate $(LOAD_USERS) --run-time $(LOAD_SECONDS)s --stop-timeout 10s --only-summary --reset-stats \
	  --html $(LOAD_REPORT)

$(INFRA_STAMP): $(STAMP) requirements/infra.txt requirements/kql/package-lock.json scripts/install/infra.sh \
  scripts/install/from-lock.sh
	@./scripts/install/infra.sh
	@touch $@

infra-install: $(INFRA_STAMP)  ## Create the environment of the clouds' templates in build/infra-venv

infra-test: $(INFRA_STAMP)  ## Check the clouds' templates and the chart, and deploy them to simulated clouds
	PATH="$(CURDIR)/$(INFRA_VENV)/bin:$$PATH" PYTHONPATH=src $(INFRA_VENV)/bin/python -m pytest tests/delivery/infra/aws \
	  tests/delivery/infra/azure tests/delivery/infra/chart

infra-types: $(INFRA_STAMP)  ## Check the types of the clouds' templates and their tests; takes minutes
	$(INFRA_VENV)/bin/mypy infra/aws/*.py tests/delivery/infra/aws/*.py infra/azure/*.py tests/delivery/infra/azure/*.py

deploy-aws: $(INFRA_STAMP)  ## Deploy ENV (dev) to AWS; scripts/deploy-aws.sh --help lists the settings
	@./scripts/deploy-aws.sh $(ENV)

deploy-azure: $(INFRA_STAMP)  ## Deploy ENV (dev) to Azure; scripts/deploy-azure.sh --help lists the settings
	@./scripts/deploy-azure.sh $(ENV)

# The tools that build and check a release, separate from .venv, which a machine that only builds wheels does not need.
RELEASE := build/release/.made
$(RELEASE): requirements/release.txt scripts/install/from-lock.sh
	@./scripts/install/from-lock.sh build/release/env requirements/release.txt
	@touch $@

release-install: $(RELEASE)  ## Create the environment of the release tools in build/release

wheel-test: $(RELEASE)  ## Build the source distribution and the wheel, install it in a separate environment, and serve
	./scripts/release/wheel-test.sh

sdist: $(RELEASE)  ## Build the source distribution in dist
	PATH="$(CURDIR)/build/release/env/bin:$$PATH" python -m build --sdist --no-isolation --outdir dist .

wheels: $(RELEASE)  ## Build this platform's wheels for every Python in dist, and test them (on Linux with Docker or Podman)
	build/release/env/bin/cibuildwheel --output-dir dist

sbom: $(RELEASE)  ## Write bills of materials to build/sbom: of the lock files, and of IMAGE if set
	./scripts/release/sbom.sh $(IMAGE)

audit: $(RELEASE)  ## Ask the package index whether a locked dependency has a known vulnerability
	./scripts/release/audit.sh

secrets: $(RELEASE)  ## Search the files and the whole history for secrets
	./scripts/release/secrets.sh

release-notes:  ## Check whether TAG may be released, and print its section of the changelog
	@# by the environment and in quotes, since a tag may contain shell commands
	@$(or $(PYTHON),$(firstword $(wildcard $(BIN)/python) python3)) scripts/release/release_notes.py "$$TAG"

clean:  ## Remove the environment and all build results
	rm -rf .venv build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@# a missing folder is not an error
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
