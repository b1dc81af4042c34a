"""Patients' links and the sessions that Start makes of them; of either only the hash is kept."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain.links import Link
from survey.store.base import identifier, instant, metadata, names
from survey.store.session import Tx
from survey.store.sites import as_site, site

invitation_link = sa.Table(
    "invitation_link",
    metadata,
    sa.Column("token_sha256", pg.BYTEA, primary_key=True),
    identifier("invitation_id", nullable=False),
    identifier("message_id"),
    instant("made_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("revoked_at"),
)

patient_session = sa.Table(
    "patient_session",
    metadata,
    sa.Column("token_sha256", pg.BYTEA, primary_key=True),
    sa.Column("link_sha256", pg.BYTEA, nullable=False),
    identifier("invitation_id", nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("answered_by", sa.Text),
    instant("made_at", nullable=False),
    instant("ends_at", nullable=False),
    instant("ended_at"),
    instant("sent_at"),
)

_FIND = sa.text(
    f"""SELECT l.token_sha256, l.invitation_id, l.expires_at, l.revoked_at, r.submitted_at, p.language,
      {names(site, "s")}
    FROM invitation_link l
    JOIN invitation i ON i.id = l.invitation_id
    JOIN procedure pr ON pr.id = i.procedure_id
    JOIN patient p ON p.id = pr.patient_id
    JOIN site s ON s.id = i.site_id
    LEFT JOIN response r ON r.invitation_id = i.id
    WHERE l.token_sha256 = :token_sha256"""  # noqa: S608 (no value in it)
).columns(
    invitation_link.c.token_sha256,
    invitation_link.c.invitation_id,
    invitation_link.c.expires_at,
    invitation_link.c.revoked_at,
    instant("submitted_at"),
    sa.Column("language", sa.Text),
    *site.c,
)


def insert(
    tx: Tx, *, token_sha256: bytes, invitation_id: UUID, message_id: UUID | None, now: datetime, expires_at: datetime
) -> None:
    """Remember a link that is about to be sent."""
    tx.run(
        sa.insert(invitation_link).values(
            token_sha256=token_sha256,
            invitation_id=invitation_id,
            message_id=message_id,
            made_at=now,
            expires_at=expires_at,
        )
    )


def find(tx: Tx, token_sha256: bytes) -> Link | None:
    """The link of that hash, with the site and language that its pages need."""
    row = tx.run(_FIND, {"token_sha256": token_sha256}).mappings().one_or_none()
    if row is None:
        return None
    return Link(
        token_sha256=row["token_sha256"],
        invitation_id=row["invitation_id"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        submitted_at=row["submitted_at"],
        language=row["language"],
        site=as_site(row),
    )


def contact_of(tx: Tx, link_sha256: bytes) -> UUID | None:
    """The contact that the link was sent to; None for one that was handed over."""
    query = sa.text("""SELECT m.contact_id FROM invitation_link l JOIN message m ON m.id = l.message_id
        WHERE l.token_sha256 = :link_sha256""").columns(identifier("contact_id"))
    return tx.run(query, {"link_sha256": link_sha256}).scalar_one_or_none()


def fresh_sent(tx: Tx, invitation_id: UUID) -> tuple[datetime, ...]:
    """When each fresh link of a survey was asked for, or was last due where it still waits."""
    query = "SELECT due_at FROM message WHERE invitation_id = %(id)s AND kind = 'fresh_link' ORDER BY due_at"
    return tuple(row["due_at"] for row in tx.rows(query, {"id": invitation_id}))


def revoke_with_contact(tx: Tx, link_sha256: bytes, *, now: datetime) -> None:
    """Take back that link and every other of the patient's that went to the same contact, and end their sessions."""
    query = sa.text("""WITH sent AS (
      SELECT m.contact_id, pr.patient_id FROM invitation_link l
      JOIN invitation i ON i.id = l.invitation_id JOIN procedure pr ON pr.id = i.procedure_id
      LEFT JOIN message m ON m.id = l.message_id
      WHERE l.token_sha256 = :link_sha256),
    theirs AS (
      SELECT m.id FROM sent JOIN procedure pr ON pr.patient_id = sent.patient_id
      JOIN invitation i ON i.procedure_id = pr.id
      JOIN message m ON m.invitation_id = i.id AND m.contact_id = sent.contact_id),
    gone AS (
      UPDATE invitation_link l SET revoked_at = :now
      WHERE l.revoked_at IS NULL AND (l.token_sha256 = :link_sha256 OR l.token_sha256 IN (
        SELECT o.token_sha256 FROM theirs JOIN message m ON m.id = theirs.id
        JOIN invitation_link o ON o.invitation_id = m.invitation_id AND o.message_id = m.id))
      RETURNING l.token_sha256)
    UPDATE patient_session s SET ended_at = :now FROM gone
    WHERE s.link_sha256 = gone.token_sha256 AND s.ended_at IS NULL""")
    tx.run(query, {"link_sha256": link_sha256, "now": now})


def revoke_sent_to(tx: Tx, contact_ids: Sequence[UUID], *, now: datetime) -> None:
    """Take back every link that went to one of these contacts, and end their sessions."""
    query = """WITH gone AS (
      UPDATE invitation_link l SET revoked_at = %(now)s FROM message m
      WHERE m.contact_id = ANY(%(ids)s) AND l.message_id = m.id AND l.revoked_at IS NULL
      RETURNING l.token_sha256)
    UPDATE patient_session s SET ended_at = %(now)s FROM gone
    WHERE s.link_sha256 = gone.token_sha256 AND s.ended_at IS NULL"""
    tx.change(query, {"ids": list(contact_ids), "now": now})


def insert_session(
    tx: Tx,
    *,
    token_sha256: bytes,
    link_sha256: bytes,
    invitation_id: UUID,
    language: str,
    now: datetime,
    ends_at: datetime,
) -> None:
    """Remember a phone on which Start was pressed."""
    tx.run(
        sa.insert(patient_session).values(
            token_sha256=token_sha256,
            link_sha256=link_sha256,
            invitation_id=invitation_id,
            language=language,
            made_at=now,
            ends_at=ends_at,
        )
    )


def set_session(tx: Tx, token_sha256: bytes, **values: str | datetime) -> None:
    """Note the `language` that it goes on in, who it is `answered_by`, or when Send was pressed (`sent_at`)."""
    tx.run(sa.update(patient_session).where(patient_session.c.token_sha256 == token_sha256).values(**values))


def drop_old_sessions(tx: Tx, *, before: datetime) -> None:
    """Clear away sessions that ended before that instant."""
    tx.run(sa.delete(patient_session).where(patient_session.c.ends_at < before))
