"""Where scores are off: leads with the same value of a feature, among which fewer or more convert than predicted.

Groups are made of flags and categories. Leads are counted one by one and only their sums are kept, so that the time is
that of reading them.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from leadscoring.contract.features import Contract, Feature
from leadscoring.ledger.judged import Judged
from leadscoring.quality.cohorts import ENOUGH_MONTH, Silence, converted, day_of, is_mature
from leadscoring.quality.delays import Delays
from leadscoring.quality.evidence import PERIOD, STANDS, Alarm, Direction, Expected, alarm, evidence
from leadscoring.quality.figure import Figure
from leadscoring.quality.proportion import Compared, share_of, surprise, verdicts

ALARM_EACH = 10.0
"""The evidence of a group that is an alarm, times the number of groups: so many chances of a false one."""

MOST_VALUES = 100
"""Values of a category that are groups of their own."""

SHOWN = 20
"""Groups that are shown, those with the strongest evidence."""

Key = tuple[str, str]
"""A feature, and its value as it is shown."""


class Sums(msgspec.Struct):
    """The leads of one group: by day of score the sum of their probabilities, by day conversions; mature ones."""

    leads: int = 0
    chances: dict[int, float] = msgspec.field(default_factory=lambda: defaultdict(float))
    won: dict[int, int] = msgspec.field(default_factory=lambda: defaultdict(int))
    mature: int = 0
    predicted: float = 0.0
    converted: int = 0

    def add(self, one: Judged, horizon: int, *, ripe: bool) -> None:
        """Adds leads."""
        chance, won = one.leads * one.probability, one.leads * converted(one, horizon)
        self.leads += one.leads
        self.chances[one.day] += chance
        if won:
            self.won[one.day + (one.after or 0)] += won
        if ripe:
            self.mature += one.leads
            self.predicted += chance
            self.converted += won


class GroupInfo(msgspec.Struct, frozen=True):
    """A group that is off.

    ``leads``, ``predicted``, ``observed`` and ``verdict`` are of its mature leads; the latter three are ``None`` if
    these are too few. ``since``, ``evidence`` and ``direction`` are those of the alarm of its daily evidence; ``None``
    without one.
    """

    feature: str
    value: str
    leads: int
    predicted: float | None
    observed: Figure | None
    verdict: Compared | None
    since: str | None
    evidence: float | None
    direction: Direction | None

    @property
    def strength(self) -> tuple[float, float]:
        """The evidence of an alarm, and how unlikely the mature leads are."""
        if self.observed is None or self.predicted is None:
            return self.evidence or 0.0, 0.0
        return self.evidence or 0.0, -surprise(self.leads * self.observed.value, self.leads, self.predicted)


class Groups(msgspec.Struct, frozen=True):
    """How many groups had enough leads to be looked at, how many of them are off, and those, the strongest first."""

    judged: int
    off: int
    shown: tuple[GroupInfo, ...]


class Reader:
    """Reads the groups of a row: float32, little endian, one per column of the contract."""

    def __init__(self, contract: Contract) -> None:
        places = [
            (contract.columns.first[place], names)
            for place, feature in enumerate(contract.features)
            if (names := names_of(feature)) is not None
        ]
        self._names = [names for _, names in places]
        columns = {column for column, _ in places}
        self._struct = struct.Struct("<" + "".join("f" if k in columns else "4x" for k in range(len(contract.columns))))

    def groups(self, row: bytes) -> Iterator[Key]:
        """Yields the groups of a row; none for one of another size."""
        if len(row) == self._struct.size:
            for (feature, names, other), code in zip(self._names, self._struct.unpack(row), strict=True):
                if code != code:  # noqa: PLR0124 - NaN
                    yield feature, "missing"
                else:
                    place = int(code)
                    yield feature, names[place] if 0 <= place < len(names) else other


Names = tuple[str, tuple[str, ...], str]
"""A feature, the names of its codes, and that of all other codes."""


def names_of(feature: Feature) -> Names | None:
    """Names the values of a flag, or those of a category in the order of their codes; ``None`` for other features."""
    if feature.form.words:
        return feature.name, ("no", "yes"), "other values"
    if not feature.form.is_category:
        return None
    values = [str(value) for value in feature.wire_values] or [f"code {code}" for code in range(feature.codes)]
    return feature.name, tuple(values[:MOST_VALUES]), "other values"


def gathered(
    leads: Iterable[tuple[Judged, bytes]], contract: Contract, horizon: int, today: int, silence: Silence
) -> dict[Key, Sums]:
    """Sums up leads, as they are known at the start of a day, by group."""
    reader, sums = Reader(contract), defaultdict[Key, Sums](Sums)
    for one, row in leads:
        ripe = is_mature(one, horizon, today, silence)
        for key in reader.groups(row):
            sums[key].add(one, horizon, ripe=ripe)
    return dict(sums)


def where_off(sums: Mapping[Key, Sums], delays: Delays | None, days: Sequence[int], today: int) -> Groups:
    """Finds the groups that are off: by their mature leads, or by their evidence on the ``days`` that have one.

    Of all groups together, one verdict in twenty is wrong by chance; the evidence of each is an alarm so late that a
    false one among all of them is as rare as one of all leads.
    """
    enough = ENOUGH_MONTH
    looked_at = {
        key: of for key, of in sorted(sums.items()) if (of.leads if delays is not None else of.mature) >= enough
    }
    ripe = [key for key, of in looked_at.items() if of.mature >= enough]
    said = dict(zip(ripe, verdicts([triple(looked_at[key]) for key in ripe]), strict=True))
    every = []
    for key, of in looked_at.items():
        standing = None if delays is None else alarm_of(of, delays, days, today, ALARM_EACH * len(looked_at))
        if standing is not None or said.get(key, "as predicted") != "as predicted":
            every.append(info(key, of, said.get(key), standing))
    every.sort(key=lambda one: one.strength, reverse=True)
    return Groups(len(looked_at), len(every), tuple(every[:SHOWN]))


def triple(of: Sums) -> tuple[float, float, float]:
    """Returns conversions, leads and mean prediction of the mature leads."""
    return of.converted, of.mature, of.predicted / of.mature


def alarm_of(of: Sums, delays: Delays, days: Sequence[int], today: int, least: float) -> Alarm | None:
    """Returns the alarm of a group that stands.

    What to expect on a day follows from all leads that were scored before, whether they are still open or not: without
    knowing each of them, and on average the same.
    """
    begin = max(0, (len(days) - PERIOD - STANDS) // PERIOD * PERIOD)
    shares = [delays.before(age + 1) - delays.before(age) for age in range(len(delays.shares))]
    chance = of.chances.get
    course = (
        Expected(day, sum(share * chance(day - age, 0.0) for age, share in enumerate(shares)), of.won.get(day, 0))
        for day in days[begin:]
    )
    return alarm(evidence(course), today, least)


def info(key: Key, of: Sums, said: Compared | None, standing: Alarm | None) -> GroupInfo:
    """Returns a group as it is shown."""
    feature, value = key
    judged = said is not None
    return GroupInfo(
        feature=feature,
        value=value,
        leads=of.mature,
        predicted=of.predicted / of.mature if judged else None,
        observed=share_of(of.converted, of.mature) if judged else None,
        verdict=said,
        since=None if standing is None else day_of(standing.since).isoformat(),
        evidence=None if standing is None else standing.value,
        direction=None if standing is None else standing.direction,
    )
