#!/usr/bin/env python3
"""A small double of the Azure CLI: keeps what was made in a file, answers as ``az`` does, and notes every call.

``AZ_STATE`` names the file. It knows the commands that the script uses, and fails at any other, and at an option that
the real one does not have for a command.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

STATE = Path(os.environ["AZ_STATE"])
EVERYWHERE = {"--output", "--query", "--name"}
KNOWN: dict[str, set[str]] = {
    "account show": set(),
    "group exists": set(),
    "group create": {"--location", "--tags"},
    "keyvault list": {"--resource-group"},
    "keyvault secret list": {"--vault-name"},
    "keyvault secret show": {"--vault-name"},
    "deployment group create": {"--resource-group", "--template-file", "--parameters"},
    "deployment group what-if": {"--resource-group", "--template-file", "--parameters"},
    "deployment group show": {"--resource-group"},
    "acr login": {"--expose-token"},
    "acr repository show": {"--image"},
    "acr repository update": {"--image", "--write-enabled"},
    "resource list": {"--resource-group", "--resource-type"},
}
"""Commands, and their options beside those of every command."""

SECRETS = {
    "apiKeys": "api-keys",
    "modelKey": "azure-ml-api-key",
    "ledgerPassword": "ledger-password",
    "ledgerKey": "ledger-key",
}
"""Parameters of the foundation that go into its vault, and their names there."""


def split(words: list[str]) -> tuple[str, dict[str, list[str]]]:
    """The command and its options, each with all that it was given."""
    count = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    command, options = " ".join(words[:count]), dict[str, list[str]]()
    name = ""
    for word in words[count:]:
        if word.startswith("--"):
            name = word
            options.setdefault(name, [])
        else:
            options[name].append(word)
    return command, options


def parameters(given: list[str]) -> dict[str, object]:
    """What a deployment is given, out of files and out of words."""
    found: dict[str, object] = {}
    for word in given:
        if word.startswith("@"):
            about = json.loads(Path(word[1:]).read_bytes())["parameters"]
            found |= {name: part["value"] for name, part in about.items()}
        else:
            name, _, value = word.partition("=")
            found[name] = value
    return found


def deployed(state: dict[str, Any], options: dict[str, list[str]]) -> None:
    """Makes what the templates make, as far as the script looks at it."""
    name, given = options["--name"][0], parameters(options["--parameters"])
    if name == state.get("refuses"):
        sys.stderr.write("ERROR: InvalidTemplateDeployment\n")
        sys.exit(1)
    template = Path(options["--template-file"][0])
    assert template.is_file(), template
    state["deployed"].append([name, template.name, {key: given[key] for key in given if key not in SECRETS}])
    if name == "lead-scoring-foundation":
        state["vault"] = "kv-leads-1"
        for key, secret in SECRETS.items():
            if key in given:
                state["secrets"][secret] = given[key]
        outputs = {
            "registryName": "leadscoring1",
            "registryServer": "leadscoring1.azurecr.io",
            "vaultName": "kv-leads-1",
        }
    elif name == "lead-scoring-model":
        state["blue"] = True
        outputs = {"scoringUri": "https://lead-scoring-endpoint.eastus.inference.ml.azure.com/invocations"}
    else:
        outputs = {"address": "https://lead-scoring-api.nicehill-1.eastus.azurecontainerapps.io"}
    state["outputs"][name] = outputs


def answer(command: str, options: dict[str, list[str]], state: dict[str, Any]) -> Any:  # noqa: PLR0911  # one for each command
    """What it prints; None where the real one fails because there is nothing."""
    if command == "account show":
        return "Our subscription" if state["signed_in"] else None
    if command == "group exists":
        return "true" if state["group"] else "false"
    if command == "group create":
        state["group"] = options["--name"][0]
    elif command == "keyvault list":
        return state["vault"]
    elif command == "keyvault secret list":
        return "\n".join(state["secrets"]) if state["may_read"] else None
    elif command == "keyvault secret show":
        return state["secrets"].get(options["--name"][0])
    elif command == "deployment group create":
        deployed(state, options)
    elif command == "deployment group what-if":
        assert parameters(options["--parameters"])
        return "Resource changes: 1 to create"
    elif command == "deployment group show":
        output = options["--query"][0].split(".")[2]
        return state["outputs"].get(options["--name"][0], {}).get(output)
    elif command == "acr login":
        return "a-token"
    elif command == "acr repository show":
        return "{}" if options["--image"][0] in state["images"] else None
    elif command == "acr repository update":
        state["locked"].append(options["--image"][0])
    elif command == "resource list":
        return "lead-scoring/lead-scoring-endpoint/blue" if state["blue"] else ""
    return ""


def main(words: list[str]) -> int:
    """Answers one call."""
    state = json.loads(STATE.read_bytes())
    command, options = split(words)
    unknown = set(options) - EVERYWHERE - KNOWN.get(command, set())
    if command not in KNOWN or unknown:
        sys.stderr.write(f"ERROR: unrecognized: {command} {unknown}\n")
        return 2
    state["calls"].append(words)
    said = answer(command, options, state)
    STATE.write_text(json.dumps(state))
    if said is None:
        sys.stderr.write(f"ERROR: {command}: not found\n")
        return 3
    if said:
        sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
