"""What Prometheus' expressions ask for."""

import re

from monitoring import RULES

from leadscoring.quality.model_counts import FAMILIES
from leadscoring.telemetry.metrics import declared
from leadscoring.telemetry.tally import Family


def names_of(family: Family) -> set[str]:
    """What a metric is called in queries."""
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
    return {family.name + suffix for suffix in suffixes[family.kind]}


METRICS = {name: family for family in (*declared((), "local"), *FAMILIES) for name in names_of(family)}

RECORDED = {rule["record"] for rule in RULES if "record" in rule}


def asked_for(expression: str) -> set[str]:
    """The names of metrics in an expression, without the words of the language."""
    bare = re.sub(r'"[^"]*"|\b(by|on|without|ignoring|group_left)\s*\([^)]*\)|\[[^]]*\]', "", expression)
    bare = re.sub(r"\{[^}]*\}", "", bare)
    words = set(re.findall(r"[a-z_][\w:]*(?!\w*\s*\()", bare))
    return {word for word in words if "_" in word or word == "up"} - set(re.findall(r"\w+(?=\()", bare))


def matchers(expression: str) -> list[tuple[str, str, str, str]]:
    """Metric, label, operator and value of every matcher in an expression."""
    found = []
    for name, selector in re.findall(r"([a-z_]\w*)\s*\{([^}]*)\}", expression):
        found += [(name, *parts) for parts in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', selector)]
    return found
