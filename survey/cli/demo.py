"""`daytwo demo`: look around with invented patients, or prove the main job over HTTP."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from survey import clock
from survey.cli import place
from survey.domain.errors import Refused

FOLDER = click.Path(path_type=Path)
PORT = click.IntRange(1, 65535)


@click.command()
@click.option("--port", type=PORT, default=8000, show_default=True, help="First port to try for the pages.")
@click.option("--phones-port", type=PORT, default=8010, show_default=True, help="First port to try for the phones.")
@click.option("--folder", type=FOLDER, default=place.HOME / "demo", help="Where the demo lives.")
@click.option("--history/--no-history", default=None, help="Invent ninety days of past. With --check: left out.")
@click.option("--erase", "what", flag_value="erase", help="Remove the demo and all that happened in it.")
@click.option("--check", "what", flag_value="check", help="Do the main job over HTTP and say how long it took.")
@click.option("--seed-only", "what", flag_value="seed", help="Only fill the database of the environment; DEMO=true.")
@click.option("--carrier", "what", flag_value="carrier", help="Be only the demo's phones, at --bind.")
@click.option("--bind", default="127.0.0.1:8010", show_default=True, help="With --carrier: address and port.")
@click.option("--url", envvar="DAYTWO_CHECK_URL", help="With --check: a Daytwo that runs, instead of a fresh one.")
@click.option("--phones", envvar="DAYTWO_CHECK_PHONES", help="With --url: where its demo phones answer.")
@click.option("--email", envvar="DAYTWO_CHECK_EMAIL", help="With --url: mailbox of a member of staff.")
@click.option("--password", envvar="DAYTWO_CHECK_PASSWORD", help="With --url: password of staff and clinicians.")
@click.option("--patience", type=click.FloatRange(1, 600), default=30, show_default=True, help="Seconds for a step.")
def demo(what: str | None, **given: Any) -> None:
    """Bring up all of Daytwo with invented patients, and print three addresses to open.

    With --check it does the main job instead, from the imported file to the closed alert, and says how long it took.
    """
    sys.exit(DEEDS[what](**given))


def _run(*, folder: Path, port: int, phones_port: int, **_others: Any) -> int:
    from survey.local import demo as stage

    return stage.run(folder, port=port, phones_port=phones_port)


def _erase(*, folder: Path, **_others: Any) -> int:
    from survey.local import demo as stage

    click.echo("The demo is gone." if stage.erase(folder) else "There is no demo here.")
    return 0


def _carrier(*, folder: Path, bind: str, **_others: Any) -> int:
    from survey.local import demo as stage

    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        raise Refused("Write --bind as address and port, such as 127.0.0.1:8010.", field="bind")
    stage.serve_phones(folder, host=host, port=int(port))
    return 0


def _seed(*, history: bool | None, **_others: Any) -> int:
    settings = place.connect()
    if not settings.demo:
        raise Refused("Invented patients are for a demo only: set DEMO=true, and TWILIO_BASE_URL to its phones.")
    from survey.local import clinic
    from survey.local import demo as stage

    riverside = clinic.settle(clock.now())
    if history is not False:
        stage.bring_to_life(riverside)
    click.echo(f"{riverside.site.name} is set up with invented patients.\n{stage.sign_ins()}")
    return 0


def _check(
    *,
    history: bool | None,
    url: str | None,
    phones: str | None,
    email: str | None,
    password: str | None,
    patience: float,
    **_others: Any,
) -> int:
    from survey.local import check
    from survey.local.main_job import Access

    if url is None:
        return check.fresh(history=bool(history))
    if phones is None:
        raise Refused("Say with --phones where the demo's phones of that Daytwo answer.", field="phones")
    access = Access(url=url, phones=phones, patience_s=patience)
    access = replace(access, staff=email or access.staff, password=password or access.password)
    check.reachable(url, phones, patience_s=patience)
    return check.against(access)


DEEDS: dict[str | None, Callable[..., int]] = {
    None: _run,
    "erase": _erase,
    "carrier": _carrier,
    "seed": _seed,
    "check": _check,
}

COMMANDS = (demo,)
