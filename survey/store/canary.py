"""The canary's rows: who it is made of, its walks, and the condition by which every list and figure leaves it out."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.dialects import postgresql as pg

from survey.domain.accounts import Role
from survey.domain.canary import CLINICIAN_ID, MAILBOX, METHOD_ID, NUMBER, PATIENT, SITE, SITE_ID, Walks
from survey.domain.oncall import MethodKind
from survey.store.accounts import app_user
from survey.store.oncall import contact_method
from survey.store.patients import patient
from survey.store.session import Tx
from survey.store.sites import site
from survey.store.sites import values as site_values

# By the walks that have not come through, which are few however many alerts there ever were.
_UNDER_WAY = """
FROM canary_walk w JOIN response r ON r.invitation_id = w.invitation_id JOIN alert a ON a.response_id = r.id
WHERE w.ended_at IS NULL AND a.state <> 'resolved'
"""
_WALKS = f"""
SELECT (SELECT min(began_at) FROM canary_walk) AS first_at, (SELECT max(began_at) FROM canary_walk) AS began_at,
  (SELECT max(ended_at) FROM canary_walk) AS ended_at, EXISTS (SELECT {_UNDER_WAY}) AS is_open
"""  # noqa: S608
_BEGIN = "INSERT INTO canary_walk (id, invitation_id, began_at) VALUES (%(id)s, %(invitation_id)s, %(now)s)"
_CAME_BACK = f"""
SELECT a.id {_UNDER_WAY} AND EXISTS (SELECT FROM page p WHERE p.alert_id = a.id AND p.state = 'delivered')
ORDER BY a.created_at
"""  # noqa: S608
_END = """
UPDATE canary_walk w SET ended_at = %(now)s WHERE w.ended_at IS NULL
  AND EXISTS (SELECT FROM response r JOIN alert a ON a.response_id = r.id
    WHERE r.invitation_id = w.invitation_id AND a.state = 'resolved')
"""


def is_settled(tx: Tx) -> bool:
    """Whether `settle` was done."""
    return tx.fetch("SELECT id FROM site WHERE id = %(site_id)s", {"site_id": SITE_ID}) is not None


def settle(tx: Tx, *, password_hash: str, now: datetime) -> None:
    """Add its site, its clinician with a phone, and its patient; those that are there already stay as they are."""
    clinician = {
        "id": CLINICIAN_ID,
        "email": MAILBOX,
        "name": "Daytwo's canary",
        "role": Role.CLINICIAN.value,
        "password_hash": password_hash,
        "active": True,
        "created_at": now,
    }
    phone = {
        "id": METHOD_ID,
        "user_id": CLINICIAN_ID,
        "kind": MethodKind.SMS.value,
        "address": NUMBER,
        "verified_at": now,
    }
    person = {column.name: getattr(PATIENT, column.name, None) for column in patient.c} | {"created_at": now}
    for table, row in ((site, site_values(SITE)), (app_user, clinician), (contact_method, phone), (patient, person)):
        tx.run(pg.insert(table).values(**row).on_conflict_do_nothing())


def walks(tx: Tx) -> Walks:
    """How they stand."""
    (row,) = tx.rows(_WALKS, {})
    return Walks(**row)


def begin(tx: Tx, invitation_id: UUID, *, now: datetime) -> None:
    """A walk begins with that invitation."""
    tx.change(_BEGIN, {"id": uuid4(), "invitation_id": invitation_id, "now": now})


def came_back(tx: Tx) -> tuple[UUID, ...]:
    """Its open alerts of which a page has arrived, by its receipt; the first first."""
    return tuple(row["id"] for row in tx.rows(_CAME_BACK, {}))


def end(tx: Tx, *, now: datetime) -> None:
    """The walks whose alert was closed have come through."""
    tx.change(_END, {"now": now})


NOT_ITS_RESPONSE = "NOT EXISTS (SELECT FROM canary_walk k WHERE k.invitation_id = r.invitation_id)"
"""The condition that a response `r` is a patient's."""


def left_out(column: str) -> str:
    """The condition that a row is not the canary's, by the column of its site."""
    return f"{column} <> '{SITE_ID}'"


def at_site(column: str, asked: str = "%(site_id)s") -> str:
    """The condition that a row is of the site that is asked for, or of any but the canary's when none is."""
    return f"(CASE WHEN CAST({asked} AS uuid) IS NULL THEN {left_out(column)} ELSE {column} = {asked} END)"
