"""Every name that somebody would type out of the guides is one that the templates of that cloud make."""

import json
import re
import shlex
from typing import NamedTuple

import pytest
from infra.aws import names as aws
from infra.environments import read_environments
from project import ROOT

PAGES = ("docs/DEPLOYMENT.md", "docs/OPERATIONS.md")
AZURE: dict[str, str] = json.loads((ROOT / "infra" / "azure" / "names.json").read_bytes())
BLOCK = re.compile(r"^( *)```bash\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
ASKS = re.compile(r"\b(?:aws|az) [a-z][^\n]*")

GROUPS = {f"lead-scoring-{environment}" for environment in read_environments()}
"""Resource groups, as scripts/deploy-azure.sh names them."""

OURS = {
    "aws": {
        "--cluster": {aws.CLUSTER},
        "--endpoint-name": {aws.ENDPOINT},
        "--log-group-name": {aws.LOG_GROUP},
        "--secret-id": {aws.API_KEYS},
        "--service": {aws.SERVICE},
        "--services": {aws.SERVICE},
        "--stack-name": {aws.SERVICE_STACK, aws.REGISTRY_STACK, aws.MODEL_STACK},
        "logs tail": {aws.LOG_GROUP},
    },
    "az": {
        "-g": GROUPS,
        "--container": {AZURE["container"]},
        "--workspace-name": {AZURE["mlWorkspace"]},
        "containerapp --name": {AZURE["app"]},
        "deployment --name": {"lead-scoring-foundation", "lead-scoring", "lead-scoring-model"},
        "group --name": GROUPS,
        "keyvault --name": {AZURE["apiKeys"]},
        "ml --name": {"lead-scoring-endpoint"},
        "monitor -n": {AZURE["workspace"]},
    },
}
"""What options are given, by themselves or for one family of commands; of ``logs tail``, its one word."""

ANY = {
    "aws": {"--change-set-name", "--desired-count", "--filter-pattern", "--follow", "--force-new-deployment", "--output",
            "--query"},
    "az": {"--analytics-query", "--file", "--follow", "--location", "--max-replicas", "--min-replicas", "--output",
           "--parameters", "--query", "--revision", "--stdout", "--template-file", "--vault-name", "--workspace"},
}  # fmt: skip
"""Options that hold no name of ours, or one that another command tells."""

VERBS = {
    "az monitor log-analytics query", "az containerapp revision list", "az containerapp revision restart",
    "az containerapp update", "az ml online-endpoint show", "aws logs tail", "aws ecs describe-services",
    "aws ecs update-service", "aws sagemaker describe-endpoint",
}  # fmt: skip
"""Every command of a cloud that the operations guide of the project's users has."""

GIVEN = {
    "az containerapp update": {"--min-replicas 5", "--max-replicas 20"},
    "aws ecs update-service": {"--desired-count 5", "--force-new-deployment"},
    "az containerapp revision list": {"| jq '.[0].properties.replicas'"},
    "az monitor log-analytics query": {"ContainerAppConsoleLogs_CL | where ContainerName_s == 'api' | take 100"},
}
"""What that guide gives some of them."""


class Asked(NamedTuple):
    """One command of a cloud, as a page has it."""

    cloud: str
    verb: str
    options: list[tuple[str, str]]
    text: str


def commands(page: str) -> list[str]:
    """Every command of a page that asks a cloud, one inside of another too."""
    found = []
    for match in BLOCK.finditer((ROOT / page).read_text("utf-8")):
        for line in match[2].replace("\\\n", " ").splitlines():
            if not line.strip().startswith("#"):
                inner = re.findall(r"\$\(((?:aws|az) [^()]*)\)", line)
                outer = re.sub(r"\$\((?:aws|az) [^()]*\)", "TOLD", line)
                assert not re.search(r"\$\((?:aws|az) ", outer), f"too deep to be read: {line}"
                found += [*inner, *ASKS.findall(outer)]
    return [command.strip() for command in found]


def asked(command: str) -> Asked:
    """A command in its parts."""
    words = shlex.split(command.partition(" | jq")[0])
    count = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    options: list[tuple[str, str]] = []
    for word in words[count:]:
        if re.match(r"--?[a-z]", word):
            options.append((word, ""))
        else:
            options[-1] = (options[-1][0], f"{options[-1][1]} {word}".strip())
    return Asked(words[0], " ".join(words[1:count]), options, command)


def wrong(one: Asked) -> list[str]:
    """Names in a command that nobody makes, and options that nobody has looked at."""
    found = []
    positional = one.verb.rpartition(" ")
    if positional[0] in OURS[one.cloud] and positional[2] not in OURS[one.cloud][positional[0]]:
        found.append(positional[2])
    for option, value in one.options:
        allowed = OURS[one.cloud].get(f"{one.verb.split()[0]} {option}") or OURS[one.cloud].get(option)
        if allowed is None and option not in ANY[one.cloud]:
            found.append(option)
        if allowed is not None and value not in allowed:
            found.append(value)
    return found


ALL = [(page, command) for page in PAGES for command in commands(page)]


@pytest.mark.parametrize(("page", "command"), ALL)
def test_names_in_the_guides_are_those_of_the_templates(page: str, command: str) -> None:
    """Clusters, services, logs, apps, containers, endpoints, groups."""
    assert wrong(asked(command)) == []


@pytest.mark.parametrize("command", [
    "aws ecs describe-services --cluster lead-score --services lead-scoring-service",
    "aws logs tail /ecs/leads --follow",
    "aws ecs update-service --cluster lead-scoring --service api --desired-count 5",
    "az containerapp revision list --name lead-scoring -g lead-scoring-dev",
    "az containerapp show --name lead-scoring-api -g lead-scoring-staging",
    "az containerapp logs show --name lead-scoring-api -g lead-scoring-dev --container lead-scoring",
    "az ml online-endpoint show --name lead-scoring --workspace-name lead-scoring",
    "az containerapp show --app lead-scoring-api",
])  # fmt: skip
def test_a_name_that_nobody_makes_is_found(command: str) -> None:
    """And an option that nobody has looked at."""
    assert len(wrong(asked(command))) == 1


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("verb", sorted(VERBS))
def test_both_guides_have_every_command_of_a_cloud(page: str, verb: str) -> None:
    """With what users know it with."""
    found = [command for command in commands(page) if command.startswith(f"{verb} ")]
    assert found
    for given in GIVEN.get(verb, set()):
        assert any(given in command for command in found), given


@pytest.mark.parametrize("page", PAGES)
def test_queries_of_the_log_name_its_table_and_its_container(page: str) -> None:
    """Those of the deployment guide and of the runbooks."""
    queries = [value for command in commands(page) for option, value in asked(command).options
               if option == "--analytics-query"]  # fmt: skip
    assert queries
    for query in queries:
        assert query.startswith(f"{AZURE['logTable']} | where ContainerName_s == '{AZURE['container']}'")


def test_the_script_names_groups_as_the_guides_do() -> None:
    """By the environment."""
    assert "GROUP=${RESOURCE_GROUP:-lead-scoring-$ENVIRONMENT}" in (ROOT / "scripts/deploy-azure.sh").read_text("utf-8")


def test_the_script_makes_deployments_of_the_names_that_the_guides_ask_for() -> None:
    """One for each template that is deployed by itself."""
    script = (ROOT / "scripts/deploy-azure.sh").read_text("utf-8")
    assert set(re.findall(r"^ *deploy \w+ (lead-scoring\S*)", script, re.MULTILINE)) == OURS["az"]["deployment --name"]


def test_templates_that_are_named_are_there() -> None:
    """In the commands that say what a deployment would change."""
    files = re.findall(r"infra/azure/\w+\.\w+", (ROOT / "docs/DEPLOYMENT.md").read_text("utf-8"))
    assert files
    assert all((ROOT / file).is_file() for file in files)
