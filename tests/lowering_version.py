"""A version that is proved and takes something less seriously, and an event that its author did not think of."""

from datetime import datetime
from uuid import UUID

from survey.domain.alerts import ContactResult, Outcome, Usefulness
from survey.domain.answers import Answers
from survey.domain.downgrades import Downgrade
from survey.domain.versions import Version
from survey.services import alerts, downgrades, protocols, versions
from survey.store.session import transaction
from tests import surveys
from tests.cast import ANA, Person
from tests.domain.pack import PACK
from tests.staff import CALM, answered

EDITS = {
    "\nversion: 1\n": "\nversion: 2\n",
    "when: { item: breath, in: [deep, exert] }\n    why": "when: { item: breath, in: [exert] }\n    why",
    "pages, when: { item: breath, in: [deep, exert] }": "pages, when: { item: breath, in: [exert] }",
}
"""Pain on a deep breath pages nobody any more, and the promise says so too."""
DEEP: Answers = {**CALM, "breath": "deep"}
"""Urgent by rule U1 in the first version, routine in this one."""


def source() -> str:
    """Its whole text."""
    text = PACK.read_text(encoding="utf-8")
    for before, after in EDITS.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def verified(text: str | None = None, *, now: datetime, by: Person = ANA) -> Version:
    """It, or another text, drafted by Ana and proved."""
    draft = versions.draft(text or source(), name="draft.yaml", by=by.actor, now=now)
    assert versions.verify(draft.id, now=now).holds
    return protocols.numbered(draft.slug, draft.version)


def response(answers: Answers = CALM, *, now: datetime, **changes: object) -> UUID:
    """A patient has answered, and the answers are scored."""
    case = surveys.invited(now, **changes)
    answered(case, answers, now=now)
    return UUID(str(surveys.response_of(case)["id"]))


def closed(response_id: UUID, usefulness: Usefulness = Usefulness.EVENT_CONFIRMED, *, now: datetime) -> None:
    """Ana has called, and has closed the alert of that response."""
    (alert,) = [one for one in alerts.open_alerts() if one.response_id == response_id]
    alerts.take(alert.id, epoch=alert.epoch, by=ANA.actor, now=now)
    with_epoch = {"epoch": alert.epoch, "by": ANA.actor, "now": now}
    alerts.record_contact(alert.id, result=ContactResult.REACHED, **with_epoch)
    alerts.close(alert.id, outcome=Outcome.SENT_TO_EMERGENCY, usefulness=usefulness, **with_epoch)


def event(answers: Answers = DEEP, *, now: datetime, **changes: object) -> UUID:
    """A response whose alert was confirmed as an event."""
    response_id = response(answers, now=now, **changes)
    closed(response_id, now=now)
    return response_id


def listed(version: Version) -> tuple[Downgrade, ...]:
    """The downgrades of that version, as they stand now."""
    with transaction() as tx:
        return downgrades.of(tx, version, protocols.get(tx, version.id))


def sign(version: Version, response_id: UUID, *, by: Person, now: datetime, reason: str = "Image clear.") -> None:
    """Somebody signs the downgrade of that response, as it stands now."""
    (found,) = [one for one in listed(version) if one.weighed.response_id == response_id]
    assert found.terms is not None
    downgrades.sign(version.id, response_id, terms=found.terms, reason=reason, by=by.actor, now=now)
