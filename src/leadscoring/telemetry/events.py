"""Every event that the service itself logs, with its fields and its meaning."""

from typing import NamedTuple


class Event(NamedTuple):
    """One kind of log line that the service writes."""

    level: str
    fields: tuple[str, ...]
    means: str


REQUEST_FIELDS = ("request_id", "key", "method", "path", "status", "duration_ms", "leads", "error", "refused")

EVENTS = {
    "request": Event("INFO", REQUEST_FIELDS, "One request and its response. ERROR for a status of 500 or more, WARNING "
                     "for 503. `key` is the label of the API key, `error` the error that the request ended with, "
                     "`refused` the number of leads of a batch per error; `method` and `path` are empty if the request "
                     "line could not be read"),
    "request failed": Event("ERROR", ("request_id", "endpoint", "exception"), "A request failed with an internal "
                            "error; `exception` is the traceback without messages, since a message can contain lead "
                            "data"),
    "model loaded": Event("INFO", ("name", "version", "trees", "certified"), "The model is loaded and reproduces its "
                          "certified golden-row scores"),
    "model replaced": Event("INFO", ("name", "version", "before"), "Another model took over; requests that had already "
                            "started complete with the model in `before`"),
    "model caution": Event("WARNING", ("advice",), "The scores or the accepted values may differ from what the owner "
                           "of the model expects: training stopped early, or the file lacks the values of its "
                           "categories"),
    "objections not read": Event("ERROR", ("why", "objections"), "The file of leads whose persons objected to scoring "
                                 "cannot be read; `objections` is the number of those that stay in effect"),
    "model fails": Event("ERROR", ("reason",), "The model no longer reproduces its certified golden-row scores. Logged "
                         "once per failure; again only after a recovery"),
    "model file changed": Event("WARNING", ("serves", "advice"), "The file at MODEL_PATH changed or disappeared before "
                                "a worker started: the worker serves the same model as the others, whose SHA-256 is "
                                "`serves`"),
    "tape full": Event("ERROR", ("reason", "folder"), "There is no room to keep further scores for the ledger: "
                       "LEDGER_TAPE_BYTES are used up, or the disk is full or cannot be written to. LEDGER_FULL says "
                       "what happens to leads meanwhile"),
    "tape has room again": Event("INFO", ("before",), "Scores are kept again; `before` is why they were not"),
    "tape not synced": Event("ERROR", ("reason",), "Scores could not be written to the disk: if the machine loses its "
                             "power now, they are lost"),
    "shipped model served": Event("WARNING", ("advice",), "MODEL_PATH is not set and the default file does not exist: "
                                  "the service serves the model in the package"),
    "demo key accepted": Event("WARNING", ("advice",), "The service accepts the demo key"),
    "scoring without a key": Event("WARNING", ("protocol", "port", "advice"), "An enabled protocol requires no key; "
                                   "only its host may reach the port"),
    "no key works": Event("WARNING", ("scope", "advice"), "No valid key has this scope, so nobody can use the routes "
                          "that require it"),
    "key file read": Event("INFO", ("keys", "added", "removed"), "Reloaded the key file after it changed"),
    "read again": Event("INFO", ("keys",), "Reloaded the key file after SIGHUP; `keys` is the number in effect"),
    "key file refused": Event("ERROR", ("why", "keys"), "The key file changed but cannot be loaded; the previous keys "
                              "stay in effect"),
    "model endpoint failed": Event("WARNING", ("endpoint_provider", "error", "kind", "reason", "times"), "A remote "
                                   "model did not return scores; `kind` is the error, `times` the number of failures "
                                   "since the last line"),
    "model endpoint breaker": Event("WARNING", ("endpoint_provider", "state"), "The circuit breaker of a remote model "
                                    "changed state: `open` (no calls), `half_open` (one trial call), `closed` (normal "
                                    "operation)"),
    "model endpoint matches": Event("INFO", ("endpoint_provider", "rows"), "A remote model reproduces the certified "
                                    "golden-row scores"),
    "model endpoint differs": Event("ERROR", ("endpoint_provider", "error", "rows", "differing"), "A remote model does "
                                    "not reproduce the certified golden-row scores: the service returns none of its "
                                    "scores"),
    "model fallback fails": Event("ERROR", ("endpoint_provider", "error"), "The local fallback of a remote model does "
                                  "not reproduce the certified golden-row scores, and is not used"),
    "listening": Event("INFO", ("host", "port", "pid"), "A process accepts connections"),
    "draining": Event("INFO", ("seconds",), "The process is stopping: it reports not ready, and still accepts requests "
                      "for `seconds` seconds"),
    "worker cannot start": Event("ERROR", ("error", "reason"), "A worker failed to start"),
    "descriptors exhausted": Event("ERROR", ("reason",), "A connection could not be accepted because the process or "
                                   "the machine has no free file descriptor; open connections are not affected"),
    "descriptors available": Event("INFO", (), "The process accepts connections again"),
    "worker replaced": Event("ERROR", ("pid", "exitcode", "hung"), "A worker exited or hung; a new one replaces it"),
    "worker killed": Event("ERROR", ("pid", "reason"), "A worker did not stop in time, and was killed"),
    "ledger open": Event("INFO", ("ledger", "tape"), "The keeper moves scores from the tape to the ledger"),
    "ledger migrated": Event("INFO", ("before", "now"), "The tables of the ledger were made, or brought to version "
                             "`now`"),
    "ledger down": Event("ERROR", ("reason",), "The database of the ledger does not respond: scores wait on the tape. "
                         "Logged once per failure; the keeper tries again by itself"),
    "ledger up again": Event("INFO", (), "The database of the ledger responds again"),
    "score not moved": Event("ERROR", ("path", "at", "reason"), "The database refuses a value of the score at this "
                             "byte of a segment; it is left out, so that those behind it are moved"),
    "segment set aside": Event("ERROR", ("path", "reason", "moved_to"), "A part of the tape is damaged, or the file of "
                               "its model is missing; scores up to the byte `moved_to` are in the ledger"),
    "another keeper has this tape": Event("WARNING", ("tape", "advice"), "Another service uses LEDGER_TAPE_PATH; its "
                                          "keeper moves the scores of both"),
    "keeper cannot start": Event("ERROR", ("error", "reason"), "The ledger cannot be used, and the service stops"),
    "keeper failed": Event("ERROR", ("exception",), "The keeper ended with an unexpected error; a new one replaces it"),
    "live quality failed": Event("ERROR", ("exception", "reason"),
                                 "The report on live quality could not be made: for `reason` if the database did not "
                                 "answer, else because of an unexpected fault. Scores are kept all the same"),
    "keeper replaced": Event("ERROR", ("pid", "exitcode", "hung"),
                             "The keeper exited, or was killed since it hung, for the reason in `hung`; a new one "
                             "replaces it"),
    "rights not kept": Event("ERROR", ("why",), "`rights.jsonl` beside the tape could not be written or read: a "
                             "restored backup would not know the latest erasures and objections"),
    "older ledger found": Event("WARNING", ("erased_again", "objected_again"),
                                "The ledger is an older one, as a restored backup is: leads were erased again, and "
                                "objections noted"),
    "clock has jumped": Event("ERROR", ("seconds", "consequence"),
                              "The machine's clock was set by more than an hour. Retention deletes nothing for a day"),
    "partitions dropped": Event("INFO", ("names",), "Months of scores in PostgreSQL that retention has emptied"),
    "partitions not tended": Event("WARNING", ("reason",),
                                   "Somebody reads scores for long, as an export does; the keeper tries again within "
                                   "the hour"),
    "keeper killed": Event("ERROR", ("pid", "reason"), "The keeper did not stop in time, and was killed; what it has "
                           "not moved waits on the tape"),
}  # fmt: skip
"""Every event, with its fields besides ``timestamp``, ``level`` and ``event``."""


def events_markdown() -> str:
    """The table of events as Markdown for the documentation."""
    lines = ["| Event | Level | Fields | Meaning |", "|---|---|---|---|"]
    for name, event in EVENTS.items():
        fields = ", ".join(f"`{field}`" for field in event.fields)
        lines.append(f"| `{name}` | {event.level} | {fields} | {event.means} |")
    return "\n".join(lines)
