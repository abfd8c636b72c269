"""``/docs`` and ``/openapi.json``: self-contained documentation of the service, without external resources."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from string import Template
from typing import Any

import msgspec

from leadscoring.access.keys import KeyRing
from leadscoring.api.parameters import parameters
from leadscoring.contract.features import Feature
from leadscoring.errors import InvalidParameter
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.scorer import Scorer
from leadscoring.settings import DEMO_KEY, Settings
from leadscoring.transport.exchange import Exchange, Reply
from leadscoring.transport.failures import PLAIN, STATUS

INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)
"""Matches inline styles and scripts of the page, which the policy allows by their hashes."""

ABOUT_DEMO_KEY = '<p class="soft">This is the public demo key: it is valid until API_KEYS or API_KEYS_FILE is set.</p>'

Headers = tuple[tuple[bytes, bytes], ...]

SAFE: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),  # for browsers without support of frame-ancestors
    (b"cross-origin-opener-policy", b"same-origin"),
)
NOTHING_LOADED = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Documentation:
    """The two routes that document the served model; rendered once per model.

    The page includes the demo key while it is one of the valid ``keys``.
    """

    def __init__(self, scorer: Scorer, keys: KeyRing, settings: Settings) -> None:
        self._scorer = scorer
        self._keys = keys
        self._settings = settings
        self._made_for: LoadedModel | None = None
        self._openapi = self._json_only = b""
        self._pages: dict[bool, bytes] = {}
        self._policy: Headers = ()

    async def openapi(self, exchange: Exchange) -> Reply:
        """Returns the OpenAPI document; ``bodies=json`` omits other bodies for tools that do not support them."""
        values = parameters(exchange.query, ("bodies",))
        if values.get("bodies", "json") != "json":
            raise InvalidParameter("bodies", values["bodies"], "json")
        self._make()
        document = self._json_only if values else self._openapi
        return Reply(200, document, headers=(*SAFE, (b"content-security-policy", NOTHING_LOADED)))

    async def page(self, _exchange: Exchange) -> Reply:
        """Returns the HTML documentation, with an example lead to try."""
        self._make()
        self._keys.refresh()
        demo = self._keys.demo_active
        return Reply(200, self._pages[demo], b"text/html; charset=utf-8", self._policy)

    def _make(self) -> None:
        model = self._scorer.served.model
        if model is self._made_for:
            return
        from leadscoring.api.openapi import description, with_json_bodies

        document = description(model, self._settings)
        self._openapi = msgspec.json.encode(document)
        self._json_only = msgspec.json.encode(with_json_bodies(document))
        self._pages = {demo: page(model, document, demo).encode() for demo in (False, True)}
        self._policy = page_headers(self._pages[False].decode())
        self._made_for = model


def page_headers(text: str) -> Headers:
    """Returns the headers of the page; its CSP allows inline code by hash, calls of this service, and nothing else."""
    hashes = {
        kind: "'sha256-" + b64encode(sha256(inline.encode()).digest()).decode() + "'"
        for kind, inline in INLINE.findall(text)
    }
    policy = (
        f"default-src 'none'; script-src {hashes['script']}; style-src {hashes['style']}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return (*SAFE, (b"content-security-policy", policy.encode()), (b"cache-control", b"no-cache"))


def page(model: LoadedModel, said: dict[str, Any], demo: bool = False) -> str:
    """Renders the documentation as one HTML page; with ``demo``, the demo key is filled in."""
    from importlib.resources import files

    from leadscoring.api.openapi import example_lead

    template = Template((files("leadscoring.api") / "docs.html").read_text("utf-8"))
    card = model.card
    return template.substitute(
        key=DEMO_KEY if demo else "",
        about_key=ABOUT_DEMO_KEY if demo else "",
        model=escape(f"{card.name} {card.version}"),
        n_features=len(card.contract),
        example=escape(json.dumps(example_lead(card.contract), indent=1, ensure_ascii=False)),
        operations="\n".join(operation_rows(said)),
        tiers="\n".join(row(f"<b>{tier}</b>", escape(meaning)) for tier, meaning in card.tiers.meanings().items()),
        features="\n".join(map(feature_row, card.contract.features)),
        codes="\n".join(code_rows()),
    )


def operation_rows(said: dict[str, Any]) -> list[str]:
    """Renders one row per route."""
    return [
        row(
            f"<code>{method.upper()}</code>",
            f"<code>{path}</code>",
            escape(op["summary"]),
            "yes" if op["security"] else "",
        )
        for path, methods in said["paths"].items()
        for method, op in methods.items()
    ]


def feature_row(feature: Feature) -> str:
    """Renders one row of the contract."""
    about = ". ".join(part for part in (feature.help, feature.unit) if part)
    required = "required" if feature.required else ""
    return row(f"<code>{escape(feature.name)}</code>", feature.kind, escape(feature.allowed), required, escape(about))


def code_rows() -> list[str]:
    """Renders one row per error code, with the anchor that problem responses link to."""
    import inspect

    ours = [(kind.code, status, inspect.getdoc(kind) or "") for kind, (status, _) in STATUS.items()]
    plain = [(code, status, title + ".") for status, (code, title) in PLAIN.items()]
    return [
        f'<tr id="{code}"><td><code>{code}</code></td><td>{status}</td><td>{escape(about.splitlines()[0])}</td></tr>'
        for code, status, about in sorted(ours + plain, key=lambda entry: (entry[1], entry[0]))
    ]


def row(*cells: str) -> str:
    """Renders one row of a table."""
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
