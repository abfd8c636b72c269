"""What a column name implies: a count, an amount, personal data, or a value recorded after the outcome."""

import re

PLURALS = (
    "visits|views|clicks|opens|sessions|employees|seats|users|licen[cs]es|emails|calls|meetings|attendees|downloads"
)
COUNTS = re.compile(
    rf"\b(?:count|counts|counter|number of|num|nb|no of|anzahl|nombre de|qty|quantity|times|attempts|tickets|children"
    rf"|{PLURALS}|submissions|touchpoints|interactions|connections|pages|contacts|hits|logins|members|headcount)\b|#"
)
MEASURES = re.compile(
    r"\b(?:amount|price|revenue|budget|value|salary|income|costs?|turnover|spend|spent|money|fee|mrr|arr|acv|tcv|usd"
    r"|eur|gbp|total|sum|average|avg|mean|rate|ratio|share|percent|percentage|score|index|per|days|hours|minutes|seconds"
    r"|months|years|age|time|duration|tenure|weight|distance|size|betrag|preis|umsatz|wert|prix|montant|importe|precio)\b"
    r"|[$€£%]"
)
FLAG = re.compile(
    r"^(?:is|has|had|was|did|does|do|can|will|opt|opted|allows?|accept|accepts|accepted|wants?|subscribed|unsubscribed"
    r"|agreed?|consent)\b|\b(?:flag|opt in|opt out|optin|optout|yn|y n|yes no|consent|true false)$|\?$"
)

OWNER = r"(?:(?:contact|lead|person|customer|client|prospect|primary|associated|account)s? )*"
REACH = "how to reach a person"
PERSONAL = (
    (
        "a person's name",
        rf"{OWNER}(?:(?:first|last|middle|given|family|full|maiden|nick|legal|display|preferred) ?names?|surname"
        r"|forename|initials)|(?:contact|lead|person|customer|client|prospect) name|names?|vorname|nachname"
        r"|familienname|prénom|prenom|nom(?: de famille)?|nombres?|apellidos?|voornaam|achternaam|cognome",
    ),
    (
        "a date of birth",
        rf"{OWNER}(?:birth ?(?:date|day|year)|(?:date|day|year|month) (?:of )?birth|dob|b ?day|born(?: on| date)?"
        r"|geburts(?:datum|tag|jahr)|geboren(?: am)?|(?:fecha (?:de )?)?nacimiento|(?:date (?:de )?|jour de )?naissance"
        r"|geboortedatum|(?:data (?:di )?)?nascita|data (?:de )?nascimento)",
    ),
    (
        "gender",
        rf"{OWNER}(?:gender|sex|geschlecht|género|genero|sesso|geslacht|sexe|salutation|anrede|civilité|civilite"
        r"|pronouns?)",
    ),
    (
        REACH,
        rf"{OWNER}(?:work|business|personal|home|primary|secondary|other|company|direct|main)? ?(?:e ?mails?"
        r"(?: addresse?s?)?|(?:mobile|cell|tele)? ?(?:phone|telefon)s?(?: numbers?| no| nr)?|mobile(?: number)?|cell"
        r"|fax(?: number)?|handy|whats ?app(?: number)?)|linked ?in(?: .*)?|twitter(?: .*)?|facebook(?: .*)?"
        r"|ip(?: address)?|street(?: address)?|(?:mailing |home |postal )?address(?: line)?(?: \d)?"
        r"|(?:mailing|home|billing) street",
    ),
    (
        "what law protects most",
        r"race|ethnicity|ethnic (?:group|origin)|religion|religious .*|nationality|citizenship|sexual orientation"
        r"|disability|disabilities|health(?: .*)?|political .*|ssn|social security(?: number)?|passport(?: .*)?"
        r"|national id(?: .*)?|tax(?:payer)? id(?: .*)?",
    ),
)
"""Kinds of personal data, and patterns of column names that contain them."""

LATE = re.compile(
    r"\b(?:deals?|close|closed|closing|won|lost|status|stage|duration|reason|outcome|converted|conversion|probability"
    r"|forecast|weighted|signed|invoiced?|churn|churned|renewal|disqualified|qualified"
    r"|abschluss\w*|gewonnen|verloren|verlustgrund|statusgrund)\b"
)
EARLY = re.compile(
    r"\b(?:sessions?|visits?|page|public|marital|employment|sign up|signed up|company|previous|past|last campaign"
    r"|deal (?:type|owner|source|team|region|country|currency|priority|name|id))\b"
)
"""Words that reverse the implication of those in ``LATE``."""


PLANNED = re.compile(
    r"\b(?:due|est|planned|plan|expected|expect|next|upcoming|future|renewals?|renews?|expir\w*|trial end\w*"
    r"|end date|ends|until|valid to|scheduled|target|deadline|follow ?up|estimated|projected|anticipated|forecast"
    r"|reminder|fällig\w*|geplant\w*|erwartet\w*|voraussichtlich\w*)\b"
)
"""Words of dates that may lie in the future."""

PERSON = re.compile(
    r"\b(?:contacts?|persons?|people|owner|sales ?rep|agent|assigned to|assignee|created by|modified by|changed by"
    r"|attendees?|participants?|applicant|candidate|kontakt|kontaktperson|ansprechpartner\w*|besitzer|contacto"
    r"|contatto|propriétaire|referente)(?: names?)?$"
)

DISCREET = ("gender", "a date of birth", "what law protects most")
"""Kinds of personal data of which not even the presence becomes a feature."""


def words(name: str) -> str:
    """The words of a name in lower case, separated by single spaces: ``isClosed_won`` is *is closed won*."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return re.sub(r"[^\w#$€£%?]+|_", " ", parted).strip().casefold()


def says_flag(name: str) -> bool:
    """Whether a name implies a yes/no value."""
    return FLAG.search(words(name)) is not None


def says_count(name: str) -> bool:
    """Whether a name implies a count."""
    return COUNTS.search(words(name)) is not None and not says_measure(name)


def says_measure(name: str) -> bool:
    """Whether a name implies a quantity that may have fractions, such as money or time."""
    return MEASURES.search(re.sub(r"\b(number|total number|count) of\b", "#", words(name))) is not None


def personal(name: str) -> str:
    """The kind of personal data that a column with this name contains; empty if none."""
    plain = re.sub(r" ?[?#]$| \d$", "", words(name))
    return next((kind for kind, names in PERSONAL if re.fullmatch(names, plain)), "")


def says_person(name: str) -> bool:
    """Whether a text of this name is probably that of a person, even if it may be something else."""
    return PERSON.search(words(name)) is not None


def says_planned(name: str) -> bool:
    """Whether a name implies a date that was planned or expected, and may lie in the future."""
    return PLANNED.search(words(name)) is not None


def says_late(name: str) -> bool:
    """Whether a name implies a value recorded only after the outcome, or because of it."""
    plain = words(name)
    return LATE.search(plain) is not None and EARLY.search(plain) is None
