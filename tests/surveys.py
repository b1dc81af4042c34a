"""Somebody two days after a procedure, with a live link, and the steps of answering without a browser."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from survey.domain.protocol import Flag
from survey.domain.responses import NONE_OF_THESE, AnsweredBy
from survey.services import links, responses
from survey.services.responses import Answered
from survey.store.session import transaction
from tests import desk, factories
from tests.cast import RIVERSIDE

NOTHING_SPECIAL = dict.fromkeys(
    ("site_chest", "site_spine", "anticoag", "diabetes", "steroid", "immuno", "lung"), Flag.NO
)
NONE = {NONE_OF_THESE: ["1"]}
GOOD_DAY = {
    "red": NONE,
    "breath": {"answer": ["no"]},
    "sore": {"answer": ["3"]},
    "trend": {"answer": ["better"]},
    "weak": {"answer": ["no"]},
    "skin": NONE,
    "fever": {"answer": ["no"]},
    "bleed": {"answer": ["no"]},
    "allergy": {"answer": ["no"]},
    "faint": {"answer": ["no"]},
    "help": {"answer": ["none"]},
    "note": {"answer": [""]},
}
"""What a phone sends on a day when nothing is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One survey, and the token of its link."""

    invitation_id: UUID
    token: str


def open_clinic(now: datetime) -> None:
    """The site, its people, the shipped protocol, somebody on call."""
    desk.open_clinic()
    for name, who in (("primary", factories.ANA), ("backup", factories.BEN)):
        starts_at, ends_at = now - timedelta(days=1), now + timedelta(days=30)
        factories.on_call(factories.schedule(name), who, starts_at=starts_at, ends_at=ends_at)
    factories.publish_policy(now=now)


def invited(now: datetime, **changes: object) -> Case:
    """Maria, unless changed, whose procedure was two days ago."""
    day = RIVERSIDE.local(now).date() - timedelta(days=2)
    usual = {"performed_on": day, "body_sites": ("leg",), "context": NOTHING_SPECIAL, "mrn": uuid4().hex[:8]}
    enrolled = desk.enrol(desk.maria(**usual | changes), now=now)
    return Case(invitation_id=enrolled.invitation_id, token=link(enrolled.invitation_id, now))


def link(
    invitation_id: UUID, now: datetime, *, lives: timedelta = timedelta(days=28), message_id: UUID | None = None
) -> str:
    """A link to that survey."""
    with transaction() as tx:
        return links.make(tx, invitation_id, message_id, now, now + lives)


def started(case: Case, now: datetime, *, answered_by: AnsweredBy = AnsweredBy.SELF) -> str:
    """A phone on which Start was pressed and somebody said who is answering; its session."""
    session = responses.start(case.token, language="en", now=now)
    responses.begin(session, answered_by=answered_by, now=now)
    return session


def answer(session: str, item: str, now: datetime, **form: list[str]) -> Answered:
    """One tap."""
    return responses.answer(session, item, form, now=now)


def answer_all(session: str, now: datetime, **changed: dict[str, list[str]]) -> None:
    """Every question that is asked, as on a good day save what is changed."""
    item = responses.visit(session, now=now).first_open()
    while item is not None:
        form = changed.get(item.key) or GOOD_DAY[item.key]
        item = responses.answer(session, item.key, form, now=now).visit.first_open()


def score(now: datetime) -> None:
    """A worker drains the scoring queue."""
    while responses.score_due(now=now):
        pass


def procedure_of(case: Case) -> UUID:
    """The procedure that the survey asks about."""
    (row,) = desk.rows("SELECT procedure_id FROM invitation WHERE id = :id", id=case.invitation_id)
    found: UUID = row["procedure_id"]
    return found


def response_of(case: Case) -> dict[str, object]:
    """The response's row."""
    (row,) = desk.rows("SELECT * FROM response WHERE invitation_id = :id", id=case.invitation_id)
    return dict(row)


def alerts_of(case: Case) -> list[dict[str, object]]:
    """The alerts of a survey, oldest first."""
    found = desk.rows(
        """SELECT a.* FROM alert a JOIN response r ON r.id = a.response_id WHERE r.invitation_id = :id
        ORDER BY a.created_at, a.short_no""",
        id=case.invitation_id,
    )
    return [dict(row) for row in found]
