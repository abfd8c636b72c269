"""One of each thing that CONTRIBUTING.md says how to add, and the tests that fail where a place is forgotten."""

from typing import NamedTuple

SOURCE, OPERATIONS, SERVED = "src/leadscoring", "src/leadscoring/api/operations.py", "tests/api/test_operations.py"


class Edit(NamedTuple):
    """A text that is put behind another; with none before it, at the end of a file that may be new."""

    file: str
    after: str
    text: str


class Addition(NamedTuple):
    """What is added: ``names`` stand for what CONTRIBUTING.md has in angle brackets."""

    names: dict[str, str]
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    """As pytest takes them."""


DOCUMENTED = "tests/promises/test_docs.py::test_nothing_is_left_out_of_the_documentation"
FRESH = "tests/test_settings.py::test_the_documentation_of_settings_is_fresh"
MIRRORED = "tests/test_structure.py::test_every_module_has_its_tests_in_the_same_place"
DRAWN = "tests/promises/test_dashboards.py::test_the_files_are_what_the_source_makes"

KIND = Addition(
    {},
    (
        Edit(f"{SOURCE}/contract/kinds.py", "", '''

class Percent(Number):
    """A number from 0 to 100."""

    noun = "a percentage"

    def bounds(self, feature: "Feature") -> tuple[float, float]:
        """From nothing to all."""
        low, high = super().bounds(feature)
        return max(low, 0.0), min(high, 100.0)


KINDS["percent"] = Percent()
'''),
        Edit("docs/API.md", "| kind | allowed values |\n|---|---|\n", "| `percent` | a number from 0 to 100 |\n"),
        Edit("tests/contract/test_decode.py", "OTHERS = (\n", '    Feature("percent", "percent"),\n'),
        Edit("tests/contract/test_kinds.py", "", '''

def test_a_percentage_is_scored(tmp_path: Path) -> None:
    """From 0 to 100, and beyond that refused."""
    from factories import SMALL, card, lead, model_file
    from msgspec.structs import replace
    from serving import serving

    from leadscoring.contract.features import Contract

    features = [
        replace(one, kind="percent", maximum=None) if one.name == "open_rate" else one for one in SMALL.features
    ]
    with serving(tmp_path, model_file(tmp_path, card(contract=Contract(tuple(features))))) as server:
        answers = [server.http.post("/api/v1/score", json=lead(open_rate=sent)) for sent in (40, 100, 101)]
        assert [answer.status_code for answer in answers] == [200, 200, 422]
        assert "a percentage" in answers[2].text
        assert {"percent"} <= {one["kind"] for one in server.http.get("/api/v1/model/features").json()["features"]}
'''),
    ),
    (
        "tests/contract/test_kinds.py",
        "tests/contract/test_decode.py::test_every_kind_is_among_them",
        DOCUMENTED,
    ),
)  # fmt: skip

PROVIDER = Addition(
    {"name": "nearby"},
    (
        Edit(f"{SOURCE}/providers/nearby.py", "", '''"""The provider ``nearby``: the engine again."""

from leadscoring.providers.local import Local


class Nearby(Local):
    """As the local one."""

    name = "nearby"
'''),
        Edit(f"{SOURCE}/providers/table.py", '    "local": Row(local),\n', '    "nearby": Row(nearby),\n'),
        Edit(
            f"{SOURCE}/providers/table.py",
            "    return Local(model.trees)\n",
            '''

def nearby(model: LoadedModel, _settings: Settings, _metrics: Metrics) -> Provider:
    """The engine again."""
    from leadscoring.providers.nearby import Nearby

    return Nearby(model.trees)
'''),
        Edit(f"{SOURCE}/lead.py", 'ServedBy = Literal["local", ', '"nearby", '),
        Edit("tests/providers/test_nearby.py", "", '''"""The provider that is near."""

from pathlib import Path

from factories import LEAD
from serving import serving


def test_it_scores(model: Path, tmp_path: Path) -> None:
    """And says its name."""
    with serving(tmp_path, model, MODEL_ENDPOINT_PROVIDER="nearby") as server:
        assert server.http.post("/api/v1/score", json=LEAD).status_code == 200
        assert server.http.get("/status").json()["model"]["endpoint_provider"] == "nearby"
        assert '"nearby"' in server.http.get("/openapi.json").text
'''),
    ),
    (
        "tests/providers/test_nearby.py",
        "tests/providers/test_table.py::test_every_provider_that_can_be_named_has_its_row_and_the_other_way_round",
        "tests/test_settings.py",
        MIRRORED,
    ),
)  # fmt: skip

METRIC = Addition(
    {"where it happens": "api/operations", "its tests": "api/test_operations", "dashboard": "resources"},
    (
        Edit(
            f"{SOURCE}/telemetry/metrics.py",
            "    return (\n",
            '        Family("counter", "service_greetings", "First pages that were shown"),\n',
        ),
        Edit(
            f"{SOURCE}/telemetry/metrics.py",
            '        self._active = tally.count("http_requests_active")\n',
            '        self._greetings = tally.count("service_greetings")\n',
        ),
        Edit(
            f"{SOURCE}/telemetry/metrics.py",
            "        self._batches.observe(size)\n",
            '\n    def greeted(self) -> None:\n        """A first page was shown."""\n        self._greetings.add()\n',
        ),
        Edit(
            OPERATIONS, "    async def root(self, _exchange: Exchange) -> Reply:\n", "        self._metrics.greeted()\n"
        ),
        Edit(
            "monitoring/grafana/resources_board.py",
            'PROCESSES = Row(\n    "Processes of the service",\n    [\n',
            '        lines("Greetings", "short", "First pages: shown a second.",\n'
            '              [Query(rate("service_greetings_total", by="instance"), "{{instance}}")]),\n',
        ),
        Edit(SERVED, "", '''

def test_greetings_are_counted(server: Server) -> None:
    """Each of them."""
    server.http.get("/")
    lines = server.http.get("/metrics").text.splitlines()
    assert any(line.startswith("service_greetings_total ") and not line.endswith(" 0.0") for line in lines)
'''),
    ),
    (
        f"{SERVED}::test_greetings_are_counted",
        "tests/promises/test_dashboards.py::test_every_metric_is_on_a_panel",
        "tests/promises/test_dashboards.py::test_every_metric_that_is_named_anywhere_exists",
        DRAWN,
        DOCUMENTED,
        FRESH,
    ),
)  # fmt: skip

ALERT = Addition(
    {"subject": "keys", "dashboard": "service"},
    (
        Edit("monitoring/prometheus/rules/keys.yml", "", """
      - alert: KeysNeverExpire
        expr: api_key_expiry_timestamp_seconds{job="lead-scoring"} > 4e9
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: "No key of {{ $labels.instance }} expires"
          description: "The next key expires at {{ $value }}."
          runbook_url: "{{ $externalLabels.runbooks }}#keysneverexpire"
"""),
        Edit("monitoring/prometheus/tests/keys.yml", "", """
  - name: "KeysNeverExpire fires where no key expires"
    interval: 1m
    external_labels:
      runbooks: https://example.org/runbooks
    input_series:
      - series: 'api_key_expiry_timestamp_seconds{job="lead-scoring",instance="api:8000"}'
        values: '5000000000x10'
    alert_rule_test:
      - eval_time: 4m
        alertname: KeysNeverExpire
        exp_alerts: []
      - eval_time: 5m
        alertname: KeysNeverExpire
        exp_alerts:
          - exp_labels:
              job: "lead-scoring"
              instance: "api:8000"
              severity: "warning"
            exp_annotations:
              summary: "No key of api:8000 expires"
              description: "The next key expires at 5e+09."
              runbook_url: "https://example.org/runbooks#keysneverexpire"

  - name: "KeysNeverExpire is quiet where one does"
    interval: 1m
    input_series:
      - series: 'api_key_expiry_timestamp_seconds{job="lead-scoring",instance="api:8000"}'
        values: '2000000000x10'
    alert_rule_test:
      - eval_time: 10m
        alertname: KeysNeverExpire
        exp_alerts: []
"""),
        Edit(
            "docs/MONITORING.md",
            "remove its entry, and the alert ends.\n",
            """
### KeysNeverExpire

**Meaning.** None does.

**Impact.** A lost key opens the service for ever.

**Diagnosis.** Which keys are there?

```bash
leadscoring keys list --file keys.json
```

**Mitigation.** Make new ones.
"""),
        Edit("monitoring/grafana/service_board.py", 'runbooks=["ApiKeyExpiresSoon"', ', "KeysNeverExpire"'),
    ),
    (
        "tests/promises/test_alert_rules.py",
        "tests/promises/test_dashboards.py::test_every_alert_has_a_panel_that_leads_to_its_runbook",
        DRAWN,
        FRESH,
        *("-k", "not (do_what_their_tests_say or exists) or keys or NeverExpire"),
    ),
)  # fmt: skip

ROUTE = Addition(
    {"noun": "operations"},
    (
        Edit(
            f"{SOURCE}/api/routes.py",
            "TABLE: tuple[Route, ...] = (\n",
            '    Route(method="GET", path="/age", handler=lambda at: at.operations.age, name="getAge",\n'
            '          summary="How old the service is", answer=Age),\n',
        ),
        Edit(f"{SOURCE}/api/routes.py", "from leadscoring.api.answers import (\n", "    Age,\n"),
        Edit(OPERATIONS, "from leadscoring.api.answers import (\n", "    Age,\n"),
        Edit(
            OPERATIONS,
            "        self._started = time.monotonic() - age\n",
            '\n    async def age(self, _exchange: Exchange) -> Reply:\n        """How old it is."""\n'
            "        return answer(Age(self._uptime()))\n",
        ),
        Edit(
            f"{SOURCE}/api/answers.py",
            "",
            '\n\nclass Age(msgspec.Struct, frozen=True):\n    """How old the service is."""\n\n    age_seconds: Seconds\n',
        ),
        Edit(SERVED, "", '''

def test_the_age_is_answered(server: Server) -> None:
    """And described."""
    assert get(server, "/age")["age_seconds"] > 0
    assert get(server, "/openapi.json")["paths"]["/age"]["get"]["operationId"] == "getAge"
'''),
        Edit("tests/support/recorded.py", "GET_PATHS = (\n", '    "/age",\n'),
    ),
    (
        f"{SERVED}::test_the_age_is_answered",
        "tests/api/test_routes.py",
        "tests/api/test_recorded_answers.py::test_every_route_is_asked",
        DOCUMENTED,
        FRESH,
    ),
)  # fmt: skip

SETTING = Addition(
    {"where it is used": "api/operations", "its tests": "api/test_operations"},
    (
        Edit(
            f"{SOURCE}/settings.py",
            "TABLE = (\n",
            '    Setting("GREETING", "", plain, "printable text", "What stands behind the name of the service"),\n',
        ),
        Edit(f"{SOURCE}/settings.py", "    env: str\n", "    greeting: str\n"),
        Edit(OPERATIONS, "        self._env = settings.env\n", "        self._greeting = settings.greeting\n"),
        Edit(OPERATIONS, 'service="Lead Scoring Service"', " + self._greeting"),
        Edit(SERVED, "", '''

def test_the_greeting_is_set(tmp_path: Path) -> None:
    """It stands behind the name."""
    with serving(tmp_path, model_file(tmp_path), GREETING="!") as server:
        assert get(server, "/")["service"].endswith("!")
'''),
    ),
    (
        f"{SERVED}::test_the_greeting_is_set",
        "tests/test_settings.py",
        "tests/cli/test_serve.py::test_the_help_of_serve_lists_every_setting",
        "tests/delivery/deployment/test_compose.py::test_every_setting_reaches_the_service",
        "tests/delivery/infra/test_values.py",
        DOCUMENTED,
    ),
)  # fmt: skip

COMMAND = Addition(
    {"name": "tiers"},
    (
        Edit(f"{SOURCE}/cli/tiers.py", "", '''"""``leadscoring tiers``: the names of the tiers."""

import click

from leadscoring.cli.commands import Command
from leadscoring.model.card import TIERS


@click.command(cls=Command, examples=("leadscoring tiers",))
def tiers() -> None:
    """Print the tiers, the best one first."""
    click.echo(" ".join(TIERS))
'''),
        Edit(f"{SOURCE}/cli/main.py", "LAZY = {\n", '    "tiers": ("leadscoring.cli.tiers", "tiers"),\n'),
        Edit("docs/OPERATIONS.md", "<!-- /settings -->\n", "\n`leadscoring tiers` prints the tiers.\n"),
        Edit("tests/cli/test_tiers.py", "", '''"""The command that prints the tiers."""

import subprocess
import sys
from pathlib import Path


def test_the_tiers_are_printed() -> None:
    """And the command is in the help."""
    program = str(Path(sys.executable).parent / "leadscoring")
    assert subprocess.run([program, "tiers"], capture_output=True, text=True, check=True).stdout == "A B C D E\\n"
    assert "Print the tiers" in subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
'''),
    ),
    (
        "tests/cli/test_tiers.py",
        "tests/cli/test_main.py::test_help_names_every_command",
        "tests/cli/test_main.py::test_no_command_is_described_by_half_a_sentence",
        "tests/promises/test_docs.py::test_every_command_is_in_the_operations_guide",
        MIRRORED,
        FRESH,
    ),
)  # fmt: skip

ADDITIONS = {
    "a kind": KIND,
    "a provider": PROVIDER,
    "a metric": METRIC,
    "an alert": ALERT,
    "a route": ROUTE,
    "a setting": SETTING,
    "a command": COMMAND,
}
"""By the headings of CONTRIBUTING.md."""
