"""Suggests known names for unknown ones: by one common rule if there is one, else the nearest name.

The work is bounded for any input: searching for a rule or a near name costs comparisons with known names, of which
each request has a fixed budget. Results are cached, since the leads of a batch resemble each other.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from leadscoring.contract.features import nearest

COMPARISONS = 400
"""Budget of comparisons between unknown and known names per request: about 3 ms, however long the names."""

SAMPLE = 3
"""Unknown names that are examined for a common prefix or suffix."""

SHORTEST = 3
"""Minimum length of a known name that is searched for within an unknown one."""

LONGEST = 200
"""Maximum number of characters of a name that are examined."""

RULES = 4
"""Maximum number of rules that are tried per search, and that are cached."""

FEWEST = 3
"""Minimum number of names that make a rule."""

signs = re.compile(r"[\W_]+").sub
"""Removes the characters in which spellings differ, except for case."""


class Rule(NamedTuple):
    """How all names of a client differ from the known ones: by spelling and by a common prefix or suffix."""

    before: str = ""
    behind: str = ""

    def of(self, name: str) -> str | None:
        """Returns the plain form of a name without prefix and suffix; ``None`` if the name lacks them."""
        form = plain(name)
        if not (form.startswith(self.before) and form.endswith(self.behind)):
            return None
        return form[len(self.before) : len(form) - len(self.behind)]


SPELLING = Rule()


def plain(name: str) -> str:
    """Normalizes a name: lower case without hyphens, underscores, dots and spaces, unless nothing else is left."""
    return plain_short(name[:LONGEST])


@lru_cache(maxsize=4096)
def plain_short(name: str) -> str:
    """As ``plain``, for names short enough to cache: clients send the same names repeatedly."""
    folded = name.casefold()
    return signs("", folded) or folded


class Known:
    """An index of the names of a contract, built once per contract."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        forms = [plain(name) for name in names]
        times = Counter(forms)
        self.by_form = {form: name for form, name in zip(forms, names, strict=True) if times[form] == 1}

    def candidates(self, name: str) -> Sequence[str]:
        """Returns the names to compare with ``name``; of very many, only those with the same first character."""
        if len(self.names) <= COMPARISONS:
            return self.names
        return [other for other in self.names if other[:1].casefold() == name[:1].casefold()][:COMPARISONS]


class Guesser:
    """Suggests names for one request; ``left`` is its remaining budget of comparisons."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.left = COMPARISONS
        self._guessed: dict[str, str | None] = {}
        self._rules = [SPELLING]
        self._last: tuple[Sequence[str], tuple[Rule, dict[str, str]] | None] | None = None

    def guess(self, name: str, near: bool = True) -> str | None:
        """Returns the most likely known name for an unknown one: another spelling of it, or the nearest; else ``None``.

        Searches for the nearest only if ``near`` is true and the budget is not exhausted.
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
        """Returns the rule that explains most of these unknown names, and the known name of each; else ``None``."""
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
        """Maps the names that this rule explains to known ones; of several for one known name, only the first."""
        meant: dict[str, str] = {}
        for name in names:
            form = rule.of(name)
            known = None if form is None else self.known.by_form.get(form)
            if known is not None:
                meant.setdefault(known, name)
        return {name: known for known, name in meant.items()}

    def _new_rules(self, names: Sequence[str]) -> list[Rule]:
        """Returns the prefixes and suffixes around known names in the first unknown ones, the shortest first."""
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
    """Whether a rule explains enough of the names to be reported in place of single faults."""
    return len(meant) >= FEWEST and 2 * len(meant) > len(names)
