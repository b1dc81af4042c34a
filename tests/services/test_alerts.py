"""Who has an alert: the race for it, the link in the page, and what the record keeps of both."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from survey.domain.accounts import SYSTEM
from survey.domain.alerts import AlertState, ContactResult, Event, EventKind
from survey.domain.errors import Conflict, NotFound, Refused, Stale
from survey.domain.pages import PageState
from survey.domain.protocol import Tier
from survey.services import alerts, doors, escalation
from survey.services.doors import DoorState
from survey.store import alerts as store
from survey.store.session import DatabaseError, transaction
from tests import factories
from tests.cast import ANA, BEN, LENA, NIGHT, PEOPLE, RIVERSIDE
from tests.conftest import Database
from tests.night import PUBLIC_URL, Night


@pytest.fixture
def night(database: Database) -> Night:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()
    quiet = Night()
    quiet.wire()
    return quiet


def test_of_twenty_who_take_at_once_one_wins_and_the_others_hear_who(night: Night) -> None:
    alert = night.worry()
    crowd = [ANA, BEN, LENA, *PEOPLE[3:]] * 4

    def attempt(number: int) -> str:
        try:
            return str(alerts.take(alert.id, by=crowd[number].actor, epoch=1, now=night.now).acked_by)
        except Stale as stale:
            return stale.message

    with ThreadPoolExecutor(max_workers=20) as pool:
        heard = Counter(pool.map(attempt, range(20)))

    holder = night.alert(alert).acked_by
    name = next(person.name for person in PEOPLE if person.id == holder)
    assert set(heard) == {str(holder), f"{name} took this alert at 00:31."}
    assert night.story(alert).count("taken") == 1


def test_a_button_pressed_twice_takes_once(night: Night) -> None:
    alert = night.worry()

    first, second = night.take(alert, ANA), night.take(alert, ANA)

    assert first == second
    assert night.story(alert).count("taken") == 1


def test_nothing_is_claimed_after_the_taking(night: Night) -> None:
    alert = night.raised()
    escalation.advance_due(now=night.now)
    alerts.take(alert.id, by=BEN.actor, epoch=1, now=night.now)

    night.settle()

    assert night.sms.wire == []
    assert [told.page.state for told in alerts.get(alert.id).pages] == [PageState.SUPERSEDED]


def test_the_machine_itself_takes_nothing(night: Night) -> None:
    with pytest.raises(Refused, match="Sign in"):
        alerts.take(night.worry().id, by=SYSTEM, epoch=1, now=night.now)


def test_an_alert_that_does_not_exist_is_not_found(night: Night) -> None:
    with pytest.raises(NotFound):
        alerts.take(uuid4(), by=ANA.actor, epoch=1, now=night.now)


def test_looking_through_the_link_changes_nothing_however_often(night: Night) -> None:
    alert = night.worry()
    token = night.sms.wire[0].token

    seen = [doors.look(token, now=night.now) for _ in range(50)]

    assert {door.state for door in seen} == {DoorState.OPEN}
    assert night.alert(alert) == alerts.get(alert.id).alert
    assert night.story(alert) == ["opened", "paged"]


def test_the_link_takes_the_alert_for_whoever_was_paged(night: Night) -> None:
    alert = night.worry()

    door = doors.take(night.sms.wire[0].token, now=night.now)

    assert (door.state, door.holder and door.holder.name) == (DoorState.YOURS, ANA.name)
    assert night.alert(alert).acked_by == ANA.id
    assert alerts.get(alert.id).story[-1].actor_name == ANA.name


def test_the_loser_finds_out_at_the_door_who_has_it(night: Night) -> None:
    alert = night.worry()
    night.forward(timedelta(minutes=5))
    ana, ben = night.sms.to(ANA)[0].token, night.sms.to(BEN)[0].token
    doors.take(ben, now=night.now)

    door = doors.look(ana, now=night.now)

    assert (door.state, door.holder and door.holder.name, door.since) == (DoorState.TAKEN, BEN.name, night.now)
    with pytest.raises(Stale, match=r"Ben Okafor took this alert at 00:36\."):
        doors.take(ana, now=night.now)
    assert night.alert(alert).acked_by == BEN.id


def test_an_old_copy_shows_the_present_and_takes_only_with_the_present_epoch(night: Night) -> None:
    alert = night.worry()
    old = night.sms.wire[0].token
    night.take(alert, BEN)
    night.forward(timedelta(minutes=30))

    door = doors.look(old, now=night.now)

    assert (door.state, door.epoch) == (DoorState.OPEN, 2)
    with pytest.raises(Stale, match="moved on"):
        doors.take(old, now=night.now)
    assert doors.take(old, now=night.now, epoch=door.epoch).state is DoorState.YOURS


def test_a_link_opens_for_a_day(night: Night) -> None:
    night.worry()
    token = night.sms.wire[0].token
    next_day = night.now + timedelta(hours=24)

    assert doors.look(token, now=next_day - timedelta(seconds=1)).state is DoorState.OPEN
    assert doors.look(token, now=next_day).state is DoorState.EXPIRED
    with pytest.raises(Refused, match="more than a day old"):
        doors.take(token, now=next_day)


@pytest.mark.parametrize("token", ["", "x", "1" * 22, "0" * 22, "' OR 1=1 --"])
def test_a_link_that_was_never_sent_opens_nothing(night: Night, token: str) -> None:
    with pytest.raises(NotFound, match="not known"):
        doors.look(token, now=night.now)


def test_the_link_of_somebody_who_left_opens_nothing(night: Night) -> None:
    night.worry()
    with transaction() as tx:
        tx.run(sa.text("UPDATE app_user SET active = false WHERE id = :id"), {"id": ANA.id})

    with pytest.raises(NotFound):
        doors.take(night.sms.wire[0].token, now=night.now)


def test_the_database_keeps_no_token_that_anybody_could_use(night: Night) -> None:
    night.worry()
    token = night.sms.wire[0].token

    with transaction() as tx:
        kept = tx.run(sa.text("SELECT ack_token_sha256 FROM page_attempt")).scalar_one()

    assert len(kept) == 32
    assert token.encode() not in bytes(kept)


def test_the_text_names_no_patient_and_no_symptom_and_fits_one_segment(night: Night) -> None:
    alert = night.worry(Tier.EMERGENCY)

    body = night.sms.wire[0].body
    number = alert.short_no

    assert body.startswith(f"{RIVERSIDE.sms_name}: urgent check-in alert {number}. Reply 1 to take it, or open ")
    assert f"{PUBLIC_URL}/a/" in body
    assert len(body) <= 160
    assert body.isascii()


def test_the_story_keeps_ids_numbers_and_codes_only(night: Night) -> None:
    alert = night.worry(fired=("U3",))
    night.take(alert, ANA)
    alerts.record_contact(alert.id, result=ContactResult.VOICEMAIL, by=ANA.actor, epoch=1, now=night.now)

    told = [(line.kind.value, dict(line.data)) for line in alerts.get(alert.id).story]

    assert told == [
        ("opened", {"tier": "urgent"}),
        ("paged", {"step": 0, "cycle": 0, "pages": 1}),
        ("taken", {}),
        ("contacted", {"result": "voicemail"}),
    ]


def test_the_machine_tells_the_same_thing_once(night: Night) -> None:
    alert = night.worry()
    event = Event(kind=EventKind.NUDGED, epoch=1, from_state=None, to_state=alert.state, idem_key="once")

    with transaction() as tx:
        new = [store.tell(tx, alert.id, event, actor=SYSTEM, at=night.now) for _ in range(2)]

    assert new == [True, False]


def test_the_story_cannot_be_rewritten(night: Night) -> None:
    night.worry()

    for statement in ("UPDATE alert_event SET kind = 'x'", "DELETE FROM alert_event", "DELETE FROM alert"):
        with pytest.raises((DatabaseError, Conflict)), transaction() as tx:
            tx.run(sa.text(statement))


def test_the_database_refuses_a_second_open_alert_of_one_response(night: Night) -> None:
    alert = night.worry()
    double = store.Alert(
        **{name: getattr(alert, name) for name in ("response_id", "site_id", "tier", "policy_version_id")},
        id=uuid4(),
        dedup_key="another",
        created_at=NIGHT,
        next_action_at=NIGHT,
        promised_at=NIGHT,
    )

    with pytest.raises(Conflict) as refusal, transaction() as tx:
        store.insert(tx, double, (), actor=SYSTEM)
    assert refusal.value.constraint == "alert_open_once_per_response"


def test_swap_refuses_what_was_changed_meanwhile(night: Night) -> None:
    alert = night.worry()
    before = night.alert(alert)
    night.take(alert, ANA)

    with pytest.raises(Stale), transaction() as tx:
        store.swap(tx, before, before)


def test_a_routine_response_needs_no_alert(night: Night) -> None:
    response_id = factories.response()

    with transaction() as tx:
        times = {"now": night.now, "answered_at": night.now}
        assert alerts.raise_for(tx, response_id=response_id, site=RIVERSIDE, tier=Tier.ROUTINE, **times) is None

    assert alerts.open_alerts() == ()


def test_without_a_policy_the_reason_is_said(database: Database) -> None:  # noqa: ARG001 (it stands behind every call)
    factories.site()
    response_id = factories.response()

    times = {"now": NIGHT, "answered_at": NIGHT}

    with pytest.raises(NotFound, match="daytwo policy publish"), transaction() as tx:
        alerts.raise_for(tx, response_id=response_id, site=RIVERSIDE, tier=Tier.URGENT, **times)


def test_what_is_open_comes_worst_first_and_by_site(night: Night) -> None:
    soon, urgent, emergency = (night.worry(tier) for tier in (Tier.SOON, Tier.URGENT, Tier.EMERGENCY))

    assert [alert.id for alert in alerts.open_alerts()] == [emergency.id, urgent.id, soon.id]
    assert len(alerts.open_alerts(RIVERSIDE.id)) == 3
    assert alerts.open_alerts(uuid4()) == ()


def test_one_alert_that_cannot_be_advanced_does_not_hold_up_the_others(night: Night) -> None:
    broken = night.raised()
    with transaction() as tx:
        version_id = uuid4()
        empty = {"policy": "empty", "version": 1, "published_at": NIGHT}
        spans = {"ack_ttl": timedelta(minutes=30), "loop_every": timedelta(minutes=5)}
        factories.insert(tx, "policy_version", id=version_id, **empty, **spans)
        moved = {"version": version_id, "id": broken.id}
        tx.run(sa.text("UPDATE alert SET policy_version_id = :version WHERE id = :id"), moved)

    sound = night.worry()

    night.now += timedelta(minutes=3)
    night.settle()

    assert night.story(broken) == ["opened", "paged"]
    assert night.story(sound) == ["opened", "paged", "paged"]
    assert night.alert(sound).state is AlertState.TRIGGERED


def test_an_alert_is_committed_with_its_first_page(night: Night) -> None:
    alert = night.raised()

    with transaction() as tx:
        pages = tx.rows("SELECT state, not_before FROM page WHERE alert_id = %(id)s", {"id": alert.id})

    assert pages == [{"state": "pending", "not_before": NIGHT}]
    assert night.story(alert) == ["opened", "paged"]
    assert night.alert(alert).next_action_at == NIGHT + timedelta(minutes=3)


def test_a_response_cannot_have_a_first_alert_twice(night: Night) -> None:
    alert = night.raised()
    times = {"answered_at": NIGHT, "now": NIGHT}

    with pytest.raises(Conflict), transaction() as tx:
        alerts.open_first(tx, response_id=alert.response_id, site=RIVERSIDE, tier=Tier.URGENT, **times)
