"""Every event that the service logs of its own accord, with its fields and its meaning."""

from typing import NamedTuple


class Event(NamedTuple):
    """One kind of line that the service writes of its own accord."""

    level: str
    fields: tuple[str, ...]
    means: str


REQUEST_FIELDS = ("request_id", "key", "method", "path", "status", "duration_ms", "leads", "error", "refused")

EVENTS = {
    "request": Event("INFO", REQUEST_FIELDS, "A request was answered. ERROR for a status of 500 or more, WARNING for "
                     "503; `key` is the label of a key, `error` the error that it ended with, `refused` how many "
                     "leads of a batch ended with which error; `method` and `path` are empty where no head came"),
    "request failed": Event("ERROR", ("request_id", "endpoint", "exception"), "The service failed to answer; "
                            "`exception` says where, without messages, since these may hold a lead"),
    "model loaded": Event("INFO", ("name", "version", "trees", "certified"), "The model is loaded, and its golden "
                          "rows score as certified"),
    "model replaced": Event("INFO", ("name", "version", "before"), "Another model is served from now on; requests that "
                            "had begun end with the one from `before`"),
    "model caution": Event("WARNING", ("advice",), "Somebody may expect other scores of the model, or other values in "
                           "its leads: it stopped early, or the file lacks the values of its categories"),
    "model fails": Event("ERROR", ("reason",), "The model's golden rows no longer score as certified; said once, and "
                         "again when they did meanwhile"),
    "model file changed": Event("WARNING", ("serves", "advice"), "A worker started after the file at MODEL_PATH had "
                                "changed or gone: it serves the same model as the others, whose SHA-256 is `serves`"),
    "shipped model served": Event("WARNING", ("advice",), "MODEL_PATH is not set and there is no file at its default: "
                                  "the model inside the package is served"),
    "demo key accepted": Event("WARNING", ("advice",), "The demo key opens this service"),
    "scoring without a key": Event("WARNING", ("protocol", "port", "advice"), "A protocol is spoken that asks for no "
                                   "key; only its host may reach the port"),
    "no key works": Event("WARNING", ("scope", "advice"), "Nobody can use what needs this scope"),
    "key file read": Event("INFO", ("keys", "added", "removed"), "The key file has changed and counts from now on"),
    "read again": Event("INFO", ("keys",), "SIGHUP came: the key file was read again, and so many keys count"),
    "key file refused": Event("ERROR", ("why", "keys"), "The key file has changed but cannot be taken; the keys from "
                              "before go on to count"),
    "model endpoint failed": Event("WARNING", ("endpoint_provider", "error", "kind", "reason", "times"), "A remote "
                                   "model did not score; `kind` is the error, `times` how often since the last line"),
    "model endpoint breaker": Event("WARNING", ("endpoint_provider", "state"), "A remote model is left alone from now "
                                    "on (`open`), tried (`half_open`), or called again (`closed`)"),
    "model endpoint matches": Event("INFO", ("endpoint_provider", "rows"), "A remote model scores the golden rows as "
                                    "they are certified"),
    "model endpoint differs": Event("ERROR", ("endpoint_provider", "error", "rows", "differing"), "A remote model does "
                                    "not score the golden rows as certified: its scores are served to nobody"),
    "model fallback fails": Event("ERROR", ("endpoint_provider", "error"), "The local model, which should stand in for "
                                  "a remote one, does not score as certified, and is not used"),
    "listening": Event("INFO", ("host", "port", "pid"), "A process accepts connections"),
    "draining": Event("INFO", ("seconds",), "The process was asked to end: it is not ready any more, and answers on "
                      "for so long before it stops accepting"),
    "worker cannot start": Event("ERROR", ("error", "reason"), "A worker gave up during its start"),
    "descriptors exhausted": Event("ERROR", ("reason",), "A connection could not be taken, since the process or the "
                                   "machine has no descriptor left; those that are open go on"),
    "descriptors available": Event("INFO", (), "Connections are taken again"),
    "worker replaced": Event("ERROR", ("pid", "exitcode", "hung"), "A worker died or hung; another takes its place"),
    "worker killed": Event("ERROR", ("pid", "reason"), "A worker that was asked to end did not"),
}  # fmt: skip
"""Every event of ours, with the fields that stand beside ``timestamp``, ``level`` and ``event``."""


def events_markdown() -> str:
    """The table of events as Markdown for the documentation."""
    lines = ["| Event | Level | Fields | Meaning |", "|---|---|---|---|"]
    for name, event in EVENTS.items():
        fields = ", ".join(f"`{field}`" for field in event.fields)
        lines.append(f"| `{name}` | {event.level} | {fields} | {event.means} |")
    return "\n".join(lines)
