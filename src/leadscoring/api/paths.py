"""Suggests routes for requests with an unknown path or method.

The service never redirects: most clients follow a redirect of a POST without its body, or not at all.
"""

import re
from collections.abc import Iterable, Mapping

from leadscoring.contract.features import nearest

SHOWN = 80
PREFIX = "/api/v1"

Methods = Mapping[str, tuple[str, ...]]
"""The methods of each path, which may contain ``{parameters}``."""


def not_found(path: str, routes: Methods) -> str:
    """Returns the message for an unknown path, with a suggestion if there is one."""
    said = f"there is no route for {path[:SHOWN]!r}"
    meant = path_meant(path, routes)
    if meant is None:
        return f"{said}; / lists the main routes"
    return f"{said}; did you mean {' or '.join(methods_of(meant, routes))} {meant}? (The service does not redirect.)"


def wrong_method(method: str, path: str, routes: Methods) -> str:
    """Returns the message for a method that the path does not support, with those that it supports."""
    takes = methods_of(path, routes)
    return (
        f"{path[:SHOWN]} allows {' or '.join(takes)}, not {method[:SHOWN]}"
        if takes
        else "this path does not allow this method"
    )


def path_meant(path: str, routes: Methods) -> str | None:
    """Returns the known path that differs in slashes, case or prefix only, else the nearest one; ``None`` without."""
    plain = re.sub("/{2,}", "/", path).rstrip("/") or "/"
    for candidate in (plain, plain.lower(), f"{PREFIX}{plain.lower()}"):
        if candidate != path and methods_of(candidate, routes):
            return candidate
    return nearest(plain, [known for known in routes if "{" not in known and known != "/"]) if len(plain) > 1 else None


def methods_of(path: str, routes: Methods) -> tuple[str, ...]:
    """Returns the methods of a path; empty for an unknown one."""
    matching = [methods for known, methods in routes.items() if matches(known, path)]
    return tuple(method for methods in matching for method in methods)


def matches(known: str, path: str) -> bool:
    """Whether a path matches the template ``known``."""
    if "{" not in known:
        return known == path
    parts, requested = known.split("/"), path.split("/")
    return len(parts) == len(requested) and all(
        part == name or ("{" in part and name != "") for part, name in zip(parts, requested, strict=True)
    )


def by_path(routes: Iterable[tuple[str, str]]) -> Methods:
    """Groups routes, which are pairs of method and path, by path."""
    methods: dict[str, tuple[str, ...]] = {}
    for method, path in routes:
        methods[path] = (*methods.get(path, ()), method)
    return methods
