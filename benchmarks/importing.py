"""A file of the most rows that are taken: how long the desk waits for its preview, and how fast a worker enrols."""

import csv
import io
import time
from datetime import date, timedelta
from uuid import UUID

from benchmarks.figures import Figure
from benchmarks.world import World, settle
from survey import clock
from survey.domain.accounts import SYSTEM
from survey.interop.csv_procedures import MAX_ROWS
from survey.local.history.people import AREA_CODES
from survey.services import imports

PROTOCOL = "trigger-point-injection"
PREVIEW_S = 10.0
"""A page that takes longer is left by whoever waits for it."""


def measure(world: World, *, seconds: float) -> list[Figure]:
    """One file: its preview, then enrolling for about so long, then its preview again with many of them known."""
    content = _file(MAX_ROWS)
    import_id, first = _preview(world, content)
    rate = _enrol(import_id, seconds=seconds)
    settle(world)
    _, again = _preview(world, content)
    return [
        Figure(name=f"preview of {MAX_ROWS:,} rows, nobody known", value=first, unit="s", budget=PREVIEW_S),
        Figure(name="  again, after enrolling", value=again, unit="s", budget=PREVIEW_S),
        Figure(name="enrolled by one worker", value=rate, unit="rows/s"),
    ]


def _preview(world: World, content: bytes) -> tuple[UUID, float]:
    began = time.perf_counter()
    made = imports.preview(content, site_id=world.site_id, protocol=PROTOCOL, by=SYSTEM, now=clock.now())
    return made.id, time.perf_counter() - began


def _enrol(import_id: UUID, *, seconds: float) -> float:
    imports.begin(import_id, by=SYSTEM, now=clock.now())
    began, done = time.perf_counter(), 0
    while time.perf_counter() < began + seconds and (part := imports.import_due(now=clock.now())):
        done += part
    return done / (time.perf_counter() - began)


def _file(rows: int) -> bytes:
    yesterday = (clock.now().date() - timedelta(days=1)).isoformat()
    lines = [
        {
            "given name": f"Given{number % 71}",
            "family name": f"Family{number}",
            "date of birth": (date(1950, 1, 1) + timedelta(days=number)).isoformat(),
            "mobile": f"+1{AREA_CODES[number % len(AREA_CODES)]}55501{number % 100:02}",
            "language": ("en", "es")[number % 2],
            "consent": "yes",
            "procedure date": yesterday,
            "MRN": f"R-{number:05}",
            "body site": "trapezius_upper",
            "drug": "lidocaine",
        }
        for number in range(rows)
    ]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().encode()
