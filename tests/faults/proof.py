"""What has to be true after any fault, asked of the database in plain SQL and of the carrier's journal."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from survey import clock
from survey.domain.protocol import Tier
from survey.local import clinic
from survey.local.carrier_journal import Entry
from survey.services import conservation
from survey.store import health
from survey.store.session import transaction
from tests.faults.crowd import Patient
from tests.faults.stack import Stack

PAGERS = frozenset(member.pager for member in clinic.TEAM if member.pager)
CERTAINLY_NOT_SENT = ("400", "401", "403", "404", "429", "503")
"""The carrier refused in so many words; every other request may have reached the phone."""
MOST_COPIES = 3

RESPONSES = """
SELECT c.address AS mobile, r.id, r.revision, r.scored_revision, r.tier, r.submitted_at, r.answered_at, r.scored_at,
  (SELECT count(*) FROM answer WHERE response_id = r.id) AS rows,
  (SELECT jsonb_object_agg(item, value) FROM (
    SELECT DISTINCT ON (item) item, value FROM answer WHERE response_id = r.id ORDER BY item, revision DESC) AS newest
  ) AS answers,
  (SELECT count(*) FROM alert WHERE response_id = r.id AND state IN ('triggered', 'acknowledged')) AS open_alerts
FROM response r JOIN invitation i ON i.id = r.invitation_id JOIN procedure p ON p.id = i.procedure_id
JOIN contact c ON c.patient_id = p.patient_id"""
PAGES = """
SELECT t.id AS reference, t.page_id, a.response_id,
  ARRAY(SELECT b.response_id FROM page o JOIN alert b ON b.id = o.alert_id WHERE o.bundled_in = p.id) AS within
FROM page_attempt t JOIN page p ON p.id = t.page_id JOIN alert a ON a.id = p.alert_id"""
MESSAGES = "SELECT id AS reference, message_id FROM message_attempt"


@dataclass(slots=True)
class Findings:
    """What is not as it has to be, by kind; and how often each page and message may have reached a phone."""

    lost: list[str] = field(default_factory=list)
    unscored: list[str] = field(default_factory=list)
    unalerted: list[str] = field(default_factory=list)
    unpaged: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    copies: Counter[UUID] = field(default_factory=Counter)
    scored_after: list[timedelta] = field(default_factory=list)
    paged_after: list[timedelta] = field(default_factory=list)
    responses: int = 0
    red: int = 0

    @property
    def all(self) -> list[str]:
        """Every sentence."""
        return [*self.lost, *self.unscored, *self.unalerted, *self.unpaged, *self.repeated, *self.broken]


def examine(stack: Stack, patients: Sequence[Patient], *, wire: Sequence[Entry] | None = None) -> Findings:
    """Look at everything that stands in the database, and at what these patients were told was taken.

    `wire` is the carrier's journal, unless another one is to be believed.
    """
    found, wire = Findings(), stack.wire() if wire is None else wire
    rows = stack.rows(RESPONSES)
    first_paged = _count_pages(stack, wire, found)
    for row in rows:
        _examine_response(row, first_paged, found)
    _examine_patients(patients, {row.mobile: row for row in rows}, first_paged, found)
    _count_messages(stack, wire, found)
    with transaction() as tx:
        # Nothing is given the usual minute to mend itself: all of it has to be well now.
        breaches = health.breaches(tx, now=clock.now() + health.LATE)
        breaches["nobody is lost"] = conservation.astray(tx, now=clock.now())
    found.broken += [f"not so: {name} ({count})" for name, count in breaches.items() if count]
    return found


def _examine_response(row: Any, first_paged: dict[UUID, datetime], found: Findings) -> None:
    found.responses += 1
    sendings = 1 if row.submitted_at else 0
    if row.revision != row.rows + sendings:
        found.lost.append(f"response {row.id} is half there: revision {row.revision}, {row.rows} answers")
    if row.revision != row.scored_revision:
        found.unscored.append(f"response {row.id}: revision {row.revision}, scored {row.scored_revision}")
    elif row.scored_at:
        found.scored_after.append(row.scored_at - row.answered_at)
    if row.tier in ("urgent", "emergency"):
        found.red += 1
        if row.open_alerts != 1:
            found.unalerted.append(f"{row.tier} response {row.id} has {row.open_alerts} open alerts")
        if row.id not in first_paged:
            found.unpaged.append(f"{row.tier} response {row.id} was never on the wire")


def _examine_patients(
    patients: Sequence[Patient], rows: dict[str, Any], first_paged: dict[UUID, datetime], found: Findings
) -> None:
    for patient in patients:
        if not patient.taken:
            continue
        row = rows.get(patient.mobile)
        if row is None:
            found.lost.append("answers were taken, and there is no response")
            continue
        stored = row.answers or {}
        missing = [item for item, answer in patient.answers.items() if stored.get(item) != answer]
        if missing:
            found.lost.append(f"response {row.id} lost what was taken: {missing}")
        if patient.sent and row.submitted_at is None:
            found.lost.append(f"response {row.id} was sent and does not know it")
        worry = patient.worry
        if worry is not None and (row.tier is None or Tier(row.tier).rank < worry.rank):
            found.unscored.append(f"response {row.id} is {row.tier}, its answers are {worry}")
        if worry is not None and worry.pages:
            _note_page(row, patient, first_paged, found)


def _note_page(row: Any, patient: Patient, first_paged: dict[UUID, datetime], found: Findings) -> None:
    if row.id not in first_paged:
        found.unpaged.append(f"response {row.id} told of something {patient.worry} and nobody was paged")
    elif patient.alarmed_at is not None:
        found.paged_after.append(first_paged[row.id] - patient.alarmed_at)


def _count_pages(stack: Stack, wire: Sequence[Entry], found: Findings) -> dict[UUID, datetime]:
    """Count the copies of each page; when each response first reached a clinician's phone."""
    attempts = {str(row.reference): row for row in stack.rows(PAGES)}
    first: dict[UUID, datetime] = {}
    for entry in wire:
        attempt = attempts.get(entry.reference)
        if attempt is None:
            if "/a/" in entry.body:
                found.broken.append("a page was on the wire that no row knows of")
            continue
        if entry.mode not in CERTAINLY_NOT_SENT:
            found.copies[attempt.page_id] += 1
        if entry.arrived and entry.to in PAGERS:
            for response_id in (attempt.response_id, *attempt.within):  # in a storm one text is about many
                first.setdefault(response_id, datetime.fromisoformat(entry.at))
    found.repeated += [f"page {page}: {n} copies" for page, n in found.copies.items() if n > MOST_COPIES]
    return first


def _count_messages(stack: Stack, wire: Sequence[Entry], found: Findings) -> None:
    """A patient's text is never blindly sent again: once, whatever happened."""
    attempts = {str(row.reference): row.message_id for row in stack.rows(MESSAGES)}
    copies: dict[UUID, int] = defaultdict(int)
    for entry in wire:
        if entry.reference in attempts and entry.mode not in CERTAINLY_NOT_SENT:
            copies[attempts[entry.reference]] += 1
    found.repeated += [f"message {message}: {n} copies" for message, n in copies.items() if n > 1]
