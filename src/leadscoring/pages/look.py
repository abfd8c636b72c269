"""The stylesheet of every page."""

import re
from functools import cache
from importlib.resources import files


@cache
def stylesheet() -> str:
    """Returns the stylesheet without comments and indentation.

    A self-contained page has it inline; the console serves it as a file.
    """
    text = (files("leadscoring.pages") / "look.css").read_text("utf-8")
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()


@cache
def tokens() -> str:
    """Returns the rules of the stylesheet that define the colours, for pages with rules of their own."""
    return stylesheet().partition("*, *::before")[0].strip()
