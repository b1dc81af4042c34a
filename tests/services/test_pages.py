"""Handing pages over: one at a time, fenced, and never to a phone that was put away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from survey.domain.alerts import ContactResult
from survey.domain.oncall import MethodKind
from survey.domain.pages import PageState
from survey.messaging import registry
from survey.messaging.outcomes import VALID_FOR, Attempt, Outcome
from survey.messaging.registry import Wiring
from survey.services import alerts, carriers, contact_methods, escalation, oncall, pages
from survey.store import carriers as carrier_store
from survey.store.session import transaction
from tests import factories
from tests.cast import ANA, BEN, NIGHT, ROOT
from tests.conftest import Database
from tests.fakes import FakeSms
from tests.night import LEASE_S, PUBLIC_URL, Night


@pytest.fixture
def night(database: Database) -> Night:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()
    quiet = Night()
    quiet.wire()
    return quiet


def planned(night: Night) -> None:
    """One alert whose first page waits to be sent."""
    night.raised()
    escalation.advance_due(now=night.now)


def attempts() -> list[tuple[str, str]]:
    with transaction() as tx:
        rows = tx.run(sa.text("SELECT provider, outcome FROM page_attempt ORDER BY started_at"))
        return [(row.provider, row.outcome) for row in rows]


def test_firing_a_step_twice_plans_its_pages_once(night: Night) -> None:
    alert = night.raised()
    with transaction() as tx:
        (way,) = oncall.ways(tx, oncall.live_policy(tx).steps[0].targets, alert.severity, night.now)
        for _ in range(2):
            pages.plan(tx, alert, [way], kind=pages.PageKind.CALL, step_seq=0, now=night.now)

    assert len(alerts.get(alert.id).pages) == 1


def test_ten_senders_at_once_put_one_text_on_the_wire(night: Night) -> None:
    planned(night)

    with ThreadPoolExecutor(max_workers=10) as pool:
        list(pool.map(lambda _: pages.send_due(now=night.now), range(10)))

    assert len(night.sms.wire) == 1


def test_a_sender_that_comes_back_after_its_lease_records_its_try_and_changes_nothing(night: Night) -> None:
    """It was stopped in the middle of its call; another has taken the page back and sent it meanwhile."""
    later = night.now + timedelta(seconds=LEASE_S)

    class SlowSms(FakeSms):
        """Answers only after the others are done."""

        def send(self, to: str, body: str, *, reference: object, valid_for: timedelta = VALID_FOR) -> Attempt:
            registry.wire(Wiring(public_url=PUBLIC_URL, sms=night.sms, email=None, page_lease_s=LEASE_S))
            while pages.send_due(now=later):
                pass
            return self.take(to, body, reference=reference)

    planned(night)
    slow = SlowSms(name="slow", always=Outcome.REFUSED)
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=slow, email=None, page_lease_s=LEASE_S))

    pages.send_due(now=night.now)

    (told,) = alerts.get(alerts.open_alerts()[0].id).pages
    assert told.page.state is PageState.ACCEPTED
    assert told.page.maybe_sent == 2
    assert attempts() == [("slow", "refused"), ("fake", "accepted")]


def test_no_transaction_is_open_while_the_provider_is_called(night: Night) -> None:
    class CuriousSms(FakeSms):
        """Looks whether anybody holds a transaction."""

        def send(self, to: str, body: str, *, reference: object, valid_for: timedelta = VALID_FOR) -> Attempt:
            with transaction() as tx:
                others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                busy = " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'"
                self.open = tx.run(sa.text(others + busy)).scalar_one()
            return self.take(to, body, reference=reference)

    planned(night)
    curious = CuriousSms()
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=curious, email=None))

    pages.send_due(now=night.now)

    assert curious.open == 0


def test_a_page_taken_while_its_sender_waits_is_not_sent_again(night: Night) -> None:
    class TakenSms(FakeSms):
        """The colleague beside it takes the alert in the middle of the call, which then ends in doubt."""

        def send(self, to: str, body: str, *, reference: object, valid_for: timedelta = VALID_FOR) -> Attempt:
            (alert,) = alerts.open_alerts()
            alerts.take(alert.id, by=BEN.actor, epoch=1, now=night.now)
            return self.take(to, body, reference=reference)

    planned(night)
    doubtful = TakenSms(always=Outcome.UNKNOWN)
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=doubtful, email=None))

    pages.send_due(now=night.now)
    pages.send_due(now=night.now + timedelta(minutes=1))

    assert len(doubtful.wire) == 1
    assert alerts.get(alerts.open_alerts()[0].id).pages[0].page.state is PageState.SUPERSEDED


def test_four_clean_refusals_strand_no_page(night: Night) -> None:
    """In the prototype one counter stood for all tries: after four of these the page was pending, and unclaimable."""
    planned(night)
    night.sms.answers(*[Outcome.TRY_LATER] * 4)

    night.forward(timedelta(seconds=10))

    (told,) = alerts.get(alerts.open_alerts()[0].id).pages
    assert told.page.state is PageState.ACCEPTED
    assert (told.page.attempts, told.page.maybe_sent) == (5, 1)


def test_a_page_that_a_later_step_overtakes_in_its_call_is_not_sent_beside_it(night: Night) -> None:
    class BusySms(FakeSms):
        """The next step falls due in the middle of the call, which the provider then refuses for now."""

        def send(self, to: str, body: str, *, reference: object, valid_for: timedelta = VALID_FOR) -> Attempt:
            escalation.advance_due(now=night.now + timedelta(minutes=3))
            return self.take(to, body, reference=reference)

    planned(night)
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=BusySms(always=Outcome.TRY_LATER), email=None))
    pages.send_due(now=night.now)
    night.wire()

    night.forward(timedelta(minutes=4))

    assert night.minutes(ANA) == [3]


def test_a_phone_that_was_reached_late_is_not_called_again_within_the_minute(night: Night) -> None:
    """The provider comes back seconds before the next step is due."""
    planned(night)
    night.sms.always = Outcome.TRY_LATER
    night.forward(timedelta(minutes=2, seconds=50))
    night.sms.always = Outcome.ACCEPTED

    night.forward(timedelta(minutes=1))

    assert len(night.sms.to(ANA)) == 1


def test_mail_carries_the_way_to_the_sign_in_and_no_button(night: Night) -> None:
    with transaction() as tx:
        away = "UPDATE contact_method SET disabled_at = verified_at, disabled_reason = 'admin' WHERE user_id = :id"
        tx.run(sa.text(away), {"id": ANA.id})
        factories.method(tx, ANA, MethodKind.EMAIL, ANA.email)

    alert = night.worry()

    (mail,) = night.email.wire
    assert mail.subject == f"Riverside Clinic: urgent check-in alert {alert.short_no}"
    assert f"{PUBLIC_URL}/alerts/{alert.id}" in mail.body
    assert "/a/" not in mail.body


def test_without_a_provider_a_page_fails_at_once_and_the_next_step_comes(night: Night) -> None:
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=None, email=None))

    alert = night.worry()
    night.forward(timedelta(seconds=1))

    assert night.story(alert).count("page_failed") >= 3
    assert {provider for provider, _ in attempts()} == {"none"}


def test_a_personal_rule_delays_the_second_text(night: Night) -> None:
    (own,) = contact_methods.contact_methods(ANA.id)
    with transaction() as tx:
        for delay_s in (0, 60):
            values = {"user_id": ANA.id, "contact_method_id": own.id, "urgency": "urgent", "delay_s": delay_s}
            factories.insert(tx, "notification_rule", id=uuid4(), **values)

    night.worry()
    night.forward(timedelta(minutes=2))

    assert night.minutes(ANA) == [0, 1]


def test_the_first_page_of_an_alert_goes_before_the_repeat_of_another(night: Night) -> None:
    old = night.worry()
    night.now += timedelta(minutes=3)
    escalation.advance_due(now=night.now)
    new = night.raised()
    escalation.advance_due(now=night.now)

    pages.send_due(now=night.now)

    assert f"alert {new.short_no}" in night.sms.wire[-1].body
    assert f"alert {old.short_no}" in night.sms.wire[0].body


def test_removing_a_method_puts_nobody_else_out_of_reach(night: Night) -> None:
    (own,) = contact_methods.contact_methods(ANA.id)
    contact_methods.remove_contact_method(own.id, by=ROOT.actor, now=NIGHT)

    night.worry()

    assert night.minutes(BEN) == [0]


def test_a_session_that_hangs_on_one_page_does_not_hold_up_the_others(night: Night) -> None:
    for _ in range(2):
        planned(night)
    with transaction() as tx:
        tx.run(sa.text("SELECT id FROM page ORDER BY not_before, id LIMIT 1 FOR UPDATE"))

        done = [pages.send_due(now=night.now) for _ in range(2)]

    assert done == [1, 0]


def test_a_page_left_pending_when_its_alert_was_taken_is_not_sent(night: Night) -> None:
    planned(night)
    (alert,) = alerts.open_alerts()
    alerts.take(alert.id, by=BEN.actor, epoch=1, now=night.now)
    with transaction() as tx:
        tx.run(sa.text("UPDATE page SET state = 'pending'"))

    night.settle()

    assert night.sms.wire == []


def test_a_nudge_that_was_not_sent_yet_is_dropped_once_the_patient_was_tried(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    night.now += timedelta(minutes=15)
    escalation.advance_due(now=night.now)
    alerts.record_contact(alert.id, result=ContactResult.NO_ANSWER, by=ANA.actor, epoch=1, now=night.now)

    night.settle()

    assert night.minutes(ANA) == [0]
    assert [told.page.state for told in alerts.get(alert.id).pages] == [PageState.ACCEPTED, PageState.SUPERSEDED]


def test_a_page_goes_by_the_next_provider_at_once_when_the_first_surely_did_not_take_it(night: Night) -> None:
    planned(night)
    busy, other = FakeSms(name="busy", always=Outcome.TRY_LATER), FakeSms(name="other")
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=busy, others=(other,), email=None, page_lease_s=LEASE_S))

    pages.send_due(now=night.now)

    assert (len(busy.wire), len(other.wire)) == (1, 1)
    assert attempts() == [("other", "accepted")]


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.REFUSED])
def test_a_page_that_may_have_left_or_is_refused_goes_to_no_other_provider_at_once(
    night: Night, outcome: Outcome
) -> None:
    planned(night)
    first, other = FakeSms(name="first", always=outcome), FakeSms(name="other")
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=first, others=(other,), email=None, page_lease_s=LEASE_S))

    pages.send_due(now=night.now)

    assert (len(first.wire), len(other.wire)) == (1, 0)


def test_a_page_asks_those_that_rest_last_and_waits_for_none(night: Night) -> None:
    planned(night)
    first, other = FakeSms(name="first"), FakeSms(name="other", always=Outcome.TRY_LATER)
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=first, others=(other,), email=None, page_lease_s=LEASE_S))
    rest = "INSERT INTO provider_health (provider, open_until) VALUES ('first', :until)"
    with transaction() as tx:
        tx.run(sa.text(rest), {"until": night.now + timedelta(minutes=1)})

    pages.send_due(now=night.now)

    assert (len(other.wire), len(first.wire)) == (1, 1)
    assert attempts() == [("first", "accepted")]


def test_what_a_page_meets_is_known_to_all_other_texts(night: Night) -> None:
    planned(night)
    first, other = FakeSms(name="first", always=Outcome.TRY_LATER), FakeSms(name="other")
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=first, others=(other,), email=None, page_lease_s=LEASE_S))

    pages.send_due(now=night.now)

    assert health() == {"first": (1, False), "other": (0, True)}


def test_three_pages_in_vain_let_a_provider_rest(night: Night) -> None:
    first, other = FakeSms(name="first", always=Outcome.TRY_LATER), FakeSms(name="other")
    for _ in range(3):
        planned(night)
        registry.wire(Wiring(public_url=PUBLIC_URL, sms=first, others=(other,), email=None, page_lease_s=LEASE_S))
        pages.send_due(now=night.now)

    with transaction() as tx:
        assert list(carriers.answering(tx, night.now)) == ["other"]


def test_a_mail_and_a_page_that_nobody_carries_say_nothing_of_a_provider(night: Night) -> None:
    planned(night)
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=None, email=None, page_lease_s=LEASE_S))

    pages.send_due(now=night.now)

    assert health() == {}


def test_a_page_waits_for_nobody_who_notes_how_a_provider_answered(night: Night) -> None:
    planned(night)
    with transaction() as tx:
        tx.run(sa.text("INSERT INTO provider_health (provider, failures) VALUES ('fake', 2)"))

    with transaction() as other:
        carrier_store.get_for_update(other, "fake")
        pages.send_due(now=night.now)

    assert attempts() == [("fake", "accepted")]
    assert health() == {"fake": (2, False)}


def health() -> dict[str, tuple[int, bool]]:
    """Of each provider, how often in a row it failed, and whether it has ever answered."""
    with transaction() as tx:
        return {one.provider: (one.failures, one.last_ok_at is not None) for one in carrier_store.every(tx).values()}
