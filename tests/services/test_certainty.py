"""Pages that do not arrive, pages that many alerts have at once, and phones that no text gets to."""

from collections import deque
from datetime import timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from survey.domain.alerts import Alert
from survey.domain.errors import NotFound
from survey.domain.messages import Delivery
from survey.domain.oncall import MethodKind
from survey.domain.pages import PageState
from survey.messaging import registry
from survey.messaging.outcomes import VALID_FOR, Attempt, Outcome
from survey.messaging.registry import Wiring
from survey.services import alerts, doors, escalation, health, pages, receipts
from survey.store.session import transaction
from tests import factories
from tests.cast import ANA, BEN, NIGHT
from tests.conftest import Database
from tests.fakes import FakeSms, FakeVoice
from tests.night import LEASE_S, PUBLIC_URL, Night

MINUTE = timedelta(minutes=1)
ANAS_LINE = "+12025550155"


@pytest.fixture
def night(database: Database) -> Night:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()
    quiet = Night()
    quiet.wire()
    return quiet


def receipt(reference: UUID, *said: Delivery, night: Night) -> None:
    for delivery in said:
        receipts.record(reference, delivery, now=night.now)
    night.settle()


def first_page(alert: Alert) -> PageState:
    return min((told.page for told in alerts.get(alert.id).pages), key=lambda page: (page.cycle, page.step_seq)).state


def test_a_text_that_does_not_arrive_brings_the_next_step_at_once(night: Night) -> None:
    alert = night.worry()
    night.forward(MINUTE)

    receipt(night.sms.wire[0].reference, Delivery.UNDELIVERED, night=night)

    assert night.minutes(ANA) == [0, 1]
    assert first_page(alert) is PageState.UNDELIVERED
    assert night.story(alert) == ["opened", "paged", "page_failed", "paged"]


def test_the_same_receipt_again_and_any_later_word_change_nothing(night: Night) -> None:
    alert = night.worry()
    first = night.sms.wire[0].reference

    receipt(first, Delivery.UNDELIVERED, Delivery.UNDELIVERED, Delivery.SENT, Delivery.FAILED, night=night)

    assert night.story(alert).count("page_failed") == 1
    assert len(night.sms.wire) == 2
    assert first_page(alert) is PageState.UNDELIVERED


@pytest.mark.parametrize("order", [*permutations([Delivery.QUEUED, Delivery.SENT, Delivery.DELIVERED])])
def test_receipts_in_any_order_say_that_it_arrived(night: Night, order: tuple[Delivery, ...]) -> None:
    alert = night.worry()

    receipt(night.sms.wire[0].reference, *order, night=night)

    assert first_page(alert) is PageState.DELIVERED
    assert len(night.sms.wire) == 1


def test_a_reference_that_is_not_ours_changes_nothing(night: Night) -> None:
    alert = night.worry()

    receipt(uuid4(), Delivery.UNDELIVERED, night=night)

    assert night.story(alert) == ["opened", "paged"]


def test_a_receipt_of_an_earlier_epoch_pulls_nothing_forward(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    alerts.pass_on(alert.id, by=ANA.actor, epoch=1, now=night.now)
    night.settle()
    paged = len(night.sms.wire)

    receipt(night.sms.wire[0].reference, Delivery.UNDELIVERED, night=night)

    assert len(night.sms.wire) == paged
    assert night.alert(alert).epoch == 2


@pytest.mark.parametrize(
    ("said", "state", "texts"),
    [(Delivery.DELIVERED, PageState.DELIVERED, 1), (Delivery.FAILED, PageState.UNDELIVERED, 2)],
)
def test_a_receipt_may_come_before_the_answer_to_the_sending(
    night: Night, said: Delivery, state: PageState, texts: int
) -> None:
    class HastySms(FakeSms):
        """Its receipt overtakes its answer, once."""

        def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
            if not self.wire:
                receipts.record(reference, said, now=night.now)
            return self.take(to, body, reference=reference)

    night.sms = HastySms()
    night.wire()

    alert = night.worry()
    night.forward(timedelta(seconds=1))

    assert first_page(alert) is state
    assert len(night.sms.wire) == texts


def test_of_two_copies_only_the_newest_says_that_the_page_did_not_arrive(night: Night) -> None:
    night.sms.answers(Outcome.UNKNOWN)
    alert = night.worry()
    night.forward(MINUTE)
    first, second = (sent.reference for sent in night.sms.wire)

    receipt(first, Delivery.UNDELIVERED, night=night)
    before = first_page(alert)
    receipt(second, Delivery.UNDELIVERED, night=night)

    assert (before, first_page(alert)) == (PageState.ACCEPTED, PageState.UNDELIVERED)


def test_three_alerts_are_three_texts_and_the_fourth_begins_to_bundle(night: Night) -> None:
    for _ in range(3):
        night.worry()
    alone = [sent.body for sent in night.sms.wire]
    more = [night.raised() for _ in range(3)]

    night.settle()

    assert len(alone) == 3
    assert not any("alerts" in body for body in alone)
    (bundle,) = night.sms.wire[3:]
    assert f"3 urgent check-in alerts, the first is {more[0].short_no}" in bundle.body
    assert bundle.at == NIGHT


def test_a_storm_that_is_over_for_ten_minutes_bundles_no_more(night: Night) -> None:
    for _ in range(4):
        night.take(night.worry(), ANA)
    night.forward(timedelta(minutes=11))
    sent = len(night.sms.wire)

    two = [night.raised() for _ in range(2)]
    night.settle()

    assert [f"alert {alert.short_no}" in one.body for alert, one in zip(two, night.sms.wire[sent:], strict=True)] == [
        True,
        True,
    ]


def test_when_the_text_of_many_is_refused_each_other_page_goes_alone_and_none_is_lost(night: Night) -> None:
    raised = [night.raised() for _ in range(5)]
    night.sms.answers(Outcome.REFUSED)

    night.settle()
    night.forward(MINUTE)

    alone = [sent.body for sent in night.sms.wire[1:]]
    assert all(any(f"alert {alert.short_no}" in body for body in alone) for alert in raised)
    assert night.minutes(BEN) == []
    assert {first_page(alert) for alert in raised[1:]} == {PageState.ACCEPTED}
    # The first one's own page was refused: its next step came at once.
    assert first_page(raised[0]) is PageState.FAILED
    assert "paged" in night.story(raised[0])[2:]


def test_a_refused_phone_is_tried_once_more_for_each_alert_of_a_storm_and_not_over_and_over(night: Night) -> None:
    raised = [night.raised() for _ in range(8)]
    night.sms.always = Outcome.REFUSED

    night.forward(timedelta(seconds=2))

    first = [told.page for alert in raised for told in alerts.get(alert.id).pages if told.page.step_seq == 0]
    assert {page.state for page in first} == {PageState.FAILED}
    assert max(page.attempts for page in first) == 2


def test_a_text_of_many_in_doubt_counts_as_a_copy_of_each(night: Night) -> None:
    raised = [night.raised() for _ in range(5)]
    night.sms.always = Outcome.UNKNOWN

    night.forward(timedelta(seconds=29))

    assert [alerts.get(alert.id).pages[0].page.maybe_sent for alert in raised] == [2] * 5
    assert len(night.sms.wire) == 2
    assert all("5 urgent check-in alerts" in sent.body for sent in night.sms.wire)


def test_a_sender_that_dies_with_a_text_of_many_strands_none_of_them(night: Night) -> None:
    class Killed(BaseException):
        """The process is gone."""

    class DeadlySms(FakeSms):
        """Takes the text, and the sender with it."""

        def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
            raise Killed

    alive = night.sms
    night.sms = DeadlySms()
    night.wire()
    raised = [night.raised() for _ in range(5)]
    with pytest.raises(Killed):
        pages.send_due(now=night.now)
    night.sms = alive
    night.wire()

    night.forward(timedelta(seconds=LEASE_S + 1))

    (bundle,) = alive.wire
    assert "5 urgent check-in alerts" in bundle.body
    assert {first_page(alert) for alert in raised} == {PageState.ACCEPTED}


def test_a_text_of_many_that_does_not_arrive_brings_the_next_step_of_each(night: Night) -> None:
    raised = [night.raised() for _ in range(5)]
    night.settle()

    receipt(night.sms.wire[0].reference, Delivery.UNDELIVERED, night=night)

    assert all(night.story(alert) == ["opened", "paged", "page_failed", "paged"] for alert in raised)
    assert "5 urgent check-in alerts" in night.sms.wire[1].body


def test_a_text_of_many_that_arrives_has_arrived_for_each(night: Night) -> None:
    raised = [night.raised() for _ in range(5)]
    night.settle()

    receipt(night.sms.wire[0].reference, Delivery.DELIVERED, night=night)

    assert {first_page(alert) for alert in raised} == {PageState.DELIVERED}


def test_the_door_of_a_text_of_many_opens_no_alert_that_is_not_in_it(night: Night) -> None:
    inside = [night.raised() for _ in range(5)]
    night.settle()
    outside = night.worry()
    token = night.sms.wire[0].token

    with pytest.raises(NotFound):
        doors.take(token, alert_id=outside.id, epoch=1, now=night.now)
    doors.take(token, alert_id=inside[2].id, epoch=1, now=night.now)

    assert [night.alert(one).acked_by for one in inside] == [None, None, ANA.id, None, None]
    assert [one.is_open for one in doors.look(token, now=night.now).others] == [True, False, True, True]


def test_after_an_outage_each_alert_has_one_page_to_a_phone_in_the_first_minute(night: Night) -> None:
    night.sms.always = Outcome.TRY_LATER
    raised = [night.worry() for _ in range(2)]
    night.forward(timedelta(minutes=20))
    night.sms.always = Outcome.ACCEPTED
    tried = len(night.sms.wire)

    night.forward(MINUTE)

    for alert in raised:
        about = [sent.to for sent in night.sms.wire[tried:] if f"alert {alert.short_no}" in sent.body]
        assert len(about) == len(set(about)) == 3


@pytest.mark.parametrize("answer", [Outcome.TRY_LATER, Outcome.REFUSED])
def test_where_no_provider_takes_the_text_the_phone_is_called_at_once_and_once(night: Night, answer: Outcome) -> None:
    with transaction() as tx:
        factories.method(tx, ANA, MethodKind.VOICE, ANAS_LINE)
    first, second, voice = FakeSms(always=answer), FakeSms(name="second", always=answer), FakeVoice()
    wiring = {"sms": first, "others": (second,), "email": None, "voice": voice, "page_lease_s": LEASE_S}
    registry.wire(Wiring(public_url=PUBLIC_URL, **wiring))

    night.worry()
    night.forward(MINUTE)

    assert [sent.to for sent in voice.wire] == [ANAS_LINE]
    assert bool(second.wire) is (answer is Outcome.TRY_LATER)


def test_voice_waits_for_its_step_while_texts_are_taken(night: Night) -> None:
    with transaction() as tx:
        factories.method(tx, ANA, MethodKind.VOICE, ANAS_LINE)
    voice = FakeVoice()
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=night.sms, email=None, voice=voice, page_lease_s=LEASE_S))

    night.worry()
    night.forward(timedelta(minutes=7))
    before = list(voice.wire)
    night.forward(timedelta(minutes=2))

    assert before == []
    assert len(voice.wire) == 1
    assert night.minutes(ANA) == [0, 3]


def test_the_banner_says_within_a_minute_that_alerts_pages_and_promises_are_overdue(night: Night) -> None:
    alert = night.raised()
    with transaction() as tx:
        tx.run(sa.text("UPDATE alert SET next_action_at = :at WHERE id = :id"), {"at": NIGHT, "id": alert.id})
        tx.run(sa.text("UPDATE promise SET due_at = :at"), {"at": NIGHT})

    said = " ".join(health.trouble(NIGHT + timedelta(seconds=61)))

    assert "every open alert is looked at in time" in said
    assert "every page is handed over in time" in said
    assert "every promised call is made" in said
    assert not health.holds(NIGHT + timedelta(seconds=61))


def test_a_storm_is_escalated_like_any_alert(night: Night) -> None:
    for _ in range(5):
        night.raised()
    night.settle()

    night.forward(timedelta(minutes=5))

    assert night.minutes(ANA) == [0, 3]
    assert night.minutes(BEN) == [5]
    assert escalation.advance_due(now=night.now) == 0
    assert night.sms.script == deque()
