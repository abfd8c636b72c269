"""The page of live quality: what decides first, then the evidence."""

from datetime import date

from leadscoring.model.card import in_percent
from leadscoring.pages import charts, live_charts
from leadscoring.pages.live_charts import DayMark, MonthMark, WeekMark
from leadscoring.pages.look import stylesheet
from leadscoring.pages.markup import badge, card, document, icon, name, table, text, tier
from leadscoring.pages.plot import Scale
from leadscoring.quality.cohorts import ENOUGH, Cohort, TierCohort
from leadscoring.quality.evidence import ALARM, PERIOD
from leadscoring.quality.figure import Figure
from leadscoring.quality.groups_page import where_off
from leadscoring.quality.live import Live
from leadscoring.quality.proportion import MANIFOLD, PART, POINTS

FEW_KNOWN = 0.5
"""Below this share of leads with an outcome, a tier counts as hardly worked."""

AS_PREDICTED = (
    "As predicted: no difference that is both beyond chance and large enough to matter, which is at least "
    f"{PART:.0%} of the predicted rate, and at least {POINTS * 100:.0f} points or {MANIFOLD:.0%} of that rate."
)
"""What a verdict means."""

SIGNS = {"as predicted": "ok", "too few": "note", "more than predicted": "look", "fewer than predicted": "bad"}


def page(live: Live) -> str:
    """Renders the page."""
    title = "Live quality" if live.model is None else f"Live quality: {live.model.name} {live.model.version}"
    parts = [
        verdict(live),
        weeks(live) if live.weeks else "",
        tiers(live.overall) if live.overall else "",
        where_off(live.groups),
        pair(evidence(live), ranking(live)),
        months(live) if live.months else "",
        pair(figures(live), delays(live)),
    ]
    head = (
        f'<div class="head"><h1>{name(title)}</h1><p>What was predicted, against what happened; as of '
        f"{text(moment(live.at))}. {text(waiting(live))} Only leads that this model scored first count.</p></div>"
    )
    return document(title, stylesheet(), f'{head}<div class="stack">{"".join(parts)}</div>')


def waiting(live: Live) -> str:
    """Says when an outcome counts."""
    silent = "counts as lost" if live.outcome_silence == "lost" else "is left out"
    return f"A lead is judged {live.outcome_days} days after its first score; one without an outcome then {silent}."


def pair(one: str, other: str) -> str:
    """Renders two cards side by side; one alone as it is."""
    return f'<div class="g2">{one}{other}</div>' if one and other else one + other


def headline(live: Live) -> tuple[str, str]:
    """Returns the sign and the sentence that say most."""
    if live.verdict == "too few":
        when = f"; the first is possible on {live.verdict_from}" if live.verdict_from else ""
        said = f"Too few mature leads for a verdict: {live.mature:,} of {ENOUGH}{when}"
        off = off_of(live)
        if live.alarm or off:
            return "look", f"{capital(live.alarm.says if live.alarm else off)}; {said[0].lower()}{said[1:]}"
        return "note", said
    if live.verdict == "as predicted":
        if live.alarm:
            return "look", f"{capital(live.alarm.says)}; mature leads still converted as predicted"
        if off := off_of(live):
            return "look", f"Leads as a whole convert as predicted, but {off}"
        return "ok", "Leads convert as predicted"
    return SIGNS[live.verdict], f"Conversions are {live.verdict}"


def off_of(live: Live) -> str:
    """Says how many groups are off; nothing if none is."""
    if live.groups is None or not live.groups.off:
        return ""
    return f"{live.groups.off:,} of {live.groups.judged:,} groups {'is' if live.groups.off == 1 else 'are'} off"


def verdict(live: Live) -> str:
    """Renders the verdict and the key figures."""
    sign, words = headline(live)
    alarm = (
        f"An alarm stands since {text(live.alarm.since)}, and the daily evidence has reached "
        f"{text(shown(live.alarm.evidence))}: {text(live.alarm.says)}. Mature leads decide which of the two it is."
        if live.alarm
        else f"No alarm stands: the daily evidence of all leads is below {ALARM:g}."
        if live.evidence is not None
        else "No lead with an id has been scored since the ledger is on."
        if not live.leads
        else "No daily evidence yet: too little is known of how long conversions take."
    )
    return (
        f'<section class="card" id="verdict"><div class="verdict {sign}">{icon(sign)}<div><h2>{name(words)}.</h2>'
        f"<p>{alarm}</p>{left_out(live)}</div></div>{kpis(live)}</section>"
    )


def left_out(live: Live) -> str:
    """Says what leaving out leads without an outcome does to the observed rates."""
    if live.outcome_silence == "lost":
        return ""
    return (
        "<p>Mature leads without an outcome are left out. Where losses are reported less often than wins, observed "
        "rates are too high, and so are verdicts of more; the daily evidence does not leave them out.</p>"
    )


def kpis(live: Live) -> str:
    """Renders the key figures, each with what it is compared with."""
    total, trained = live.overall, live.training.get("roc_auc") or {}
    boxes = [
        ("none yet", "predicted and observed: no mature leads")
        if total is None
        else (
            f"{percent(total.observed.value)}",
            f"observed of {total.leads:,} mature leads ({span(total.observed)}); predicted {percent(total.predicted)}",
        ),
        ("none yet", "ROC-AUC: needs mature leads of both outcomes")
        if total is None or total.roc_auc is None
        else (
            f"{total.roc_auc.value:.3f}",
            f"ROC-AUC ({total.roc_auc.low:.3f} to {total.roc_auc.high:.3f})"
            + (f"; in training {trained['value']:.3f}" if trained else ""),
        ),
        ("none yet", "outcomes known: no mature leads")
        if total is None
        else (f"{total.known:.0%}", "of the mature leads have an outcome")
        if live.outcome_silence == "lost"
        else (f"{total.leads:,}", "mature leads with an outcome; the others are left out"),
        ("none yet", "daily evidence; an alarm stands at 100")
        if live.evidence is None or live.expected is None
        else (
            shown(live.evidence),
            f"evidence now, alarm at {ALARM:g}; since its {PERIOD}-day period began: "
            f"{live.observed:,} conversions, {live.expected:,.1f} expected",
        ),
    ]
    return (
        '<div class="kpis">'
        + "".join(f'<div class="kpi"><b>{text(big)}</b><p>{text(words)}</p></div>' for big, words in boxes)
        + "</div>"
    )


def weeks(live: Live) -> str:
    """Renders predicted and observed by week of score."""
    marks = [
        WeekMark(
            short(one.start),
            one.predicted,
            one.so_far.value,
            one.so_far.low,
            one.so_far.high,
            one.mature,
            one.in_the_end,
        )
        for one in live.weeks
        if one.leads
    ]
    ripe = [one for one in marks if one.mature]
    inside = sum(one.low <= one.predicted <= one.high for one in ripe)
    sentence = (
        f"In {inside} of {len(ripe)} mature {'week' if len(ripe) == 1 else 'weeks'}, the predicted rate is in the "
        "interval of the observed one; by chance alone one week in twenty is not"
        if ripe
        else "No week is mature yet"
    )
    return card(
        "Did what was predicted happen?",
        live_charts.weeks(sentence, marks) + live_charts.WEEK_LEGEND + f'<p class="small soft">{text(sentence)}.</p>',
        "Young weeks are never judged by what has come so far. What to expect in the end adds the chances of leads "
        "that are still open, if their probabilities are right and conversions take as long as before.",
        anchor="weeks",
    )


def tiers(total: Cohort) -> str:
    """Renders the tiers of all mature leads, with a note if low ones are hardly worked."""
    top = max(max(one.observed.high, one.predicted) for one in total.tiers)
    scale = Scale(0.0, top or 1.0)
    rows = [
        [
            tier(one.tier),
            f"{one.leads:,}",
            percent(one.predicted),
            f"{percent(one.observed.value)}<small>{span(one.observed)}</small>",
            charts.dots(charts.Group(one.tier, *ends(one.observed), one.predicted), scale),
            f"{one.known:.0%}",
            verdict_badge(one),
        ]
        for one in total.tiers
    ]
    heads = ["Tier", "Leads", "Predicted", "Observed, 95%", f"0% to {percent(top)}", "Outcome known", "Verdict"]
    few = [one.tier for one in total.tiers if one.known < FEW_KNOWN]
    note = (
        f"<p>{icon('look')} Fewer than half of the leads in {text(' and '.join(few))} have an outcome. Only leads that "
        "were worked show what they would have done; the others count as configured.</p>"
        if few
        else ""
    )
    body = table(heads, rows, label="By tier", css=["said", "n", "n", "n", "wide", "n", ""], cards=True)
    return card("By tier, mature leads", body + charts.LEGEND + note, AS_PREDICTED, flush=True, anchor="tiers")


def verdict_badge(one: TierCohort) -> str:
    """Renders the verdict on a tier."""
    if one.verdict is None:
        return badge("note", "too few")
    if one.known < FEW_KNOWN:
        return badge("note", f"{one.verdict}, few worked")
    return badge("ok" if one.verdict == "as predicted" else "look", one.verdict)


def evidence(live: Live) -> str:
    """Renders the evidence by day."""
    if not live.days:
        return ""
    marks = [DayMark(short(one.day), one.evidence) for one in live.days]
    highest = max(one.evidence for one in marks)
    sentence = (
        f"The evidence of the last {len(marks)} days; its highest value is {shown(highest)}, an alarm is {ALARM:g}"
    )
    return card(
        "Is anything wrong now?",
        live_charts.evidence(sentence, marks, ALARM) + f'<p class="small soft">{text(sentence)}.</p>',
        "Evidence against the probabilities, every day and without waiting for mature outcomes. If they and the delays "
        f"were exactly right, it would reach the alarm in at most one of a hundred periods of {PERIOD} days.",
        anchor="evidence",
    )


def ranking(live: Live) -> str:
    """Renders the ROC-AUC by month of score."""
    marks = [MonthMark(one.start, *ends(one.roc_auc)) for one in live.months if one.roc_auc is not None]
    if not marks:
        return ""
    trained = (live.training.get("roc_auc") or {}).get("value")
    spans = f"between {min(one.value for one in marks):.3f} and {max(one.value for one in marks):.3f}"
    then = f"; in training it was {trained:.3f}" if trained is not None else ""
    sentence = f"ROC-AUC by month is {spans if len(marks) > 1 else f'{marks[0].value:.3f}'}{then}"
    words = "" if trained is None else f"in training {trained:.3f}"
    return card(
        "Does it still rank?",
        live_charts.by_month(sentence, marks, trained, words) + f'<p class="small soft">{text(sentence)}.</p>',
        "The chance that a lead that converted scored above one that did not, with its 95% interval.",
        anchor="ranking",
    )


def months(live: Live) -> str:
    """Renders the mature cohorts by month of score, each figure beside what the probabilities promise."""
    rows = [
        [
            one.start,
            f"{one.leads:,}",
            percent(one.predicted),
            f"{percent(one.observed.value)}<small>{span(one.observed)}</small>",
            badge("note", "too few") if one.verdict is None
            else badge("ok" if one.verdict == "as predicted" else "look", one.verdict),
            *promised_pairs(one),
        ]
        for one in live.months
    ]  # fmt: skip
    heads = [
        "Month",
        "Leads",
        "Predicted",
        "Observed, 95%",
        "Verdict",
        "ROC-AUC",
        "Log-loss",
        "Calibration error",
        "Lift",
    ]
    return card(
        "Mature cohorts",
        table(
            heads,
            rows,
            label="Mature cohorts by month",
            css=["said", "n", "n", "n", "", "n", "n", "n", "n"],
            cards=True,
        ),
        "Leads by the month of their first score. Small figures are what the probabilities themselves promise: an "
        "estimate for these very leads if every probability is right, never a verdict.",
        flush=True,
        anchor="months",
    )


def promised_pairs(one: Cohort) -> list[str]:
    """Renders the figures of a cohort, each with the promised one."""
    if one.roc_auc is None or one.log_loss is None or one.lift is None or one.promised is None:
        return ["\N{EN DASH}"] * 4
    error = one.calibration_error or 0.0
    return [
        f"{one.roc_auc.value:.3f}<small>{one.promised.roc_auc:.3f}</small>",
        f"{one.log_loss.value:.3f}<small>{one.promised.log_loss:.3f}</small>",
        f"{100 * error:.1f} points<small>{100 * one.promised.calibration_error:.1f} by chance</small>",
        f"{one.lift.value:.1f}\N{MULTIPLICATION SIGN}<small>{one.promised.lift:.1f}\N{MULTIPLICATION SIGN}</small>",
    ]


def figures(live: Live) -> str:
    """Renders all mature leads beside the training report's figures and what the probabilities promise."""
    total = live.overall
    if total is None or total.roc_auc is None or total.log_loss is None or total.promised is None:
        return ""
    rows = [
        ["Converted", f"{percent(total.observed.value)}<small>{span(total.observed)}</small>",
         rate_of(live, "base_rate"), percent(total.predicted)],
        ["ROC-AUC", with_span(total.roc_auc), trained_of(live, "roc_auc"), f"{total.promised.roc_auc:.3f}"],
        ["Log-loss", with_span(total.log_loss), trained_of(live, "log_loss"), f"{total.promised.log_loss:.3f}"],
        ["Calibration error", f"{total.calibration_error or 0.0:.3f}", trained_of(live, "calibration_error"),
         f"{total.promised.calibration_error:.3f}"],
    ]  # fmt: skip
    return card(
        "Beside training",
        table(["Figure", "Live", "In training", "Promised"], rows, label="Figures", css=["", "n", "n", "n"]),
        "All mature leads, the leads that were held out in training, and what the probabilities promise.",
        flush=True,
        anchor="figures",
    )


def delays(live: Live) -> str:
    """Renders how long conversions take."""
    if live.delays is None:
        return ""
    of = live.delays
    sentence = (
        f"Half of the conversions come within {of.half_after} days of the score, nine tenths within {of.most_after}; "
        f"from {of.conversions:,} conversions"
    )
    return card(
        "How long conversions take",
        live_charts.delays(sentence, of.shares) + f'<p class="small soft">{text(sentence)}.</p>',
        "The share of eventual conversions by age, from the leads of the last 180 days, open ones included.",
        anchor="delays",
    )


def ends(figure: Figure) -> tuple[float, float, float]:
    """Returns a figure as value, low, high."""
    return figure.value, figure.low, figure.high


def with_span(figure: Figure) -> str:
    """Renders a figure with its interval."""
    return f"{figure.value:.3f}<small>{figure.low:.3f} to {figure.high:.3f}</small>"


def trained_of(live: Live, key: str) -> str:
    """Renders a figure of training; a dash if the model has none."""
    value = (live.training.get(key) or {}).get("value")
    return "\N{EN DASH}" if value is None else f"{value:.3f}"


def rate_of(live: Live, key: str) -> str:
    """Renders a rate of training; a dash if the model has none."""
    value = (live.training.get(key) or {}).get("value")
    return "\N{EN DASH}" if value is None else percent(value)


def percent(share: float) -> str:
    """Formats a share."""
    return in_percent([share])[0]


def span(figure: Figure) -> str:
    """Formats the interval of a share."""
    return f"{percent(figure.low)} to {percent(figure.high)}"


def shown(value: float) -> str:
    """Formats evidence, which may be of any size."""
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}" if value < 1e6 else "over a million"


def moment(at: str) -> str:
    """Formats a moment to the minute."""
    return f"{at[:10]}, {at[11:16]} UTC"


def capital(words: str) -> str:
    """Returns a sentence with a capital letter."""
    return words[:1].upper() + words[1:]


def short(day: str) -> str:
    """Formats a day without its year."""
    return f"{date.fromisoformat(day):%-d %b}"
