"""The change of the watch: everything that is open stands on the sheet once, and each signs for himself."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from survey.domain.alerts import ContactResult, Outcome, Usefulness
from survey.domain.errors import DomainError, NotFound, Refused
from survey.domain.handovers import Handover, Side
from survey.domain.oncall import Schedule
from survey.domain.protocol import Tier
from survey.services import alerts, handovers
from survey.store.session import transaction
from tests import desk, factories, staff, surveys
from tests.cast import ANA, BEN, LENA, NIGHT, RIVERSIDE, SAM, Person
from tests.conftest import Database
from tests.night import Night

EIGHT = NIGHT + timedelta(hours=7, minutes=29)
"""Ana's night ends, and Ben's day begins."""
MORNING = EIGHT - timedelta(minutes=10)


@pytest.fixture
def night(database: Database) -> Night:
    assert database
    factories.clinic()
    quiet = Night()
    quiet.wire()
    return quiet


def watch(name: str = "nights") -> Schedule:
    """A roster that goes from Ana to Ben at eight."""
    made = factories.schedule(name)
    factories.on_call(made, ANA, starts_at=NIGHT - timedelta(hours=5), ends_at=EIGHT)
    factories.on_call(made, BEN, starts_at=EIGHT, ends_at=EIGHT + timedelta(hours=10))
    return made


def sign(schedule: Schedule, by: Person, *, now: datetime = MORNING, note: str | None = None) -> Handover:
    return handovers.sign(schedule.id, EIGHT, note=note, by=by.actor, now=now)


def rows(query: str) -> list[UUID]:
    with transaction() as tx:
        return list(tx.run(sa.text(query)).scalars())


def end(night: Night, alert_id: UUID, result: ContactResult = ContactResult.REACHED) -> None:
    """Somebody sees it through to its end."""
    for move in (
        lambda epoch: alerts.record_contact(alert_id, result=result, epoch=epoch, by=ANA.actor, now=night.now),
        lambda epoch: alerts.close(
            alert_id,
            outcome=Outcome.OTHER,
            usefulness=Usefulness.WORTH_IT,
            epoch=epoch,
            by=ANA.actor,
            now=night.now,
        ),
    ):
        move(alerts.get(alert_id).alert.epoch)


DEEDS = {
    "take": lambda night, one: night.take(one, ANA),
    "voicemail": lambda night, one: alerts.record_contact(
        one.id, result=ContactResult.VOICEMAIL, epoch=night.alert(one).epoch, by=ANA.actor, now=night.now
    ),
    "reach": lambda night, one: alerts.record_contact(
        one.id, result=ContactResult.REACHED, epoch=night.alert(one).epoch, by=ANA.actor, now=night.now
    ),
    "pass on": lambda night, one: alerts.pass_on(one.id, by=BEN.actor, epoch=night.alert(one).epoch, now=night.now),
    "close": lambda night, one: end(night, one.id),
    "half an hour": lambda night, _: night.forward(timedelta(minutes=31)),
}


@settings(
    max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    tiers=st.lists(st.sampled_from([Tier.EMERGENCY, Tier.URGENT, Tier.SOON]), min_size=1, max_size=3),
    deeds=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(sorted(DEEDS))), max_size=4),
)
def test_whatever_happened_each_open_case_stands_once_and_nothing_that_is_closed(
    night: Night, tiers: list[Tier], deeds: list[tuple[int, str]]
) -> None:
    night.now = NIGHT
    opened = [night.worry(tier) for tier in tiers]
    for number, deed in deeds:
        try:
            DEEDS[deed](night, opened[number % len(opened)])
        except DomainError:
            continue  # it was closed before, or not taken yet

    sheet = sign(watch(f"roster {rows('SELECT count(*) FROM schedule')[0]}"), ANA).sheet

    told = [one.alert_id for one in sheet.cases]
    promised = rows("""SELECT alert_id FROM promise WHERE kept_at IS NULL AND cancelled_at IS NULL""")
    assert sorted(told) == sorted(rows("SELECT id FROM alert WHERE state <> 'resolved'"))
    assert len(told) == len(set(told))
    assert {one.alert_id for one in sheet.cases if one.due_at is not None} == set(promised)
    times = [one.due_at for one in sheet.cases if one.due_at is not None]
    assert times == sorted(times)
    assert all(one.due_at is None for one in sheet.cases[len(times) :]), "the reached come last"
    for alert_id in told:  # the next example begins with an empty night
        end(night, alert_id)


def test_a_case_says_who_has_it_and_what_was_tried(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    for _ in range(2):
        DEEDS["voicemail"](night, alert)
        night.forward(timedelta(minutes=1))

    (case,) = sign(watch(), ANA).sheet.cases

    assert (case.held_by, case.in_vain, case.result) == (ANA.id, 2, ContactResult.VOICEMAIL)
    assert case.due_at == alert.promised_at
    assert not case.is_broken


def test_a_broken_promise_is_on_the_sheet_as_broken(night: Night) -> None:
    night.worry()
    night.forward(timedelta(minutes=40))

    (case,) = sign(watch(), ANA).sheet.cases

    assert case.is_broken


def test_the_sheet_in_the_database_names_nobody(night: Night) -> None:
    """Ids, codes and instants: the names are read when somebody looks."""
    night.worry()
    sign(watch(), ANA)

    (stored,) = rows("SELECT sheet FROM handover")

    words = json.dumps(stored)
    assert not [name for name in ("Maria", "Lindqvist", "202555", "Ana") if name in words]


def test_each_signs_for_himself_and_once(night: Night) -> None:
    assert night
    nights = watch()

    for other in (LENA, SAM):
        with pytest.raises(Refused, match="Only the two"):
            sign(nights, other)
    given = sign(nights, ANA, note="A-1001: the daughter has the key")
    with pytest.raises(Refused, match="signed this sheet already"):
        sign(nights, ANA)
    taken = sign(nights, BEN, now=MORNING + timedelta(minutes=5))
    with pytest.raises(Refused, match="signed this sheet already"):
        sign(nights, BEN)

    kept = handovers.get(given.id, reader_id=LENA.id, now=MORNING).kept
    assert kept is not None
    assert taken.id == given.id
    assert (kept.given_at, kept.taken_at) == (MORNING, MORNING + timedelta(minutes=5))
    assert kept.note == "A-1001: the daughter has the key"
    assert kept.is_complete


def test_of_two_first_signatures_of_one_person_one_counts(night: Night) -> None:
    assert night
    nights = watch()

    def attempt(_: int) -> str:
        try:
            return str(sign(nights, ANA).given_at)
        except DomainError as refused:
            return refused.message

    with ThreadPoolExecutor(max_workers=6) as pool:
        heard = list(pool.map(attempt, range(6)))

    assert heard.count(str(MORNING)) == 1
    assert len(rows("SELECT id FROM handover")) == 1


def test_nobody_signs_hours_before(night: Night) -> None:
    assert night
    with pytest.raises(Refused, match="two hours before"):
        sign(watch(), ANA, now=EIGHT - timedelta(hours=3))
    assert rows("SELECT id FROM handover") == []


def test_a_change_that_the_rota_does_not_know_is_not_signed(night: Night) -> None:
    assert night
    with pytest.raises(NotFound, match="rota has changed"):
        handovers.sign(watch().id, EIGHT + timedelta(minutes=1), note=None, by=ANA.actor, now=MORNING)


def test_a_note_that_is_too_long_is_refused_beside_its_field(night: Night) -> None:
    assert night
    with pytest.raises(Refused, match="at most 1000") as refused:
        sign(watch(), ANA, note="x" * 1001)
    assert refused.value.field == "note"


# ---- what is looked at


@pytest.fixture
def clinic(database: Database) -> Schedule:
    """A clinic whose answers are real, so that the sheet can say why somebody has to be called."""
    assert database
    surveys.open_clinic(NIGHT)
    return watch()


def test_the_sheet_is_read_with_the_names_of_the_moment(clinic: Schedule) -> None:
    staff.alarm(now=NIGHT)

    page = handovers.look(clinic.id, reader_id=ANA.id, now=MORNING)

    assert page is not None
    (line,) = page.lines
    assert line.subject.name == "Maria Lindqvist"
    assert line.reasons
    assert line.reasons[0].startswith("Breathing")
    assert (page.giver, page.taker, page.reader) == (ANA.name, BEN.name, Side.GIVER)
    assert page.may_sign(MORNING)
    assert not page.may_sign(EIGHT - timedelta(hours=3))


def test_what_is_opened_after_the_first_signature_stands_apart(clinic: Schedule) -> None:
    first = staff.alarm(now=NIGHT)
    sign(clinic, ANA)
    staff.alarm(now=NIGHT + timedelta(minutes=1))

    page = handovers.look(clinic.id, reader_id=BEN.id, now=MORNING)

    assert page is not None
    assert [one.case.alert_id for one in page.lines] == [first]
    assert len(page.since) == 1
    assert page.since[0].case.alert_id != first
    assert page.may_sign(MORNING)


def test_what_was_closed_since_is_marked_and_stays(clinic: Schedule) -> None:
    alert_id = staff.alarm(now=NIGHT)
    sign(clinic, ANA)
    end(Night(now=MORNING), alert_id)

    page = handovers.look(clinic.id, reader_id=BEN.id, now=MORNING)

    assert page is not None
    assert [one.is_closed_since for one in page.lines] == [True]


def test_a_text_with_words_of_danger_is_on_the_sheet_until_somebody_has_seen_to_it(clinic: Schedule) -> None:
    surveys.invited(NIGHT)
    texted("red", is_red=True)
    texted("calm", is_red=False)
    texted("done", is_red=True, done=True)

    sheet = sign(clinic, ANA).sheet

    assert list(sheet.replies) == rows("SELECT id FROM inbound WHERE is_red AND done_at IS NULL")
    assert len(sheet.replies) == 1


def texted(ref: str, *, is_red: bool, done: bool = False) -> None:
    """A row as a worker leaves it."""
    who = {"sender": desk.MARIAS_PHONE, "body": "words", "provider": "twilio", "provider_ref": ref}
    seen = {"handled_at": NIGHT, "meaning": "text", "is_red": is_red, "wants_person": True}
    ours = {"site_id": RIVERSIDE.id, "language": "en"}
    ended = {"done_at": NIGHT, "done_by": SAM.id} if done else {}
    with transaction() as tx:
        factories.insert(tx, "inbound", id=factories.uuid4(), received_at=NIGHT, **who, **seen, **ours, **ended)


def test_the_page_opens_with_the_change_that_waits_and_then_with_the_next(clinic: Schedule) -> None:
    factories.on_call(clinic, LENA, starts_at=EIGHT + timedelta(hours=10), ends_at=EIGHT + timedelta(days=1))
    later = EIGHT + timedelta(hours=1)

    def at(now: datetime) -> datetime | None:
        page = handovers.look(clinic.id, reader_id=ANA.id, now=now)
        return page.boundary.at if page else None

    before = (at(NIGHT), at(later))
    sign(clinic, ANA)
    half = at(later)
    sign(clinic, BEN)

    assert before == (EIGHT, EIGHT)
    assert half == EIGHT
    assert at(later) == EIGHT + timedelta(hours=10)


def test_a_roster_that_never_changes_hands_has_no_sheet(clinic: Schedule) -> None:
    assert clinic
    assert handovers.look(factories.schedule("empty").id, reader_id=ANA.id, now=NIGHT) is None


def test_signed_sheets_are_listed_and_a_change_of_the_rota_leaves_them(clinic: Schedule) -> None:
    kept = sign(clinic, ANA)
    with transaction() as tx:
        tx.change("DELETE FROM shift WHERE schedule_id = %(id)s", {"id": clinic.id})

    past = handovers.past(clinic.id, page=1)

    assert [(one.id, giver, taker) for one, giver, taker in past.rows] == [(kept.id, ANA.name, BEN.name)]
    assert handovers.get(kept.id, reader_id=None, now=NIGHT).kept == kept
