"""What to warn about in leads that were scored nevertheless: values unknown to the model, and dates after ``as_of``."""

from collections.abc import Callable

from leadscoring._engine import Rows
from leadscoring.contract.moment import written
from leadscoring.lead import Lead, Warned
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.reasons import shortened

Warn = Callable[[LoadedModel, int, Lead], Warned]
"""Makes the warning about a lead from the first column of the feature."""

Remark = tuple[int, int, Warn]
"""The position of a lead, the first column of a feature, and the warning about it."""


def remarks_on(model: LoadedModel, rows: Rows) -> list[Remark]:
    """Returns what is remarkable about rows: categories first, then dates, each in the order of the rows."""
    unseen = rows.unseen
    found: list[Remark] = [(place, column, unseen_warning) for place, column in unseen] if unseen else []
    if model.card.contract.is_timed:
        found += [(place, column, future_warning) for place, column in rows.future]
    return found


def unseen_warning(model: LoadedModel, column: int, lead: Lead) -> Warned:
    """Returns the warning for a category that was not seen in training or was too rare, by its first column.

    Cards written before rare texts were listed cannot distinguish the two if the trees have a code for rare values.
    """
    contract = model.card.contract
    place = contract.columns.feature[column]
    feature, value = contract.features[place], lead.values[place]
    if feature.form.is_aspected:
        message = f"{shortened(str(value))!r} is not {feature.allowed} and is scored as unknown"
        return Warned("unseen_category", feature.name, message)
    if feature.codes:
        message = f"no tree names code {value}, whether training knew it or not: it is scored like all such codes"
        return Warned("unseen_category", feature.name, message)
    treated = "as a rare value" if feature.other else "as unknown"
    shown = repr(value[:80] if isinstance(value, str) else value)
    if value in model.rare[place]:
        return Warned("rare_category", feature.name, f"{shown} was rare in training and is scored {treated}")
    seen = "was rare or not seen" if feature.other and not feature.rare else "was not seen"
    return Warned("unseen_category", feature.name, f"{shown} {seen} in training and is scored {treated}")


def future_warning(model: LoadedModel, column: int, lead: Lead) -> Warned:
    """Returns the warning for a date that lies after the moment as of which the lead is scored, by its first column."""
    contract = model.card.contract
    place = contract.columns.feature[column]
    name, value = contract.features[place].name, shortened(lead.values[place])
    moment = "as_of" if lead.as_of is None else f"as_of ({written(lead.as_of)})"
    return Warned("future_date", name, f"{name} is scored as unknown because {value!r} lies after {moment}")
