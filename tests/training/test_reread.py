from pathlib import Path

import numpy as np
import polars as pl
import pytest

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import TrainingDataError
from leadscoring.model.file import open_model
from leadscoring.model.reading import PLAIN, Dated, Notation, Reading
from leadscoring.scoring.remarks import unseen_warning
from leadscoring.training.drift import drift_of, drift_text
from leadscoring.training.encode import encode_table
from leadscoring.training.evaluate import evaluate
from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions
from leadscoring.training.reread import reread

CONTRACT = Contract(
    (
        Feature("amount", "number", required=True, minimum=0),
        Feature("visits", "integer"),
        Feature("source", "category", values=("web", "fair"), aliases={"WEB": "web"}),
    )
)


def people(rows: int = 600, money: bool = True) -> pl.DataFrame:
    """Leads as people write them: money with its sign, cities of which most are rare, spellings of one source."""
    random = np.random.default_rng(5)
    amount = random.gamma(2.0, 2000.0, rows).round(2)
    won = random.random(rows) < 1 / (1 + np.exp(-(amount - 4000) / 1500))
    common = random.random(rows) < 0.4
    city = [f"town {place % 150}" if not often else "Paris" for place, often in enumerate(common)]
    return pl.DataFrame(
        {
            "amount": [f"${value:,.2f}" if money else f"{value:.2f}" for value in amount],
            "city": city,
            "source": random.choice(["web", "Web ", "WEB", "fair"], rows),
            "stage": np.where(won, "Won", "Lost"),
        }
    )


def test_what_does_not_fit_is_counted_named_and_exemplified() -> None:
    """Nothing is missing without a word: other notations, values out of bounds, required ones that are absent."""
    frame = pl.DataFrame(
        {
            "amount": ["1,234.50", "7", None, "NA", "-3", "2,000"],
            "visits": ["1", "2.5", None, "9007199254740994", "4", "5"],
            "source": ["web", "WEB", "new", "fair", "NA", "web"],
        }
    )
    found = reread(CONTRACT, PLAIN, frame)
    assert found.frame["amount"].to_list() == [None, 7.0, None, None, None, None]
    assert found.warnings == (
        "2 of 6 leads lack 'amount', which is required: the service would reject those leads",
        "2 values of 'amount' are not numbers as training read them and were read as missing, for example '1,234.50', "
        "'2,000'; the service would reject those leads",
        "1 values of 'amount' are outside the contract (a number of 0 or more) and were read as missing, for example "
        "'-3'; the service would reject those leads",
        "2 values of 'visits' are outside the contract (a whole number) and were read as missing, for example '2.5', "
        "'9007199254740994'; the service would reject those leads",
        "1 of 6 leads have a 'source' that training never saw, for example 'new'",
    )
    assert encode_table(CONTRACT, found.frame)[:, 2].tolist()[:2] == [0.0, 0.0]


def test_categories_of_other_trainers_are_read_as_the_service_reads_them() -> None:
    """Numbers and codes; a value that means unknown elsewhere is a value; what the trees do not know is counted."""
    contract = Contract(
        (
            Feature("zone", "category", values=("1", "2.5"), numbers=True),
            Feature("source", "category", codes=3),
            Feature("stage", "category", values=("unknown", "hot")),
            Feature("age", "number"),
        ),
        missing_value=-999.0,
    )
    frame = pl.DataFrame(
        {
            "zone": ["1", "2.5", "9", "NA"],
            "source": ["0", "7.0", "-1", "n/a"],
            "stage": ["unknown", "hot", "cold", "NA"],
            "age": ["-999", "5", "x", "-999.0"],
        }
    )
    found = reread(contract, PLAIN, frame)
    encoded = encode_table(contract, found.frame)
    expected = [[0, 0, 0, np.nan], [1, 3, 1, 5], [np.nan] * 4, [np.nan] * 4]
    np.testing.assert_array_equal(encoded, np.array(expected, np.float32))
    assert found.warnings == (
        "1 of 4 leads have a 'zone' that training never saw, for example '9'",
        "1 values of 'source' are outside the contract (a whole number: the code of a category, of which the trees know "
        "0 to 2) and were read as missing, for example '-1'; the service would reject those leads",
        "1 of 4 leads have a 'source' that training never saw, for example '7.0'",
        "1 of 4 leads have a 'stage' that training never saw, for example 'cold'",
        "1 values of 'age' are not numbers as training read them and were read as missing, for example 'x'; the service "
        "would reject those leads",
    )
    with pytest.raises(TrainingDataError, match="'source' holds texts such as 'Web'"):
        reread(contract, PLAIN, pl.DataFrame({"source": ["NA", "Web"]}))


def test_a_notation_and_tokens_of_the_card_are_those_of_later_files() -> None:
    """What training read as 1234.5, or as missing, is that ever after."""
    reading = Reading(numbers={"amount": Notation(",", ".")}, missing=("visits=99", "gone=1"))
    found = reread(CONTRACT, reading, pl.DataFrame({"amount": ["1.234,50 €", "12"], "visits": ["99", "3"]}))
    assert found.frame["amount"].to_list() == [1234.5, 12.0]
    assert found.frame["visits"].to_list() == [None, 3.0]
    assert found.warnings == ()


def test_a_file_of_another_notation_than_training_is_said_in_evaluate_and_drift(tmp_path: Path) -> None:
    """The model is measured on fewer values than there are, so that has to be known."""
    train(people(money=False), TrainOptions(target="stage")).save(tmp_path / "m.json")
    words = "values of 'amount' are not numbers as training read them"
    assert any(words in warning for warning in evaluate(tmp_path / "m.json", people(), "stage")["warnings"])
    told = drift_of(tmp_path / "m.json", people())
    assert any(words in warning for warning in told["warnings"])
    assert words in drift_text(told)


def test_a_file_like_that_of_training_fits_throughout(tmp_path: Path) -> None:
    """Money is read as training read it, rare towns are rare and not new, and nothing has drifted."""
    trained = train(people(), TrainOptions(target="stage"))
    trained.save(tmp_path / "m.json")
    assert trained.card.read_as.numbers["amount"] == Notation(".", ",", currency="$")
    told = evaluate(tmp_path / "m.json", people(), "stage")
    assert [warning[:24] for warning in told["warnings"]] == ["these are the very leads"]
    assert told["held_out"]["roc_auc"]["value"] > 0.8
    drift = drift_of(tmp_path / "m.json", people())
    assert {row["verdict"] for row in drift["features"]} == {"stable"}
    city = next(row for row in drift["features"] if row["feature"] == "city")
    shares = {bins["holds"]: (bins["expected"], bins["actual"]) for bins in city["bins"]}
    assert shares["unseen"] == (0, 0)
    assert shares["rare values"][0] == pytest.approx(shares["rare values"][1], abs=1e-6)
    moved = drift_of(tmp_path / "m.json", people().with_columns(city=pl.lit("Atlantis")))
    assert next(row for row in moved["features"] if row["feature"] == "city")["bins"][-1]["actual"] == 1


def test_the_answer_tells_rare_from_unseen_and_knows_spellings(tmp_path: Path) -> None:
    """A model's own training rows never get the warning of unseen texts."""
    train(people(), TrainOptions(target="stage")).save(tmp_path / "m.json")
    model = open_model(tmp_path / "m.json")
    place = model.names.index("city")

    def warned(city: str, source: str = "web") -> list[tuple[str, str]]:
        body = f'{{"lead_id":"a","features":{{"amount":5,"city":"{city}","source":"{source}"}}}}'.encode()
        lead, rows = model.decoder.one(body)
        found = [unseen_warning(model, feature, lead) for _, feature in rows.unseen]
        return [(warning.code, warning.message) for warning in found]

    assert model.rare[place]
    assert warned("Paris", "Web ") == warned("Paris", "WEB") == []
    assert warned("town 3") == [("rare_category", "'town 3' was rare in training and is scored as a rare value")]
    assert warned("Oz") == [("unseen_category", "'Oz' was not seen in training and is scored as a rare value")]
    for row in people().iter_rows(named=True):
        assert "unseen_category" not in [code for code, _ in warned(row["city"], row["source"])]


def test_dates_and_presence_are_read_as_training_read_them() -> None:
    """With its order of day and month; what cannot be read is counted; a flag comes from the column it is of."""
    contract = Contract(
        (Feature("seen", "date", aspects=(Aspect("age"),)), Feature("has Phone", "flag"), Feature("note", "text"))
    )
    reading = Reading(
        dates={"seen": "day-first", "at": "day-first"},
        presence={"has Phone": "Phone"},
        missing=("none yet",),
        dated=Dated(as_of="at"),
    )
    frame = pl.DataFrame(
        {
            "seen": ["02/01/2026", "13/13/2026", None],
            "Phone": ["+49 1", "none yet", "NA"],
            "note": ["a b", "n/a", "c"],
            "at": ["01/02/2026", "02/02/2026", "03/02/2026"],
        }
    )
    found = reread(contract, reading, frame)
    assert found.frame["seen"].to_list() == [1_767_312_000_000_000, None, None]
    assert found.frame["has Phone"].to_list() == [1.0, 0.0, 0.0]
    assert found.frame["note"].to_list() == ["a b", None, "c"]
    assert len(found.warnings) == 1
    assert "1 values of 'seen' could not be read" in found.warnings[0]
    assert "'13/13/2026'" in found.warnings[0]


def test_dates_after_the_moment_of_a_lead_are_counted() -> None:
    """The trees do not see them; planned ones may lie there, and clocks may differ by a day."""
    day = 86_400e6
    contract = Contract(
        (
            Feature("seen", "date", aspects=(Aspect("age"),)),
            Feature("due", "date", aspects=(Aspect("age"),), planned=True),
        )
    )
    frame = pl.DataFrame({"seen": ["1970-01-09", "1970-01-03", "1970-01-09"], "due": ["1971-01-01"] * 3})
    found = reread(contract, PLAIN, frame, np.array([2 * day, 2 * day, 30 * day]))
    assert found.warnings == (
        "'seen' holds 1 dates after the moment at which the lead is scored: they were not known then, and were read as "
        "missing",
    )
    assert reread(contract, PLAIN, frame).warnings == ()  # then the latest date is the moment


def test_what_is_no_address_is_counted_and_not_shown() -> None:
    """The service scores such leads, with a warning; and it may be the name of a person."""
    mail = Feature("mail", "email", aspects=(Aspect("role"),))
    read = reread(Contract((mail,)), Reading(), pl.DataFrame({"mail": ["Ann <ann@firm.example>", "Bob Doe", None]}))
    assert read.frame["mail"].to_list() == ["Ann <ann@firm.example>", None, None]
    assert "1 values of 'mail' are not an e-mail address and were read as missing" in read.warnings
    assert not any("Bob" in words for words in read.warnings)
