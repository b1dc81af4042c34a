"""How the providers have answered lately, shared by all processes; and addresses that they say are dead."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from survey.domain.breakers import Health
from survey.domain.patients import Block, ContactKind
from survey.store.session import Tx

_WELL = """
INSERT INTO provider_health (provider, last_ok_at) VALUES (%(provider)s, %(now)s)
ON CONFLICT (provider) DO UPDATE SET failures = 0, first_failed_at = NULL, open_until = NULL, last_ok_at = %(now)s
WHERE (%(probed)s OR provider_health.open_until IS NULL OR provider_health.open_until <= %(now)s)
  AND (provider_health.failures > 0 OR provider_health.open_until IS NOT NULL
    OR provider_health.last_ok_at IS NULL OR provider_health.last_ok_at < %(now)s - interval '30 seconds')
"""
_COLUMNS = ", ".join(field.name for field in fields(Health))
"""By name: what the next release adds is not read by this one, which works beside it for a while."""
_LOCKED = f"""
INSERT INTO provider_health (provider) VALUES (%(provider)s)
ON CONFLICT (provider) DO UPDATE SET provider = excluded.provider RETURNING {_COLUMNS}
"""  # noqa: S608 (no value in it)
_FREE = """
SELECT asked.provider FROM unnest(%(providers)s::text[]) AS asked (provider)
WHERE NOT EXISTS (SELECT FROM provider_health p WHERE p.provider = asked.provider)
UNION ALL SELECT provider FROM (
  SELECT provider FROM provider_health WHERE provider = ANY(%(providers)s) ORDER BY provider FOR UPDATE SKIP LOCKED
) AS locked
"""
_PUT = """
UPDATE provider_health SET failures = %(failures)s, first_failed_at = %(first_failed_at)s,
  open_until = %(open_until)s, last_ok_at = %(last_ok_at)s WHERE provider = %(provider)s
"""
_PROBE = """
UPDATE provider_health SET open_until = %(until)s WHERE provider = %(provider)s AND open_until = %(old)s
"""


def every(tx: Tx) -> Mapping[str, Health]:
    """What is known of each provider; nothing of one that was never asked."""
    found = tx.rows(f"SELECT {_COLUMNS} FROM provider_health", {})  # noqa: S608 (no value in it)
    return {row["provider"]: Health(**row) for row in found}


def get_for_update(tx: Tx, provider: str) -> Health:
    """What is known of that provider, locked."""
    row: dict[str, Any] | None = tx.fetch(_LOCKED, {"provider": provider})
    return Health(**row) if row else Health(provider=provider)


def lock_free(tx: Tx, providers: Sequence[str]) -> frozenset[str]:
    """Those of the providers that nobody holds locked; what is known of them is locked now."""
    return frozenset(row["provider"] for row in tx.rows(_FREE, {"providers": list(providers)}))


def put(tx: Tx, health: Health) -> None:
    """Note what has become of the provider that `get_for_update` locked."""
    tx.change(_PUT, asdict(health))


def note_well(tx: Tx, provider: str, *, probed: bool, now: datetime) -> None:
    """Note that the provider answers; without a write when that was known half a minute ago.

    Only whoever `probed` ends a rest before its time: other answers are to calls from before it.
    """
    tx.change(_WELL, {"provider": provider, "probed": probed, "now": now})


def take_probe(tx: Tx, old: Health, new: Health) -> bool:
    """Be the one who asks a half-open provider; False when somebody else is."""
    return tx.change(_PROBE, {"provider": old.provider, "old": old.open_until, "until": new.open_until}) == 1


_ADDRESS = """
SELECT coalesce(c.kind, 'sms') AS kind, coalesce(c.address, i.sender) AS address
FROM message m LEFT JOIN contact c ON c.id = m.contact_id LEFT JOIN inbound i ON i.id = m.inbound_id
WHERE m.id = %(message)s
"""
_BLOCK = """
UPDATE contact SET blocked_at = %(now)s, blocked_reason = %(reason)s
WHERE kind = %(kind)s AND address = %(address)s AND blocked_at IS NULL
"""


def address_of(tx: Tx, message_id: UUID) -> tuple[ContactKind, str]:
    """Where that message goes. It exists."""
    (row,) = tx.rows(_ADDRESS, {"message": message_id})
    return ContactKind(row["kind"]), row["address"]


def block(tx: Tx, kind: ContactKind, address: str, *, reason: Block, now: datetime) -> None:
    """Use that address no more, whoever's it is; the first reason stands."""
    tx.change(_BLOCK, {"kind": kind, "address": address, "reason": reason, "now": now})
