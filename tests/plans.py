"""How much a statement reads, by the plan that the database says it went by."""

from collections.abc import Mapping
from typing import Any

from survey.store.session import Tx


def most_rows(tx: Tx, statement: str, parameters: Mapping[str, object]) -> float:
    """The most rows that any step of it has read, those included that it threw away."""
    (((plan,),),) = tx.bulk(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
    return _most(plan["Plan"])


def _most(node: dict[str, Any]) -> float:
    removed = sum(value for key, value in node.items() if key.startswith("Rows Removed"))
    read = (node["Actual Rows"] + removed) * node["Actual Loops"]
    return max([read, *(_most(child) for child in node.get("Plans", []))])


PAST = """
INSERT INTO procedure (id, patient_id, site_id, protocol, performed_on, source_key, created_at)
SELECT gen_random_uuid(), patient_id, site_id, protocol, performed_on - 60 - n % 900, n::text, created_at
FROM procedure, generate_series(1, 20000) AS n;
INSERT INTO invitation
  (id, procedure_id, site_id, touch, protocol_version_id, state, due_at, expires_at, stopped_at, stop_reason)
SELECT gen_random_uuid(), p.id, p.site_id, 'day2', v.id, 'stopped', p.performed_on + 2, p.performed_on + 30,
  p.performed_on + 3, 'moved away' FROM procedure p, protocol_version v WHERE p.source_key ~ '^[0-9]+$'"""
"""Twenty thousand check-ins of each procedure there is, all closed, two months to three years ago."""
