"""The options for past leads are the same for every command that reads them."""

from typing import Any

import pytest

from leadscoring.cli.data_options import OPTIONS, as_train_options, split_commas
from leadscoring.cli.inspect import inspect
from leadscoring.cli.training import train
from leadscoring.training.options import TrainOptions


def test_commas_and_repetition_are_alike() -> None:
    """--ignore A,B and --ignore A --ignore B mean the same."""
    assert split_commas(["A, B", "C"]) == ("A", "B", "C")


def test_train_and_inspect_have_the_same_options_for_data() -> None:
    """With the same help, in the same order."""
    help_of = {
        command.name: [(one.opts, one.help) for one in command.params if getattr(one, "heading", "") != "Output"]
        for command in (train, inspect)
    }
    own = {"--out", "--report"}
    assert [one for one in help_of["train"] if own.isdisjoint(one[0])][1:] == help_of["inspect"][1:]
    assert len(help_of["inspect"]) == len(OPTIONS) + 1


@pytest.mark.parametrize("target", [None, "won"])
def test_they_are_the_fields_of_what_training_takes(target: str | None) -> None:
    """A date of conversion is the target if there is no other."""
    given: dict[str, Any] = {
        one.name: () if one.multiple else None for one in inspect.params if one.name in TrainOptions.__struct_fields__
    }
    given |= {"target": target, "won_date": "Won on", "ignore": ("a,b", "c"), "read": ("d=1,234.5",)}
    options = TrainOptions(**as_train_options(given))
    assert (options.target, options.won_date) == (target or "Won on", "Won on")
    assert options.ignore == ("a", "b", "c")
    assert options.read == ("d=1,234.5",)
