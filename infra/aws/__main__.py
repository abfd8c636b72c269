"""``python -m infra.aws ENVIRONMENT [FOLDER]``: generates the templates; environment variables describe the account."""

import os
import sys
from pathlib import Path

from infra.aws.account import AccountInvalid, read_account
from infra.environments import FILE, EnvironmentInvalid, read_environment


def main(arguments: list[str]) -> int:
    """Prints the paths of the templates, or a one-line error, and returns the exit code: 0 or 2."""
    if len(arguments) not in (1, 2):
        sys.stderr.write("usage: python -m infra.aws ENVIRONMENT [FOLDER]\n")
        return 2
    name, out = arguments[0], Path(arguments[1] if len(arguments) > 1 else f"build/aws/{arguments[0]}")
    try:
        environment = read_environment(name, Path(os.environ.get("ENVIRONMENTS_FILE", FILE)))
        account = read_account(os.environ)
        from infra.aws.app import synthesize  # takes seconds to import

        templates = synthesize(name, environment, account, out)
    except (AccountInvalid, EnvironmentInvalid) as refused:
        sys.stderr.write(f"{type(refused).__name__}: {refused}\n")
        return 2
    sys.stdout.writelines(f"{template}\n" for template in templates)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
