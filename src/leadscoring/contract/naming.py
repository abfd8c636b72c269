"""What unknown names most likely meant: by one rule for all of them where there is one, else by the nearest name.

The work is bounded whatever the names are: to look for a rule or for a near name costs comparisons with known names,
of which one request gets a fixed number. What has been found is remembered, since the leads of a batch are alike.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from leadscoring.contract.features import nearest

COMPARISONS = 400
"""Comparisons of an unknown name with a known one that one request gets: some 3 ms of them, however long the names."""

SAMPLE = 3
"""Unknown names that are looked at for what stands before or behind them all."""

SHORTEST = 3
"""Letters of a known name that are worth finding within another."""

LONGEST = 200
"""Characters of a name that are looked at."""

RULES = 4
"""Rules that are tried anew, and that are remembered."""

FEWEST = 3
"""Names that make a rule."""

signs = re.compile(r"[\W_]+").sub
"""Takes out of a name what spellings differ in, beside its case."""


class Rule(NamedTuple):
    """How all of a client's names differ from the known ones: by spelling, and by what stands before or behind."""

    before: str = ""
    behind: str = ""

    def of(self, name: str) -> str | None:
        """The plain form that a name has without what this rule says is too much; nothing when it lacks that."""
        form = plain(name)
        if not (form.startswith(self.before) and form.endswith(self.behind)):
            return None
        return form[len(self.before) : len(form) - len(self.behind)]


SPELLING = Rule()


def plain(name: str) -> str:
    """A name without case, hyphens, underscores, dots and blanks; as it is when it has nothing else."""
    return plain_short(name[:LONGEST])


@lru_cache(maxsize=4096)
def plain_short(name: str) -> str:
    """The same for a name that is short enough to be remembered: clients send the same ones again and again."""
    folded = name.casefold()
    return signs("", folded) or folded


class Known:
    """The names of a contract, by which others are understood. Made once."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        forms = [plain(name) for name in names]
        times = Counter(forms)
        self.by_form = {form: name for form, name in zip(forms, names, strict=True) if times[form] == 1}

    def candidates(self, name: str) -> Sequence[str]:
        """The names that may be near one: of very many, only those that begin alike."""
        if len(self.names) <= COMPARISONS:
            return self.names
        return [other for other in self.names if other[:1].casefold() == name[:1].casefold()][:COMPARISONS]


class Guesser:
    """What the unknown names of one request meant; ``left`` are the comparisons that it still has."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.left = COMPARISONS
        self._guessed: dict[str, str | None] = {}
        self._rules = [SPELLING]
        self._last: tuple[Sequence[str], tuple[Rule, dict[str, str]] | None] | None = None

    def guess(self, name: str, near: bool = True) -> str | None:
        """The known name that an unknown one most likely meant: one spelled otherwise, or the nearest.

        The nearest is looked for when it is wanted and there is work left for it.
        """
        found = self.known.by_form.get(plain(name))
        if found is not None:
            return found
        key = name[:LONGEST]
        if key not in self._guessed:
            if self.left <= 0 or not near:
                return None
            candidates = self.known.candidates(key)
            self.left -= len(candidates)
            self._guessed[key] = nearest(key, candidates)
        return self._guessed[key]

    def renamed(self, names: Sequence[str]) -> tuple[Rule, dict[str, str]] | None:
        """The rule by which most of these unknown names are known, and what each of those meant."""
        if self._last is None or self._last[0] != names:
            self._last = names, self._renamed(names)
        return self._last[1]

    def _renamed(self, names: Sequence[str]) -> tuple[Rule, dict[str, str]] | None:
        if len(names) < FEWEST:
            return None
        for rule in self._rules:
            meant = self._meant(rule, names)
            if is_most(meant, names):
                return rule, meant
        for rule in self._new_rules(names):
            meant = self._meant(rule, names)
            if is_most(meant, names):
                self._rules = [*self._rules[: RULES - 1], rule]
                return rule, meant
        return None

    def _meant(self, rule: Rule, names: Sequence[str]) -> dict[str, str]:
        """What those of the names meant that this rule explains; two that meant one are not explained."""
        meant: dict[str, str] = {}
        for name in names:
            form = rule.of(name)
            known = None if form is None else self.known.by_form.get(form)
            if known is not None:
                meant.setdefault(known, name)
        return {name: known for known, name in meant.items()}

    def _new_rules(self, names: Sequence[str]) -> list[Rule]:
        """What stands before or behind a known name in one of the first unknown ones, the least first."""
        found: set[Rule] = set()
        for name in names[:SAMPLE]:
            if self.left <= 0:
                break
            self.left -= len(self.known.names)
            form = plain(name)
            for other in self.known.by_form:
                if SHORTEST <= len(other) < len(form):
                    if form.endswith(other):
                        found.add(Rule(before=form[: -len(other)]))
                    if form.startswith(other):
                        found.add(Rule(behind=form[len(other) :]))
        return sorted(found, key=lambda rule: len(rule.before + rule.behind))[:RULES]


def is_most(meant: Mapping[str, str], names: Sequence[str]) -> bool:
    """Whether a rule explains enough of the names to be told instead of each."""
    return len(meant) >= FEWEST and 2 * len(meant) > len(names)
