"""The alerts of the ledger and of live quality fire from the metrics of a real service whose database is down.

It takes some seconds: a Prometheus and an Alertmanager watch the service, and a whole tape is filled.
"""

import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from benchmarks.simulated_clock import COMPILERS, SimulatedClock
from factories import body, lead, model_file
from monitoring import watching
from programs import missing, program
from serving import DEADLINE, eventually, free_port, serving

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

PATIENCE = 2 * DEADLINE
TAPE_BYTES = 2 << 24
ALERTS = {
    "FewerConversionsThanExpected": "ticket",
    "LedgerDown": "ticket",
    "TapeFilling": "ticket",
    "LeadsNotRecorded": "page",
}
"""Where each is sent."""


def test_what_is_wrong_with_the_ledger_is_told(tmp_path: Path) -> None:
    """The database does not answer, an hour passes, the tape is full, and the latest report has an alarm."""
    program("prometheus")
    if not sys.platform.startswith("linux") or not any(map(shutil.which, COMPILERS)):
        missing(f"a clock that can be set needs Linux and one of {', '.join(COMPILERS)}")
    clock, tape, key = SimulatedClock(tmp_path), tmp_path / "tape", tmp_path / "ledger.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    tape.mkdir(mode=0o700)
    (tape / "quality.json").write_text('{"evidence":150.5,"expected":20,"observed":7,"alarm":"fewer"}')
    settings = {
        "LEDGER": f"postgresql://nobody@127.0.0.1:{free_port()}/none",
        "LEDGER_KEY_FILE": str(key),
        "LEDGER_TAPE_PATH": str(tape),
        "LEDGER_TAPE_BYTES": str(TAPE_BYTES),
    }
    with (
        serving(tmp_path, model_file(tmp_path), **settings, **clock.environ) as server,
        watching(tmp_path / "monitoring", f"127.0.0.1:{server.port}") as stack,
    ):
        batch = body([lead(f"lead-{place}") for place in range(1000)])

        def unrecorded() -> bool:
            headers = {"Content-Type": "application/json"}
            assert server.http.post("/api/v1/score/batch", content=batch, headers=headers).status_code == 200
            return bool(stack.query("ledger_unrecorded_leads_total > 0"))

        assert eventually(lambda: bool(stack.query("ledger_unrecorded_leads_total == 0")), PATIENCE)
        assert eventually(unrecorded, PATIENCE)
        clock.set(datetime.fromtimestamp(time.time(), UTC) + timedelta(hours=1))
        for name, receiver in ALERTS.items():

            def told(receiver: str = receiver, name: str = name) -> bool:
                return unrecorded() and any(name in message.title for message in stack.inbox.messages)

            assert eventually(told, PATIENCE), name
            severity = "critical" if receiver == "page" else "warning"
            assert stack.inbox.has(receiver, f"[FIRING] {name} ({severity})")
