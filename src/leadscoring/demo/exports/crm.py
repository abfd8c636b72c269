"""The CRMs whose exports are imitated: the labels, formats and encoding of each.

A further CRM is one more row in ``CRMS``. Nothing here needs numpy or polars, so that ``--help`` works without them.
"""

from typing import Literal, NamedTuple

Form = Literal["plain", "moment", "day", "money", "share", "count"]
Kind = Literal["won", "upsell", "lost", "open"]


class Locale(NamedTuple):
    """How moments, days, amounts, shares and counts are written; ``share`` is empty for a plain fraction."""

    moment: str
    day: str
    group: str
    decimal: str
    money: str
    share: str


LOCALES = {
    "iso": Locale("%Y-%m-%d %H:%M", "%Y-%m-%d", "", ".", "{}", ""),
    "us": Locale("%-m/%-d/%Y, %-I:%M %p", "%-m/%-d/%Y", ",", ".", "${}", "{}%"),
    "usd": Locale("%-m/%-d/%Y %-I:%M %p", "%-m/%-d/%Y", ",", ".", "USD {}", "{}%"),
    "eu": Locale("%d/%m/%Y %H:%M", "%d/%m/%Y", ".", ",", "{} €", "{} %"),
}

ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with BOM", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}


class Stage(NamedTuple):
    """A value of the target: what it means, and the probability (percent) and forecast category that follow it."""

    text: str
    kind: Kind
    chance: int
    forecast: str


class Column(NamedTuple):
    """A column of an export: its label, the cell in it (a key of ``cells.CELLS``) and how that is written.

    ``leak`` marks columns whose values are known, or change, only with the outcome.
    """

    label: str
    cell: str
    form: Form = "plain"
    leak: bool = False


class Crm(NamedTuple):
    """One CRM: its columns, its stages, and the form of its files.

    ``target``, ``time`` and ``key`` are labels. ``status`` names won, lost and open deals. ``again`` is the number of
    rows after which the header is repeated, 0 for never; ``footer`` are lines below the data.
    """

    title: str
    target: str
    time: str
    key: str
    columns: tuple[Column, ...]
    stages: tuple[Stage, ...]
    status: tuple[str, str, str]
    constants: dict[str, str]
    locale: str
    encoding: str
    separator: str
    quoted: bool = False
    again: int = 0
    footer: tuple[str, ...] = ()

    @property
    def positive(self) -> tuple[str, ...]:
        """The values of the target that mean converted."""
        return tuple(stage.text for stage in self.stages if stage.kind in {"won", "upsell"})

    @property
    def leaks(self) -> tuple[str, ...]:
        """The labels of the columns that leak the outcome."""
        return tuple(column.label for column in self.columns if column.leak)


LEAK = True

HUBSPOT = Crm(
    title="HubSpot",
    target="Deal Stage",
    time="Create Date",
    key="Record ID",
    columns=(
        Column("Record ID", "number id"),
        Column("Deal Name", "deal"),
        Column("Deal Stage", "stage"),
        Column("Pipeline", "Pipeline"),
        Column("Create Date", "created", "moment"),
        Column("Close Date", "closed or expected", "moment", LEAK),
        Column("Amount", "amount", "money"),
        Column("Amount in company currency", "amount", "money"),
        Column("Weighted amount", "weighted", "money", LEAK),
        Column("Deal probability", "chance", "share", LEAK),
        Column("Forecast category", "forecast", leak=LEAK),
        Column("Deal Type", "type"),
        Column("Deal owner", "owner"),
        Column("Is Closed Won", "is won", leak=LEAK),
        Column("Days to close", "days to close", "count", LEAK),
        Column('Cumulative time in "Contract sent (Sales Pipeline)" (HH:mm:ss)', "time in last stage", leak=LEAK),
        Column("Closed Lost Reason", "lost reason", leak=LEAK),
        Column("Last Activity Date", "last activity", "moment", LEAK),
        Column("Last Modified Date", "modified", "moment", LEAK),
        Column("Associated Company", "company"),
        Column("Associated Contact", "contact"),
        Column("First Name", "first name"),
        Column("Last Name", "last name"),
        Column("Email", "mail address"),
        Column("Phone Number", "phone"),
        Column("Job Title", "title"),
        Column("Industry", "industry"),
        Column("Country/Region", "country"),
        Column("Number of Employees", "employees", "count"),
        Column("Original Source", "source"),
        Column("Original Source Drill-Down 1", "campaign"),
        Column("Number of Pageviews", "pages", "count"),
        Column("Marketing email open rate", "opened", "share"),
        Column("Product interest", "products"),
        Column("Message", "message"),
        Column("Account sign-up date", "signed up", "moment"),
    ),
    stages=(
        Stage("Appointment scheduled", "open", 20, "Pipeline"),
        Stage("Qualified to buy", "open", 40, "Pipeline"),
        Stage("Presentation scheduled", "open", 60, "Best case"),
        Stage("Decision maker bought-In", "open", 80, "Commit"),
        Stage("Contract sent", "open", 90, "Commit"),
        Stage("Closed won", "won", 100, "Closed won"),
        Stage("Closed won - upsell", "upsell", 100, "Closed won"),
        Stage("Closed lost", "lost", 0, "Not forecasted"),
    ),
    status=("true", "false", "false"),
    constants={"Pipeline": "Sales Pipeline"},
    locale="iso",
    encoding="utf-8-sig",
    separator="comma",
    quoted=True,
)

SALESFORCE = Crm(
    title="Salesforce",
    target="Stage",
    time="Created Date",
    key="Opportunity ID",
    columns=(
        Column("Opportunity Owner", "owner"),
        Column("Account Name", "company"),
        Column("Opportunity Name", "deal"),
        Column("Stage", "stage"),
        Column("Amount", "amount", "money"),
        Column("Expected Revenue", "weighted", "money", LEAK),
        Column("Probability (%)", "chance", "share", LEAK),
        Column("Forecast Category", "forecast", leak=LEAK),
        Column("Age", "age at export", "count", LEAK),
        Column("Close Date", "closed or expected", "day", LEAK),
        Column("Created Date", "created", "moment"),
        Column("Last Activity", "last activity", "day", LEAK),
        Column("Last Modified Date", "modified", "moment", LEAK),
        Column("Closed", "is closed", leak=LEAK),
        Column("Won", "is won", leak=LEAK),
        Column("Loss Reason", "lost reason", leak=LEAK),
        Column("Type", "type"),
        Column("Lead Source", "source"),
        Column("Primary Campaign Source", "campaign"),
        Column("First Name", "first name"),
        Column("Last Name", "last name"),
        Column("Title", "title"),
        Column("Email", "mail address"),
        Column("Phone", "phone"),
        Column("Industry", "industry"),
        Column("Billing Country", "country"),
        Column("Employees", "employees", "count"),
        Column("Page Views", "pages", "count"),
        Column("Email Open Rate", "opened", "share"),
        Column("Product Interest", "products"),
        Column("Description", "message"),
        Column("Trial Signed Up", "signed up", "moment"),
        Column("Opportunity Currency", "Currency"),
        Column("Opportunity ID", "letters id"),
    ),
    stages=(
        Stage("Prospecting", "open", 10, "Pipeline"),
        Stage("Qualification", "open", 10, "Pipeline"),
        Stage("Needs Analysis", "open", 20, "Pipeline"),
        Stage("Value Proposition", "open", 50, "Pipeline"),
        Stage("Id. Decision Makers", "open", 60, "Best Case"),
        Stage("Proposal/Price Quote", "open", 75, "Best Case"),
        Stage("Negotiation/Review", "open", 90, "Commit"),
        Stage("Closed Won", "won", 100, "Closed"),
        Stage("Won - upsell", "upsell", 100, "Closed"),
        Stage("Closed Lost", "lost", 0, "Omitted"),
    ),
    status=("1", "0", "0"),
    constants={"Currency": "USD"},
    locale="us",
    encoding="cp1252",
    separator="comma",
    quoted=True,
    footer=(
        "",
        "",
        "Grand Totals ({rows} records)",
        "",
        "Opportunities with Contacts",
        "Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved.",
        "Confidential Information - Do Not Distribute",
        "Generated By:  Ronja Velström  1/5/2026 9:12 AM",
        "Brandor Systems",
    ),
)

DYNAMICS = Crm(
    title="Dynamics 365",
    target="Status Reason",
    time="Created On",
    key="(Do Not Modify) Opportunity",
    columns=(
        Column("(Do Not Modify) Opportunity", "guid"),
        Column("(Do Not Modify) Row Checksum", "checksum"),
        Column("(Do Not Modify) Modified On", "modified", "moment", LEAK),
        Column("Topic", "deal"),
        Column("Potential Customer", "company"),
        Column("Contact", "contact"),
        Column("Email", "mail address"),
        Column("Business Phone", "phone"),
        Column("Job Title", "title"),
        Column("Est. Close Date", "expected", "day"),
        Column("Actual Close Date", "closed", "day", LEAK),
        Column("Est. Revenue", "amount", "money"),
        Column("Actual Revenue", "actual revenue", "money", LEAK),
        Column("Weighted Revenue", "weighted", "money", LEAK),
        Column("Probability", "chance", "share", LEAK),
        Column("Forecast Category", "forecast", leak=LEAK),
        Column("Status", "status", leak=LEAK),
        Column("Status Reason", "stage"),
        Column("Lost Reason", "lost reason", leak=LEAK),
        Column("Last Activity Date", "last activity", "day", LEAK),
        Column("Created On", "created", "moment"),
        Column("Customer Since", "signed up", "moment"),
        Column("Opportunity Type", "type"),
        Column("Originating Lead Source", "source"),
        Column("Source Campaign", "campaign"),
        Column("Industry", "industry"),
        Column("Country", "country"),
        Column("No. of Employees", "employees", "count"),
        Column("Page Views", "pages", "count"),
        Column("Email Open Rate", "opened", "share"),
        Column("Products", "products"),
        Column("Description", "message"),
        Column("Owner", "owner"),
        Column("Currency", "Currency"),
        Column("Process", "Process"),
    ),
    stages=(
        Stage("In Progress", "open", 40, "Pipeline"),
        Stage("On Hold", "open", 10, "Pipeline"),
        Stage("Won", "won", 100, "Won"),
        Stage("Won - Upsell", "upsell", 100, "Won"),
        Stage("Canceled", "lost", 0, "Lost"),
        Stage("Out-Sold", "lost", 0, "Lost"),
    ),
    status=("Won", "Lost", "Open"),
    constants={"Currency": "Euro", "Process": "Opportunity Sales Process"},
    locale="eu",
    encoding="utf-16",
    separator="tab",
    again=10_000,
)

CRMS = {"hubspot": HUBSPOT, "salesforce": SALESFORCE, "dynamics": DYNAMICS}
