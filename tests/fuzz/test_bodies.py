"""No body makes the service work for long: what is counted is work, so that no clock is needed.

Bodies are those of ``benchmarks.hostile`` and the ones of ``corpus/bodies``, mutated. ``make fuzz`` goes on for longer.
"""

import sys
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest
from benchmarks.hostile import Names, bodies
from factories import SMALL
from fuzzing import EFFORT, examples
from hypothesis import given
from project import ROOT
from reference_reader import NoLead, is_moment, read_lead
from timed import TIMED, near_dates

from leadscoring._engine import Rows, count_colons
from leadscoring.contract import moment
from leadscoring.contract.decode import LeadDecoder
from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import MalformedJson, RequestError, ValidationError
from leadscoring.lead import Lead
from leadscoring.model.loaded import encoder
from leadscoring.stretches import Work
from leadscoring.transport.failures import problem, refused

pytestmark = pytest.mark.timeout(300 * EFFORT)

CORPUS = sorted((ROOT / "tests" / "fuzz" / "corpus" / "bodies").iterdir())
LARGEST = 5_242_880
LEADS = 1000

CALLS = 50_000
"""Calls of Python and C functions that a lead may cost, however long it is, and a batch between two of its pauses:
some 3 ms of them, most of which compare five names with those of the contract."""

ANSWER = 2_000_000
"""Bytes of the longest answer to a batch in which nothing is sound."""

WIDE = Contract(tuple(Feature(f"a_feature_{place}", "number", required=place % 2 == 0) for place in range(50)))


def decoder_of(contract: Contract) -> LeadDecoder[Rows]:
    """The service's own reader."""
    return LeadDecoder(contract, encoder(contract).encode, count_colons)


def names_of(contract: Contract) -> Names:
    """The names that hostile bodies play with."""
    kinds = {feature.kind: feature.name for feature in contract.features}
    text = kinds.get("set") or kinds.get("category") or contract.names[-1]
    return Names(contract.names, contract.names[0], text)


class Calls:
    """How many functions were called since the last look, of Python's and of C's."""

    def __init__(self) -> None:
        self.most = self._since = 0

    def __enter__(self) -> "Calls":
        sys.setprofile(self._seen)
        return self

    def __exit__(self, *_failure: object) -> None:
        sys.setprofile(None)
        self.pause()

    def _seen(self, _frame: Any, event: str, _argument: Any) -> None:
        self._since += event in ("call", "c_call")

    def pause(self) -> None:
        """Others have had their turn: count anew."""
        self.most, self._since = max(self.most, self._since), 0


def read_one(decoder: LeadDecoder[Rows], sent: bytes) -> Lead | RequestError:
    """The lead, or why it is none, for no more than the work that is allowed."""
    with Calls() as calls:
        try:
            found: Lead | RequestError = decoder.one(sent)[0]
        except RequestError as error:
            found = error
    assert calls.most < CALLS
    if isinstance(found, RequestError):
        assert len(problem(found, "id").body) < ANSWER / 10
    return found


def read_many(decoder: LeadDecoder[Rows], sent: bytes) -> list[Lead | RequestError] | RequestError:
    """What stands at each place, or why there are no places, for no more than the work that is allowed."""
    with Calls() as calls:
        reading = Work(decoder.reading(sent, LEADS))
        try:
            for _ in reading:
                calls.pause()
        except RequestError as error:
            return error
    assert calls.most < CALLS
    places = reading.result[0]
    errors = [refused(place) for place in places if isinstance(place, RequestError)]
    assert len(msgspec.json.encode(errors)) < ANSWER
    assert all(isinstance(place, Lead) or (isinstance(place, ValidationError) and place.faults) for place in places)
    return places


@pytest.mark.parametrize("contract", [SMALL, WIDE, TIMED], ids=["small", "wide", "timed"])
@pytest.mark.parametrize("seed", range(4))
def test_no_body_costs_more_than_its_share_of_work(contract: Contract, seed: int) -> None:
    """Keys by the hundred thousand, names that are nearly right, numbers of a megabyte, or anything else of 5 MB."""
    decoder, hostile = decoder_of(contract), bodies(seed, names_of(contract))
    for _ in range(examples(25)):
        many, sent = next(hostile)
        (read_many if many else read_one)(decoder, sent[:LARGEST])


def mutated(chance: Random, sent: bytes, others: list[bytes]) -> bytes:
    """The body with something cut out, doubled, replaced or put in from another."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(sent))
        end = min(len(sent), start + chance.choice([0, 1, 2, 8, 40]))
        other = chance.choice(others)
        piece = other[(at := chance.randint(0, len(other))) : at + chance.choice([0, 1, 8, 40])]
        changes = [
            b"",
            sent[start:end] * 2,
            piece,
            sent[start:end] + piece,
            chance.choice([b'"', b"\\", b"{", b"]", b"1e"]),
        ]
        sent = sent[:start] + chance.choice(changes) + sent[end:]
    return sent


@pytest.mark.parametrize("seed", range(4))
def test_a_mutated_body_is_read_alike_alone_and_in_a_batch_and_by_a_strict_reader(seed: int) -> None:
    """To the same lead or to the same refusal."""
    chance, decoder = Random(seed), decoder_of(SMALL)
    others = [file.read_bytes() for file in CORPUS]
    for _ in range(examples(500)):
        sent = mutated(chance, chance.choice(others), others)
        alone = read_one(decoder, sent)
        assert isinstance(alone, Lead) == is_lead(sent)
        together = read_many(decoder, b"[%b]" % sent)
        if isinstance(alone, MalformedJson):
            continue  # beside others it may join with them
        assert isinstance(together, list)
        assert [str(place) for place in together] == [str(alone)]


@given(near_dates())
def test_a_moment_is_what_a_strict_reader_says(text: str) -> None:
    """Digit by digit, to the ends of the calendar."""
    assert moment.is_moment(text) == is_moment(text)


def is_lead(sent: bytes) -> bool:
    """What a reader says that shares no code with ours."""
    try:
        read_lead(sent, SMALL)
    except NoLead:
        return False
    return True


def camel(name: str) -> str:
    """A name as JavaScript writes it."""
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


@pytest.mark.parametrize("write", [camel, lambda name: "hs_" + name, lambda name: "x" + name[::-1]])
def test_a_batch_whose_names_are_all_wrong_is_refused_for_little(write: Callable[[str], str]) -> None:
    """A thousand leads of 50 features, as honest clients send them on their first day."""
    lead = {"lead_id": "a", "features": {write(name): 1 for name in WIDE.names}}
    decoder = decoder_of(WIDE)
    with Calls() as calls:
        places = decoder.many(msgspec.json.encode([lead] * LEADS), LEADS)[0]
    assert calls.most < LEADS * 1000
    assert {place.more + len(place.faults) for place in places if isinstance(place, ValidationError)} <= {1, 75}
    errors = [refused(place) for place in places if isinstance(place, RequestError)]
    assert len(msgspec.json.encode(errors)) < ANSWER / 2
