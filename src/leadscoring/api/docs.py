"""``/docs`` and ``/openapi.json``: the service explained by itself, without the internet."""

import json
from html import escape
from string import Template
from typing import Any

import msgspec

from leadscoring.api.exchange import Exchange, Reply
from leadscoring.api.failures import PLAIN, STATUS
from leadscoring.api.parameters import parameters
from leadscoring.errors import InvalidParameter
from leadscoring.features import Feature
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring import Scorer
from leadscoring.settings import Settings


class Documentation:
    """The two routes that describe the model that the scorer holds now; made once a model."""

    def __init__(self, scorer: Scorer, settings: Settings) -> None:
        self._scorer = scorer
        self._settings = settings
        self._made_for: LoadedModel | None = None
        self._openapi = self._json_only = self._page = b""

    async def openapi(self, exchange: Exchange) -> Reply:
        """The OpenAPI document; with ``bodies=json`` for programs that know no other bodies of requests."""
        given = parameters(exchange.query, ("bodies",))
        if given.get("bodies", "json") != "json":
            raise InvalidParameter("bodies", given["bodies"], "json")
        self._make()
        return Reply(200, self._json_only if given else self._openapi)

    async def page(self, _exchange: Exchange) -> Reply:
        """The page for people, with a lead to try."""
        self._make()
        return Reply(200, self._page, b"text/html; charset=utf-8")

    def _make(self) -> None:
        model = self._scorer.model
        if model is self._made_for:
            return
        from leadscoring.api.openapi import description, with_json_bodies

        said = description(model, self._settings)
        self._openapi = msgspec.json.encode(said)
        self._json_only = msgspec.json.encode(with_json_bodies(said))
        self._page = page(model, said).encode()
        self._made_for = model


def page(model: LoadedModel, said: dict[str, Any]) -> str:
    """The documentation as one HTML page."""
    from importlib.resources import files

    from leadscoring.api.openapi import example_lead

    template = Template((files("leadscoring.api") / "docs.html").read_text("utf-8"))
    card = model.card
    return template.substitute(
        model=escape(f"{card.name} {card.version}"),
        n_features=len(card.contract),
        example=escape(json.dumps(example_lead(card.contract), indent=1, ensure_ascii=False)),
        operations="\n".join(operation_rows(said)),
        tiers="\n".join(row(f"<b>{tier}</b>", escape(meaning)) for tier, meaning in card.tiers.meanings().items()),
        features="\n".join(map(feature_row, card.contract.features)),
        codes="\n".join(code_rows()),
    )


def operation_rows(said: dict[str, Any]) -> list[str]:
    """One row a route."""
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
    """One row of the contract."""
    about = ". ".join(part for part in (feature.help, feature.unit) if part)
    required = "required" if feature.required else ""
    return row(f"<code>{escape(feature.name)}</code>", feature.kind, escape(feature.allowed), required, escape(about))


def code_rows() -> list[str]:
    """One row an error code, with the anchor that every problem points to."""
    import inspect

    ours = [(kind.code, status, inspect.getdoc(kind) or "") for kind, (status, _) in STATUS.items()]
    plain = [(code, status, title + ".") for status, (code, title) in PLAIN.items()]
    return [
        f'<tr id="{code}"><td><code>{code}</code></td><td>{status}</td><td>{escape(about.splitlines()[0])}</td></tr>'
        for code, status, about in sorted(ours + plain, key=lambda entry: (entry[1], entry[0]))
    ]


def row(*cells: str) -> str:
    """One row of a table."""
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
