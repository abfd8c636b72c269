"""The table of settings: what an operator may set in the environment, read once and checked together.

The documentation and ``leadscoring serve --help`` are rendered from it. Nothing else in the
package reads the environment.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from leadscoring.errors import SettingError, SettingsConflict
from leadscoring.hosted import MODEL_FOLDER, as_hosted

DEMO_KEY = "demo-api-key-123"
"""The key that a fresh installation answers to, known to everyone who can read."""

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # a container is reached from outside

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
    """Turns the text into the value, or raises ``ValueError``."""
    allowed: str
    help: str
    secret: bool = False

    def value(self, environ: Mapping[str, str]) -> Any:
        """The value in this environment; a blank variable counts as not set."""
        text = environ.get(self.name, "").strip() or self.default
        try:
            return self.read(text)
        except ValueError:
            raise SettingError(self.name, "***" if self.secret else text[:80], self.allowed) from None


def whole(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number in low..high."""

    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def seconds(low: float, high: float) -> Callable[[str], float]:
    """Reads a number of seconds in low..high."""

    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def one_of(*allowed: str) -> Callable[[str], str]:
    """Reads one of these words, in any case."""

    def read(text: str) -> str:
        for word in allowed:
            if word.casefold() == text.casefold():
                return word
        raise ValueError(text)

    return read


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
    """Reads ``*``, or origins, and gives them as browsers send them: in lower case, no port where it is the usual."""
    return tuple(origin if origin == "*" else sent_origin(origin.lower()) for origin in comma_separated(text))


def sent_origin(origin: str) -> str:
    """One origin as a browser sends it."""
    scheme, _, host = origin.partition("://")
    if scheme not in ("http", "https") or not host or set(host) & set("/*?#@") or not host.isascii():
        raise ValueError(origin)
    return f"{scheme}://{host.removesuffix(':80' if scheme == 'http' else ':443')}"


PROTOCOLS = ("sagemaker", "v2")


def protocols(text: str) -> tuple[str, ...]:
    """Reads ``none``, or protocols between commas; each once."""
    if text.casefold() == "none":
        return ()
    return tuple(dict.fromkeys(map(one_of(*PROTOCOLS), comma_separated(text))))


def port_or_none(text: str) -> int | None:
    """Reads a port; nothing stands for none."""
    return whole(1, 65535)(text) if text else None


TABLE = (
    Setting("ENV", "production", str, "text", "Name of the environment, shown in logs"),
    Setting("LOG_LEVEL", "INFO", one_of(*LOG_LEVELS), "one of " + ", ".join(LOG_LEVELS), "How much is logged"),
    Setting("API_KEYS", DEMO_KEY, secrets, "keys of printable ASCII, separated by commas",
            "Keys that clients may send as X-API-Key; left out with API_KEYS_FILE set: none", secret=True),
    Setting("API_KEYS_FILE", "", str, "a path", "JSON file of keys with label, scopes, expiry; read again on change"),
    Setting("REQUIRE_SECURE_CONFIG", "false", truth, "true or false",
            "With ENV=production: do not start with the demo key or with CORS_ORIGINS=*"),
    Setting("HOST", EVERY_ADDRESS, str, "an address", "Address to listen on"),
    Setting("PORT", "8000", whole(0, 65535), "a whole number from 0 to 65535", "Port to listen on; 0 takes any"),
    Setting("OPERATIONS_ACCESS", "open", one_of("open", "key", "port"), "open, key or port",
            "/status, /resources and /metrics: for all, for keys with scope admin, or on OPERATIONS_PORT alone"),
    Setting("OPERATIONS_PORT", "8001", whole(1, 65535), "a whole number from 1 to 65535",
            "Port of /status, /resources and /metrics with OPERATIONS_ACCESS=port"),
    Setting("WORKERS", "4", whole(1, 64), "a whole number from 1 to 64", "Processes that serve"),
    Setting("CORS_ORIGINS", "*", origins, "* or origins such as https://crm.example.com, separated by commas",
            "Web pages that may call the API from a browser"),
    Setting("MODEL_ENDPOINT_PROVIDER", "local", one_of("local"), "local", "Where margins are computed"),
    Setting("MODEL_PATH", "models/model.json", str, "a path", "The model file: XGBoost JSON or UBJ"),
    Setting("MODEL_VERSION", "", str, "text", "The version that the model must have; empty takes any"),
    Setting("DRIFT_METRICS", "on", on_or_off, "on or off",
            "Count scored leads by bin of each feature, for drift: 12 series a feature, of 200 features at most"),
    Setting("ENDPOINT_PROTOCOLS", "none", protocols, "none, or sagemaker and v2, separated by commas",
            "Protocols of model servers that are spoken beside the API. sagemaker scores without a key: for containers "
            "that only SageMaker can reach. Not set but SAGEMAKER_BIND_TO_PORT set: sagemaker"),
    Setting("SAGEMAKER_BIND_TO_PORT", "", port_or_none, "a whole number from 1 to 65535",
            "Port to listen on instead of PORT where sagemaker is spoken; set by SageMaker itself"),
    Setting("MAX_BATCH_SIZE", "1000", whole(1, 100_000), "a whole number from 1 to 100000",
            "Leads in one batch, at most"),
    Setting("MAX_BODY_BYTES", "5242880", whole(1024, 1 << 30), "a whole number from 1024 to 1073741824",
            "Bytes in one request body, at most"),
    Setting("MAX_HEADER_BYTES", "32768", whole(1024, 1 << 20), "a whole number from 1024 to 1048576",
            "Bytes in the head of one request, at most"),
    Setting("MAX_CONNECTIONS", "4096", whole(1, 100_000), "a whole number from 1 to 100000",
            "Open connections of one worker, at most"),
    Setting("KEEP_ALIVE_SECONDS", "75", seconds(1, 3600), "a number from 1 to 3600",
            "How long an idle connection stays open; longer than the 60 s of a load balancer, so that it closes first"),
    Setting("HEADER_TIMEOUT_SECONDS", "10", seconds(0.1, 3600), "a number from 0.1 to 3600",
            "Time for a client to send the head of a request"),
    Setting("BODY_TIMEOUT_SECONDS", "15", seconds(0.1, 3600), "a number from 0.1 to 3600",
            "Time for a client to send the body of a request"),
    Setting("MAX_QUEUE_SECONDS", "0.1", seconds(0.001, 60), "a number from 0.001 to 60",
            "Estimated wait for a turn at scoring from which requests are refused at once"),
    Setting("REQUEST_TIMEOUT_SECONDS", "10", seconds(0.1, 3600), "a number from 0.1 to 3600",
            "Age at which a request that still waits for its turn is given up"),
    Setting("RATE_LIMIT_PER_MINUTE", "0", whole(0, 1_000_000_000), "a whole number from 0 to 1000000000",
            "Leads that one API key may have scored in a minute; 0 sets no limit"),
    Setting("DRAIN_SECONDS", "5", seconds(0, 3600), "a number from 0 to 3600",
            "Time between the request to stop and the end of accepting, for load balancers to notice"),
    Setting("SHUTDOWN_SECONDS", "20", seconds(0.1, 3600), "a number from 0.1 to 3600",
            "Time after that for what was accepted to be answered"),
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
    drift_metrics: bool
    endpoint_protocols: tuple[str, ...]
    sagemaker_bind_to_port: int | None
    max_batch_size: int
    max_body_bytes: int
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
    def refuses_insecure(self) -> bool:
        """Whether what is fit for a trial only must stop the start."""
        return self.env.casefold() == "production" and self.require_secure_config


class Relation(NamedTuple):
    """Settings that are allowed one by one, but must go together."""

    names: tuple[str, ...]
    """The variables it is about, as a refusal names them."""
    holds: Callable[[Settings], bool]
    allowed: str


def within(inner: str, outer: str) -> Relation:
    """An inner timeout must not be above its outer one: it could never be reached."""
    return Relation(
        (inner, outer),
        lambda s: bool(getattr(s, inner.lower()) <= getattr(s, outer.lower())),
        f"{inner} must be at most {outer}",
    )


SECURE = ("ENV", "REQUIRE_SECURE_CONFIG")

RELATIONS = (
    Relation((*SECURE, "API_KEYS"), lambda s: not (s.refuses_insecure and DEMO_KEY in s.api_keys),
             "API_KEYS must not hold the demo key, which everyone knows"),
    Relation((*SECURE, "CORS_ORIGINS"), lambda s: not (s.refuses_insecure and "*" in s.cors_origins),
             "CORS_ORIGINS must name the origins of web pages, not *"),
    Relation(("OPERATIONS_ACCESS", "API_KEYS_FILE"), lambda s: s.operations_access != "key" or bool(s.api_keys_file),
             "OPERATIONS_ACCESS=key needs API_KEYS_FILE, since only its keys can have the scope admin"),
    Relation(("OPERATIONS_ACCESS", "PORT", "OPERATIONS_PORT"),
             lambda s: s.operations_access != "port" or s.port != s.operations_port,
             "OPERATIONS_PORT must not be PORT"),
    within("MAX_QUEUE_SECONDS", "REQUEST_TIMEOUT_SECONDS"),
    within("REQUEST_TIMEOUT_SECONDS", "SHUTDOWN_SECONDS"),
    within("BODY_TIMEOUT_SECONDS", "SHUTDOWN_SECONDS"),
    within("HEADER_TIMEOUT_SECONDS", "SHUTDOWN_SECONDS"),
)  # fmt: skip
"""One row each; all are checked, and all that are broken are told."""


def read_settings(environ: Mapping[str, str], model_folder: Path = MODEL_FOLDER) -> Settings:
    """The settings in ``environ``, with the table's defaults, or those of a container of SageMaker's.

    ``model_folder`` is where SageMaker puts a model.
    Raises ``SettingError`` for the first variable that is refused, ``SettingsConflict`` for variables that do
    not go together.
    """
    environ = as_hosted(environ, model_folder)
    settings = Settings(**{row.name.lower(): row.value(environ) for row in TABLE})
    if settings.api_keys_file and not environ.get("API_KEYS", "").strip():
        settings = msgspec.structs.replace(settings, api_keys=())  # who brings keys does not want the demo key
    check_relations(settings)
    return settings


def check_relations(settings: Settings) -> None:
    """Raises ``SettingsConflict`` with every relation that does not hold, and the variables of all of them."""
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
    lines = ["Settings are read from the environment:", ""]
    for row in TABLE:
        lines.append(f"  {row.name}={row.default}")
        lines.append(f"      {row.help}: {row.allowed}.")
    return "\n".join(lines)


def settings_markdown() -> str:
    """The table, and what must go together, as Markdown for the documentation."""
    lines = ["| Variable | Description | Default | Allowed |", "|---|---|---|---|"]
    for row in TABLE:
        default = f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.name}` | {row.help} | {default} | {row.allowed} |")
    lines += ["", "Settings that must go together:", ""]
    lines += [f"- {', '.join(f'`{name}`' for name in row.names)}: {row.allowed}." for row in RELATIONS]
    return "\n".join(lines)
