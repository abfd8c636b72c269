"""Scores files from start to end: reads, scores in threads, writes in order, and records how far it has come."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import msgspec
import polars as pl

import leadscoring
from leadscoring.bulk.appended import Appended, Standard
from leadscoring.bulk.batch import Batch, Position
from leadscoring.bulk.batches import Opened, batches, look_into
from leadscoring.bulk.choice import NOW, Choice, Needed, absent_words
from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.columns import Columns
from leadscoring.bulk.counts import Counts
from leadscoring.bulk.headers import Alike, check_headers
from leadscoring.bulk.journal import Checkpoint, Job, Journal, refuse_other
from leadscoring.bulk.outputs import CsvOutput, ParquetOutput
from leadscoring.bulk.places import Places
from leadscoring.bulk.printable import printable
from leadscoring.bulk.progress import Pace
from leadscoring.bulk.recording import NOTHING, Recording
from leadscoring.bulk.rejects import header
from leadscoring.bulk.scored import Done, Scoring
from leadscoring.bulk.sources import refuse_changed
from leadscoring.contract import moment
from leadscoring.counted import counted
from leadscoring.errors import LeadScoringError, ScoringFileError
from leadscoring.model.loaded import LoadedModel
from leadscoring.whole_file import UNFINISHED

RECORDED = 2.0
"""Seconds between two places from which a run can go on."""

Report = Callable[[str, float], None]
"""Takes what is going on, and the share that is done, from 0 to 1."""


class Result(msgspec.Struct, frozen=True):
    """What came of a run: the counts, where everything is, and remarks on how the files were read.

    ``resumed`` is the number of rows that an interrupted run had scored, if this one went on from there. ``id`` is the
    column that the ids of leads are from; ``None`` if they are line numbers.
    """

    counts: Counts
    out: str
    rejects: str | None
    model: str
    version: str
    sha256: str
    files: tuple[str, ...]
    as_of: str | None
    id: str | None
    notes: tuple[str, ...]
    seconds: float
    resumed: int = 0


class Run:
    """One run over all files into one output."""

    def __init__(
        self,
        model: LoadedModel,
        places: Places,
        choice: Choice,
        report: Report,
        recorded: float = RECORDED,
        recording: Recording = NOTHING,
    ) -> None:
        self._recording = recording
        self._model, self._places, self._choice, self._recorded = model, places, choice, recorded
        self._file, self._rejects = places.scores, places.written(places.rejects)
        self._journal = None if places.journal is None else Journal(places.journal)
        self._nested = places.is_parquet
        facts = {"leadscoring.model": model.identity.name, "leadscoring.model_sha256": model.sha256}
        self._columns = Columns(model, self._nested, choice.reasons, choice.details, coded=self._nested)
        self._output = (
            ParquetOutput(self._file, facts, self._columns.known)
            if self._nested
            else CsvOutput(self._file, self._columns.safe, places.separator)
        )
        self._counts = Counts()
        self._groups: list[tuple[int, bytes]] = []
        self._fresh: list[tuple[int, bytes]] = []
        self._notes: list[str] = []
        self._ids: str | None = None
        self._as_of: str | None = None
        self._empty: pl.DataFrame | None = None
        self._is_ours = self._journal is None
        self._saved = 0
        self._pace = Pace(report, places.sources)
        self._alike = Alike(model, choice, self._nested)

    def go(self, resume: bool) -> Result:
        """Scores everything.

        Raises ``ScoringFileError`` or ``TrainingDataError`` for files that cannot be read, or written. What was written
        until then stays under temporary names only if ``resume`` can go on with it; ``BrokenPipeError`` if whoever
        read standard output has gone.
        """
        began = time.monotonic()
        with ExitStack() as stack:
            stack.callback(self._file.close)
            stack.callback(self._rejects.close)
            stack.callback(self._recording.close)
            if self._journal is None:
                stack.enter_context(unfinished(self._file, self._rejects))
            try:
                if not (resume and self._places.is_begun):  # whose files are the same, as the journal shows
                    check_headers(self._model, self._choice, self._places.sources, self._nested)
                job, start = self._started(resume, stack)
                resumed = start.counts.rows
                self._now = job.now
                if start.done:
                    self._look()
                else:
                    self._score_all(start)
                    self._end()
                self._name()
                self._notes += self._recording.end()
                if self._journal is not None:  # until here a run that is killed goes on
                    self._journal.remove()
            except pl.exceptions.PanicException as failure:  # which is no Exception
                why = str(failure).splitlines()[0]
                raise self._ended(ScoringFileError(f"Polars cannot score this table: {why}")) from None
            except Exception as failure:
                raise self._ended(failure) from failure.__cause__
        return self._result(resumed, time.monotonic() - began)

    def _ended(self, failure: Exception) -> Exception:
        """Removes what no run can go on with; returns the error, which says what is left."""
        if not self._is_ours:  # another run has the files, or they are of a run that this one does not continue
            return failure
        may_pass = not isinstance(failure, LeadScoringError) or getattr(failure, "may_pass", False)
        if may_pass and self._saved and self._journal is not None:
            if not isinstance(failure, ScoringFileError):
                return failure
            left = f"{self._file.part.name} and {self._journal.path.name}"  # type: ignore[union-attr]  # of a journal
            saved = counted(self._saved, "row is", "rows are")
            return ScoringFileError(
                f"{failure}; {saved} scored: the same command with --resume goes on after them, or delete {left} to "
                "give them up"
            )
        self._discard()
        return failure

    def _discard(self) -> None:
        """Removes everything under a temporary name."""
        self._file.discard()
        self._rejects.discard()
        self._recording.discard()
        if self._journal is not None:
            self._journal.remove()

    def _started(self, resume: bool, stack: ExitStack) -> tuple[Job, Checkpoint]:
        """Opens the journal and goes to the place at which to start."""
        job = self._job(moment.now())
        if self._journal is None:
            self._recording.begin(job.run)
            return job, Checkpoint()
        self._journal.lock()
        stack.callback(self._journal.close)
        before, checkpoints = self._journal.read()
        if not resume or before is None:
            if before is not None:
                self._notes.append("an interrupted run was given up (--resume would have gone on with it)")
                self._recording.give_up(before.run)
            self._is_ours = True
            self._journal.begin(job)
            self._recording.begin(job.run)
            self._file.discard()
            self._rejects.discard()
            return job, Checkpoint()
        job = msgspec.structs.replace(job, now=before.now, run=before.run)
        refuse_other(job, before, self._journal.path)
        start = checkpoints[-1] if checkpoints else Checkpoint()
        self._resume(start, checkpoints)
        self._recording.begin(job.run, start.segments)
        return job, start

    def _job(self, now: int) -> Job:
        options = msgspec.json.decode(msgspec.json.encode(self._choice))  # as the journal has them
        del options["threads"]
        places = self._places
        out = "" if places.out is None else places.name(places.out)
        rejects = places.name(places.rejects)
        sources = tuple(msgspec.structs.replace(one, path=printable(one.path)) for one in places.sources)
        run = self._recording.new_run()
        return Job(self._model.sha256, leadscoring.__version__, options, sources, out, rejects, now, run=run)

    def _resume(self, start: Checkpoint, checkpoints: list[Checkpoint]) -> None:
        """Takes up what an interrupted run left."""
        self._counts, self._saved = start.counts, start.counts.rows
        self._groups = [group for checkpoint in checkpoints for group in checkpoint.groups]
        if isinstance(self._output, ParquetOutput):
            self._output.resume(len(self._groups))
        if start.done:
            self._file.complete(start.out, start.out_digest)
            if start.rejects:
                self._rejects.complete(start.rejects, start.rejects_digest)
            return
        self._file.resume(start.out, start.out_digest)
        self._rejects.resume(start.rejects, start.rejects_digest)
        self._is_ours = True

    def _score_all(self, start: Checkpoint) -> None:
        """Scores the files one after the other, from a place on."""
        with ThreadPoolExecutor(self._choice.threads) as pool:
            try:
                for number, source in enumerate(self._places.sources):
                    with closing(look_into(source)) as file:
                        scoring = self._scoring(file)
                        if number >= start.file:
                            at = start.position if number == start.file and start.position else file.start
                            self._score_file(number, file, scoring, at, pool)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _look(self) -> None:
        """Finds where ids and moments are from, for a run of which everything is scored."""
        with closing(look_into(self._places.sources[0])) as file:
            need = self._alike.take(file)
        self._ids, self._as_of = need.lead_id, need.as_of

    def _scoring(self, file: Opened) -> Scoring:
        """What scores a file; the first one decides on the columns of the output."""
        columns = self._columns
        need = self._alike.take(file)
        kept = self._recording
        scorer = BulkScorer(self._model, self._choice.reasons, 1, self._now, kept.objected, kept.recorder)
        scoring = Scoring(scorer, columns, self._output, file.source.name, need, len(self._places.sources) == 1)
        if self._empty is None:
            self._empty = self._empty_of(file, need, columns)
            self._ids, self._as_of = need.lead_id, need.as_of
            if self._file.size == 0:
                self._output.begin(self._empty)
        self._notes += [f"{file.source.name}: {note}" for note in file.notes]
        self._notes += filter(None, [absent_words(self._model, file.names, file.source.name)])
        if need.as_of is not None and self._choice.as_of is None:
            self._notes.append(f"leads are scored as of {need.as_of!r}, as in training (--as-of now for the present)")
        return scoring

    def _empty_of(self, file: Opened, need: Needed, columns: Columns) -> pl.DataFrame:
        """The columns of the output without rows."""
        schema = {name: file.types.get(name, pl.String) for name in need.every}
        scorer = BulkScorer(self._model, self._choice.reasons, 1, self._now)
        as_text = msgspec.structs.replace(columns, coded=False)
        scoring = Scoring(scorer, as_text, self._output, file.source.name, need, True)
        return scoring.empty(pl.DataFrame(schema=schema))

    def _score_file(
        self, number: int, file: Opened, scoring: Scoring, start: Position, pool: ThreadPoolExecutor
    ) -> None:
        """Scores one file: batches are read one after the other, scored side by side, and written in order."""
        need = scoring.needed
        reading = batches(file, need.every, need.numbers, start, need.single)
        self._pace.start(number, start)
        recorded = time.monotonic()
        for done in in_order(pool, scoring.score, reading, self._choice.threads + 1):
            self._write(done)
            self._pace.add(number, done.end, self._counts.rows)
            if time.monotonic() - recorded >= self._recorded or self._recording.is_due:
                self._record(number, done.end)
                recorded = time.monotonic()
        refuse_changed(file.source)

    def _write(self, done: Done) -> None:
        """Appends what came of a batch."""
        self._recording.add(done.records, at_once=self._journal is None)
        self._fresh += self._output.append(done.piece)
        if done.rejects:
            self._rejects.write(done.rejects if self._rejects.size else header() + done.rejects)
        self._counts += done.counts

    def _record(self, number: int, position: Position | None, done: bool = False) -> None:
        """Makes everything so far survive, and says so in the journal."""
        if self._journal is None:
            return
        refuse_changed(self._places.sources[min(number, len(self._places.sources) - 1)])
        self._file.sync()
        self._rejects.sync()
        sizes = self._file.size, self._rejects.size
        fresh, self._fresh = tuple(self._fresh), []
        self._groups += fresh
        segments = self._recording.seal()
        digests = self._file.digest, self._rejects.digest
        self._journal.add(Checkpoint(number, position, *sizes, self._counts, fresh, done, segments, *digests))
        self._recording.publish()
        self._saved = self._counts.rows

    def _end(self) -> None:
        """Completes the files under their temporary names."""
        for source in self._places.sources:
            refuse_changed(source)
        empty = pl.DataFrame() if self._empty is None else self._empty
        self._output.end(empty, [*self._groups, *self._fresh])
        self._record(len(self._places.sources), None, done=True)

    def _name(self) -> None:
        """Gives the files their names. A file of rejects of an earlier run goes if this one has none."""
        if self._counts.rejected:
            self._rejects.finish()
        else:
            self._notes += filter(None, [self._rejects.remove()])
        self._file.finish()

    def _stated(self) -> str:
        """The moment of all leads."""
        stated = self._choice.as_of
        return moment.written(self._now) if stated is None or stated.casefold() == NOW else stated

    def _result(self, resumed: int, seconds: float) -> Result:
        model, timed = self._model, self._model.card.contract.is_timed
        return Result(
            counts=self._counts,
            out="-" if self._places.out is None else self._places.name(self._places.out),
            rejects=self._places.name(self._places.rejects) if self._counts.rejected else None,
            model=model.identity.name,
            version=model.identity.version,
            sha256=model.sha256,
            files=tuple(source.name for source in self._places.sources),
            as_of=(self._as_of or self._stated()) if timed else None,
            id=self._ids,
            notes=tuple(dict.fromkeys(self._notes)),
            seconds=seconds,
            resumed=resumed,
        )


@contextmanager
def unfinished(*files: Appended | Standard) -> Iterator[None]:
    """Lets an interruption remove the temporary files of a run that cannot be resumed."""
    parts = {file.part for file in files if isinstance(file, Appended)}
    UNFINISHED.update(parts)
    try:
        yield
    finally:
        UNFINISHED.difference_update(parts)


def in_order(
    pool: ThreadPoolExecutor, score: Callable[[Batch], Done], reading: Iterator[Batch], most: int
) -> Iterator[Done]:
    """Scores batches in threads, at most so many at a time, and yields what came of them in the order of the file."""
    waiting: deque[Future[Done]] = deque()
    try:
        for batch in reading:
            waiting.append(pool.submit(score, batch))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def score_files(
    model: LoadedModel,
    places: Places,
    choice: Choice,
    report: Report,
    resume: bool = False,
    recorded: float = RECORDED,
    recording: Recording = NOTHING,
) -> Result:
    """Scores files into one output; ``recorded`` is the number of seconds between places from which to resume.

    ``recording`` is what the run has to do with the ledger.

    Raises ``ScoringFileError`` or ``TrainingDataError`` as ``Run.go`` does.
    """
    return Run(model, places, choice, report, recorded, recording).go(resume)
