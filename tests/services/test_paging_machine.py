"""Random nights: whatever comes in which order, the invariants of paging hold after every single move."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, ClassVar
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.rows import namedtuple_row

from survey.domain.alerts import MOVES, Alert, AlertState, ContactResult, Usefulness
from survey.domain.alerts import Outcome as Ending
from survey.domain.errors import Refused, Stale
from survey.messaging import outcomes
from survey.messaging.outcomes import Attempt, Outcome
from survey.services import alerts, escalation, pages
from tests import factories
from tests.cast import ANA, BEN, LENA, Person
from tests.conftest import Database
from tests.fakes import FakeSms
from tests.night import LEASE_S, Night

PEOPLE = st.sampled_from([ANA, BEN, LENA])
MOST_ALERTS, MOST_COPIES = 4, 3
LEGAL = {(state.value, after.value) for (state, _), after in MOVES.items()} | {(None, "triggered")}
SILENCE = timedelta(seconds=10)
EXAMPLES, STEPS = 14, 30
FORGOTTEN = ("page_attempt", "page", "alert_event", "promise", "reply_code", "alert_responder", "alert")

PAGES = """
SELECT p.*, a.state AS alert_state, a.epoch AS alert_epoch,
  (SELECT count(*) FROM page_attempt t WHERE t.page_id = p.id) AS tried,
  (SELECT count(*) FROM page_attempt t WHERE t.page_id = p.id
     AND t.outcome IN ('accepted','unknown','lease_expired')) AS doubtful,
  EXISTS (SELECT FROM alert_event e WHERE e.idem_key = 'page_failed:' || p.id) AS told
FROM page p JOIN alert a ON a.id = p.alert_id"""
OWN = """
SELECT p.alert_id, p.kind, p.epoch, a.state, a.epoch AS current FROM page_attempt t
JOIN page p ON t.page_id IN (p.id, p.bundled_in) JOIN alert a ON a.id = p.alert_id WHERE t.id = %s"""
LONGEST = "SELECT greatest(max(wait), max(loop_every)) AS longest FROM policy_step s JOIN policy_version v ON true"


class Killed(BaseException):
    """The worker is gone."""


@dataclass
class Carrier(FakeSms):
    """Lets the sender die around a call when it is told to, and notes what was asked to be sent when."""

    dies: str | None = None
    rows: "Rows | None" = None
    asked: dict[UUID, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    late: list[str] = field(default_factory=list)

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = outcomes.VALID_FOR) -> Attempt:
        dies, self.dies = self.dies, None
        if dies == "before":
            raise Killed
        self._note(reference)
        done = self.take(to, body, reference=reference)
        if dies == "after":
            raise Killed
        return done

    def _note(self, reference: UUID) -> None:
        assert self.rows is not None
        for about in self.rows.all(OWN, reference):
            self.asked[about.alert_id].append(self.now)
            if about.kind == "call" and (about.state, about.current) != ("triggered", about.epoch):
                self.late.append(f"I5: a page of epoch {about.epoch} was sent while its alert was {about.state}")


class Rows:
    """The database past the product's own code."""

    def __init__(self, database: Database) -> None:
        address = database.owner_url.replace("+psycopg", "").replace("daytwo_owner@", "postgres@")
        self._connection = psycopg.connect(address, autocommit=True, row_factory=namedtuple_row)

    def all(self, query: str, *values: object) -> list[Any]:
        return self._connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def forget(self) -> None:
        """No alert was ever raised."""
        standing = {row.t for row in self.all("SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public'")}
        self._connection.execute("SET session_replication_role = replica")
        for table in FORGOTTEN:
            if table in standing:
                self._connection.execute(f"DELETE FROM {table}")  # type: ignore[arg-type]
        self._connection.execute("SET session_replication_role = origin")

    def close(self) -> None:
        self._connection.close()


class Paging(RuleBasedStateMachine):
    """Workers, clinicians, a provider and the clock, in any order, on one clinic."""

    rows: ClassVar[Rows]

    @initialize()
    def begin(self) -> None:
        self.rows.forget()
        self.sms = Carrier(rows=self.rows)
        self.night = Night(sms=self.sms)
        self.night.wire()
        self.raised: list[Alert] = []
        self.tiers: dict[UUID, Any] = {}
        (row,) = self.rows.all(LONGEST)
        self.longest = row.longest

    # ---- what happens

    @precondition(lambda self: len(self.raised) < MOST_ALERTS)
    @rule()
    def worry(self) -> None:
        """Somebody answers that breath is short."""
        self.raised.append(self.night.raised())

    @precondition(lambda self: self.raised)
    @rule(data=st.data())
    def worry_again(self, data: st.DataObject) -> None:
        """The same answers once more: no second alert, no page more."""
        alert = data.draw(st.sampled_from(self.raised))
        count = len(self.rows.all("SELECT FROM page"))
        self.night.raised(of=alert.response_id, fired=())
        assert len(self.rows.all("SELECT FROM page")) == count

    @rule(seconds=st.sampled_from([1, 20, 61, 190, 400, 1000]))
    def time_passes(self, seconds: int) -> None:
        """Workers do what is due, as it falls due."""
        until = self.night.now + timedelta(seconds=seconds)
        while (due := self.night.next_due()) is not None and due <= until:
            self.night.now = max(self.night.now, due)
            self._work()
        self.night.now = until
        self._work()

    def _work(self) -> None:
        """Until nothing is due; another worker goes on where one died."""
        self.sms.now = self.night.email.now = self.night.now
        while True:
            try:
                return self.night.settle()
            except Killed:
                continue

    @rule(ends=st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=5))
    def the_provider_answers(self, ends: list[Outcome]) -> None:
        """So end the next calls."""
        self.sms.answers(*ends)

    @rule(when=st.sampled_from(["before", "after"]))
    def the_next_sender_dies(self, when: str) -> None:
        """In the middle of its call; its lease is left."""
        self.sms.dies = when

    @rule()
    def a_sender_comes_by(self) -> None:
        """And hands over one page, if one is due."""
        self.sms.now = self.night.now
        try:
            pages.send_due(now=self.night.now)
        except Killed:
            return

    @rule()
    def a_step_falls_due_twice(self) -> None:
        """Two workers look at the same moment."""
        for _ in range(2):
            escalation.advance_due(now=self.night.now)

    # ---- what people do

    @precondition(lambda self: self.raised)
    @rule(data=st.data(), who=PEOPLE, behind=st.sampled_from([0, 0, 0, 1]))
    def take(self, data: st.DataObject, who: Person, behind: int) -> None:
        """Only what is to be had, and only from a screen that is not old."""
        alert = self._now(data)
        may = alert.state is AlertState.TRIGGERED and not behind
        mine = alert.state is AlertState.ACKNOWLEDGED and alert.acked_by == who.id
        done = self._did(lambda: alerts.take(alert.id, by=who.actor, epoch=alert.epoch - behind, now=self.night.now))
        assert done == (may or mine)
        after = self.night.alert(alert)
        assert after.acked_by == (who.id if may else alert.acked_by)

    @precondition(lambda self: self.raised)
    @rule(data=st.data(), who=PEOPLE, result=st.sampled_from(list(ContactResult)))
    def contact(self, data: st.DataObject, who: Person, result: ContactResult) -> None:
        """A try to reach the patient takes what nobody has."""
        alert = self._now(data)
        told = {"result": result, "by": who.actor, "epoch": alert.epoch, "now": self.night.now}
        done = self._did(lambda: alerts.record_contact(alert.id, **told))
        assert done == alert.is_open
        assert not done or self.night.alert(alert).state is AlertState.ACKNOWLEDGED

    @precondition(lambda self: self.raised)
    @rule(data=st.data(), who=PEOPLE)
    def pass_on(self, data: st.DataObject, who: Person) -> None:
        """Nobody has it, and the next are paged."""
        alert = self._now(data)
        told = {"by": who.actor, "epoch": alert.epoch, "now": self.night.now}
        assert self._did(lambda: alerts.pass_on(alert.id, **told)) == alert.is_open
        assert not alert.is_open or self.night.alert(alert).state is AlertState.TRIGGERED

    @precondition(lambda self: self.raised)
    @rule(data=st.data(), who=PEOPLE)
    def close(self, data: st.DataObject, who: Person) -> None:
        """Only after contact; and it is the end."""
        alert = self._now(data)
        may = alert.state is AlertState.ACKNOWLEDGED and alert.contact_result is not None
        words = {"outcome": Ending.OTHER, "usefulness": Usefulness.WORTH_IT, "by": who.actor, "epoch": alert.epoch}
        assert self._did(lambda: alerts.close(alert.id, **words, now=self.night.now)) == may

    def _now(self, data: st.DataObject) -> Alert:
        return self.night.alert(data.draw(st.sampled_from(self.raised)))

    @staticmethod
    def _did(act: Any) -> bool:
        try:
            act()
        except (Stale, Refused):
            return False
        return True

    # ---- what always holds

    @invariant()
    def each_worry_has_one_alert_with_a_deadline(self) -> None:
        """I1, I2"""
        found = self.rows.all("SELECT response_id, state, next_action_at FROM alert")
        assert sorted(row.response_id for row in found) == sorted(alert.response_id for alert in self.raised)
        assert all((row.state == "resolved") == (row.next_action_at is None) for row in found)

    @invariant()
    def pages_are_few_and_counted(self) -> None:
        """I4, and I5 as the carrier saw it"""
        assert not self.sms.late, self.sms.late
        assert all(copies <= MOST_COPIES for copies in self.night.copies().values())
        for page in self.rows.all(PAGES):
            assert page.attempts >= page.tried, "a try is not counted"
            assert page.state == "leased" or page.maybe_sent >= page.doubtful
            assert page.state != "failed" or page.told, "a page failed in silence"
            moved = page.kind == "call" and (page.alert_state, page.alert_epoch) != ("triggered", page.epoch)
            assert not (moved and page.state == "pending"), "a page waits that nobody wants"

    @invariant()
    def nobody_is_left_in_silence(self) -> None:
        """I6"""
        for row in self.rows.all("SELECT id, created_at, acked_at, state, epoch FROM alert WHERE state = 'triggered'"):
            since = self._triggered_since(row.id)
            asked = [at for at in self.sms.asked[row.id] if at >= since]
            gaps = [later - earlier for earlier, later in pairwise([since, *asked, self.night.now])]
            bound = self.longest + SILENCE + timedelta(seconds=MOST_COPIES * LEASE_S)
            assert max(gaps) <= bound, f"silent for {max(gaps)}"

    def _triggered_since(self, alert_id: UUID) -> datetime:
        (row,) = self.rows.all(
            """SELECT max(at) AS at FROM alert_event WHERE alert_id = %s AND to_state = 'triggered'
            AND (from_state IS NULL OR from_state <> 'triggered')""",
            alert_id,
        )
        at: datetime = row.at
        return at

    @invariant()
    def stories_are_legal_and_have_one_winner(self) -> None:
        """I7, I8"""
        stories: dict[UUID, list[Any]] = defaultdict(list)
        for event in self.rows.all("SELECT * FROM alert_event ORDER BY alert_id, id"):
            stories[event.alert_id].append(event)
        for story in stories.values():
            assert {(event.from_state, event.to_state) for event in story} <= LEGAL
            assert all(b.from_state == a.to_state and b.epoch >= a.epoch for a, b in pairwise(story))
            won = [
                event.epoch for event in story if (event.from_state, event.to_state) == ("triggered", "acknowledged")
            ]
            assert len(won) == len(set(won)), "two have won"


@pytest.fixture
def rows(database: Database) -> Iterator[Rows]:
    factories.clinic()
    made = Rows(database)
    yield made
    made.close()


@pytest.mark.timeout(240)
def test_whatever_happens_in_whichever_order_paging_keeps_its_promises(rows: Rows) -> None:
    calm = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    bounds = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=calm, database=None
    )

    run_state_machine_as_test(type("Night", (Paging,), {"rows": rows}), settings=bounds)
