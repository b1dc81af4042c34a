"""At the desk: where the patient lives, which number gets no texts, and who may answer for the patient."""

from datetime import timedelta

import pytest

from survey.domain.errors import NotFound
from survey.domain.patients import ContactKind
from survey.domain.suppressions import Scope, Source
from survey.services import enrolments, previews, suppressions
from survey.store.session import transaction
from tests import desk
from tests.cast import RIVERSIDE
from tests.conftest import Database
from tests.desk import AT_THE_DESK, MARIAS_PHONE, SLUG, WEDNESDAY_TEN, enrol, maria


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    desk.open_clinic()
    return database


def cautions(**changes: object) -> list[str]:
    found = enrolments.cautions(maria(**changes), site_id=RIVERSIDE.id, protocol=SLUG, now=AT_THE_DESK)
    return [one.reason for one in found]


def opted_out() -> None:
    with transaction() as tx:
        suppressions.suppress(
            tx, ContactKind.SMS, MARIAS_PHONE, scope=Scope.PROGRAM, source=Source.REPLY, now=AT_THE_DESK
        )


@pytest.mark.parametrize(
    ("place", "zone", "hours_later"),
    [("79901", "America/Denver", 2), ("CA", "America/Los_Angeles", 3), ("NY", "America/New_York", 0)],
)
def test_the_patient_is_asked_at_ten_where_the_patient_lives(place: str, zone: str, hours_later: int) -> None:
    enrolled = enrol(maria(place=place))

    assert enrolled.plan.due_at == WEDNESDAY_TEN + timedelta(hours=hours_later)
    assert [row["zone"] for row in desk.rows("SELECT zone FROM patient")] == [zone]
    assert enrolled.plan.notes == ()


def test_a_zone_that_was_named_counts_more_than_a_place() -> None:
    enrol(maria(place="79901", zone="America/Chicago"))

    assert [row["zone"] for row in desk.rows("SELECT zone FROM patient")] == ["America/Chicago"]


def test_a_place_that_tells_no_zone_leaves_the_clinics_and_says_so() -> None:
    enrolled = enrol(maria(place="Texas"))

    assert enrolled.plan.due_at == WEDNESDAY_TEN
    assert enrolled.plan.notes == ("“Texas” does not tell one time zone, so the clinic’s counts. A ZIP code tells it.",)
    assert [row["zone"] for row in desk.rows("SELECT zone FROM patient")] == [None]


def test_a_number_that_opted_out_is_enrolled_for_the_call_list_as_the_preview_said() -> None:
    opted_out()

    plan = previews.plan(maria(), site=RIVERSIDE, protocol=SLUG, now=AT_THE_DESK)
    enrolled = enrol(maria())

    assert enrolled.plan == plan
    assert plan.blocked == "the patient asked for no more texts"
    assert [row["blocked_reason"] for row in desk.rows("SELECT blocked_reason FROM contact")] == ["stopped"]


def test_a_patient_who_texts_start_afterwards_is_texted_again() -> None:
    opted_out()
    enrol(maria())

    with transaction() as tx:
        suppressions.lift(tx, ContactKind.SMS, MARIAS_PHONE, AT_THE_DESK)

    assert [row["blocked_reason"] for row in desk.rows("SELECT blocked_reason FROM contact")] == [None]


def test_the_desk_hears_of_a_number_that_gets_no_texts_before_it_enrols() -> None:
    assert cautions() == []
    assert cautions(mobile=None) == []
    assert "cannot receive texts" in cautions(mobile="(202) 555-0121 ext. 7")[0]
    assert "another country" in cautions(mobile="+44 20 7946 0958")[0]
    opted_out()
    assert "opted out" in cautions()[0]


def test_looking_for_cautions_leaves_faults_to_enrolling() -> None:
    assert cautions(mobile="12") == []
    with pytest.raises(NotFound):
        enrolments.cautions(maria(), site_id=RIVERSIDE.id, protocol="gossip", now=AT_THE_DESK)


def test_that_a_helper_may_answer_is_kept_until_the_next_visit() -> None:
    enrol(maria(helper_may_answer=True))
    enrol(maria(performed_on=desk.MONDAY - timedelta(days=1)))

    assert [row["helper_may_answer"] for row in desk.rows("SELECT helper_may_answer FROM patient")] == [True]
