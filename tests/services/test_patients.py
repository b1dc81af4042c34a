"""Enrolling at the desk: who is the same patient, what is recorded, and what the desk is told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest

from survey.domain.errors import NotFound, Refused, Stale
from survey.domain.patients import AlreadyEnrolled, ContactKind, NotEnrollable
from survey.domain.protocol import Flag
from survey.domain.sites import Site
from survey.services import invitations, patients, previews
from tests import desk
from tests.cast import RIVERSIDE, SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, MARIAS_PHONE, MONDAY, SLUG, WEDNESDAY_TEN, enrol, invitation_state, maria

LONDON = Site(
    id=UUID("00000000-0000-4000-8000-000000000009"),
    slug="london",
    name="London Pain Clinic",
    sms_name="London Clinic",
    zone="Europe/London",
    phone="+442079460100",
    emergency_number="999",
    opens=time(8),
    closes=time(18),
    workdays=(1, 2, 3, 4, 5),
)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    desk.open_clinic()
    return database


def count(table: str) -> int:
    return int(desk.rows(f"SELECT count(*) FROM {table}")[0]["count"])


def test_the_desk_is_told_when_and_how_the_patient_is_asked() -> None:
    plan = previews.plan(maria(), site=RIVERSIDE, protocol=SLUG, now=AT_THE_DESK)
    enrolled = enrol(maria())

    assert (plan.due_at, plan.channel, plan.blocked) == (WEDNESDAY_TEN, ContactKind.SMS, None)
    assert enrolled.plan == plan


def test_looking_at_the_plan_changes_nothing() -> None:
    previews.plan(maria(), site=RIVERSIDE, protocol=SLUG, now=AT_THE_DESK)

    assert count("patient") == count("procedure") == count("contact") == 0


def test_everything_that_was_said_is_recorded() -> None:
    enrolled = enrol(maria(lot="L-77", injector="Dr. Reyes", context={"anticoag": Flag.YES, "lung": Flag.UNKNOWN}))

    (procedure,) = desk.rows("SELECT * FROM procedure")
    assert procedure["id"] == enrolled.procedure_id
    assert (procedure["performed_on"], procedure["lot"], procedure["injector"]) == (MONDAY, "L-77", "Dr. Reyes")
    assert (procedure["body_sites"], procedure["agents"]) == (["trapezius_upper"], ["lidocaine"])
    assert procedure["context"] == {"anticoag": "yes", "lung": "unknown"}
    invitation, later = desk.rows("SELECT * FROM invitation ORDER BY due_at")
    assert invitation["id"] == enrolled.invitation_id
    assert (invitation["touch"], invitation["due_at"]) == ("day2", WEDNESDAY_TEN)
    assert (later["touch"], later["due_at"]) == ("day7", WEDNESDAY_TEN + timedelta(days=5))


def test_the_consent_is_recorded_with_who_how_and_which_words() -> None:
    enrol(maria())

    (contact,) = desk.rows("SELECT * FROM contact")
    assert (contact["address"], contact["consented_at"], contact["consent_by"]) == (MARIAS_PHONE, AT_THE_DESK, SAM.id)
    assert (contact["consent_how"], contact["consent_wording"]) == ("spoken", "1")


def test_enrolling_is_on_the_trail_under_the_persons_name() -> None:
    enrolled = enrol(maria())

    (event,) = desk.rows("SELECT * FROM audit_event WHERE action = 'procedure.enrolled'")
    assert (event["actor_id"], event["object_id"], event["detail"]) == (SAM.id, enrolled.procedure_id, {})


def test_the_same_procedure_twice_is_known() -> None:
    first = enrol(maria())

    with pytest.raises(AlreadyEnrolled) as known:
        enrol(maria())

    assert known.value.procedure_id == first.procedure_id
    assert count("procedure") == 1
    assert count("invitation") == count("message") == 2


def test_a_second_procedure_belongs_to_the_same_patient() -> None:
    enrol(maria())
    enrol(maria(performed_on=MONDAY - timedelta(days=1)))

    assert (count("patient"), count("procedure"), count("contact")) == (1, 2, 1)


@pytest.mark.parametrize(
    ("changes", "people"),
    [
        ({"given_name": "MARIA", "mrn": None}, 1),
        ({"given_name": "Marie"}, 1),
        ({"mrn": "R-9999"}, 2),
        ({"given_name": "Marie", "mrn": None}, 2),
        ({"born_on": MONDAY.replace(year=1990), "mrn": None}, 2),
    ],
    ids=["capitals", "record number decides", "another record number", "another name", "another birthday"],
)
def test_who_counts_as_the_same_patient(changes: dict[str, object], people: int) -> None:
    enrol(maria())

    enrol(maria(performed_on=MONDAY - timedelta(days=1), **changes))

    assert count("patient") == people


def test_a_record_number_with_another_birthday_is_questioned() -> None:
    enrol(maria())

    with pytest.raises(NotEnrollable, match="another date of birth") as refused:
        enrol(maria(born_on=MONDAY.replace(year=1990)))

    assert refused.value.field == "mrn"


def test_a_record_number_that_is_learned_later_is_kept() -> None:
    enrol(maria(mrn=None))

    enrol(maria(performed_on=MONDAY - timedelta(days=1)))

    assert [row["mrn"] for row in desk.rows("SELECT mrn FROM patient")] == [maria().mrn]


def test_two_people_enrolling_the_same_patient_at_once_make_one() -> None:
    def one(_: int) -> str:
        try:
            enrol(maria(mrn=None))
        except (AlreadyEnrolled, Stale):
            return "known"
        return "added"

    with ThreadPoolExecutor(6) as people:
        results = list(people.map(one, range(6)))

    assert sorted(results) == ["added", *["known"] * 5]
    assert count("patient") == count("procedure") == 1


def test_two_patients_on_one_phone_are_both_asked_and_the_desk_is_told() -> None:
    enrol(maria())

    second = enrol(maria(given_name="Nils", mrn=None))

    assert second.plan.notes == ("Another patient has the same number. Each gets a link of their own.",)
    assert count("message") == 4


@pytest.mark.parametrize(
    ("changes", "blocked", "trouble"),
    [
        ({"mobile": None}, "no mobile number and no email address is recorded", "no_contact"),
        ({"consent": False}, "the patient has not agreed to texts or emails", "no_consent"),
        ({"mobile": "800-555-0123"}, "the number cannot receive texts", "landline"),
        ({"mobile": "+44 7400 123456"}, "the number belongs to another country", "foreign"),
    ],
)
def test_who_cannot_be_texted_is_enrolled_for_a_call(changes: dict[str, object], blocked: str, trouble: str) -> None:
    plan = previews.plan(maria(**changes), site=RIVERSIDE, protocol=SLUG, now=AT_THE_DESK)
    enrolled = enrol(maria(**changes))

    assert (plan.channel, plan.blocked) == (None, blocked)
    assert enrolled.plan == plan
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", trouble)
    assert count("message") == 0


def test_a_landline_is_told_where_the_country_tells_it_and_the_mailbox_is_used() -> None:
    with desk.transaction() as tx:
        desk.sites.insert(tx, LONDON)

    enrolled = enrol(maria(mobile="020 7946 0123", email="Maria@Example.org"), site=LONDON)

    assert enrolled.plan.channel is ContactKind.EMAIL
    addresses = desk.rows("SELECT kind, address, blocked_reason FROM contact ORDER BY kind")
    assert [tuple(row.values()) for row in addresses] == [
        ("email", "maria@example.org", None),
        ("sms", "+442079460123", "landline"),
    ]


def test_a_number_that_was_stopped_stays_stopped_when_the_patient_comes_back() -> None:
    enrol(maria())
    desk.change("UPDATE contact SET blocked_at = now(), blocked_reason = 'stopped'")

    again = enrol(maria(performed_on=MONDAY - timedelta(days=1)))

    assert again.plan.blocked == "the patient asked for no more texts"


def test_all_faults_come_back_at_once_by_field() -> None:
    with pytest.raises(NotEnrollable) as refused:
        enrol(maria(given_name=" ", mobile="123", performed_on=MONDAY + timedelta(days=1)))

    assert [problem.column for problem in refused.value.problems] == ["given_name", "performed_on", "mobile"]
    assert count("patient") == 0


def test_today_is_the_sites_day_and_not_greenwichs() -> None:
    late_monday = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)

    enrol(maria(), now=late_monday)

    with pytest.raises(NotEnrollable, match="future"):
        enrol(maria(mrn=None, given_name="Nils", performed_on=MONDAY + timedelta(days=1)), now=late_monday)


def test_an_unknown_protocol_or_site_is_refused_in_words() -> None:
    with pytest.raises(NotFound, match="No protocol “knee” is published"):
        patients.enrol(maria(), site_id=RIVERSIDE.id, protocol="knee", by=SAM.actor, now=AT_THE_DESK)
    with pytest.raises(NotFound, match="no such site"):
        patients.enrol(maria(), site_id=uuid4(), protocol=SLUG, by=SAM.actor, now=AT_THE_DESK)


def test_cancelling_closes_the_survey_once() -> None:
    enrolled = enrol(maria())

    patients.cancel(enrolled.procedure_id, by=SAM.actor, now=AT_THE_DESK)
    patients.cancel(enrolled.procedure_id, by=SAM.actor, now=AT_THE_DESK)

    assert invitation_state(enrolled.invitation_id)[0] == "stopped"
    assert [state for _, state, _ in desk.message_states(enrolled.invitation_id)] == ["cancelled"]
    events = desk.rows("SELECT action FROM audit_event WHERE action LIKE 'procedure.c%'")
    assert [row["action"] for row in events] == ["procedure.cancelled"]


def test_closing_a_survey_names_who_and_why() -> None:
    enrolled = enrol(maria())

    patients.stop(enrolled.invitation_id, reason="Admitted to hospital", by=SAM.actor, now=AT_THE_DESK)

    (row,) = desk.rows("SELECT stop_reason, stopped_by, stopped_at FROM invitation WHERE touch = 'day2'")
    assert tuple(row.values()) == ("Admitted to hospital", SAM.id, AT_THE_DESK)
    with pytest.raises(Refused, match="stopped already"):
        patients.stop(enrolled.invitation_id, reason="Again", by=SAM.actor, now=AT_THE_DESK)


def test_surveys_end_on_day_30_and_answered_ones_stay_answered() -> None:
    ended = enrol(maria())
    answered = enrol(maria(given_name="Nils", mrn=None))
    desk.change(
        "UPDATE invitation SET state = 'completed', completed_at = now() WHERE procedure_id = :id",
        id=answered.procedure_id,
    )
    end = datetime(2026, 4, 9, 4, 0, tzinfo=UTC)

    early = invitations.expire_due(now=end - timedelta(seconds=1))
    handled = [invitations.expire_due(now=end), invitations.expire_due(now=end)]

    assert (early, handled) == (0, [2, 0])
    assert invitation_state(ended.invitation_id)[0] == "expired"
    assert invitation_state(answered.invitation_id)[0] == "completed"
