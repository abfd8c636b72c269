"""The default contract: the 50 features of a B2B lead that the shipped model scores.

A trained model brings its own contract; this one is what a newcomer meets first, and what existing
clients send. The help text says what a feature means where its name does not.
"""

from typing import NamedTuple

from leadscoring.contract.features import Contract, Feature


class _Range(NamedTuple):
    """What the values of a feature may be; both ends included, ``None`` is open."""

    kind: str
    minimum: int | None
    maximum: int | None


_AMOUNT = _Range("number", 0, None)
_CHANGE = _Range("number", None, None)
_SHARE = _Range("number", 0, 1)
_COUNT = _Range("integer", 0, None)
_SOME = _Range("integer", 1, None)
_TIER = _Range("integer", 1, 3)
_PLACE = _Range("integer", 0, 2)
_FLAG = _Range("flag", 0, 1)

_MUST, _MAY = True, False


def _features(group: str, *rows: tuple[str, _Range, bool, float, str, str]) -> tuple[Feature, ...]:
    """A group of features from rows of name, range, required, example, unit and help."""
    return tuple(
        Feature(
            name=name,
            kind=values.kind,
            required=required,
            minimum=values.minimum,
            maximum=values.maximum,
            help=help_text,
            group=group,
            unit=unit,
            example=example,
        )
        for name, values, required, example, unit, help_text in rows
    )


_FIRMOGRAPHICS = _features(
    "firmographics",
    ("company_revenue", _AMOUNT, _MUST, 24_000_000, "US dollars", "Revenue of the company in a year"),
    ("company_employee_count", _SOME, _MUST, 140, "people", "People the company employs"),
    ("company_age_years", _AMOUNT, _MUST, 12, "years", "Time since the company was founded"),
    ("company_funding_total", _AMOUNT, _MAY, 8_500_000, "US dollars", "All money raised from investors so far"),
    (
        "company_growth_rate",
        _CHANGE,
        _MUST,
        0.35,
        "share",
        "Growth of revenue, year over year: 0.35 is 35 %, negative is shrinking",
    ),
    (
        "industry_tech_score",
        _SHARE,
        _MUST,
        0.7,
        "share",
        "How technical the industry is, from 0 (hardly) to 1 (software itself)",
    ),
    ("geographic_tier", _TIER, _MUST, 1, "tier", "The market that the company is in: 1 is the best, 3 the weakest"),
    ("company_public_status", _FLAG, _MUST, 0, "", "The company's shares are traded on an exchange"),
    ("parent_company_exists", _FLAG, _MUST, 0, "", "The company belongs to another one"),
    ("subsidiary_count", _COUNT, _MAY, 2, "companies", "Companies that belong to this one"),
)

_ENGAGEMENT = _features(
    "engagement",
    ("website_visits_30d", _COUNT, _MUST, 14, "visits", "Visits to the website in the last 30 days"),
    ("page_views_30d", _COUNT, _MUST, 52, "pages", "Pages seen in the last 30 days"),
    ("avg_session_duration_sec", _AMOUNT, _MUST, 185, "seconds", "Mean length of a visit"),
    ("bounce_rate", _SHARE, _MUST, 0.32, "share", "Share of visits that left after one page"),
    ("pricing_page_visits", _COUNT, _MAY, 3, "visits", "Times the prices were looked at"),
    ("demo_page_visits", _COUNT, _MAY, 2, "visits", "Times the page about demos was looked at"),
    ("documentation_views", _COUNT, _MAY, 6, "pages", "Pages of documentation read"),
    (
        "email_open_rate",
        _SHARE,
        _MAY,
        0.45,
        "share",
        "Share of our mails that were opened; unknown where none was sent",
    ),
    (
        "email_click_rate",
        _SHARE,
        _MAY,
        0.12,
        "share",
        "Share of our mails in which a link was followed; unknown where none was sent",
    ),
    ("emails_received", _COUNT, _MAY, 9, "mails", "Mails that we sent to this lead"),
    ("whitepaper_downloads", _COUNT, _MAY, 1, "downloads", "White papers downloaded"),
    ("webinar_attendance", _COUNT, _MAY, 1, "webinars", "Webinars attended"),
    ("social_media_engagement", _COUNT, _MAY, 4, "actions", "Likes, shares and comments on our posts"),
    ("customer_success_interactions", _COUNT, _MAY, 1, "contacts", "Contacts with our customer success team"),
    ("support_ticket_count", _COUNT, _MAY, 1, "tickets", "Tickets opened with support, during a trial for instance"),
)

_BEHAVIOUR = _features(
    "behaviour",
    ("days_since_first_touch", _AMOUNT, _MUST, 48, "days", "Time since the first contact"),
    ("days_since_last_touch", _AMOUNT, _MUST, 3, "days", "Time since the latest contact"),
    ("total_touchpoints", _SOME, _MUST, 17, "contacts", "Contacts of any sort so far"),
    ("multi_channel_engagement", _FLAG, _MUST, 1, "", "Contacts came through three or more channels"),
    ("decision_maker_contacted", _FLAG, _MUST, 1, "", "Somebody who decides has been spoken to"),
    ("champion_identified", _FLAG, _MAY, 1, "", "Somebody inside argues for us"),
    ("budget_confirmed", _FLAG, _MAY, 1, "", "There is a budget, and they said so"),
    ("timeline_confirmed", _FLAG, _MAY, 0, "", "There is a date by which they want to decide"),
    ("competitor_evaluation", _FLAG, _MAY, 0, "", "They are looking at a competitor as well"),
    ("technical_evaluation_started", _FLAG, _MAY, 1, "", "Their engineers are trying the product"),
    ("contract_reviewed", _FLAG, _MAY, 0, "", "Their lawyers have read the contract"),
    ("security_questionnaire_completed", _FLAG, _MAY, 0, "", "Their security questions have been answered"),
    ("roi_calculator_used", _FLAG, _MAY, 1, "", "They worked out what the product would return"),
    ("custom_demo_requested", _FLAG, _MAY, 1, "", "They asked for a demo made for them"),
    (
        "integration_questions_asked",
        _COUNT,
        _MAY,
        2,
        "questions",
        "Questions about connecting the product to their systems",
    ),
)

_ATTRIBUTION = _features(
    "attribution",
    ("lead_source_quality", _SHARE, _MUST, 0.65, "share", "How well leads of this source converted in the past"),
    ("attribution_touchpoints", _SOME, _MUST, 4, "contacts", "Contacts that the attribution model credits"),
    ("paid_channel_source", _FLAG, _MUST, 0, "", "The lead came through a paid channel"),
    ("referral_source", _FLAG, _MAY, 1, "", "The lead was referred by somebody"),
    ("event_source", _FLAG, _MAY, 0, "", "The lead came from an event"),
)

_PRODUCT = _features(
    "product",
    ("product_tier_interest", _TIER, _MUST, 2, "tier", "The tier of the product they ask about: 3 is the top"),
    ("feature_requests_count", _COUNT, _MAY, 1, "requests", "Features they asked for that do not exist yet"),
    ("use_case_alignment", _SHARE, _MUST, 0.78, "share", "How well what they want fits what the product does"),
    ("integration_requirements", _COUNT, _MAY, 3, "systems", "Systems that the product would have to connect to"),
    ("deployment_preference", _PLACE, _MUST, 0, "", "Where they want to run it: 0 cloud, 1 hybrid, 2 on premises"),
)

CONTRACT = Contract((*_FIRMOGRAPHICS, *_ENGAGEMENT, *_BEHAVIOUR, *_ATTRIBUTION, *_PRODUCT))
"""The 50 features, in the order of the model's columns."""
