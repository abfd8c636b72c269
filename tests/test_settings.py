"""Settings are read once, and nonsense is refused with the variable, the value and what is allowed."""

import subprocess
import sys

import pytest
from project import ROOT

from leadscoring.errors import SettingError, SettingsConflict
from leadscoring.providers.table import PROVIDERS
from leadscoring.settings import RELATIONS, TABLE, Secret, Settings, either, read_settings, settings_help


def test_an_empty_environment_gives_the_defaults_of_the_guide() -> None:
    """What the operations guide promises."""
    found = read_settings({})
    assert (found.env, found.log_level, found.api_keys) == ("production", "INFO", ("demo-api-key-123",))
    assert (found.host, found.port, found.workers, found.cors_origins) == ("0.0.0.0", 8000, 4, ("*",))
    assert (found.model_endpoint_provider, found.model_path) == ("local", "models/model.json")
    assert (found.max_batch_size, found.max_body_bytes) == (1000, 5 * 1024 * 1024)


def test_every_row_of_the_table_is_a_setting_and_the_other_way_round() -> None:
    """Nothing is read that the table does not name."""
    assert {row.name.lower() for row in TABLE} == set(Settings.__struct_fields__)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "many", "PORT must be a whole number from 0 to 65535, not 'many'"),
        ("PORT", "65536", "not '65536'"),
        ("WORKERS", "0", "WORKERS must be a whole number from 1 to 64, not '0'"),
        ("WORKERS", "1.5", "not '1.5'"),
        ("WORKERS", "1_0", "not '1_0'"),
        ("WORKERS", "٤", "WORKERS must be a whole number"),
        ("MODEL_TIMEOUT_SECONDS", "1_0", "MODEL_TIMEOUT_SECONDS must be a number"),
        ("ENV", "pro\nd", r"ENV must be printable text, not 'pro\nd'"),
        ("ENV", "pro\udcffd", r"ENV must be printable text, not 'pro\udcffd'"),
        ("MODEL_VERSION", "1\udcff", "MODEL_VERSION must be printable text"),
        ("HOST", "ä..b", "HOST must be an address"),
        ("HOST", "local host", "HOST must be an address"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, not 'LOUD'"),
        (
            "MODEL_ENDPOINT_PROVIDER",
            "abacus",
            f"MODEL_ENDPOINT_PROVIDER must be {either(*PROVIDERS)}, not 'abacus'",
        ),
        ("CORS_ORIGINS", "crm.example.com", "CORS_ORIGINS must be"),
        ("CORS_ORIGINS", "https://crm.example.com/path", "CORS_ORIGINS must be"),
        ("MAX_BATCH_SIZE", "-1", "MAX_BATCH_SIZE must be a whole number from 1 to 100000"),
        ("DRAIN_SECONDS", "-1", "DRAIN_SECONDS must be a number from 0 to 3600, not '-1'"),
        ("MAX_QUEUE_SECONDS", "nan", "MAX_QUEUE_SECONDS must be a number"),
        (
            "MAX_QUEUE_SECONDS",
            "11",
            "REQUEST_TIMEOUT_SECONDS=10.0: MAX_QUEUE_SECONDS must be at most REQUEST_TIMEOUT_SECONDS",
        ),
        ("SHUTDOWN_SECONDS", "12", "BODY_TIMEOUT_SECONDS must be at most SHUTDOWN_SECONDS"),
        ("LEDGER", "mysql://ledger", "LEDGER must be on, off, or the URL of a database"),
        ("LEDGER", "postgresql://", "LEDGER must be on, off, or the URL of a database"),
        ("LEDGER_SHARE", "0", "LEDGER_SHARE must be a number above 0, up to 1, not '0'"),
        ("LEDGER_SHARE", "1.5", "LEDGER_SHARE must be a number above 0, up to 1, not '1.5'"),
        ("LEDGER_TAPE_BYTES", "1048576", "LEDGER_TAPE_BYTES must be a whole number from 33554432"),
        ("API_KEYS", " , ", "API_KEYS must be"),
        ("API_KEYS", "schlüssel", "API_KEYS must be keys of printable ASCII"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(name: str, value: str, said: str) -> None:
    """The variable, the value, what is allowed."""
    with pytest.raises(SettingError) as refusal:
        read_settings({name: value})
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_blank_variable_counts_as_not_set() -> None:
    """Compose files and task definitions pass on variables that nobody filled in."""
    assert read_settings({"PORT": " ", "MODEL_VERSION": ""}) == read_settings({})


def test_values_are_read_as_they_are_meant() -> None:
    """Case of words and blanks around commas do not matter."""
    found = read_settings(
        {"LOG_LEVEL": "debug", "API_KEYS": "a, b,", "CORS_ORIGINS": "https://a.example, http://b.example:81"}
    )
    assert found.log_level == "DEBUG"
    assert found.api_keys == ("a", "b")
    assert found.cors_origins == ("https://a.example", "http://b.example:81")


def test_a_key_is_never_printed() -> None:
    """Not by the settings, and not by the error that refuses it."""
    assert "hidden-key" not in repr(read_settings({"API_KEYS": "hidden-key"}))
    assert repr(Secret("hidden-key")) == "Secret('***')"
    with pytest.raises(SettingError) as refusal:
        read_settings({"API_KEYS": "hidden-kéy"})
    assert "hidden" not in str(refusal.value)
    with pytest.raises(SettingError, match=r"not 'https://\*\*\*@a\.example/score'") as refusal:
        read_settings({"AZURE_ML_ENDPOINT_URL": "https://user:hidden@key@a.example/score"})
    assert "hidden" not in str(refusal.value)


def test_the_ledger_is_off_unless_it_is_turned_on() -> None:
    """And the password in its URL is never printed."""
    assert [read_settings({"LEDGER": text}).ledger for text in ("", "off", "OFF", "on", "On")] == [
        "",
        "",
        "",
        "on",
        "on",
    ]
    url = "postgresql://user:hidden@ledger.example/scores"
    assert read_settings({"LEDGER": url}).ledger == url
    assert "hidden" not in repr(read_settings({"LEDGER": url}))
    with pytest.raises(SettingError) as refusal:
        read_settings({"LEDGER": f"{url} "[::-1]})
    assert "hidden"[::-1] not in str(refusal.value)


def test_the_help_names_every_setting_with_its_default() -> None:
    """The help is rendered from the same table."""
    said = settings_help()
    for row in TABLE:
        assert f"{row.name}={row.default}" in said
        assert row.allowed in said


SECURE = {"REQUIRE_SECURE_CONFIG": "true", "API_KEYS": "a", "CORS_ORIGINS": "https://a.example"}


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (SECURE | {"API_KEYS": ""}, "API_KEYS must not contain the demo key"),
        (SECURE | {"API_KEYS": "a,demo-api-key-123"}, "API_KEYS must not contain the demo key"),
        (SECURE | {"CORS_ORIGINS": ""}, "CORS_ORIGINS must list origins, not *"),
        (
            {"LEDGER": "on", "WORKERS": "8", "LEDGER_TAPE_BYTES": "134217728"},
            "LEDGER_TAPE_BYTES must be at least 33554432 for each of WORKERS",
        ),
        ({"OPERATIONS_ACCESS": "key"}, "OPERATIONS_ACCESS=key requires API_KEYS_FILE"),
        ({"OPERATIONS_ACCESS": "port", "OPERATIONS_PORT": "8000"}, "OPERATIONS_PORT must differ from PORT"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_in_one_line(environ: dict[str, str], said: str) -> None:
    """With the variables, their values, and what is allowed."""
    with pytest.raises(SettingsConflict) as refusal:
        read_settings(environ)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert all(name in str(refusal.value) for name, value in environ.items() if name in said)
    assert "demo-api-key-123" not in str(refusal.value)


def test_all_that_does_not_go_together_is_said_at_once() -> None:
    """With the values, but not those of secrets."""
    with pytest.raises(SettingsConflict) as refusal:
        read_settings({"REQUIRE_SECURE_CONFIG": "true"})
    assert str(refusal.value).startswith(
        "ENV=production, API_KEYS=***, REQUIRE_SECURE_CONFIG=true, CORS_ORIGINS=*: API_KEYS must"
    )
    assert "; CORS_ORIGINS must" in str(refusal.value)


def test_what_is_fit_for_a_trial_is_taken_outside_production() -> None:
    """And with keys and origins of one's own, in production too."""
    assert not read_settings({"REQUIRE_SECURE_CONFIG": "true", "ENV": "dev"}).refuses_insecure
    assert all(read_settings(SECURE | {"ENV": name}).refuses_insecure for name in ("production", "PROD"))


def test_the_names_of_relations_are_settings() -> None:
    """Each of them is told with its value."""
    names = {row.name for row in TABLE}
    assert all(set(relation.names) <= names for relation in RELATIONS)


def test_who_brings_a_key_file_does_not_get_the_demo_key() -> None:
    """Unless it is asked for by name."""
    assert read_settings({"API_KEYS_FILE": "keys.json"}).api_keys == ()
    assert read_settings({"API_KEYS_FILE": "keys.json", "API_KEYS": "a"}).api_keys == ("a",)


def test_origins_are_taken_as_browsers_send_them() -> None:
    """In lower case, without the port that goes without saying."""
    found = read_settings({"CORS_ORIGINS": "HTTPS://CRM.Example:443,http://a.example:80,http://b.example:8080"})
    assert found.cors_origins == ("https://crm.example", "http://a.example", "http://b.example:8080")
    for wrong in ("https://*.example.com", "https://user@a.example", "null", "https://ü.example"):
        with pytest.raises(SettingError):
            read_settings({"CORS_ORIGINS": wrong})


def test_the_documentation_of_settings_is_fresh() -> None:
    """It is rendered from the table by ``scripts/docs/render_docs.py``."""
    script = ROOT / "scripts" / "docs" / "render_docs.py"
    checked = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, f"run scripts/docs/render_docs.py: {checked.stdout}{checked.stderr}"


def test_the_documentation_has_a_row_for_every_setting() -> None:
    """And a line for every relation."""
    said = (ROOT / "docs" / "OPERATIONS.md").read_text("utf-8")
    assert all(f"| `{row.name}` | {row.help} |" in said for row in TABLE)
    assert all(relation.allowed in said for relation in RELATIONS)
