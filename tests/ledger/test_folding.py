"""Scores fold into the last one of their lead, and nothing of them is lost."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from leadscoring.ledger.folding import Lead, Taken, digest_of, fold

TIMES = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=30)


def taken(time: int, lead: str, row: str) -> Taken:
    """A score of a lead."""
    digest = digest_of(row.encode(), 1, 0.5, 0, None)
    return Taken(time, lead.encode(), None, None, 1, 0.5, 0.6, "B", row.encode(), None, None, 0, digest)


@given(TIMES, st.integers(0, 30))
def test_runs_of_one_row_become_one_score(given_scores: list[tuple[str, str]], cut: int) -> None:
    """Whether they are folded in one go or in two; the sum of times is the number of scores."""
    every = [taken(time, *one) for time, one in enumerate(given_scores)]
    leads = {b"a": Lead(1), b"b": Lead(2)}
    ledger: dict[int, list[int]] = {}
    for part in (every[:cut], every[cut:]):
        folded = fold(part, leads)
        for score in folded.scores:
            score.number = len(ledger) + 1
            ledger[score.number] = [score.first_at, score.last_at, score.times]
        for stretch in folded.stretches:
            assert ledger[stretch.number][0] == stretch.first_at
            ledger[stretch.number][1] = stretch.last_at
            ledger[stretch.number][2] += stretch.times
        leads = {  # as they are read from the ledger the next time
            key: Lead(one.number, one.fresh.number if one.fresh else one.score, one.first_at, one.last_at, one.digest)
            for key, one in leads.items()
        }
    expected = []
    for name in "ab":
        runs = groupby((one for one in every if one.key == name.encode()), lambda one: one.row)
        spans = [[one.time for one in run] for _, run in runs]
        expected += [[times[0], times[-1], len(times)] for times in spans]
    assert sorted(ledger.values()) == sorted(expected)


@given(st.permutations(range(6)), st.lists(st.sampled_from("xy"), min_size=6, max_size=6))
def test_in_any_order_no_score_is_lost(order: list[int], rows: list[str]) -> None:
    """Scores that come late are kept beside the later ones."""
    leads = {b"a": Lead(1)}
    ledger: dict[int, int] = {}
    for time in order:
        folded = fold([taken(time, "a", rows[time])], leads)
        for score in folded.scores:
            score.number = len(ledger) + 1
            ledger[score.number] = score.times
        for stretch in folded.stretches:
            ledger[stretch.number] += stretch.times
        one = leads[b"a"]
        number = one.fresh.number if one.fresh else one.score
        leads = {b"a": Lead(1, number, one.first_at, one.last_at, one.digest)}
    assert sum(ledger.values()) == 6
    assert leads[b"a"].last_at == 5
