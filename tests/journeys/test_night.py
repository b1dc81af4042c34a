"""Whole nights, played forward: whatever fails, an urgent alert keeps reaching for people until one has it."""

from datetime import timedelta
from itertools import pairwise
from typing import NoReturn
from uuid import UUID

import pytest
import sqlalchemy as sa

from survey.domain.alerts import AlertState, ContactResult, Outcome, Usefulness
from survey.domain.errors import Refused, Stale
from survey.domain.protocol import Tier
from survey.messaging import outcomes
from survey.services import alerts, contact_methods, doors, escalation, oncall, pages
from survey.store.session import transaction
from tests import factories
from tests.cast import ANA, BEN, LENA, NIGHT, PEOPLE, ROOT
from tests.conftest import Database
from tests.fakes import FakeSms
from tests.night import LEASE_S, Night


class Killed(BaseException):
    """The worker is gone in the middle of its call."""


class DeadlySms(FakeSms):
    """The text leaves, and the worker dies before it hears so."""

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = outcomes.VALID_FOR) -> NoReturn:
        self.take(to, body, reference=reference)
        raise Killed


AT_ONCE = timedelta(seconds=1)


@pytest.fixture
def night(database: Database) -> Night:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()
    quiet = Night()
    quiet.wire()
    return quiet


def test_unanswered_it_is_repeated_at_3_goes_to_the_backup_at_5_to_both_at_8_and_to_the_last_resort_at_12(
    night: Night,
) -> None:
    night.worry()

    night.forward(timedelta(minutes=13))

    assert night.minutes(ANA) == [0, 3, 8, 12]
    assert night.minutes(BEN) == [5, 8, 12]
    assert night.minutes(LENA) == [12]


def test_nobody_answers_for_48_hours_and_the_last_step_never_stops(night: Night) -> None:
    slower = factories.POLICY_FILE.read_text(encoding="utf-8").replace("loop_every: 5 min", "loop_every: 15 min")
    oncall.publish_policy(slower, name="slower", by=ROOT.actor, now=night.now)
    with transaction() as tx:
        tx.run(sa.text("DELETE FROM shift"))
    alert = night.worry()

    night.forward(timedelta(hours=48))

    buzzed = [sent.at for sent in night.sms.to(LENA)]
    assert max(later - earlier for earlier, later in pairwise([*buzzed, night.now])) <= timedelta(minutes=15)
    assert len(buzzed) == 48 * 4 + 1
    assert night.alert(alert).state is AlertState.TRIGGERED


def test_soon_pages_nobody_and_is_told_overdue_every_day_until_it_is_closed(night: Night) -> None:
    alert = night.worry(Tier.SOON)
    assert alert.next_action_at == alert.promised_at

    night.forward(timedelta(days=4))

    assert night.sms.wire == []
    assert night.story(alert) == ["opened", "promise_broken", "overdue", "overdue", "overdue"]
    assert night.alert(alert).state is AlertState.TRIGGERED


@pytest.mark.usefixtures("database")
def test_nobody_on_call_falls_through_to_the_last_resort_without_waiting() -> None:
    factories.site()
    factories.people(PEOPLE)
    factories.schedule("primary")
    factories.schedule("backup")
    factories.publish_policy()
    night = Night()
    night.wire()

    alert = night.worry()

    assert night.minutes(LENA) == [0]
    assert night.minutes(BEN) == [0]
    assert night.story(alert) == ["opened", *["nobody_reachable"] * 4, "paged"]


def test_nobody_at_all_keeps_the_alert_open_and_trying(night: Night) -> None:
    with transaction() as tx:
        tx.run(sa.text("UPDATE contact_method SET disabled_at = :now, disabled_reason = 'admin'"), {"now": NIGHT})

    alert = night.worry()
    night.forward(timedelta(minutes=21))

    assert night.sms.wire == []
    assert night.story(alert).count("nobody_reachable") == 4 + 5
    assert night.alert(alert).state is AlertState.TRIGGERED


def test_taking_ends_the_paging(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)

    night.forward(timedelta(minutes=14))

    assert night.minutes(ANA) == [0]
    assert night.minutes(BEN) == []


def test_taken_but_not_contacted_is_nudged_at_15_and_at_the_promised_time_the_backup_is_paged_too(
    night: Night,
) -> None:
    alert = night.worry()
    night.take(alert, ANA)

    night.forward(timedelta(minutes=29))
    before = night.minutes(ANA)
    night.forward(timedelta(minutes=9))

    assert before == [0, 15]
    assert "you took alert" in night.sms.to(ANA)[1].body
    assert night.minutes(ANA) == [0, 15, 30, 33, 37]
    assert night.minutes(BEN) == [30, 33, 37]
    assert night.alert(alert).epoch == 2
    assert night.story(alert)[1:6] == ["paged", "taken", "nudged", "promise_broken", "paged"]


def test_taken_again_after_the_promised_time_and_left_again_is_paged_again(night: Night) -> None:
    alert = night.worry()
    night.forward(timedelta(minutes=40))
    night.take(alert, BEN)

    night.forward(timedelta(minutes=31))

    assert night.story(alert)[-3:] == ["nudged", "take_expired", "paged"]
    assert night.minutes(ANA)[-1] == 70


def test_no_answer_starts_the_clock_again_and_reaching_the_patient_stops_it(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    night.forward(timedelta(minutes=10))

    alerts.record_contact(alert.id, result=ContactResult.NO_ANSWER, by=ANA.actor, epoch=1, now=night.now)
    night.forward(timedelta(minutes=16))
    nudged = night.minutes(ANA)
    alerts.record_contact(alert.id, result=ContactResult.REACHED, by=ANA.actor, epoch=1, now=night.now)
    night.forward(timedelta(hours=3))

    assert nudged == [0, 25]
    assert night.minutes(ANA) == [0, 25]
    assert night.alert(alert).state is AlertState.ACKNOWLEDGED


def test_three_taps_close_it_and_the_night_is_quiet(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    alerts.record_contact(alert.id, result=ContactResult.REACHED, by=ANA.actor, epoch=1, now=night.now)
    words = {"outcome": Outcome.SEEN_IN_CLINIC, "usefulness": Usefulness.WORTH_IT}

    closed = alerts.close(alert.id, **words, by=ANA.actor, epoch=1, now=night.now)
    night.forward(timedelta(days=2))

    assert closed.state is AlertState.RESOLVED
    assert night.story(alert) == ["opened", "paged", "taken", "contacted", "closed"]
    assert len(night.sms.wire) == 1


def test_passing_on_pages_the_backup_at_once(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    night.forward(timedelta(minutes=1))

    alerts.pass_on(alert.id, by=ANA.actor, epoch=1, now=night.now)
    night.settle()

    assert night.minutes(BEN) == [1]
    assert night.minutes(ANA) == [0]


def test_a_worse_answer_pages_whoever_was_not_being_paged(night: Night) -> None:
    alert = night.worry(Tier.SOON)
    night.forward(timedelta(minutes=1))

    worse = night.worry(Tier.URGENT, of=alert.response_id)
    night.take(worse, ANA)
    night.forward(timedelta(minutes=1))
    night.worry(Tier.EMERGENCY, of=alert.response_id)

    assert night.minutes(ANA) == [1, 2]
    assert night.alert(alert).tier is Tier.EMERGENCY
    assert night.alert(alert).epoch == 3


def test_scoring_again_at_the_same_tier_neither_doubles_nor_pages(night: Night) -> None:
    alert = night.worry()

    again = night.worry(Tier.URGENT, of=alert.response_id, fired=())
    lower = night.worry(Tier.SOON, of=alert.response_id, fired=())

    assert again.id == lower.id == alert.id
    assert night.alert(alert).tier is Tier.URGENT
    assert len(night.sms.wire) == 1


def test_a_new_worry_after_closing_is_a_new_alert_that_pages(night: Night) -> None:
    first = night.worry(fired=("U3",))
    night.take(first, ANA)
    alerts.record_contact(first.id, result=ContactResult.REACHED, by=ANA.actor, epoch=1, now=night.now)
    words = {"outcome": Outcome.REASSURED, "usefulness": Usefulness.NOT_NEEDED}
    alerts.close(first.id, **words, by=ANA.actor, epoch=1, now=night.now)
    night.forward(timedelta(hours=5))

    same = night.worry(of=first.response_id, fired=())
    news = night.worry(of=first.response_id, fired=("U7",))

    assert same.id == first.id
    assert news.id != first.id
    assert news.dedup_key.endswith(":2")
    assert night.minutes(ANA) == [0, 300]


def test_what_fires_while_somebody_has_it_makes_the_old_screen_stale(night: Night) -> None:
    alert = night.worry(fired=("U3",))
    night.take(alert, ANA)
    alerts.record_contact(alert.id, result=ContactResult.REACHED, by=ANA.actor, epoch=1, now=night.now)

    night.worry(of=alert.response_id, fired=("U9",))

    words = {"outcome": Outcome.REASSURED, "usefulness": Usefulness.NOT_NEEDED}
    with pytest.raises(Stale):
        alerts.close(alert.id, **words, by=ANA.actor, epoch=1, now=night.now)
    alerts.close(alert.id, **words, by=ANA.actor, epoch=2, now=night.now)
    assert len(night.sms.wire) == 1


def test_provider_down_for_20_minutes_then_each_phone_gets_one_text_in_the_first_minute(night: Night) -> None:
    night.sms.always = outcomes.Outcome.TRY_LATER
    night.worry()
    night.forward(timedelta(minutes=20))
    tried = len(night.sms.wire)

    night.sms.always = outcomes.Outcome.ACCEPTED
    night.forward(timedelta(minutes=1))

    assert tried > 100
    assert [len(night.sms.to(person)) for person in (ANA, BEN, LENA)] == [1, 1, 1]


def test_a_refused_text_does_not_wait_for_an_answer_that_cannot_come(night: Night) -> None:
    night.sms.answers(outcomes.Outcome.REFUSED, outcomes.Outcome.REFUSED)

    alert = night.worry()
    night.forward(AT_ONCE)

    assert night.minutes(BEN) == [0]
    assert night.story(alert).count("page_failed") == 2


def test_everything_refused_does_not_run_in_a_circle(night: Night) -> None:
    night.sms.always = outcomes.Outcome.REFUSED

    night.worry()
    night.forward(timedelta(minutes=14))

    assert len(night.sms.wire) == 1 + 1 + 1 + 2 + 3 * 3  # each step once, then three people at 0, 5 and 10 minutes


def test_unknown_outcomes_put_at_most_three_copies_on_the_wire(night: Night) -> None:
    night.sms.always = outcomes.Outcome.UNKNOWN

    night.worry()
    night.forward(timedelta(hours=1))

    copies = set(night.copies().values())
    assert max(copies) == 3
    # A newer page to the same phone, as when the promised time passes, takes the place of one that is tried again.
    assert copies <= {1, 2, 3}


def test_a_sender_that_dies_costs_one_lease_and_at_most_three_copies(night: Night) -> None:
    alive, deadly = night.sms, DeadlySms()
    night.sms = deadly
    night.wire()
    night.raised()
    escalation.advance_due(now=night.now)

    for _ in range(2):
        with pytest.raises(Killed):
            pages.send_due(now=night.now)
        assert pages.send_due(now=night.now + timedelta(seconds=LEASE_S - 1)) == 0
        night.now += timedelta(seconds=LEASE_S)
        assert pages.send_due(now=night.now) == 1  # taken back from the dead
    night.sms = alive
    night.wire()
    night.settle()

    assert len(deadly.wire) == 2
    assert len(alive.to(ANA)) == 1
    assert len({sent.token for sent in (*deadly.wire, *alive.wire)}) == 3
    seen = [doors.look(sent.token, now=night.now) for sent in (*deadly.wire, *alive.wire)]
    assert {door.state for door in seen} == {doors.DoorState.OPEN}


def test_a_shift_that_changes_hands_in_the_night_pages_whoever_has_it_then(night: Night) -> None:
    with transaction() as tx:
        tx.run(sa.text("DELETE FROM shift USING schedule s WHERE s.id = schedule_id AND s.name = 'primary'"))
    primary = next(one for one in oncall.schedules() if one.name == "primary")
    handover = NIGHT + timedelta(minutes=2)
    factories.on_call(primary, ANA, starts_at=NIGHT - timedelta(hours=1), ends_at=handover)
    factories.on_call(primary, LENA, starts_at=handover, ends_at=handover + timedelta(hours=12))

    night.worry()
    night.forward(timedelta(minutes=4))

    assert night.minutes(ANA) == [0]
    assert night.minutes(LENA) == [3]


def test_somebody_let_go_in_mid_escalation_is_paged_no_more(night: Night) -> None:
    night.worry()
    with transaction() as tx:
        tx.run(sa.text("UPDATE app_user SET active = false WHERE id = :id"), {"id": ANA.id})

    night.forward(timedelta(minutes=4))

    assert night.minutes(ANA) == [0]
    assert night.minutes(BEN) == [3]


def test_a_phone_put_away_between_plan_and_send_moves_on_at_once(night: Night) -> None:
    night.raised()
    escalation.advance_due(now=night.now)
    (own,) = contact_methods.contact_methods(ANA.id)
    contact_methods.remove_contact_method(own.id, by=ROOT.actor, now=night.now)

    night.forward(AT_ONCE)

    assert night.minutes(ANA) == []
    assert night.minutes(BEN) == [0]


def test_an_alert_keeps_the_policy_that_it_opened_with(night: Night) -> None:
    alert = night.worry()
    shorter = factories.POLICY_FILE.read_text(encoding="utf-8").replace("wait: 3 min", "wait: 1 min")
    oncall.publish_policy(shorter, name="shorter", by=ROOT.actor, now=night.now)

    night.forward(timedelta(minutes=4))

    assert night.minutes(ANA) == [0, 3]
    assert oncall.publish_policy(shorter, name="again", by=ROOT.actor, now=night.now).version == 2
    assert (
        night.alert(alert).policy_version_id
        != oncall.publish_policy(shorter, name="again", by=ROOT.actor, now=night.now).id
    )


def test_closing_needs_contact_and_an_outcome_that_fits(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    words = {"usefulness": Usefulness.WORTH_IT, "by": ANA.actor, "epoch": 1, "now": night.now}

    with pytest.raises(Refused, match="reached the patient"):
        alerts.close(alert.id, outcome=Outcome.REASSURED, **words)
    alerts.record_contact(alert.id, result=ContactResult.VOICEMAIL, by=ANA.actor, epoch=1, now=night.now)
    with pytest.raises(Refused, match="needs a patient who was reached"):
        alerts.close(alert.id, outcome=Outcome.REASSURED, **words)

    assert alerts.close(alert.id, outcome=Outcome.AMBULANCE, **words).state is AlertState.RESOLVED


def test_60_alerts_at_once_are_one_text_at_that_moment_and_each_is_taken_singly(night: Night) -> None:
    raised = [night.raised() for _ in range(60)]

    night.settle()

    (sent,) = night.sms.wire
    assert (sent.to, sent.at) == (ANA.mobile, NIGHT)
    assert f"60 urgent check-in alerts, the first is {raised[0].short_no}" in sent.body
    door = doors.look(sent.token, now=night.now)
    assert [door.number, *(one.number for one in door.others)] == [one.short_no for one in raised]
    for one in raised:
        doors.take(sent.token, alert_id=one.id, epoch=1, now=night.now)
    assert {night.alert(one).acked_by for one in raised} == {ANA.id}
