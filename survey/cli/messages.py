"""The words of texts and mails at the command line: every message held to what it has to be."""

import click

from survey.domain.errors import Refused


@click.group()
def messages() -> None:
    """The texts and mails that patients and the clinic's people get."""


@messages.command("check")
def messages_check() -> None:
    """Measure every message at its longest, and say what is wrong with it.

    Needs no database. Exits with 1 when one of them has a fault.
    """
    from survey.messaging import linter

    texts = linter.check()
    for text in texts:
        size = f"{text.signs:>4} of 160" if text.segments else ""
        click.echo(f"{text.kind:14} {text.channel:14} {text.language}  {size:12}  {'; '.join(text.faults) or 'ok'}")
    faulty = linter.faulty(texts)
    if faulty:
        raise Refused(f"{len(faulty)} of {len(texts)} messages have a fault")
    click.echo(f"{len(texts)} messages, no fault")


COMMANDS = (messages,)
