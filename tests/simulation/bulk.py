"""Enrolment by the hundred, and what the judge reads of the outbox: whose request was whose."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from survey.domain import invitations as rules
from survey.domain.patients import CONSENT_WORDING, Procedure
from survey.services import invitations, protocols
from survey.store import bulk, conservation, contacts, procedures
from survey.store import patients as patient_store
from survey.store.session import transaction
from tests import desk
from tests.cast import RIVERSIDE, SAM
from tests.simulation.carriers import Request
from tests.simulation.judge import Letter
from tests.simulation.people import Person
from tests.surveys import NOTHING_SPECIAL

_WHOSE = """
SELECT a.id, a.outcome, m.id AS message, m.kind, m.invitation_id, m.inbound_id
FROM message_attempt a JOIN message m ON m.id = a.message_id WHERE a.id = ANY(%(references)s)
"""
_HANDLED = """
SELECT provider_ref, sender, meaning FROM inbound WHERE handled_at IS NOT NULL AND provider_ref = ANY(%(references)s)
ORDER BY received_at, id
"""


def enrol(cohort: Sequence[Person], *, now: datetime) -> list[tuple[Person, dict[UUID, datetime]]]:
    """Patients, procedures and contacts in bulk; their surveys, with times, by the product's own plan."""
    with transaction() as tx:
        version_id, pack = protocols.live(tx, desk.SLUG)
        bulk.insert(tx, patient_store.patient, [_patient(one, now) for one in cohort])
        made = [_procedure(one) for one in cohort]
        for procedure in made:
            procedures.insert(tx, procedure, import_id=None, by=SAM.id, now=now)
        bulk.insert(tx, contacts.contact, [row for one in cohort for row in _contacts(one, now)])
        found = contacts.of_patients(tx, [one.id for one in cohort])
        enrolled = []
        for one, procedure in zip(cohort, made, strict=True):
            tz = ZoneInfo(one.zone or RIVERSIDE.zone)
            own = found.get(one.id, ())
            planned = rules.plan(pack.touches, procedure.performed_on, contacts=own, tz=tz, now=now)
            new = invitations.schedule(tx, procedure, planned, version_id=version_id, tz=tz, now=now)
            enrolled.append((one, {survey.id: survey.due_at for survey in new}))
    return enrolled


def _patient(one: Person, now: datetime) -> dict[str, object]:
    named = {"given_name": f"Given{one.index}", "family_name": f"Family{one.index}", "born_on": "1970-02-03"}
    return named | {
        "id": one.id,
        "language": one.language,
        "zone": one.zone,
        "mrn": None,
        "helper_may_answer": False,
        "created_at": now,
        "created_by": SAM.id,
    }


def _procedure(one: Person) -> Procedure:
    return Procedure(
        id=one.procedure,
        patient_id=one.id,
        site_id=RIVERSIDE.id,
        protocol=desk.SLUG,
        performed_on=one.performed_on,
        body_sites=("leg",),
        agents=("lidocaine",),
        lot=None,
        injector=None,
        context=NOTHING_SPECIAL,
        source_key=str(one.procedure),
        cancelled_at=None,
    )


def _contacts(one: Person, now: datetime) -> Iterator[dict[str, object]]:
    agreed = {
        "consented_at": now if one.agreed else None,
        "consent_by": SAM.id if one.agreed else None,
        "consent_how": "spoken" if one.agreed else None,
        "consent_wording": CONSENT_WORDING if one.agreed else None,
    }
    blocked = {"blocked_at": now if one.block else None, "blocked_reason": one.block}
    yield {"id": uuid4(), "patient_id": one.id, "kind": "sms", "address": one.number} | agreed | blocked
    if one.mail:
        free = {"blocked_at": None, "blocked_reason": None}
        yield {"id": uuid4(), "patient_id": one.id, "kind": "email", "address": one.mail} | agreed | free


def letters(requests: Sequence[Request]) -> Iterator[tuple[Request, Letter, bool]]:
    """Each request with what it was: the outbox tells the kind and the survey, the journal all else.

    And whether it was refused and the worker lived to note that.
    """
    if not requests:
        return
    with transaction() as tx:
        whose = {row["id"]: row for row in tx.rows(_WHOSE, {"references": [one.reference for one in requests]})}
    for one in sorted(requests, key=lambda one: one.at):
        row = whose.get(one.reference)
        if row is None:  # a page to a clinician
            continue
        yield (
            one,
            Letter(
                at=one.at,
                to=one.to,
                kind=row["kind"],
                message=row["message"],
                arrived=one.arrived,
                survey=row["invitation_id"],
                answers=row["inbound_id"],
            ),
            row["outcome"] == "refused",
        )


def handled(references: list[str]) -> list[dict[str, str]]:
    """Which of these texts were read, and what they were taken for."""
    with transaction() as tx:
        return tx.rows(_HANDLED, {"references": references})


def outbox(survey: UUID) -> list[dict[str, object]]:
    """The messages of one survey, for whoever reads why the judge is not content."""
    query = "SELECT kind, touch_no, state, reason, due_at FROM message WHERE invitation_id = %(survey)s ORDER BY due_at"
    with transaction() as tx:
        return tx.rows(query, {"survey": survey})


def states() -> dict[UUID, str]:
    """Each survey's state."""
    with transaction() as tx:
        return dict(tx.bulk("SELECT id, state FROM invitation", {}))


def with_clinician() -> set[UUID]:
    """Surveys about which an alert is open, and pages until somebody has called."""
    query = (
        """SELECT r.invitation_id FROM alert a JOIN response r ON r.id = a.response_id WHERE a.state <> 'resolved'"""
    )
    with transaction() as tx:
        return {survey for (survey,) in tx.bulk(query, {})}


# The view of desk, doctor and sentinel, for the rows that were written since. Time alone makes no row stray: it only
# brings calls nearer.
_STRAYS = """
SELECT invitation_id FROM check_in WHERE class IS NULL AND asked AND invitation_id = ANY(ARRAY(
  SELECT id FROM invitation WHERE xmin::text::bigint >= %(since)s
  UNION SELECT invitation_id FROM message WHERE xmin::text::bigint >= %(since)s
  UNION SELECT invitation_id FROM response WHERE xmin::text::bigint >= %(since)s
  UNION SELECT r.invitation_id FROM alert a JOIN response r ON r.id = a.response_id
    WHERE a.xmin::text::bigint >= %(since)s
  UNION SELECT i.id FROM procedure p JOIN invitation i ON i.procedure_id = p.id
    WHERE p.xmin::text::bigint >= %(since)s))
"""
_NEXT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS it"


def strays(since: int, now: datetime) -> tuple[list[UUID], int]:
    """Who is counted nowhere, of all that was touched since that transaction; and the next transaction."""
    with transaction() as tx:
        conservation.as_of(tx, now)
        (following,) = tx.rows(_NEXT, {})
        return [survey for (survey,) in tx.bulk(_STRAYS, {"since": since})], following["it"]


_DUE = """
SELECT EXISTS (SELECT FROM message WHERE state = 'pending' AND due_at <= %(now)s)
  OR EXISTS (SELECT FROM message WHERE state IN ('leased', 'unknown'))
  OR EXISTS (SELECT FROM inbound WHERE handled_at IS NULL) AS it
"""


def something_is_due(now: datetime) -> bool:
    """Whether any worker has something to do that nobody's doing has just brought about."""
    with transaction() as tx:
        row = tx.fetch(_DUE, {"now": now})
    return bool(row and row["it"])
