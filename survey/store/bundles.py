"""Pages that go within another page's text: found, taken in hand with it, and told of its end."""

from datetime import datetime
from uuid import UUID

from survey.domain.pages import Page, PageState
from survey.store.base import names
from survey.store.pages import WANTED, Due, as_page, page
from survey.store.session import Tx

_ALERTS_OF_PHONE = """
SELECT count(DISTINCT alert_id) AS alerts FROM page
WHERE kind = 'call' AND contact_method_id = %(method_id)s AND not_before > %(since)s AND not_before <= %(now)s
AND state NOT IN ('failed', 'superseded')
"""
_GATHER = f"""
SELECT {names(page)} FROM page JOIN alert ON alert.id = page.alert_id
WHERE page.kind = 'call' AND page.state = 'pending' AND page.contact_method_id = %(method_id)s
AND page.not_before <= %(now)s AND page.id <> %(lead_id)s AND NOT page.goes_alone AND {WANTED}
ORDER BY alert.short_no FOR UPDATE OF page SKIP LOCKED
"""  # noqa: S608 (no value in it)
_JOIN = f"""
UPDATE page SET state = 'leased', attempts = attempts + 1, lease_token = %(token)s, lease_until = %(until)s,
  bundled_in = %(lead_id)s
WHERE id = ANY(%(ids)s) AND state = 'pending' RETURNING {names(page)}
"""  # noqa: S608 (no value in it)
_ACCEPTED = """
UPDATE page SET state = 'accepted', maybe_sent = maybe_sent + 1, sent_at = %(now)s, lease_token = NULL,
  lease_until = NULL
WHERE bundled_in = %(lead_id)s AND lease_token = %(token)s AND state = 'leased'
"""
_DELIVERED = (
    "UPDATE page SET state = 'delivered' WHERE bundled_in = %(lead_id)s AND state IN ('accepted','undelivered')"
)
_WITHIN = f"SELECT {names(page)} FROM page WHERE bundled_in = %(lead_id)s ORDER BY alert_id"  # noqa: S608 (no value in it)


def alerts_of_phone(tx: Tx, method_id: UUID, *, since: datetime, now: datetime) -> int:
    """How many alerts have paged that phone since then, what is due there now included."""
    row = tx.fetch(_ALERTS_OF_PHONE, {"method_id": method_id, "since": since, "now": now})
    return int(row["alerts"]) if row else 0


def gather(tx: Tx, due: Due, *, now: datetime) -> tuple[Page, ...]:
    """What else is due to the same phone, held against other senders; what those hold is left to them."""
    found = tx.rows(_GATHER, {"method_id": due.page.contact_method_id, "lead_id": due.page.id, "now": now})
    return tuple(map(as_page, found))


def join(tx: Tx, lead: Page, others: tuple[Page, ...]) -> tuple[Page, ...]:
    """Take them in hand with `lead`, which is leased: they end with it, or with its lease."""
    values = {"lead_id": lead.id, "token": lead.lease_token, "until": lead.lease_until}
    return tuple(map(as_page, tx.rows(_JOIN, {**values, "ids": [one.id for one in others]})))


def accept(tx: Tx, lead: Page, *, now: datetime) -> None:
    """The provider has the text, by the lease that `lead` was sent under."""
    tx.change(_ACCEPTED, {"lead_id": lead.id, "token": lead.lease_token, "now": now})


def deliver(tx: Tx, lead_id: UUID) -> None:
    """The text has arrived."""
    tx.change(_DELIVERED, {"lead_id": lead_id})


def within(tx: Tx, lead_id: UUID) -> tuple[Page, ...]:
    """The pages in that page's text, but for itself."""
    return tuple(map(as_page, tx.rows(_WITHIN, {"lead_id": lead_id})))


def undelivered(tx: Tx, lead_id: UUID) -> tuple[Page, ...]:
    """The pages in the text of a page that did not arrive, of which that is not noted yet."""
    row = tx.fetch("SELECT state FROM page WHERE id = %(lead_id)s", {"lead_id": lead_id})
    if row is None or row["state"] != PageState.UNDELIVERED:
        return ()
    return tuple(one for one in within(tx, lead_id) if one.state is PageState.ACCEPTED)
