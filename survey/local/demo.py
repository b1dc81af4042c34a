"""The demo: all of Daytwo with invented patients, phones that show what they received, and three addresses to open."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from survey import clock
from survey.domain import sending_hours
from survey.domain.errors import Refused
from survey.local import carrier, clinic, ports, runner, seed, services, stack
from survey.local import folder as folders
from survey.local.clinic import Riverside
from survey.local.errors import LocalError
from survey.local.runner import Process
from survey.messaging import registry
from survey.settings import Settings
from survey.store import doorbell, session

PORT, PHONES_PORT = 8000, 8010
REAL_PROVIDERS = ("TWILIO_ACCOUNT_SID", "SINCH_SERVICE_PLAN_ID", "SMTP_HOST")
PATIENCE_S = 90.0
"""How long the first page may take before the demo says that something is wrong."""


def run(folder: Path, *, port: int = PORT, phones_port: int = PHONES_PORT) -> int:
    """Run the demo from `folder` until Ctrl-C; the exit code. Raises Refused, AlreadyRunning, LocalError."""
    refuse_real_providers(os.environ)
    with stack.ready(folder, port=port, extra=environ(ports.next_free(phones_port))) as ready:
        connect(ready.settings)
        riverside = clinic.settle(clock.now())
        write_labels(folder, riverside)
        with (
            _phones(folder, ready.settings.twilio_base_url),
            runner.background(stack.processes(), environ=ready.environ, out=sys.stderr) as running,
        ):
            bring_to_life(riverside)  # while the processes are still starting
            wait_for(f"{ready.settings.public_url}/ready")
            print(addresses(riverside, ready.settings), flush=True)
            _until_told(running)
    return 0


def refuse_real_providers(given: Mapping[str, str]) -> None:
    """Raises Refused when the environment names a provider that reaches real people."""
    named = [name for name in REAL_PROVIDERS if given.get(name) or given.get(f"{name}_FILE")]
    if named:
        raise Refused(
            f"The demo does not start beside a real provider: {' and '.join(named)} set in the environment. "
            f"Unset {'it' if len(named) == 1 else 'them'} and try again."
        )


def environ(phones_port: int) -> dict[str, str]:
    """What makes the processes a demo: texts go to its own phones, logs are quiet."""
    here = f"http://127.0.0.1:{phones_port}"
    return {"DEMO": "true", "TWILIO_BASE_URL": here, "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING")}


def connect(settings: Settings) -> None:
    """Point this process at the database, the doorbells and the phones."""
    session.configure(settings.database_url.get_secret_value(), pool_size=2)
    doorbell.configure(settings.redis_url.get_secret_value())
    registry.configure(settings)


def bring_to_life(riverside: Riverside) -> None:
    """Give the clinic its past and its patients of today, as far as they are not there; tells of its progress."""
    now = clock.now()
    with _bar() as tell:
        seed.past(riverside, now, progress=tell)
    seed.today(riverside, now)


@contextmanager
def _bar() -> Iterator[seed.Progress]:
    columns = (TextColumn("{task.description:22}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    console = Console(stderr=True)
    silent = not console.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=silent) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done)

        yield tell


def carrier_process(folder: Path, url: str) -> Process:
    """The process that is the phones, at `url`; what they receive stands in `folder`."""
    command = stack.daytwo("demo", "--carrier", "--bind", url.removeprefix("http://"), "--folder", str(folder))
    return Process(name="phones", command=command)


@contextmanager
def _phones(folder: Path, url: str) -> Iterator[None]:
    """The phones in a thread of this process: a second Python costs 70 MB."""
    host, port = url.removeprefix("http://").split(":")
    server = carrier.Carrier(int(port), folder / "phones", host=host, receipts=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="phones", daemon=True).start()
    try:
        yield
    finally:
        server.close()


def serve_phones(folder: Path, *, host: str, port: int) -> None:
    """Be the phones until the process is ended."""
    carrier.serve(port, folder / "phones", host=host)


def write_labels(folder: Path, riverside: Riverside) -> None:
    """Whose phone is whose, for the list of phones."""
    labels = {member.pager: f"{member.name}, {member.what}" for member in clinic.TEAM if member.pager}
    for language, number in patients_phones(riverside).items():
        labels[number] = f"A patient ({language})"
    (folder / "phones").mkdir(mode=0o700, exist_ok=True)
    (folder / "phones/phones.json").write_text(json.dumps(labels), encoding="utf-8")


def patients_phones(riverside: Riverside) -> dict[str, str]:
    """Language → the number of a patient who is asked today."""
    day = riverside.site.local(clock.now()).date() - timedelta(days=seed.DAYS_OF_TODAY)
    asked = seed.enrolments(day)
    return {"English": str(asked[seed.ENGLISH].mobile), "Spanish": str(asked[seed.SPANISH].mobile)}


def addresses(riverside: Riverside, settings: Settings) -> str:
    """What the demo prints once its pages answer."""
    phones, patient = settings.twilio_base_url, patients_phones(riverside)
    on_call, _ = clinic.rotation(riverside.site.tz, clock.now())
    return f"""
Daytwo's demo is up. Every patient, name and number in it is invented, and nothing leaves this machine.

  The patient's phone     {phones}/phones/{patient["English"]}
                          {phones}/phones/{patient["Spanish"]} (Spanish)
  The clinician's phone   {phones}/phones/{on_call.pager} ({on_call.name} is on call)
  The staff desk          {settings.public_url}/

{sign_ins()}

{_about_the_hour(riverside)}Ctrl-C ends everything and keeps what happened. `daytwo demo --erase` starts afresh."""


def sign_ins() -> str:
    """Who can sign in at the desk, and with which password."""
    people = "\n".join(f"    {one.email:18} {one.what}" for one in clinic.TEAM)
    return f"  Sign in at the desk with one of these, password “{clinic.PASSWORD}”:\n{people}"


def _about_the_hour(riverside: Riverside) -> str:
    """Texts leave by day only; a clinic that was set up at another hour may be asleep now."""
    local = riverside.site.local(clock.now())
    if sending_hours.is_open(local, riverside.site.tz):
        return ""
    return (
        f"It is {local:%H:%M} at the clinic ({riverside.site.zone}): texts to patients leave from "
        f"{sending_hours.OPENS:%H:%M} to {sending_hours.CLOSES:%H:%M}.\n"
        "`daytwo demo --erase` and `daytwo demo` make a clinic where it is daytime now.\n\n"
    )


def wait_for(url: str, *, patience_s: float = PATIENCE_S) -> None:
    """Until that page answers with 200. Raises LocalError after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while not _answers(url):
        if time.monotonic() > deadline:
            raise LocalError(f"The pages did not come up within {patience_s:.0f} s. The lines above may say why.")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _until_told(running: runner.Runner) -> None:
    """Wait for SIGINT or SIGTERM; a second one kills what has not ended by then."""
    told = Event()

    def end(_number: int, _frame: object) -> None:
        if told.is_set():
            running.end()
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    while not told.wait(0.5):
        pass


def erase(folder: Path) -> bool:
    """Remove the demo's folder; whether there was one. Raises AlreadyRunning."""
    if not folder.exists():
        return False
    with folders.claim(folder):
        services.erase(folder)
    return True
