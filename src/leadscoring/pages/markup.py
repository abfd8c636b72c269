"""Markup of every page: escaped texts, tables, cards. Whatever a file says stays text."""

from collections.abc import Iterable, Sequence
from html import escape

ICONS = {
    "ok": '<path d="m3 8.5 3.2 3.2L13 4.8"/>',
    "look": '<path d="M8 2.2 1.6 13.4h12.8zM8 6.5v3M8 11.6v.1"/>',
    "bad": '<circle cx="8" cy="8" r="6"/><path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/>',
    "note": '<circle cx="8" cy="8" r="6"/><path d="M8 7.5V11M8 5.1v.1"/>',
}
"""What verdicts look like; each stands beside words, never alone."""


def text(words: object) -> str:
    """Escapes a text of our own."""
    return escape(str(words))


def name(words: object) -> str:
    """Escapes a text of a file, which may be of any script, length and direction."""
    return f"<bdi>{escape(str(words))}</bdi>"


def icon(sign: str) -> str:
    """Returns the icon of a sign of ``ICONS``."""
    return f'<svg class="i {sign}-i" viewBox="0 0 16 16" aria-hidden="true">{ICONS[sign]}</svg>'


def badge(sign: str, words: str) -> str:
    """Returns a small verdict."""
    return f'<span class="badge {sign}">{icon(sign)}{escape(words)}</span>'


def tier(letter: str) -> str:
    """Returns a tier's letter."""
    return f'<span class="tier t{escape(letter)}"><span class="sr">tier </span>{escape(letter)}</span>'


def card(title: str, body: str, words: str = "", *, anchor: str = "", flush: bool = False) -> str:
    """Returns a section with a title and an introduction; ``flush`` lets tables reach its edges."""
    about = f"<p>{escape(words)}</p>" if words else ""
    place = f' id="{escape(anchor)}"' if anchor else ""
    return (
        f'<section class="card{" flush" * flush}"{place}><header><h2>{escape(title)}</h2>{about}</header>'
        f'<div class="body">{body}</div></section>'
    )


def folded(title: str, body: str) -> str:
    """Returns a part that opens on demand."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def points(items: Iterable[str]) -> str:
    """Returns a list of texts."""
    return f'<ul class="plain">{"".join(f"<li>{name(item)}</li>" for item in items)}</ul>'


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, label: str, css: Sequence[str] = (), cards: bool = False
) -> str:
    """Returns a table from HTML cells; the first of each row is its heading.

    ``css`` are the classes of the columns. On a telephone it scrolls in its own box, or with ``cards`` each row becomes
    a card; ``said`` as the first class puts the name of the first column before each heading there.
    """
    named = f'<span class="only-card">{escape(heads[0])} </span>' if css[:1] == ["said"] and cards else ""
    classes = [*css, *[""] * (len(heads) - len(css))]
    head = "".join(f"<th{of_class(css)}>{escape(title)}</th>" for title, css in zip(heads, classes, strict=True))
    body = "".join(
        "<tr>"
        + f'<th scope="row"{of_class(classes[0])}>{named}{cells[0]}</th>'
        + "".join(
            f'<td{of_class(css)} data-label="{escape(title)}">{f"<span>{cell}</span>" if cards else cell}</td>'
            for cell, title, css in zip(cells[1:], heads[1:], classes[1:], strict=True)
        )
        + "</tr>"
        for cells in rows
    )
    shape = "data cards" if cards else "data"
    whole = f'<table class="{shape}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">{whole}</div>'


def of_class(css: str) -> str:
    """Returns the attribute of a class; empty without one."""
    return f' class="{css}"' if css else ""


def document(title: str, style: str, body: str) -> str:
    """Returns a self-contained page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>{body}</main></body></html>\n"
    )
