"""Names and values that speak of what is known only after the outcome, or was written down because of it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from leadscoring.training import names

LEAD = r"(?:lead|prospect|contact|deal|opportunity|account|sales|pipeline|lifecycle|call|status)s?"
OUTCOME = "a time after the outcome"
STRONG = (
    (
        OUTCOME,
        rf"\b(?:closed|closing|close (?:date|reason|month)|won|lost|loss reason|forecast category"
        rf"|{LEAD} (?:stage|status)|(?:status|closed|rejection|disqualification) reason|disposition"
        r"|outcome|call result|is converted|converted(?: (?:date|on|at|to .*|.* id))?|verlustgrund|statusgrund)\b"
        r"|^(?:stage|status|probability|win probability|tags?)$",
    ),
    (
        "the latest event, which later ones overwrite",
        r"\b(?:last|latest|recent)(?: \w+)? (?:activity|modified|update|updated|status|disposition|engagement|action)\b"
        r"|\b(?:modified|updated)(?: (?:on|at|by|date))?$|\bnext step\b|\bgeändert\b|\bletzte (?:änderung|aktivität)\b",
    ),
    (
        "a judgement of the lead, which changes while the lead is worked on",
        r"\b(?:lead|prospect|deal|opportunity|activity|profile|engagement|behaviou?r|fit|predictive|hubspot|einstein"
        r"|pardot|conversion|win) (?:score|index|grade|rating|quality|rank|temperature|likelihood|profile)\b"
        r"|^(?:rating|grade|lead|temperature|likelihood to close)$",
    ),
)
"""What a name says that hardly any column known beforehand has."""

RELATIVE = re.compile(r"\b(?:since|days|hours|age|previous|past|prior)\b")
"""Words of values that are computed for a moment, or of earlier events."""

OF_RESULT = re.compile(
    r"\b(?:closed|lost to|won|lost|ringing|switched off|will revert|revert|hangup|hung up|no answer|not answered"
    r"|voice ?mail|unreachable|not reachable|busy|wrong number|invalid number|not provided|not interested|already a"
    r"|not eligible|not doing|no longer|interested in other|duplicate|call ?back|phone conversation|unsubscribed"
    r"|not sure|might be|worst|in relevance|potential lead|junk|disqualified|unqualified|enrolled"
    r"|paid(?: in full)?$"
    r"|cold(?! (?:lists?|calls?|calling|e ?mails?|mailings?|outreach|prospecting))|hot(?! ?line)"
    r"|contract signed|went with|chose)\b"
)
"""Values by which sales teams record what came of a lead."""

FEWEST_VALUES = 2
SHARE_OF_RESULT = 0.1
"""Minimum share of the filled rows whose values say what came of a lead."""


def prefix_of(every: Iterable[str]) -> str:
    """The first word that most names begin with, with a space; empty if there is none (Pipedrive: *Deal*)."""
    columns = list(every)
    first = Counter(name.split(" ")[0] for name in columns)
    return next((word + " " for word, count in first.items() if count > max(2, len(columns) / 2)), "")


def strongly(name: str) -> str:
    """What a name speaks of, if hardly any column that is known beforehand has such a name; else empty."""
    plain = names.words(name)
    if RELATIVE.search(plain) or names.EARLY.search(plain):
        return ""
    planned = names.PLANNED.search(plain) is not None
    return next((what for what, shape in STRONG if re.search(shape, plain) and not (planned and what is OUTCOME)), "")


def weakly(name: str) -> str:
    """What a name may speak of, among other things; else empty."""
    return "a time after the outcome, perhaps" if names.says_late(name) else ""


def results_among(values: Sequence[str], counts: Sequence[int]) -> tuple[str, ...]:
    """The values that record what came of a lead, if they are several and not rare; ``counts`` are their rows."""
    found = [place for place, value in enumerate(values) if OF_RESULT.search(names.words(value))]
    if len(found) < FEWEST_VALUES or sum(counts[place] for place in found) < SHARE_OF_RESULT * sum(counts):
        return ()
    return tuple(values[place] for place in found)
