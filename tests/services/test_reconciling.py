"""Texts that may have left: what the provider says when it is asked, and what happens meanwhile.

The fake provider's wire is the judge: whatever stands there rang a phone, or may have.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
import redis

from survey.domain import breakers
from survey.domain.messages import Delivery, MessageState
from survey.domain.queues import Queue
from survey.messaging import registry
from survey.messaging.outcomes import Finding, Lost, Outcome, Trace
from survey.services import receipts, reconciling
from survey.store import carriers as carrier_store
from survey.store import doorbell
from survey.store import reconciling as store
from survey.store.session import transaction
from tests import desk, texting
from tests.conftest import Database
from tests.desk import MARIAS_PHONE, WEDNESDAY_TEN, enrol, maria, send
from tests.fakes import FakeSms

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ABSENT = Finding(trace=Trace.ABSENT)
UNSURE = Finding(trace=Trace.UNSURE)


@dataclass
class Forgetful(FakeSms):
    """A carrier whose answers get lost; asked, it says what stands next in `findings`, and `meanwhile` happens."""

    name: str = "twilio"
    findings: deque[Finding] = field(default_factory=deque)
    asked: list[Lost] = field(default_factory=list)
    meanwhile: Callable[[UUID], None] = lambda _: None

    def find(self, lost: Lost) -> Finding:
        """The next finding; unsure when there is none."""
        self.asked.append(lost)
        self.meanwhile(lost.reference)
        return self.findings.popleft() if self.findings else UNSURE


@pytest.fixture
def carrier(database: Database) -> Forgetful:
    assert database
    desk.open_clinic()
    carrier = Forgetful()
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=carrier, email=None, secrets=desk.SECRETS))
    return carrier


def lose(carrier: Forgetful, now: datetime = WEDNESDAY_TEN) -> None:
    """What is due leaves, and the provider's answer is lost."""
    carrier.answers(Outcome.UNKNOWN)
    send(now)


def ask(now: datetime) -> int:
    """The provider is asked, and what may leave then leaves."""
    asked = reconciling.ask_due(now=now)
    send(now)
    return asked


def states() -> list[str]:
    return [row["state"] for row in desk.rows("SELECT state FROM message WHERE attempts > 0 ORDER BY due_at")]


def attempts() -> list[tuple[str, str | None]]:
    rows = desk.rows("SELECT outcome, detail FROM message_attempt ORDER BY attempt_no")
    return [(row["outcome"], row["detail"]) for row in rows]


def test_a_receipt_that_comes_while_the_provider_is_asked_keeps_the_text_from_leaving_again(
    carrier: Forgetful,
) -> None:
    enrol(maria())
    lose(carrier)
    carrier.findings.extend([ABSENT, ABSENT])
    ask(WEDNESDAY_TEN + 2 * MINUTE)
    second = WEDNESDAY_TEN + 6 * MINUTE
    carrier.meanwhile = lambda reference: receipts.record(reference, Delivery.DELIVERED, now=second)

    ask(second)
    desk.send_until(second + 60 * MINUTE, start=second)

    assert len(carrier.asked) == 2
    assert [text.to for text in carrier.wire] == [MARIAS_PHONE]
    assert states() == [MessageState.DELIVERED]


def test_two_noes_are_never_so_close_that_they_may_be_one(carrier: Forgetful) -> None:
    enrol(maria())
    lose(carrier)
    carrier.findings.extend([ABSENT] * 9)
    first = WEDNESDAY_TEN + 61 * timedelta(seconds=1)

    assert [ask(first + step * timedelta(seconds=20)) for step in range(9)] == [1] + [0] * 8

    assert len(carrier.wire) == 1


def test_the_record_says_of_a_text_that_it_never_left(carrier: Forgetful) -> None:
    enrol(maria())
    lose(carrier)
    carrier.findings.extend([ABSENT, ABSENT])

    ask(WEDNESDAY_TEN + 2 * MINUTE)
    ask(WEDNESDAY_TEN + 6 * MINUTE)

    assert attempts() == [("try_later", "absent"), ("accepted", "fake")]
    assert len(carrier.wire) == 2


def test_a_text_that_never_left_keeps_no_day_of_its_number(carrier: Forgetful) -> None:
    enrol(maria())
    just_before_the_closing = WEDNESDAY_TEN + timedelta(hours=8, minutes=58)
    lose(carrier, just_before_the_closing)
    carrier.findings.extend([ABSENT, ABSENT])

    ask(just_before_the_closing + 2 * MINUTE)
    ask(just_before_the_closing + 6 * MINUTE)
    in_the_evening = desk.rows("SELECT day FROM text_day")
    desk.send_until(datetime(2026, 3, 12, 14, 0, tzinfo=UTC), start=just_before_the_closing + 10 * MINUTE)

    (taken,) = desk.rows("SELECT day FROM text_day")
    assert in_the_evening == []
    assert f"{taken['day']:%a}" == "Thu"
    assert len(carrier.wire) == 2


def test_a_text_that_is_sent_after_all_says_when_it_left_and_not_when_it_did_not(carrier: Forgetful) -> None:
    enrol(maria())
    closing = WEDNESDAY_TEN + timedelta(hours=8, minutes=58)
    lose(carrier, closing)
    carrier.findings.extend([ABSENT, ABSENT])

    ask(closing + 2 * MINUTE)
    ask(closing + 6 * MINUTE)

    (row,) = desk.rows("SELECT state, sent_at FROM message WHERE kind = 'invitation' AND attempts > 0")
    assert (row["state"], row["sent_at"]) == (MessageState.PENDING, None)


def test_what_came_back_to_life_is_asked_about_by_its_newest_attempt_alone(carrier: Forgetful) -> None:
    enrol(maria())
    lose(carrier)
    carrier.findings.extend([ABSENT, ABSENT])
    ask(WEDNESDAY_TEN + 2 * MINUTE)
    carrier.answers(Outcome.UNKNOWN)
    ask(WEDNESDAY_TEN + 6 * MINUTE)
    newest = carrier.wire[-1].reference

    ask(WEDNESDAY_TEN + 12 * MINUTE)

    assert [lost.reference for lost in carrier.asked][2:] == [newest]


def test_the_provider_is_told_which_of_its_texts_to_that_number_are_others(carrier: Forgetful) -> None:
    enrol(maria())
    enrol(desk.juan())
    texting.text("HELP", now=WEDNESDAY_TEN - MINUTE)
    texting.read(WEDNESDAY_TEN - MINUTE)
    send(WEDNESDAY_TEN - MINUTE)
    (help_ref,) = desk.rows("SELECT provider_ref AS ref FROM message_attempt")
    texting.text("How long?", now=WEDNESDAY_TEN - MINUTE, sender=desk.JUANS_PHONE)
    texting.read(WEDNESDAY_TEN - MINUTE)
    send(WEDNESDAY_TEN - MINUTE)

    carrier.always = Outcome.UNKNOWN
    send(WEDNESDAY_TEN)
    ask(WEDNESDAY_TEN + 2 * MINUTE)

    (about_maria,) = [lost for lost in carrier.asked if lost.to == MARIAS_PHONE]
    assert list(about_maria.known) == [help_ref["ref"]]


def test_after_a_day_nobody_asks_any_more(carrier: Forgetful) -> None:
    enrol(maria())
    lose(carrier)

    assert reconciling.ask_due(now=WEDNESDAY_TEN + DAY + MINUTE) == 0
    assert states() == [MessageState.UNKNOWN]


def test_in_its_first_hour_a_text_is_asked_about_every_three_minutes_then_every_half_hour(
    carrier: Forgetful,
) -> None:
    enrol(maria())
    lose(carrier)

    asked = [minute for minute in range(1, 180) if reconciling.ask_due(now=WEDNESDAY_TEN + minute * MINUTE)]

    assert asked[:4] == [1, 4, 7, 10]
    assert [later - earlier for earlier, later in pairwise(asked)][-3:] == [30, 30, 30]


def found(ref: str, delivery: Delivery = Delivery.SENT) -> Finding:
    return Finding(trace=Trace.FOUND, provider_ref=ref, delivery=delivery)


def test_a_text_that_was_found_keeps_the_providers_name_for_it_and_is_asked_about_no_more(carrier: Forgetful) -> None:
    enrol(maria())
    lose(carrier)
    carrier.findings.append(found("SM77"))

    asked = [reconciling.ask_due(now=WEDNESDAY_TEN + minute * MINUTE) for minute in (2, 6, 40, 120)]

    assert asked == [1, 0, 0, 0]
    assert states() == [MessageState.ACCEPTED]
    (attempt,) = desk.rows("SELECT provider_ref FROM message_attempt")
    assert attempt["provider_ref"] == "SM77"


def test_what_one_worker_asks_about_another_passes_over(carrier: Forgetful) -> None:
    enrol(maria())
    lose(carrier)
    now = WEDNESDAY_TEN + 2 * MINUTE

    with transaction() as first, transaction() as second:
        second.change("SET LOCAL lock_timeout = '1s'", {})
        taken = [len(store.take(tx, providers=["twilio"], now=now, limit=10)) for tx in (first, second)]

    assert taken == [1, 0]


def test_a_provider_that_rests_is_asked_nothing_until_it_has_rested(carrier: Forgetful) -> None:
    enrol(maria())
    lose(carrier)
    with transaction() as tx:
        health = breakers.failed(carrier_store.get_for_update(tx, "twilio"), now=WEDNESDAY_TEN, wait=5 * MINUTE)
        carrier_store.put(tx, health)

    asked = [reconciling.ask_due(now=WEDNESDAY_TEN + minute * MINUTE) for minute in (2, 4, 6)]

    assert asked == [0, 0, 1]


def test_whoever_sends_is_woken_for_a_text_that_is_to_leave_after_all(carrier: Forgetful, redis_url: str) -> None:
    enrol(maria())
    lose(carrier)
    carrier.findings.extend([ABSENT, ABSENT])
    reconciling.ask_due(now=WEDNESDAY_TEN + 2 * MINUTE)
    doorbell.configure(redis_url)

    reconciling.ask_due(now=WEDNESDAY_TEN + 6 * MINUTE)

    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(doorbell.PREFIX + Queue.SENDING) == 1


def test_a_provider_whose_answers_are_lost_three_times_in_a_row_rests(carrier: Forgetful) -> None:
    for number in range(3):
        enrol(maria(given_name=f"Maria {'ABC'[number]}", mrn=None, mobile=f"+1202555014{number}"))
    carrier.always = Outcome.UNKNOWN
    send(WEDNESDAY_TEN)
    enrol(maria())

    send(WEDNESDAY_TEN + timedelta(seconds=10))
    during = len(carrier.wire)
    send(WEDNESDAY_TEN + 2 * MINUTE)

    assert (during, len(carrier.wire)) == (3, 4)
