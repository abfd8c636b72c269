"""The verdict on a model: whether to decide by its scores, on what evidence, and what not to believe.

The thresholds are those of this module and of no other:

- ``GOOD`` and ``USABLE`` are held against the *lower* end of the interval of the ROC-AUC, so that few leads cannot
  make a good model. At 0.70 the lead that converts scores higher in seven of ten pairs, which models of
  leads reach with honest columns; below 0.60 the order is hardly better than drawing lots.
- A model ranks no better than chance if 0.5 lies within the interval.
- ``TOO_GOOD`` (see ``suspicion``) is reached by leaks, not by models of leads: nothing else is believed then.
- Any other doubt (one column that carries the model, names that speak of what came later) allows at most *usable*;
  from ``SUSPECT`` on, where leaks are more frequent than models that good, at most *weak*, as do tiers in the wrong
  order.
- Percentages hold if the calibration error is within what chance alone does, or below ``SMALL``: a difference
  of one point of a percentage changes no decision. If chance alone can do more than ``VAGUE``, there are too few leads
  to judge them. Unless they hold, a model is at most *usable*: for the order of the calls.
- A group or a period is off if the difference is beyond chance and material (see ``proportion``): at least a tenth of
  the predicted rate, and two points or half of that rate.
- ``FEW``: with fewer conversions among the evaluated leads, the share of conversions in the best tenth is uncertain
  by a third; a model is at most *usable* then, however it does.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from leadscoring.quality.figure import Figure
from leadscoring.quality.figures import Quality
from leadscoring.training.report.suspicion import TOO_GOOD, inverted

GOOD, USABLE = 0.70, 0.60
CHANCE = 0.5
SUSPECT = 0.95
SMALL, VAGUE = 0.01, 0.05
FEW = 50
NAMED = 4
"""Columns that a point names."""

Level = Literal["good", "usable", "weak", "unusable"]
LEVELS: tuple[Level, ...] = ("unusable", "weak", "usable", "good")

Sign = Literal["ok", "look", "bad", "note"]


class Check(msgspec.Struct, frozen=True):
    """One point of the verdict: what is the case, the evidence, and what follows.

    ``part`` is the part of the page with all of the evidence, empty for none.
    """

    sign: Sign
    title: str
    text: str
    part: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the verdict rests on.

    ``doubts`` are warnings about implausible results, ``moved`` about a conversion rate that changed; ``left_out`` are
    the columns that were left out as probable leaks. ``later`` says whether the leads are later than those of training,
    ``remembered`` whether the model was trained on these very leads.
    """

    quality: Quality
    doubts: Sequence[str] = ()
    moved: Sequence[str] = ()
    left_out: Sequence[str] = ()
    segments: Sequence[dict[str, Any]] = ()
    over_time: Sequence[dict[str, Any]] = ()
    later: bool = False
    remembered: bool = False


def verdict(seen: Seen) -> dict[str, Any]:
    """Returns the level, a headline, and the points; ``checks`` are the points with a sign and a title."""
    level = level_of(seen)
    checks = [ranking(seen), percentages(seen), leaks(seen), enough(seen), time(seen), groups(seen), beliefs(seen)]
    return {
        "level": level,
        "headline": headline(seen, level),
        "points": [f"{check.title}: {check.text}" for check in checks],
        "checks": [msgspec.to_builtins(check) for check in checks],
    }


def level_of(seen: Seen) -> Level:
    """Returns the highest level that nothing speaks against."""
    auc = seen.quality.roc_auc
    if auc.low <= CHANCE or auc.value >= TOO_GOOD:
        return "unusable"
    ceilings = ["good" if auc.low >= GOOD else "usable" if auc.low >= USABLE else "weak"]
    ceilings += ["weak"] if inverted(seen.quality.tiers) or (seen.doubts and auc.value >= SUSPECT) else []
    held = held_up(seen.quality) == "yes"
    ceilings += ["usable"] if seen.doubts or seen.remembered or not held or few(seen.quality) else []
    return min(ceilings, key=LEVELS.index)  # type: ignore[arg-type] # each is a level


def held_up(quality: Quality) -> Literal["yes", "no", "unclear"]:
    """Whether the percentages hold."""
    error, chance = quality.calibration_error.value, quality.perfect_calibration_error.high
    if error > max(SMALL, chance):
        return "no"
    return "unclear" if chance > VAGUE else "yes"


def few(quality: Quality) -> bool:
    """Whether there are too few leads of either outcome for a clear verdict."""
    return min(quality.positives, quality.rows - quality.positives) < FEW


def times(figure: Figure, digits: int = 1) -> str:
    """Formats a lift."""
    return f"{figure.value:.{digits}f}"


def headline(seen: Seen, level: Level) -> str:
    """Returns the verdict in one sentence that needs no statistics."""
    quality = seen.quality
    best = quality.tenths[0].lift
    lift = f"the best tenth of the leads converts {times(best)} times as often as average"
    if few(quality) or held_up(quality) == "unclear":
        lift += f" (95%: {best.low:.1f} to {best.high:.1f})"
    if quality.roc_auc.value >= TOO_GOOD:
        return "Do not use it yet: it is too good to be true, so some column probably gives the outcome away"
    if level == "unusable":
        if few(quality):
            return "Do not use it yet: there are too few leads to show that it ranks better than chance"
        return "Do not use it: it ranks leads no better than chance"
    if level == "weak":
        if inverted(quality.tiers):
            return "Weak: leads of a high tier converted less often than leads of a lower one"
        if seen.doubts and quality.roc_auc.value >= SUSPECT:
            return "Doubtful: it is nearly too good to be true; do not work by it before the doubt below is cleared up"
        return f"Weak: better than chance, but not by much; {lift}"
    if level == "good":
        return f"Good enough to decide whom to call: {lift}"
    return f"Usable{reservation(seen)}: {lift}"


def reservation(seen: Seen) -> str:
    """Returns under which condition a model is usable, the most serious first."""
    if seen.remembered:
        return ", perhaps, but these leads cannot show it, as the model was trained on them"
    if seen.doubts:
        return " only if the doubt below is cleared up"
    if held_up(seen.quality) == "no":
        return " for the order of the calls, not for the percentages"
    if few(seen.quality) or held_up(seen.quality) == "unclear":
        return " to decide whom to call first, as far as so few leads can show"
    return " to decide whom to call first"


def ranking(seen: Seen) -> Check:
    """Returns the point on the order of the leads."""
    auc, lift = seen.quality.roc_auc, seen.quality.tenths[0].lift
    pairs = (
        f"in {auc.value:.0%} of pairs the lead that converted scores higher (95%: {auc.low:.0%} to {auc.high:.0%}; "
        f"chance is 50%), and the best tenth converts {times(lift)} times as often as average "
        f"({lift.low:.1f} to {lift.high:.1f})"
    )
    if auc.low <= CHANCE:
        return Check("bad", "Does not rank", f"{pairs}. Chance alone can do that: do not work leads in this order")
    if auc.value >= TOO_GOOD:
        return Check("bad", "Ranks too well", f"{pairs}. Honest columns hardly ever do that; see the doubt")
    if auc.low >= GOOD:
        return Check("ok", "Ranks well", f"{pairs}. Call from the top of the list")
    if auc.low >= USABLE:
        return Check("ok", "Ranks", f"{pairs}. Call from the top of the list")
    return Check("look", "Ranks a little", f"{pairs}. It is a hint beside what you know of a lead, no more")


def percentages(seen: Seen) -> Check:
    """Returns the point on calibration."""
    error, chance = seen.quality.calibration_error, seen.quality.perfect_calibration_error
    gap = (
        f"predicted and observed rates differ by {error.value * 100:.1f} points on average, where chance alone makes "
        f"{chance.low * 100:.1f} to {chance.high * 100:.1f}"
    )
    if held_up(seen.quality) == "unclear":
        follows = "So few leads cannot show whether the percentages hold: use the order of the leads"
        return Check("look", "The percentages cannot be judged", f"{gap}. {follows}")
    if held_up(seen.quality) == "yes":
        follows = "Of leads scored at 30%, about 30% convert: the percentages can be added up to plan conversions"
        return Check("ok", "The percentages hold", f"{gap}. {follows}")
    return Check("look", "The percentages are off", f"{gap}. Use the order of the leads, not the percentages")


def leaks(seen: Seen) -> Check:
    """Returns the point on columns that were written after the outcome."""
    if seen.doubts:
        several = "; ".join(seen.doubts)
        return Check("bad", "Doubtful", f"{several}. Clear this up before anybody works by the scores")
    if seen.left_out:
        count = len(seen.left_out)
        some = ", ".join(map(repr, seen.left_out[:NAMED])) + (f" and {count - NAMED} more" if count > NAMED else "")
        named = f"{count} column{'s' * (count > 1)} probably written after the outcome {'were' if count > 1 else 'was'}"
        text = f"{named} left out: {some}. No sign of one in the rest; --keep NAME --because TEXT keeps a column"
        return Check("ok", "Leaks were left out", text, "left-out")
    return Check("ok", "No sign of a leak", "no column looks as if it were written after the outcome")


def enough(seen: Seen) -> Check:
    """Returns the point on the number of leads."""
    quality = seen.quality
    counted = f"evaluated on {quality.rows:,} leads, of which {quality.positives:,} converted"
    if few(quality) or held_up(quality) == "unclear":
        return Check("look", "Few leads", f"{counted}. The intervals are wide: train again when there are more")
    return Check("ok", "Enough leads", f"{counted}. The intervals beside the figures say how exact they are")


def time(seen: Seen) -> Check:
    """Returns the point on changes over time."""
    off = [one for one in seen.over_time if one["verdict"] not in {None, "as predicted"}]
    if seen.moved:
        return Check("look", "Changes over time", f"{'; '.join(seen.moved)}. Check it on new leads each month")
    if off:
        first = off[0]
        words = (
            f"from {first['from']} to {first['to']} leads converted {first['verdict'].replace(' than', ' often than')}"
        )
        return Check("look", "Changes over time", f"{words}. Train again when newer outcomes are known")
    if seen.later:
        return Check("ok", "Held on later leads", "the evaluated leads came after those that it was trained on")
    if seen.remembered:
        return Check(
            "look", "Not measured on other leads", "the model was trained on these leads: measure on later ones"
        )
    return Check(
        "note", "Not tested over time", "the evaluated leads are not known to be later ones. New leads may differ"
    )


def groups(seen: Seen) -> Check:
    """Returns the point on segments."""
    off = [one for one in seen.segments if one["verdict"] != "as predicted"]
    if not seen.segments:
        return Check("note", "Groups not compared", "no group of leads is large enough to compare")
    if off:
        named = "; ".join(
            f"{one['feature']} {one['value']}: predicted {one['predicted']:.1%}, observed {one['observed'].value:.1%}"
            for one in off[:3]
        )
        more = f" and {len(off) - 3} more" if len(off) > 3 else ""
        text = f"{named}{more}. Do not compare these leads by their percentages"
        return Check("look", "Off for some groups", text, "segments")
    count = len(seen.segments)
    if count == 1:
        return Check("note", "One group compared", "the only group that is large enough is not off")
    return Check("ok", "As good for every group", f"none of {count} groups is off")


def beliefs(_seen: Seen) -> Check:
    """Returns what no model of past leads says."""
    return Check(
        "note",
        "What not to believe",
        "the scores say which leads are like those that converted, not what makes a lead convert; leads of a new "
        "source, country or product are unlike the past, and an unlikely lead is not an impossible one",
    )
