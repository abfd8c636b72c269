"""The kinds of texts of which the trees see tokens: words, the parts of e-mail addresses, values of sets."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from leadscoring._engine import address_of, values_of, words_of
from leadscoring.contract.aspects import WEIGHT, Aspect, Aspected, Sort
from leadscoring.contract.kind import is_writable
from leadscoring.errors import CardInvalid

if TYPE_CHECKING:
    from leadscoring.contract.features import Feature

COMPANY = "company"
"""The group of domains that no group lists."""

GROUPS = ("free", "disposable", "education", "government")
"""The groups of domains that a feature may list."""

PAIR = 2

MOST_VALUES = 1000
"""The longest list that a lead may hold: more would take too long at a stretch, and no multi-select field has more."""

TEXTS = Annotated[list[str], Meta(max_length=MOST_VALUES)]
"""The type of such a list."""


class Words(Aspected):
    """A short text, of which some words and pairs of neighbouring words have columns."""

    has_lines = True
    engine = 7
    sorts = {
        "word": Sort(True, 1, "contains {of!r}", "does not contain {of!r}"),
        "words": Sort(one="1 word", other="{value:.0f} words"),
        "length": Sort(one="1 character", other="{value:.0f} characters"),
        "weight": WEIGHT,
    }
    single = "word"

    def tokens(self, sent: Any) -> Sequence[str]:
        """Returns words and pairs of neighbouring words."""
        return words_of(sent)

    def check_aspect(self, feature: "Feature", aspect: Aspect) -> None:
        """Requires that a word or a pair is written as the words of a text are read."""
        if aspect.of:
            check_token(feature, aspect.of, aspect.of in words_of(aspect.of) and aspect.of.count(" ") < PAIR)

    def check_weights(self, feature: "Feature") -> None:
        """Also requires that the tokens are words or pairs."""
        super().check_weights(feature)
        for token in feature.weights:
            check_token(feature, token, is_writable(token) and token in words_of(token) and token.count(" ") < PAIR)

    def json_of(self, cell: str) -> str:
        """Returns the unchanged cell as a JSON text."""
        return json.dumps(cell)


class Email(Aspected):
    """An e-mail address, of which the trees see its domain and whether it is that of a role."""

    engine = 8
    noun = "an e-mail address"
    sorts = {
        "group": Sort(True, 1, "{of} mail address", "no {of} mail address"),
        "ends": Sort(True, 1, "ends in .{of}", "does not end in .{of}"),
        "role": Sort(False, 1, "address of a role", "not an address of a role"),
        "domain": Sort(True, 1, "at {of}", "not at {of}"),
        "weight": WEIGHT,
    }
    single = "domain"

    def tokens(self, sent: Any) -> Sequence[str]:
        """Returns the domain."""
        address = address_of(sent)
        return () if address is None else address[1:]

    def check_aspect(self, feature: "Feature", aspect: Aspect) -> None:
        """Requires that groups are known, and domains and their ends as they are read."""
        if aspect.what == "group" and aspect.of not in (*GROUPS, COMPANY):
            raise CardInvalid(
                f"feature {feature.name!r}: a group of domains must be one of {', '.join((*GROUPS, COMPANY))}, "
                f"not {aspect.of!r}"
            )
        if aspect.what == "ends":
            check_token(feature, aspect.of, is_domain(f"x.{aspect.of}") and "." not in aspect.of)
        if aspect.what == "domain":
            check_token(feature, aspect.of, is_domain(aspect.of))

    def check_extras(self, feature: "Feature") -> None:
        """Allows groups of domains, of which each is in one alone, and roles."""
        if feature.planned:
            raise CardInvalid(f"feature {feature.name!r} is an e-mail address, but planned as a date")
        self.check_weights(feature)
        for group in feature.groups:
            if group not in GROUPS:
                raise CardInvalid(f"feature {feature.name!r} groups domains by {group!r}, not by {', '.join(GROUPS)}")
        listed = [suffix for suffixes in feature.groups.values() for suffix in suffixes]
        for suffix in listed:
            check_token(feature, suffix, is_domain(f"x.{suffix}"))
        if len(set(listed)) != len(listed):
            raise CardInvalid(f"feature {feature.name!r} lists a domain in two groups, or twice")
        for domain in feature.weights:
            check_token(feature, domain, is_domain(domain))
        for role in feature.roles:
            check_token(feature, role, is_writable(role) and address_of(f"{role}@x.y") == (role, "x.y"))

    def example(self, _feature: "Feature") -> float | int | str:
        """Returns an address."""
        return "jane.doe@example.com"

    def json_of(self, cell: str) -> str:
        """Returns the unchanged cell as a JSON text."""
        return json.dumps(cell)


class Values(Aspected):
    """Several values, as a list or as a text with semicolons or commas between them."""

    has_lines = True
    engine = 9
    takes_lists = True
    noun = f"a list of at most {MOST_VALUES:,} texts, or text with ; between the values"
    sorts = {
        "value": Sort(True, 1, "includes {of!r}", "does not include {of!r}"),
        "count": Sort(one="1 value", none="no values", other="{value:.0f} values"),
        "weight": WEIGHT,
    }
    single = "value"

    def tokens(self, sent: Any) -> Sequence[str]:
        """Returns the values."""
        return values_of(sent)

    def check_aspect(self, feature: "Feature", aspect: Aspect) -> None:
        """Requires that a value is written as it is read."""
        if aspect.of:
            check_token(feature, aspect.of, values_of([aspect.of]) == [aspect.of])

    def check_weights(self, feature: "Feature") -> None:
        """Also requires that the tokens are values."""
        super().check_weights(feature)
        for token in feature.weights:
            check_token(feature, token, is_writable(token) and values_of([token]) == [token])

    def accepts(self, feature: "Feature", value: object) -> bool:
        """Accepts a list of texts, too."""
        texts = value if isinstance(value, list) else [value]
        return len(texts) <= MOST_VALUES and all(super(Values, self).accepts(feature, text) for text in texts)

    def wire(self, _feature: "Feature", _missing: float | None) -> Any:
        """Accepts a list of texts, or text."""
        return TEXTS | str

    def schema(self, _feature: "Feature") -> dict[str, Any]:
        """Returns the schema of a list and that of a text."""
        return {"anyOf": [{"type": "array", "items": {"type": "string"}, "maxItems": MOST_VALUES}, {"type": "string"}]}

    def example(self, feature: "Feature") -> float | int | str:
        """Returns some values as one text."""
        return ";".join([aspect.of for aspect in feature.aspects if aspect.of][:2]) or "a;b"

    def json_of(self, cell: str) -> str:
        """Returns the unchanged cell as a JSON text."""
        return json.dumps(cell)


def is_domain(text: str) -> bool:
    """Whether a text is a domain, as it is read from addresses."""
    return is_writable(text) and address_of(f"x@{text}") == ("x", text)


def check_token(feature: "Feature", token: str, sound: bool) -> None:
    """Raises ``CardInvalid`` if a token is not sound: nothing that is sent could ever be equal to it."""
    if not sound:
        raise CardInvalid(f"feature {feature.name!r} lists {token!r}, which is not how a {feature.kind} is read")
