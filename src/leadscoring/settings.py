"""The table of settings: the environment variables of the service, read once and checked together.

The documentation and ``leadscoring serve --help`` are rendered from it. Nothing else in the
package reads the environment.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import urlsplit

import msgspec

from leadscoring.errors import SettingError, SettingsConflict
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.hosted import MODEL_FOLDER, as_hosted
from leadscoring.lead import ServedBy

DEMO_KEY = "demo-api-key-123"
"""The key that a fresh installation accepts. It is public."""

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # a container is reached from outside

MODEL_AT = "models/model.json"
"""Where the model is by default: in the project's folder, and in the image."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Secret(str):
    """A text that is never printed: its ``repr`` hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"


class Setting(NamedTuple):
    """One row of the table."""

    name: str
    default: str
    read: Callable[[str], Any]
    """Converts the text into the value, or raises ``ValueError``."""
    allowed: str
    help: str
    secret: bool = False

    def value(self, environ: Mapping[str, str]) -> Any:
        """The value in this environment; a blank variable is treated as unset."""
        text = environ.get(self.name, "").strip() or self.default
        try:
            return self.read(text)
        except ValueError:
            raise SettingError(self.name, "***" if self.secret else told(text), self.allowed) from None


def told(text: str) -> str:
    """A rejected value as a message may repeat it: truncated, and without the password of a URL."""
    return re.sub("(?<=://).*@", "***@", text, flags=re.DOTALL)[:80]


def plain(text: str) -> str:
    """Reads a text of printable characters, for use in JSON, labels and log lines."""
    if not text.isprintable():
        raise ValueError(text)
    return text


def address(text: str) -> str:
    """Reads an IP address or a host name, as a socket accepts it."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(text)
    return text


def whole(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number in low..high."""

    def read(text: str) -> int:
        value = int(digits(text))
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def seconds(low: float, high: float) -> Callable[[str], float]:
    """Reads a number of seconds in low..high."""

    def read(text: str) -> float:
        value = float(digits(text))
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def digits(text: str) -> str:
    """A number in plain digits: Python would also accept ``1_0``, and the digits of every script."""
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return text


def one_of(*allowed: str) -> Callable[[str], str]:
    """Reads one of these words, in any case."""

    def read(text: str) -> str:
        for word in allowed:
            if word.casefold() == text.casefold():
                return word
        raise ValueError(text)

    return read


def either(*allowed: str) -> str:
    """These words as a list that one reads: ``local, sagemaker or azure``."""
    return ", ".join(allowed[:-1]) + " or " + allowed[-1]


def truth(text: str) -> bool:
    """Reads true or false, in any case."""
    return one_of("true", "false")(text) == "true"


def on_or_off(text: str) -> bool:
    """Reads on or off, in any case."""
    return one_of("on", "off")(text) == "on"


def comma_separated(text: str) -> tuple[str, ...]:
    """Reads texts between commas; at least one."""
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise ValueError(text)
    return parts


def secrets(text: str) -> tuple[Secret, ...]:
    """Reads keys between commas, each printable ASCII, as a header can carry it."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError(text)
    return tuple(map(Secret, comma_separated(text)))


def origins(text: str) -> tuple[str, ...]:
    """Reads ``*``, or origins, and returns them as browsers send them: in lower case, without a default port."""
    return tuple(origin if origin == "*" else sent_origin(origin.lower()) for origin in comma_separated(text))


def sent_origin(origin: str) -> str:
    """One origin as a browser sends it."""
    scheme, _, host = origin.partition("://")
    if scheme not in ("http", "https") or not host or set(host) & set("/*?#@") or not host.isascii():
        raise ValueError(origin)
    return f"{scheme}://{host.removesuffix(':80' if scheme == 'http' else ':443')}"


def secret(text: str) -> Secret:
    """Reads a key of printable ASCII, as a header can carry it; empty means none."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError(text)
    return Secret(text)


def matching(pattern: str) -> Callable[[str], str]:
    """Reads a text that matches the pattern; empty means none."""
    fits = re.compile(pattern).fullmatch

    def read(text: str) -> str:
        if text and not fits(text):
            raise ValueError(text)
        return text

    return read


def safe_url(text: str) -> str:
    """Reads a URL that is safe for secrets and leads; empty means none."""
    if text and not is_safe(text):
        raise ValueError(text)
    return text


def is_safe(url: str) -> bool:
    """Whether a URL uses https, or plain http on this machine; raises ``ValueError`` if it is not a URL."""
    parts = urlsplit(url)
    if not url.isascii() or not url.isprintable() or " " in url or not parts.hostname or parts.fragment:
        return False
    if parts.username is not None or parts.password is not None or parts.port == 0:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


NAME = r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}"
NAME_ALLOWED = "at most 63 letters, digits and hyphens"

DEVELOPMENT = {
    "ENV": "development",
    "HOST": "127.0.0.1",
    "WORKERS": "1",
    "LOG_LEVEL": "WARNING",
    "DRAIN_SECONDS": "0",
}
"""Defaults of ``leadscoring serve --dev``: one process on this machine only that logs little and stops at once."""

PROTOCOLS = ("sagemaker", "v2")


def protocols(text: str) -> tuple[str, ...]:
    """Reads ``none``, or protocols between commas; each once."""
    if text.casefold() == "none":
        return ()
    return tuple(dict.fromkeys(map(one_of(*PROTOCOLS), comma_separated(text))))


def port_or_none(text: str) -> int | None:
    """Reads a port; empty means none."""
    return whole(1, 65535)(text) if text else None


def number_or_none(text: str) -> float | None:
    """Reads a number within float32, or NaN; empty means none."""
    if not text:
        return None
    value = float(digits(text))
    if abs(value) > FLOAT32_MAX:
        raise ValueError(text)
    return value


LEDGERS = ("sqlite", "postgresql")
"""The databases that a ledger may be in, by the scheme of their URLs."""

SEGMENT_BYTES = 16 << 20
"""Size of one segment of the tape; each worker holds the one it writes, and the next before it is moved."""


def ledger(text: str) -> Secret:
    """Reads ``on``, ``off`` or the URL of a database, which may hold a password; ``off`` is returned as empty."""
    if text.casefold() in ("", "on", "off"):
        return Secret(text.casefold().removeprefix("off"))
    scheme, separator, rest = text.partition("://")
    if scheme not in LEDGERS or not separator or not rest or not text.isprintable() or " " in text:
        raise ValueError(text)
    return Secret(text)


def share(text: str) -> float:
    """Reads a share above 0, up to 1."""
    value = float(digits(text))
    if not 0 < value <= 1:
        raise ValueError(text)
    return value


SPOKEN = "http/protobuf"
"""The protocol of traces, by OpenTelemetry's name for it."""

TABLE = (
    Setting("ENV", "production", plain, "printable text", "Environment name, shown in /status, metrics and traces"),
    Setting("LOG_LEVEL", "INFO", one_of(*LOG_LEVELS), "one of " + ", ".join(LOG_LEVELS), "Minimum level of log lines"),
    Setting("API_KEYS", DEMO_KEY, secrets, "keys of printable ASCII, separated by commas",
            "Keys that clients may send as X-API-Key; defaults to no keys when API_KEYS_FILE is set", secret=True),
    Setting("API_KEYS_FILE", "", str, "a path",
            "JSON file of keys with labels, scopes and expiry dates; reloaded when it changes"),
    Setting("REQUIRE_SECURE_CONFIG", "false", truth, "true or false",
            "With ENV=production or prod, refuse the demo key, CORS_ORIGINS=* and the model in the package at start"),
    Setting("HOST", EVERY_ADDRESS, address, "an address", "Address to listen on"),
    Setting("PORT", "8000", whole(0, 65535), "a whole number from 0 to 65535", "Port to listen on; 0 picks a free one"),
    Setting("OPERATIONS_ACCESS", "open", one_of("open", "key", "port"), "open, key or port",
            "Access to /status, /resources and /metrics: open, with a key of scope admin, or only on OPERATIONS_PORT"),
    Setting("OPERATIONS_PORT", "8001", whole(1, 65535), "a whole number from 1 to 65535",
            "Port for /status, /resources and /metrics with OPERATIONS_ACCESS=port"),
    Setting("WORKERS", "4", whole(1, 64), "a whole number from 1 to 64", "Number of worker processes"),
    Setting("CORS_ORIGINS", "*", origins, "* or origins such as https://crm.example.com, separated by commas",
            "Origins of web pages that may call the API from a browser"),
    Setting("MODEL_ENDPOINT_PROVIDER", "local", one_of(*get_args(ServedBy)),
            either(*get_args(ServedBy)), "Where margins are computed: in this service, or at an endpoint of a cloud"),
    Setting("MODEL_PATH", MODEL_AT, str, "a path",
            "Model file, XGBoost JSON or UBJ. If unset and the default file does not exist, the model in the package"),
    Setting("MODEL_VERSION", "", plain, "printable text", "Version that the model must have; empty accepts any"),
    Setting("MODEL_ROUNDS", "auto", one_of("auto", "all", "best"), "auto, all or best",
            "Rounds to use of an early-stopped model: all, or those up to the best one. auto follows the "
            "program that saved it: up to the best round for XGBoost's scikit-learn wrapper, else all"),
    Setting("MODEL_MISSING", "", number_or_none, "a number within float32, nan or nothing",
            "Number that means missing, in addition to null, in every column of a model without a card, such as -999; "
            "empty uses the one in the file (XGBoost before 2.0), nan uses none"),
    Setting("DRIFT_METRICS", "on", on_or_off, "on or off",
            "Count scored leads per bin of each feature, to measure drift: 12 series a column, at most 200 columns"),
    Setting("SAGEMAKER_ENDPOINT_NAME", "", matching(NAME), NAME_ALLOWED, "Name of the SageMaker endpoint"),
    Setting("AWS_REGION", "", matching(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}"), "a region such as us-east-1",
            "Region of that endpoint; empty uses the AWS configuration"),
    Setting("SAGEMAKER_CONTENT_TYPE", "text/csv", one_of("text/csv", "application/json"),
            "text/csv or application/json",
            "Format of the rows: text/csv for the built-in XGBoost container or ours, application/json only for ours"),
    Setting("AZURE_ML_ENDPOINT_URL", "", safe_url, "an https URL, or an http URL on this machine",
            "Scoring URL of the Azure ML endpoint, exactly as Azure ML shows it"),
    Setting("AZURE_ML_API_KEY", "", secret, "printable ASCII",
            "Key of that endpoint; empty uses Entra ID tokens, from a managed identity or another available credential",
            secret=True),
    Setting("AZURE_ML_DEPLOYMENT_NAME", "", matching(NAME), NAME_ALLOWED,
            "Deployment of that endpoint to call; empty follows its traffic rules"),
    Setting("AZURE_ML_PAYLOAD", "data", one_of("data", "input_data"), "data or input_data",
            "Format of the rows: data for our scoring script and most others, input_data for MLflow deployments"),
    Setting("MODEL_TIMEOUT_SECONDS", "2.5", seconds(0.05, 60), "a number from 0.05 to 60",
            "Time limit for a remote model, both attempts together; X-Request-Timeout-Ms can shorten it"),
    Setting("MODEL_FALLBACK", "none", one_of("none", "local"), "none or local",
            "What scores when the remote model fails: nothing, or the model at MODEL_PATH"),
    Setting("MODEL_BREAKER_FAILURES", "5", whole(1, 1_000_000), "a whole number from 1 to 1000000",
            "Consecutive failed calls after which the circuit breaker opens and the remote model is not called"),
    Setting("MODEL_BREAKER_SECONDS", "30", seconds(0.1, 3600), "a number from 0.1 to 3600",
            "How long the circuit breaker stays open before one trial call"),
    Setting("MODEL_MAX_CONCURRENCY", "64", whole(1, 10_000), "a whole number from 1 to 10000",
            "Maximum number of concurrent calls to the remote model, per worker"),
    Setting("MODEL_MICRO_BATCH_SIZE", "1", whole(1, 10_000), "a whole number from 1 to 10000",
            "Maximum number of single-lead requests that share one call to the remote model; 1 turns sharing off"),
    Setting("MODEL_MICRO_BATCH_SECONDS", "0.01", seconds(0, 1), "a number from 0 to 1",
            "How long a single-lead request may wait for others to share a call, while other calls are in progress"),
    Setting("MODEL_CHECK_SECONDS", "60", seconds(1, 86_400), "a number from 1 to 86400",
            "Interval between checks that the remote model reproduces the certified golden-row scores"),
    Setting("ENDPOINT_PROTOCOLS", "none", protocols, "none, or sagemaker and v2, separated by commas",
            "Model-server protocols to serve in addition to the API. sagemaker requires no key: use it only "
            "in containers that only SageMaker can reach. Defaults to sagemaker when SAGEMAKER_BIND_TO_PORT is set"),
    Setting("SAGEMAKER_BIND_TO_PORT", "", port_or_none, "a whole number from 1 to 65535",
            "Port to listen on instead of PORT when ENDPOINT_PROTOCOLS has sagemaker; set by SageMaker"),
    Setting("OTEL_TRACES", "off", on_or_off, "on or off",
            "Send OpenTelemetry traces over OTLP/HTTP; needs the extra otel. Standard OTEL_ variables configure it"),
    Setting("OTEL_EXPORTER_OTLP_PROTOCOL", SPOKEN, str, f"{SPOKEN} with OTEL_TRACES=on, else any",
            "Protocol for traces; no other OpenTelemetry protocol is supported"),
    Setting("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "", str, f"{SPOKEN} or nothing with OTEL_TRACES=on, else any",
            "The same for traces only; overrides OTEL_EXPORTER_OTLP_PROTOCOL"),
    Setting("LEDGER", "", ledger, "on, off, or the URL of a database: postgresql://... or sqlite:///...",
            "Keep every scored lead and what came of it: nowhere, in SQLite at data/ledger.db, or in a database",
            secret=True),
    Setting("LEDGER_KEY_FILE", "data/ledger.key", str, "a path",
            "File of the secret with which lead ids are hashed; made at the first start with SQLite, required with "
            "PostgreSQL: all instances need the same one"),
    Setting("LEDGER_LEAD_IDS", "hashed", one_of("hashed", "plain"), "hashed or plain",
            "How the ledger keeps lead ids: only hashed with that secret, or also as they were sent"),
    Setting("LEDGER_DAYS", "730", whole(1, 36_500), "a whole number from 1 to 36500",
            "How many days the ledger keeps a score after it was last given"),
    Setting("LEDGER_SHARE", "1", share, "a number above 0, up to 1",
            "Share of leads that the ledger keeps: each lead with all its scores, or not at all"),
    Setting("LEDGER_TAPE_PATH", "data/tape", str, "a path of a folder on a local disk",
            "Folder for scores that are not yet in the ledger"),
    Setting("LEDGER_TAPE_BYTES", "1073741824", whole(2 * SEGMENT_BYTES, 1 << 44),
            "a whole number from 33554432 to 17592186044416", "Maximum size of that folder in bytes"),
    Setting("LEDGER_FULL", "serve", one_of("serve", "refuse"), "serve or refuse",
            "What to do with leads that cannot be kept, as on a full disk: score and count them, or answer 503"),
    Setting("OUTCOME_DAYS", "90", whole(1, 3650), "a whole number from 1 to 3650",
            "Days after its score from which the outcome of a lead counts as known"),
    Setting("OUTCOME_SILENCE", "lost", one_of("lost", "unknown"), "lost or unknown",
            "What a lead without an outcome counts as after OUTCOME_DAYS"),
    Setting("LENIENT_CLIENTS", "off", on_or_off, "on or off",
            "Score leads with numbers sent as text or with unknown features, which are ignored; the response warns"),
    Setting("MAX_BATCH_SIZE", "1000", whole(1, 100_000), "a whole number from 1 to 100000",
            "Maximum number of leads in a JSON-array batch"),
    Setting("MAX_BODY_BYTES", "5242880", whole(1024, 1 << 30), "a whole number from 1024 to 1073741824",
            "Maximum size of a request body in bytes, before and after decompression"),
    Setting("MAX_BUFFERED_BYTES", "0", whole(0, 1 << 40), "a whole number from 0 to 1099511627776",
            "Maximum memory per worker for incomplete requests, and the same again for unread responses, in bytes; "
            "0 means 67108864, or four times MAX_BODY_BYTES if that is more"),
    Setting("MAX_HEADER_BYTES", "32768", whole(1024, 1 << 20), "a whole number from 1024 to 1048576",
            "Maximum size of the request line and headers in bytes"),
    Setting("MAX_CONNECTIONS", "4096", whole(1, 100_000), "a whole number from 1 to 100000",
            "Maximum number of open connections per worker"),
    Setting("KEEP_ALIVE_SECONDS", "75", seconds(1, 3600), "a number from 1 to 3600",
            "How long an idle connection stays open. Keep it above the idle timeout of a load balancer, usually 60 s"),
    Setting("HEADER_TIMEOUT_SECONDS", "10", seconds(0.1, 3600), "a number from 0.1 to 3600",
            "Time limit for a client to send the request line and headers"),
    Setting("BODY_TIMEOUT_SECONDS", "15", seconds(0.1, 3600), "a number from 0.1 to 3600",
            "Time limit for a client to send the request body, and to read each part of a streamed response"),
    Setting("MAX_QUEUE_SECONDS", "2.5", seconds(0.001, 60), "a number from 0.001 to 60",
            "Estimated queueing time above which requests of a key are rejected with 503"),
    Setting("REQUEST_TIMEOUT_SECONDS", "10", seconds(0.1, 3600), "a number from 0.1 to 3600",
            "Age at which a request that is still queued is rejected with 503"),
    Setting("RATE_LIMIT_PER_MINUTE", "0", whole(0, 1_000_000_000), "a whole number from 0 to 1000000000",
            "Maximum number of leads per minute for each API key; 0 means no limit"),
    Setting("DRAIN_SECONDS", "5", seconds(0, 3600), "a number from 0 to 3600",
            "Time after SIGTERM during which the service still accepts requests, so that load balancers can remove it"),
    Setting("SHUTDOWN_SECONDS", "20", seconds(0.1, 3600), "a number from 0.1 to 3600",
            "Time after that to finish the requests already accepted"),
)  # fmt: skip


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process, checked."""

    env: str
    log_level: str
    api_keys: tuple[Secret, ...]
    api_keys_file: str
    require_secure_config: bool
    host: str
    port: int
    operations_access: str
    operations_port: int
    workers: int
    cors_origins: tuple[str, ...]
    model_endpoint_provider: str
    model_path: str
    model_version: str
    model_rounds: Literal["auto", "all", "best"]
    model_missing: float | None
    drift_metrics: bool
    sagemaker_endpoint_name: str
    aws_region: str
    sagemaker_content_type: str
    azure_ml_endpoint_url: str
    azure_ml_api_key: Secret
    azure_ml_deployment_name: str
    azure_ml_payload: str
    model_timeout_seconds: float
    model_fallback: str
    model_breaker_failures: int
    model_breaker_seconds: float
    model_max_concurrency: int
    model_micro_batch_size: int
    model_micro_batch_seconds: float
    model_check_seconds: float
    endpoint_protocols: tuple[str, ...]
    sagemaker_bind_to_port: int | None
    otel_traces: bool
    otel_exporter_otlp_protocol: str
    otel_exporter_otlp_traces_protocol: str
    ledger: Secret
    ledger_key_file: str
    ledger_lead_ids: Literal["hashed", "plain"]
    ledger_days: int
    ledger_share: float
    ledger_tape_path: str
    ledger_tape_bytes: int
    ledger_full: Literal["serve", "refuse"]
    outcome_days: int
    outcome_silence: Literal["lost", "unknown"]
    lenient_clients: bool
    max_batch_size: int
    max_body_bytes: int
    max_buffered_bytes: int
    max_header_bytes: int
    max_connections: int
    keep_alive_seconds: float
    header_timeout_seconds: float
    body_timeout_seconds: float
    max_queue_seconds: float
    request_timeout_seconds: float
    rate_limit_per_minute: int
    drain_seconds: float
    shutdown_seconds: float

    @property
    def traces_protocol(self) -> str:
        """The requested protocol of traces: the variable for traces takes precedence over the general one."""
        return self.otel_exporter_otlp_traces_protocol or self.otel_exporter_otlp_protocol

    @property
    def serves_shipped_model(self) -> bool:
        """Whether MODEL_PATH is unset, and there is no model at the default path."""
        return self.model_path == shipped_model()

    @property
    def is_private(self) -> bool:
        """Whether this is a developer's own service, which nobody else can reach."""
        return self.env.casefold() == "development" and is_loopback(self.host)

    @property
    def refuses_insecure(self) -> bool:
        """Whether insecure settings must prevent the start."""
        return self.env.casefold() in ("prod", "production") and self.require_secure_config


class Relation(NamedTuple):
    """A constraint between settings that are valid on their own."""

    names: tuple[str, ...]
    """The variables of the constraint, as the error lists them."""
    holds: Callable[[Settings], bool]
    allowed: str


def within(inner: str, outer: str) -> Relation:
    """An inner timeout must not exceed its outer one: it would never take effect."""
    return Relation(
        (inner, outer),
        lambda s: bool(getattr(s, inner.lower()) <= getattr(s, outer.lower())),
        f"{inner} must be at most {outer}",
    )


def needed(provider: str, name: str) -> Relation:
    """A setting that one provider requires."""
    return Relation(
        ("MODEL_ENDPOINT_PROVIDER", name),
        lambda s: s.model_endpoint_provider != provider or bool(getattr(s, name.lower())),
        f"MODEL_ENDPOINT_PROVIDER={provider} requires {name}",
    )


SECURE = ("ENV", "REQUIRE_SECURE_CONFIG")

RELATIONS = (
    Relation((*SECURE, "API_KEYS"), lambda s: not (s.refuses_insecure and DEMO_KEY in s.api_keys),
             "API_KEYS must not contain the demo key, which is public"),
    Relation((*SECURE, "CORS_ORIGINS"), lambda s: not (s.refuses_insecure and "*" in s.cors_origins),
             "CORS_ORIGINS must list origins, not *"),
    Relation((*SECURE, "MODEL_PATH"), lambda s: not (s.refuses_insecure and s.serves_shipped_model),
             "MODEL_PATH must be your own model, not the one in the package"),
    Relation(("OPERATIONS_ACCESS", "API_KEYS_FILE"), lambda s: s.operations_access != "key" or bool(s.api_keys_file),
             "OPERATIONS_ACCESS=key requires API_KEYS_FILE, since only keys in that file can have the scope admin"),
    Relation(("OPERATIONS_ACCESS", "PORT", "OPERATIONS_PORT"),
             lambda s: s.operations_access != "port" or s.port != s.operations_port,
             "OPERATIONS_PORT must differ from PORT"),
    Relation(("OTEL_TRACES", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"),
             lambda s: not s.otel_traces or s.traces_protocol == SPOKEN,
             f"OTEL_TRACES=on supports only {SPOKEN}: use the OTLP/HTTP address of the collector"),
    Relation(("MAX_BODY_BYTES", "MAX_BUFFERED_BYTES"),
             lambda s: s.max_buffered_bytes == 0 or s.max_buffered_bytes >= s.max_body_bytes,
             "MAX_BUFFERED_BYTES must be 0 or at least MAX_BODY_BYTES"),
    Relation(("LEDGER", "LEDGER_TAPE_BYTES", "WORKERS"),
             lambda s: not s.ledger or s.ledger_tape_bytes >= 2 * SEGMENT_BYTES * s.workers,
             f"LEDGER_TAPE_BYTES must be at least {2 * SEGMENT_BYTES} for each of WORKERS"),
    needed("sagemaker", "SAGEMAKER_ENDPOINT_NAME"),
    needed("azure", "AZURE_ML_ENDPOINT_URL"),
    within("MODEL_TIMEOUT_SECONDS", "REQUEST_TIMEOUT_SECONDS"),
    within("MODEL_MICRO_BATCH_SECONDS", "MODEL_TIMEOUT_SECONDS"),
    within("MAX_QUEUE_SECONDS", "REQUEST_TIMEOUT_SECONDS"),
    within("REQUEST_TIMEOUT_SECONDS", "SHUTDOWN_SECONDS"),
    within("BODY_TIMEOUT_SECONDS", "SHUTDOWN_SECONDS"),
    within("HEADER_TIMEOUT_SECONDS", "SHUTDOWN_SECONDS"),
)  # fmt: skip
"""One row each; all are checked, and one error reports all that are violated."""


def read_settings(environ: Mapping[str, str], model_folder: Path = MODEL_FOLDER) -> Settings:
    """The settings in ``environ``, with the table's defaults, or those of a container of SageMaker's.

    ``model_folder`` is where SageMaker puts a model.
    Raises ``SettingError`` for the first invalid variable, ``SettingsConflict`` for violated constraints.
    """
    environ = as_hosted(environ, model_folder)
    settings = Settings(**{row.name.lower(): row.value(environ) for row in TABLE})
    if settings.api_keys_file and not environ.get("API_KEYS", "").strip():
        settings = msgspec.structs.replace(settings, api_keys=())  # who brings keys does not want the demo key
    if settings.model_path == MODEL_AT and not environ.get("MODEL_PATH", "").strip() and not Path(MODEL_AT).exists():
        settings = msgspec.structs.replace(settings, model_path=shipped_model() or MODEL_AT)
    check_relations(settings)
    return settings


def one_setting(name: str, environ: Mapping[str, str]) -> Any:
    """The value of a single variable, for code that needs no others. Raises ``SettingError``."""
    return next(row for row in TABLE if row.name == name).value(environ)


@cache
def shipped_model() -> str:
    """The path of the model inside the package: beside the engine, where an installation puts it; empty without one."""
    engine = find_spec("leadscoring._engine")
    return str(Path(engine.origin).with_name("shipped_model.json")) if engine and engine.origin else ""


def check_relations(settings: Settings) -> None:
    """Raises ``SettingsConflict`` with every violated relation, and the variables of all of them."""
    broken = [relation for relation in RELATIONS if not relation.holds(settings)]
    if broken:
        names = dict.fromkeys(name for relation in broken for name in relation.names)
        values = {row.name: shown(row, settings) for row in TABLE if row.name in names}
        raise SettingsConflict(values, "; ".join(relation.allowed for relation in broken))


def shown(row: Setting, settings: Settings) -> str:
    """A setting's value as an operator would write it; a secret's is hidden."""
    value = getattr(settings, row.name.lower())
    if row.secret:
        return "***"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def settings_help() -> str:
    """The table as text for ``--help``."""
    lines = ["Settings are environment variables:", ""]
    for row in TABLE:
        lines.append(f"  {row.name}={row.default}")
        lines.append(f"      {row.help}: {row.allowed}.")
    return "\n".join(lines)


def settings_markdown() -> str:
    """The table and the constraints between settings, as Markdown for the documentation."""
    lines = ["| Variable | Description | Default | Allowed |", "|---|---|---|---|"]
    for row in TABLE:
        default = f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.name}` | {row.help} | {default} | {row.allowed} |")
    lines += ["", "Constraints between settings:", ""]
    lines += [f"- {', '.join(f'`{name}`' for name in row.names)}: {row.allowed}." for row in RELATIONS]
    return "\n".join(lines)
