"""What a request may have meant whose path, or method, no route takes.

Nothing is redirected: most clients follow a redirect of a POST without its body, or not at all.
"""

import re
from collections.abc import Iterable, Mapping

from leadscoring.contract.features import nearest

SHOWN = 80
PREFIX = "/api/v1"

Methods = Mapping[str, tuple[str, ...]]
"""Each path, which may hold ``{names}``, with the methods that it takes."""


def not_found(path: str, routes: Methods) -> str:
    """Why there is no answer at ``path``, with the one that was meant, as far as that can be known."""
    said = f"there is no route for {path[:SHOWN]!r}"
    meant = path_meant(path, routes)
    if meant is None:
        return f"{said}; / lists the main routes"
    return f"{said}; did you mean {' or '.join(methods_of(meant, routes))} {meant}? (The service does not redirect.)"


def wrong_method(method: str, path: str, routes: Methods) -> str:
    """What the path takes in place of ``method``."""
    takes = methods_of(path, routes)
    return (
        f"{path[:SHOWN]} allows {' or '.join(takes)}, not {method[:SHOWN]}"
        if takes
        else "this path does not allow this method"
    )


def path_meant(path: str, routes: Methods) -> str | None:
    """The path that ``path`` is but for slashes, case or the prefix; else the nearest one, if one is near."""
    plain = re.sub("/{2,}", "/", path).rstrip("/") or "/"
    for candidate in (plain, plain.lower(), f"{PREFIX}{plain.lower()}"):
        if candidate != path and methods_of(candidate, routes):
            return candidate
    return nearest(plain, [known for known in routes if "{" not in known and known != "/"]) if len(plain) > 1 else None


def methods_of(path: str, routes: Methods) -> tuple[str, ...]:
    """The methods that a path takes; none when it is none."""
    found = [methods for known, methods in routes.items() if matches(known, path)]
    return tuple(method for methods in found for method in methods)


def matches(known: str, path: str) -> bool:
    """Whether a path is one of those that ``known`` stands for."""
    if "{" not in known:
        return known == path
    parts, given = known.split("/"), path.split("/")
    return len(parts) == len(given) and all(
        part == name or ("{" in part and name != "") for part, name in zip(parts, given, strict=True)
    )


def by_path(routes: Iterable[tuple[str, str]]) -> Methods:
    """The methods of each path, of routes as methods and paths."""
    found: dict[str, tuple[str, ...]] = {}
    for method, path in routes:
        found[path] = (*found.get(path, ()), method)
    return found
