"""``python -m infra.azure ENVIRONMENT [FOLDER]``: checks the templates, and writes their parameters.

Environment variables describe the subscription. Secrets go to a separate file, which only its owner may read.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from infra.azure.subscription import SubscriptionInvalid, read_secrets, read_subscription
from infra.environments import EnvironmentInvalid, read_environment

TEMPLATES = Path(__file__).parent


class TemplateInvalid(Exception):
    """Azure would reject the template."""


def checked(name: str, given: dict[str, Any]) -> int:
    """Returns the number of resources of a template with these parameters; or raises ``TemplateInvalid``."""
    from infra.azure.bicep import Template  # takes a moment to import
    from infra.azure.published import faults
    from infra.azure.syntax import BicepError

    try:
        made = Template(TEMPLATES / f"{name}.bicep").made(given).whole()
    except BicepError as failure:
        raise TemplateInvalid(str(failure)) from None
    if found := [fault for resource in made for fault in faults(resource)]:
        raise TemplateInvalid(f"{name}.bicep: " + "; ".join(found))
    return len(made)


def written(given: dict[str, Any], file: Path) -> Path:
    """Writes a parameter file for Azure, readable only by its owner, and returns its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
    values = {name: {"value": value} for name, value in given.items()}
    file.write_text(json.dumps({"$schema": schema, "contentVersion": "1.0.0.0", "parameters": values}, indent=2))
    return file


def main(arguments: list[str]) -> int:
    """Prints the written files, or a one-line error, and returns the exit code: 0 or 2."""
    if len(arguments) not in (1, 2):
        sys.stderr.write("usage: python -m infra.azure ENVIRONMENT [FOLDER]\n")
        return 2
    name, out = arguments[0], Path(arguments[1] if len(arguments) > 1 else f"build/azure/{arguments[0]}")
    try:
        read_environment(name)
        parameters = read_subscription(os.environ).parameters(name)
        secrets = read_secrets(os.environ)
        counts = {template: checked(template, given) for template, given in parameters.items()}
    except (SubscriptionInvalid, EnvironmentInvalid, TemplateInvalid) as refused:
        sys.stderr.write(f"{type(refused).__name__}: {refused}\n")
        return 2
    for template, given in parameters.items():
        file = written(given, out / f"{template}.parameters.json")
        sys.stdout.write(f"{file}: {template}.bicep, {counts[template]} resources\n")
    written(secrets, out / "secrets.parameters.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
