"""Opens what keeps the scored leads of one process, with LEDGER: its tape, the keys of leads, the models' files."""

from collections.abc import Callable, Iterator
from pathlib import Path

from leadscoring.errors import ModelNotFound, ModelUnreadable
from leadscoring.ledger.known_key import known_keys
from leadscoring.ledger.lead_key import open_keys
from leadscoring.ledger.recorder import Recorder
from leadscoring.ledger.tape import Tape
from leadscoring.ledger.tape_folder import TapeFolder
from leadscoring.model.content import read_content
from leadscoring.model.loaded import LoadedModel
from leadscoring.settings import Settings


def open_folder(settings: Settings) -> TapeFolder:
    """Opens the folder of tapes. Raises ``CannotStart`` if it cannot be used."""
    return TapeFolder(Path(settings.ledger_tape_path), settings.ledger_tape_bytes)


def check_recording(settings: Settings) -> None:
    """Makes the folder of tapes and the key file, before any worker starts. Raises ``CannotStart``."""
    open_folder(settings)
    open_keys(settings)


class Recording:
    """The tape of one process, and the recorders of the models that it serves.

    ``sources`` are the files where a served model's content is. Raises ``CannotStart`` if the folder of tapes or the
    key file cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        sources: tuple[str | Path, ...],
        unrecorded: Callable[[float], None] = lambda _leads: None,
        measured: Callable[[float], None] = lambda _bytes: None,
    ) -> None:
        self._plain = settings.ledger_lead_ids == "plain"
        self._sources = sources
        self.tape = Tape(
            open_folder(settings),
            known_keys(settings),
            settings.ledger_share,
            settings.ledger_full,
            unrecorded,
            measured,
        )

    def of(self, model: LoadedModel) -> Recorder:
        """Returns the recorder of a model, after its file is kept. Raises ``CannotStart`` if that is not possible."""
        self.tape.folder.keep_model(model.sha256, self._contents)
        return Recorder(self.tape, model.sha256, model.card.contract, self._plain)

    def _contents(self) -> Iterator[bytes]:
        for source in self._sources:
            try:
                yield read_content(source)
            except (ModelNotFound, ModelUnreadable):
                continue
