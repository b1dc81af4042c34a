"""The database's own guards: each is asked, in a transaction that is rolled back, to refuse what it is there for."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from survey.local import postgres
from tests.chaos.scene import Scene

ANOTHER = "INSERT INTO {0} SELECT (jsonb_populate_record(one, jsonb_build_object({1}))).* FROM {0} one LIMIT 1"
ANOTHER_ALERT = """
INSERT INTO alert (id, dedup_key, response_id, site_id, tier, severity, policy_version_id, created_at, next_action_at,
  promised_at)
SELECT gen_random_uuid(), {0}, response_id, site_id, tier, severity, policy_version_id, created_at, created_at,
  promised_at FROM alert WHERE state <> 'resolved' LIMIT 1"""
FREE = "lease_token = NULL, lease_until = NULL"
NEW_ID = "'id', gen_random_uuid()"


@dataclass(frozen=True, slots=True)
class Door:
    """A change that must not pass: the invariant it would break, the guard in its way, and who tries."""

    number: str
    guard: str
    statement: str
    role: str = postgres.OWNER


DOORS = (
    Door("I1", "alert_once", ANOTHER_ALERT.format("dedup_key")),
    Door("I1", "alert_open_once_per_response", ANOTHER_ALERT.format("'another'")),
    Door("I2", "open_alert_always_has_a_deadline", "UPDATE alert SET next_action_at = NULL WHERE state <> 'resolved'"),
    Door("I3", "runnable_is_claimable", f"UPDATE page SET state = 'pending', maybe_sent = 3, {FREE}"),
    Door("I3", "page_lease_shape", f"UPDATE page SET state = 'leased', {FREE}"),
    Door("I4", "page_maybe_sent_check", f"UPDATE page SET state = 'failed', maybe_sent = 4, {FREE}"),
    Door("I4", "plan_once", ANOTHER.format("page", NEW_ID)),
    Door("I7", "refuse_change", "UPDATE alert_event SET kind = 'taken'"),
    Door("I7", "refuse_change", "DELETE FROM alert_event"),
    Door("I7", "refuse_change", "TRUNCATE alert_event"),
    Door("I7", "permission", "UPDATE alert_event SET kind = 'taken'", role=postgres.APPLICATION),
    Door("I7", "permission", "DELETE FROM alert_event", role=postgres.APPLICATION),
    Door("I7", "alert_guard", "UPDATE alert SET epoch = epoch - 1"),
    Door("I8", "acked_has_owner", "UPDATE alert SET state = 'acknowledged', acked_by = NULL WHERE state = 'triggered'"),
    Door("I8", "triggered_has_no_owner", "UPDATE alert SET acked_at = created_at WHERE state = 'triggered'"),
    Door("I9", "one_primary_at_a_time", ANOTHER.format("shift", NEW_ID)),
)
STATES = {"refuse_change": "23001", "alert_guard": "23514", "permission": "42501"}
"""Guards that are no constraint, and the SQLSTATE with which each refuses."""


def open_doors(scene: Scene) -> Iterator[tuple[str, str]]:
    """Every door that stands open: the invariant's number, and a sentence. Doors without a row behind are passed by."""
    for door in DOORS:
        address = scene.servers.database_url(scene.database, door.role).replace("+psycopg", "")
        with psycopg.connect(address) as connection:
            connection.execute("SET lock_timeout = '5s'")
            fault = _try(connection, door)
            connection.rollback()
        if fault:
            yield door.number, f"{door.guard}: {fault}"


def _try(connection: psycopg.Connection, door: Door) -> str | None:
    try:
        passed = connection.execute(door.statement).rowcount
    except psycopg.Error as error:
        refused = error.diag.constraint_name == door.guard or error.sqlstate == STATES.get(door.guard)
        return None if refused else f"something else refused it ({error.sqlstate} {error.diag.constraint_name})"
    return "the database let it through" if passed else None
