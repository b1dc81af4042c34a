"""The command `daytwo`: run the processes, set up a clinic, look after it."""

import sys

import click
from pydantic import ValidationError

from survey.cli import alerts, clinic, demo, messages, ping, processes, protocol, upkeep, watch
from survey.domain.errors import DomainError

EPILOG = """
Settings come from the environment; config/settings.example.env explains each. Without DATABASE_URL the commands use the
Daytwo that runs from this folder (`daytwo up` or `daytwo demo`).

Start here:  `daytwo demo` to look around;  `daytwo up`, then `daytwo site add`, `user create`, `protocol publish`,
`schedule add`, `shift add` and `policy publish` to set up a clinic;  `daytwo doctor` when something seems wrong.
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="daytwo")
def daytwo() -> None:
    """Follow patients up after a procedure, and page the on-call clinician until the worrying one is reached."""


for part in (processes, clinic, protocol, messages, watch, alerts, upkeep, ping, demo):
    for command in part.COMMANDS:
        daytwo.add_command(command)


def main() -> None:
    """Run the command; a refusal is a sentence on standard error and exit code 1, never a stack of frames."""
    try:
        daytwo.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except ValidationError as problem:
        sys.exit(_settings_sentence(problem))
    except DomainError as problem:
        sys.exit(f"daytwo: {problem.message}")


def _settings_sentence(problem: ValidationError) -> str:
    lines = [
        f"  {'.'.join(str(part) for part in error['loc']).upper() or 'settings'}: {error['msg']}"
        for error in problem.errors()
    ]
    return "\n".join(["daytwo: the settings are not complete:", *lines, "See config/settings.example.env."])
