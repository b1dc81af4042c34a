"""One scenario's own Daytwo: a fresh clinic, the processes it needs, fake providers, and the means to hurt and look."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.paging import SAVE, WORRYING
from survey import clock
from survey.domain.queues import Queue
from survey.local import clinic, stack
from survey.local.carrier_journal import Entry
from survey.local.runner import Process
from survey.messaging import registry
from survey.settings import Settings
from survey.store import doorbell, session
from tests.chaos.browser import Browser, Submitted
from tests.chaos.world import World
from tests.faults.servers import until
from tests.faults.stack import Phones, Stack

LEASE_S = 2.5
COMMANDS = {
    "web": ("web",),
    "scoring": ("worker", "scoring", "inbound"),
    "paging": ("worker", "paging"),
    "paging-2": ("worker", "paging"),
    "beat": ("beat",),
    "beat-2": ("beat",),
}
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
PAGERS = tuple(member.pager for member in clinic.TEAM if member.pager)
SHIFTED = {
    "alert": "created_at next_action_at promised_at acked_at contacted_at resolved_at",
    "alert_event": "at",
    "page": "not_before give_up_at lease_until sent_at",
    "page_attempt": "started_at finished_at delivery_at",
    "promise": "made_at due_at kept_at broken_at told_patient_at",
    "reply_code": "given_at released_at",
}
"""Table → its instants. To let time pass, all of them are moved into the past; nobody has to sleep."""

BUSY = """
SELECT (SELECT count(*) FROM response WHERE revision > scored_revision)
  + (SELECT count(*) FROM alert WHERE state <> 'resolved' AND next_action_at <= clock_timestamp())
  + (SELECT count(*) FROM page p JOIN alert a ON a.id = p.alert_id AND a.epoch = p.epoch AND a.state <> 'resolved'
     WHERE p.state = 'leased' OR (p.state = 'pending' AND p.not_before <= clock_timestamp())) AS n"""


@dataclass(slots=True)
class Monitor:
    """The outside monitor: counts the pings that arrive."""

    pings: list[datetime] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    def open(self) -> str:
        """Listen; the address to ping."""
        pings = self.pings

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pings.append(clock.now())
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def close(self) -> None:
        """Listen no more."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()


class Scene:
    """`worries` are the worrying answers that were taken: the promise that this software makes."""

    def __init__(self, world: World, folder: Path, *, seed: int, environ: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True)
        self.world, self.servers, self.random = world, world.servers, Random(seed)
        first_port = world.next_port()
        self.phones = Phones(folder, first_port=first_port)
        self.other: Phones | None = None
        self.monitor = Monitor()
        self.ends = ExitStack()
        """Closed last: what a scenario has of its own."""
        self.database = world.clone()
        redis_url = self.servers.redis_url
        self.stack = Stack(
            self.servers,
            self.phones,
            folder / "log",
            database=self.database,
            redis_url=redis_url,
            web_workers=1,
            first_port=first_port,
        )
        self.phones.come()
        self.stack.environ |= {"HEARTBEAT_URL": self.monitor.open(), **(environ or {})}
        self.servers.flush()
        self.worries: list[Submitted] = []
        self.forwards: list[tuple[datetime, timedelta]] = []
        self.stride = timedelta()
        """The longest leap in time: so much later than due may something be done."""
        self._responses = world.responses(self.database)
        self._unused = iter(world.tokens)
        self._kept: psycopg.Connection[Any] | None = None
        self._wire_up()

    def _wire_up(self) -> None:
        """This process's own services work on the same clinic and the same providers."""
        session.configure(self.servers.database_url(self.database), pool_size=24)
        registry.configure(Settings(**{name.lower(): value for name, value in self.stack.environ.items()}))
        doorbell.configure(self.servers.redis_url)

    def two_providers(self) -> None:
        """Sinch as well, on a carrier of its own; called before anything is started."""
        folder = self.phones._folder / "other"
        folder.mkdir()
        self.other = Phones(folder, first_port=self.world.next_port())
        self.other.come()
        self.stack.environ |= {
            "SINCH_SERVICE_PLAN_ID": "chaos",
            "SINCH_API_TOKEN": "another secret of the tests",
            "SINCH_FROM": "+12025550191",
            "SINCH_WEBHOOK_SECRET": "another secret of the tests",
            "SINCH_BASE_URL": self.other.url,
        }
        self._wire_up()

    def up(self, *names: str) -> None:
        """Start these, and wait until each has been heard of. `sentinels`, `sentinels-3` are two and three of them."""
        for name in names:
            if name.startswith("sentinels"):
                count = int(name.partition("-")[2] or 2)
                processes = [Process(name=one, command=stack.daytwo("sentinel")) for one in SENTINELS[:count]]
                self.stack.start("sentinels", processes)
            else:
                self.stack.start(name, [Process(name=name, command=stack.daytwo(*COMMANDS[name]))])
        if "web" in names:
            until(lambda: self.stack.ready() == 200, what="the pages answer")
            Browser(self.stack.url, self.world.tokens[-1]).look()
        beats = {"scoring": "worker:scoring", "paging": "worker:paging", "sentinels": "sentinel"}
        self.stack.await_beats(*(beats[one] for one in (name.partition("-")[0] for name in names) if one in beats))

    def close(self) -> None:
        """End all of it."""
        self.stack.close()
        self.phones.close()
        if self.other is not None:
            self.other.close()
        self.monitor.close()
        session.dispose()
        if self._kept is not None:
            self._kept.close()
        self.world.drop(self.database)
        self.ends.close()

    # ---- patients

    def submit(self, count: int = 1, *, hands: int = 3) -> None:
        """So many patients answer over HTTP that they cannot breathe, each until it is taken."""
        tokens = [next(self._unused) for _ in range(count)]
        with ThreadPoolExecutor(hands) as pool:
            self.worries += pool.map(self.tell, tokens)

    def tell(self, token: str) -> Submitted:
        """One of them."""
        return Browser(self.stack.url, token).worry(self._responses[token])

    def commit(self, count: int = 1) -> list[UUID]:
        """The same past the web pages: the rows as a web process commits them, and one ring."""
        responses = [self._responses[next(self._unused)] for _ in range(count)]
        item, value = WORRYING
        with psycopg.connect(self.servers.database_url(self.database).replace("+psycopg", "")) as connection:
            now = clock.now()
            for response in responses:
                connection.execute(SAVE, {"id": response, "item": item, "value": value, "now": now})
        self.worries += [Submitted(response=response, at=now, took_s=0.0) for response in responses]
        doorbell.ring(Queue.SCORING)
        return responses

    def commit_each(self, count: int, *, every_s: float) -> None:
        """One after the other."""
        for _ in range(count):
            self.commit()
            time.sleep(every_s)

    # ---- looking

    def wire(self) -> list[Entry]:
        """Every request at either provider, the oldest first."""
        other = self.other.journal() if self.other else []
        return sorted([*self.phones.journal(), *other], key=lambda entry: entry.at)

    def rows(self, query: str, *values: object) -> list[Any]:
        """The rows of a query, asked apart from the product's own code."""
        for _ in range(2):
            try:
                return self._asking().execute(query, values).fetchall()
            except psycopg.OperationalError:
                self._kept = None  # the server, or this connection, was ended by a scenario
        return self.stack.rows(query, *values)

    def _asking(self) -> "psycopg.Connection[Any]":
        if self._kept is None:
            self._kept = self.servers.superuser(self.database)
        return self._kept

    def run(self, statement: str, *values: object) -> int:
        """A change past all triggers, as only the superuser can make it; how many rows."""
        with self.servers.superuser(self.database) as connection:
            connection.execute("SET session_replication_role = replica")
            return connection.execute(statement, values).rowcount

    def alerts(self) -> list[Any]:
        """All alerts, the oldest first."""
        return self.rows("SELECT * FROM alert ORDER BY short_no")

    def log(self) -> list[str]:
        """What all processes said."""
        found = sorted(self.stack._log.parent.glob(f"{self.stack._log.name}-*"))
        return [line for path in found for line in path.read_text(encoding="utf-8").splitlines()]

    def deal(self, mode: str, numbers: Sequence[str] = PAGERS) -> None:
        """How the first provider deals with those numbers from now on."""
        for number in numbers:
            self.phones.deal(number, mode)

    def await_pages(self, count: int, *, patience_s: float = 30.0) -> None:
        """Until so many requests are on the wire."""
        until(lambda: len(self.wire()) >= count, what=f"{count} pages", patience_s=patience_s, every_s=0.02)

    def await_paged(self, count: int, *, patience_s: float = 30.0) -> None:
        """Until a provider has taken a text for so many alerts, each in one of its own or in one about many."""
        paged = "SELECT count(DISTINCT alert_id) AS n FROM page WHERE state IN ('accepted', 'delivered')"
        until(lambda: self.rows(paged)[0].n >= count, what=f"{count} are paged", patience_s=patience_s, every_s=0.05)

    def await_alerts(self, count: int, *, patience_s: float = 30.0) -> list[Any]:
        """Until there are so many."""
        until(lambda: len(self.alerts()) >= count, what=f"{count} alerts", patience_s=patience_s, every_s=0.02)
        return self.alerts()

    # ---- time

    def rest(self, *, patience_s: float = 30.0) -> None:
        """Until nothing is due."""
        until(lambda: self.rows(BUSY)[0].n == 0, what="nothing is due", patience_s=patience_s, every_s=0.03)

    def forward(self, span: timedelta) -> None:
        """Let time pass at once, and ring."""
        tables = {row.t for row in self.rows("SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public'")}
        with self.servers.superuser(self.database) as connection, connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            for table, names in SHIFTED.items():
                if table in tables:
                    moved = ", ".join(f"{name} = {name} - %(span)s" for name in names.split())
                    connection.execute(f"UPDATE {table} SET {moved}", {"span": span})
        self.forwards.append((clock.now(), span))
        doorbell.ring(Queue.PAGING)

    def live(self, span: timedelta, *, every: timedelta) -> None:
        """Let time pass in strides, and whatever is due be done after each."""
        passed, self.stride = timedelta(), max(self.stride, every)
        while passed < span:
            self.rest()
            self.forward(every)
            passed += every
        self.rest()

    def placed(self, at: datetime) -> datetime:
        """An instant on the wall as the rows tell it now, after time was let pass."""
        return at - sum((span for when, span in self.forwards if when > at), timedelta())
