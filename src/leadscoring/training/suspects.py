"""The leak guard: which columns were probably written after the outcome, or because of it, and by what evidence.

A column alone cannot prove it, so several kinds of evidence are weighed: what it says by itself (``evidence``), what
a quick model gains by it beside the columns beyond doubt, and what its name and values speak of. Suspects are
left out unless the user keeps them with a reason.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import polars as pl

from leadscoring.training.evidence import MOVES, Evidence, When, evidence
from leadscoring.training.later import seen
from leadscoring.training.leads import Leads
from leadscoring.training.pairs import telling_pairs
from leadscoring.training.quick import Quick, quick_models
from leadscoring.training.reading.series import Vector

ALONE = 0.95
"""A ROC-AUC that an honest column hardly ever reaches alone."""

DOUBT = 0.75
"""From this ROC-AUC alone, a column is not beyond doubt."""

TOTAL = 0.92
SHRUNK = 0.6
"""A column is suspicious if it takes the model to ``TOTAL`` and removes this share of the pairs ranked wrongly."""

SHRUNK_NAMED = 0.25
"""The share from which a name of several meanings makes a suspect."""

SHRUNK_VALUES = 0.1
"""The share from which values that record what came of a lead make a suspect."""

FILLED = 0.4
"""From this difference of the fill rates, a column is not beyond doubt."""

OPEN = 0.6
"""Maximum difference of the fill rates of decided and of open leads."""

MOST_PAIRED = 120
"""Number of columns, those that say most alone, of which each pair is looked at: pairs grow with the square of it."""

MOST_BESIDE = 200
"""Number of columns beyond doubt, those that say most alone, that a quick model has beside a column in doubt."""

SIGNAL = 0.02
SIGMAS = 2.6


class Verdict(msgspec.Struct, frozen=True):
    """The verdict on one column: its evidence, and the ROC-AUC of a quick model with and without it.

    These are NaN for a column that was beyond doubt by itself.
    ``signs`` are the reasons to suspect it, as clauses; none: it is beyond doubt. ``because`` is the user's reason to
    keep it nevertheless.
    """

    evidence: Evidence
    with_it: float = math.nan
    without: float = math.nan
    signs: tuple[str, ...] = ()
    because: str = ""

    @property
    def column(self) -> str:
        """The name of the column."""
        return self.evidence.column

    @property
    def shrunk(self) -> float:
        """The share of the pairs of leads ranked wrongly without it that are ranked rightly with it."""
        return (self.with_it - self.without) / max(1.0 - self.without, 1e-9)

    @property
    def words(self) -> str:
        """The evidence in a clause."""
        rise = f"with it the ROC-AUC is {self.with_it:.3f}, without it {self.without:.3f}"
        return "; ".join([*self.signs, f"alone it reaches {self.evidence.alone:.2f}, {rise}"])


def verdicts(frame: pl.DataFrame, leads: Leads, seed: int, later: Mapping[str, Vector] | None = None) -> list[Verdict]:
    """The verdict on each column of ``frame``, which holds the parsed columns of the leads, in its order.

    ``later`` are columns of dates after the moment of the lead, which the frame does not hold.
    """
    quick = quick_models(seen(frame, leads.as_of), leads.y, seed)
    when = When(leads.as_of, leads.decided, later or {})
    least = 0.5 + max(SIGNAL, SIGMAS * null_error(quick))
    found = [
        one if one.alone < least else msgspec.structs.replace(one, given=(*one.given, *not_of_open(one, leads)))
        for one in evidence(frame, leads.y, quick, when)
    ]
    clear = [place for place, one in enumerate(found) if not is_doubtful(one, least)]
    doubtful = [place for place in range(len(found)) if place not in clear]
    first = weighed(quick, found, clear, doubtful, least)
    clear = sorted({*clear, *(place for place, verdict in first.items() if not verdict.signs)})
    accused = weighed(quick, found, clear, [place for place in doubtful if place not in clear], least)
    pairs = telling(quick, found, [place for place in range(len(found)) if place not in guilty(accused)])
    clear = [place for place in range(len(found)) if place not in pairs and place not in guilty(accused)]
    looked_at = [place for place in doubtful if place not in accused or not accused[place].signs]
    rest = weighed(quick, found, clear, sorted({*looked_at, *pairs}), least, judge=False)
    paired = {place: msgspec.structs.replace(rest[place], signs=(why,)) for place, why in pairs.items()}
    every = rest | {place: verdict for place, verdict in accused.items() if verdict.signs} | paired
    return [every.get(place) or Verdict(one) for place, one in enumerate(found)]


def not_of_open(one: Evidence, leads: Leads) -> list[str]:
    """Says that a column is filled in only where the outcome is known; empty if it is not, or that is unknown."""
    won, share = float(leads.y.mean()), leads.filled_open.get(one.column, 1.0)
    filled = won * one.filled[0] + (1.0 - won) * one.filled[1]
    return (
        [f"{filled:.0%} of the decided leads have a value, {share:.0%} of the open ones"]
        if filled - share > OPEN
        else []
    )


def guilty(judged: dict[int, Verdict]) -> set[int]:
    """The columns with a reason to suspect them."""
    return {place for place, verdict in judged.items() if verdict.signs}


def null_error(quick: Quick) -> float:
    """The standard error of the ROC-AUC of a column that says nothing."""
    won = float(quick.y.sum())
    lost = len(quick.y) - won
    return float(np.sqrt((won + lost + 1.0) / (12.0 * max(won, 1.0) * max(lost, 1.0))))


def is_doubtful(one: Evidence, least: float) -> bool:
    """Whether a column needs a second look, by what it says alone."""
    speaks = bool(one.name or one.results) and one.alone >= least
    unequal = abs(one.filled[0] - one.filled[1]) >= FILLED
    return speaks or unequal or bool(one.given) or one.alone >= DOUBT or abs(one.moves) >= MOVES


def weighed(
    quick: Quick, found: list[Evidence], clear: list[int], places: list[int], least: float, *, judge: bool = True
) -> dict[int, Verdict]:
    """The verdicts on some columns, by quick models with and without each beside those beyond doubt."""
    if not places:
        return {}
    clear = strongest(clear, {place: found[place].alone for place in clear}, MOST_BESIDE)
    whole, *other = quick.each(
        [clear, *([one for one in clear if one != place] if place in clear else [*clear, place] for place in places)]
    )
    result = {}
    for place, auc in zip(places, other, strict=True):
        with_it, without = (whole, auc) if place in clear else (auc, whole)
        verdict = Verdict(found[place], with_it, without)
        result[place] = msgspec.structs.replace(verdict, signs=signs(verdict, least)) if judge else verdict
    return result


def signs(verdict: Verdict, least: float) -> tuple[str, ...]:
    """The reasons to suspect a column, as clauses; none if it is beyond doubt."""
    one, shrunk = verdict.evidence, verdict.shrunk
    some = ", ".join(map(repr, one.results[:3]))
    weighty = (
        *one.given,
        "hardly any honest column says so much" if one.alone >= ALONE else "",
        "it says more than the other columns together" if verdict.with_it >= TOTAL and shrunk >= SHRUNK else "",
        f"its name speaks of {one.name}" if one.strong and one.alone >= least else "",
        f"its name speaks of {one.name}" if one.name and not one.strong and shrunk >= SHRUNK_NAMED else "",
        f"values such as {some} record what came of a lead" if one.results and shrunk >= SHRUNK_VALUES else "",
        "it changes with the time since the outcome" if abs(one.moves) >= MOVES and one.alone >= least else "",
    )
    return tuple(filter(None, weighty))


def telling(quick: Quick, found: list[Evidence], places: list[int]) -> dict[int, str]:
    """The columns that determine the outcome together with another, with that reason; one of each pair."""
    alone = {place: found[place].alone for place in places}
    result: dict[int, str] = {}
    for one, two, auc, how in telling_pairs(quick, strongest(places, alone, MOST_PAIRED), alone):
        if one in result or two in result:
            continue
        late, early = (one, two) if alone[one] > alone[two] else (two, one)
        result[late] = f"{how} with {found[early].column!r} it reaches a ROC-AUC of {auc:.3f}"
    return result


def strongest(places: Sequence[int], alone: Mapping[int, float], most: int) -> list[int]:
    """At most so many columns, those that say most alone, in their order."""
    return sorted(sorted(places, key=lambda place: -alone[place])[:most])


def not_looked_at(columns: int) -> tuple[str, ...]:
    """The note on what the leak guard does not look at in a table of very many columns."""
    if columns <= MOST_PAIRED:
        return ()
    return (
        f"of {columns:,} columns, leaks of two columns together were looked for among the {MOST_PAIRED} that say most "
        f"alone",
    )
