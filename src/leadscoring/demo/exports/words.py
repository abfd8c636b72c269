"""Names, companies, titles and messages. All are invented: no row resembles a person or company on purpose.

Telephone numbers are from ranges that are reserved for fiction. Everything can be written in Windows-1252.
"""

from itertools import product

from leadscoring.demo.exports.levels import FUNCTION, MESSAGE, SENIORITY

FIRST_NAMES = (
    *("Adrin", "Belisa", "Caspian", "Dorotea", "Elvin", "Fennja", "Gerwin", "Hélia", "Ivo", "Jolanda", "Kéran"),
    *("Lioba", "Maris", "Nelda", "Orlan", "Perla", "Quirin", "Ronja", "Silvan", "Tamsin", "Ulva", "Viggo"),
    *("Wilma", "Yorick", "Zelda", "Åse", "Íñigo", "Marlen"),
)
SURNAMES = tuple(
    start + end
    for start, end in product(
        ("Tind", "Valm", "Osk", "Brend", "Quill", "Sorv", "Hask", "Drey", "Lund", "Müss", "Ferr", "Kjel", "Peñ", "Wex"),
        ("rel", "ere", "arin", "anov", "ström", "ington", "ová", "atti", "ermann", "aux", "eby", "ola"),
    )
)
COMPANY_STARTS = ("Velna", "Tora", "Quen", "Marvo", "Zylo", "Orba", "Pelti", "Skando", "Hedri", "Lumo", "Bran", "Ixo")
COMPANY_MIDDLES = ("rito", "lix", "dane", "vanta", "mere", "sol", "tek", "phor", "gard", "nis", "bury", "cora", "dor")
COMPANY_FIELDS = (
    "Logistics",
    "Systems",
    "Foods",
    "Energy",
    "Medical",
    "Partners",
    "Works",
    "Media",
    "Tools",
    "Capital",
)
COMPANY_FORMS = ("Inc.", "Ltd", "GmbH", "SARL", "S.L.", "AB")
"""By country, in the order of ``levels.COUNTRY``."""

DOMAINS = ("com", "co.uk", "de", "fr", "es", "se")
PHONES = ("(415) 555-01{}", "+44 20 7946 09{}", "030 23125 1{}", "01 99 00 12 {}", "900 555 0{}", "08-465 004 {}")
"""By country; the last digits are filled in."""

FREE_MAIL = ("gmail.com", "hotmail.com", "yahoo.com", "outlook.com", "gmx.de", "web.de", "orange.fr", "icloud.com")
ROLES = ("info", "sales", "office", "contact", "admin", "hello")
OWNERS = tuple(f"{first} {last}" for first, last in zip(FIRST_NAMES[::2], SURNAMES[::12], strict=True))
LOST_REASONS = ("Price", "Chose a competitor", "No budget", "No response", "Bad timing", "Missing feature")

CHIEFS = {
    "IT": ("CTO", "Chief Technology Officer", "CIO", "Chief Information Officer"),
    "Operations": ("COO", "Chief Operating Officer"),
    "Marketing": ("CMO", "Chief Marketing Officer"),
    "Finance": ("CFO", "Chief Financial Officer"),
    "Sales": ("CRO", "Chief Revenue Officer", "Chief Sales Officer"),
    "HR": ("CHRO", "Chief People Officer"),
}
TITLES = {
    "vice president": ("VP {}", "VP of {}", "Vice President {}", "Vice President, {}"),
    "director": ("Director of {}", "{} Director", "Director {}", "Managing Director, {}"),
    "head": ("Head of {}", "Head of Group {}", "Global Head of {}"),
    "manager": ("{} Manager", "Sr. {} Manager", "Manager, {}", "{} Project Manager"),
    "specialist": ("{} Specialist", "{} Analyst", "Senior {} Consultant", "{} Coordinator"),
    "junior": ("{} Intern", "Student Assistant {}", "Working Student, {}", "{} Trainee"),
}
VARIANTS = 12
"""Titles for each seniority and function, with repetitions; 12 is a multiple of each number of variants."""

MESSAGES = {
    "none": ("",),
    "pricing": (
        "Please send your pricing for {} users.",
        "What is the pricing for a team of {}?\nWe decide this quarter.",
        'We compare "pricing" and terms; {} seats.',
    ),
    "demo": ("Could we see a demo for {} colleagues?", "Interested in a live demo, {} people would join"),
    "integration": ("Does it offer an integration with our ERP? {} users", "Integration with SAP, {} seats; call me"),
    "brochure": ("Please post your brochure ({} copies)", "A brochure would be nice, maybe {} of them"),
    "thesis": ("I need {} figures for my thesis", "Interview for a thesis, {} minutes"),
}


def title_of(seniority: str, function: str, variant: int) -> str:
    """One way to write a title."""
    if seniority == "chief":
        chiefs = CHIEFS[function]
        return chiefs[variant % len(chiefs)]
    ways = TITLES[seniority]
    return ways[variant % len(ways)].format(function)


def all_titles() -> list[str]:
    """Every title, by ``(seniority * functions + function) * VARIANTS + variant``."""
    return [
        title_of(seniority, function, variant)
        for seniority, function, variant in product(SENIORITY.texts, FUNCTION.texts, range(VARIANTS))
    ]


def all_messages() -> list[tuple[str, str]]:
    """Every message, by ``message * 6 + variant``, as the text before and after its number."""
    ways = [(name, MESSAGES[name][variant % len(MESSAGES[name])]) for name in MESSAGE.texts for variant in range(6)]
    parts = [way.partition("{}") for _, way in ways]
    return [(before, after) for before, _, after in parts]
