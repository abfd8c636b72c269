"""The names that columns of the input have in the scores."""

from collections.abc import Collection, Iterable


def names_beside(made: Collection[str], kept: Iterable[str]) -> dict[str, str]:
    """Returns the name in the scores of each column that is kept, such that all names differ.

    A column keeps its name, unless scores have a column of that name (``made``): then it is ``input_NAME``, with as
    many ``input_`` in front as it takes to be a name that no other column has.
    """
    names = list(dict.fromkeys(kept))
    taken = {*made, *names}
    found = {}
    for name in names:
        new = name
        while name in made and new in taken:
            new = f"input_{new}"
        taken.add(new)
        found[name] = new
    return found
