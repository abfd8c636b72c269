"""Opens what a run has to do with the ledger. Imports the database: only a run with LEDGER imports this module."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import select

from leadscoring.bulk.moving import Moving
from leadscoring.bulk.objected import Objected
from leadscoring.bulk.recorder import TableRecorder
from leadscoring.bulk.recording import Recording
from leadscoring.ledger.database import Ledger, ledger_url, open_ledger
from leadscoring.ledger.keeping import Kept
from leadscoring.ledger.key_check import check_keys
from leadscoring.ledger.lead_key import LeadKeys, open_keys
from leadscoring.ledger.schema import migrate, version_of
from leadscoring.ledger.tables import lead
from leadscoring.ledger.tape_folder import TapeFolder
from leadscoring.model.content import read_content
from leadscoring.model.loaded import LoadedModel
from leadscoring.settings import Settings


@contextmanager
def opened_recording(settings: Settings, model: LoadedModel, path: str, *, record: bool) -> Iterator[Recording]:
    """Opens what a run has to do with the ledger that LEDGER names: its objections and, to ``record``, its tape.

    ``path`` is the file of the model. Raises a ``LedgerError`` if the ledger cannot be reached or is not usable, and
    ``CannotStart`` for its folder or key file.
    """
    with ExitStack() as closing:
        ledger = open_ledger(ledger_url(settings) or "")
        closing.callback(ledger.close)
        keys = open_keys(settings)
        objected = objections(ledger, keys, make=record)
        if not record:
            yield Recording(objected)
            return
        folder = TapeFolder(Path(settings.ledger_tape_path), settings.ledger_tape_bytes)
        folder.keep_model(model.sha256, lambda: iter((read_content(path),)))
        plain, contract = settings.ledger_lead_ids == "plain", model.card.contract
        recorder = TableRecorder(contract, keys, settings.ledger_share, plain)
        kept = Kept(ledger_url(settings) or "", folder.path, settings.ledger_days, Path(path).stem, keys)
        moving = closing.enter_context(Moving(kept))
        yield Recording(objected, recorder, folder, model.sha256, moving)


def objections(ledger: Ledger, keys: LeadKeys, *, make: bool) -> Objected | None:
    """Returns the objections in a ledger, ``None`` for none; makes its tables if asked to.

    A ledger without tables has none: no service has started with it. Raises a ``LedgerError``.
    """
    if make:
        migrate(ledger)
    elif version_of(ledger).here is None:
        return None
    check_keys(ledger, keys)
    with ledger.reading() as connection:
        held = frozenset(connection.scalars(select(lead.c.key).where(lead.c.objected_at.is_not(None))))
    return Objected(keys, held) if held else None
