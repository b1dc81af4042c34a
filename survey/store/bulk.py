"""Many rows at once, for history that is brought in whole."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from survey.store.session import Tx

BATCH = 2000
"""Rows to a statement: each stays well within the time that one may take."""


def insert(tx: Tx, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add the rows, all with the same columns; answers how many. Raises Conflict as a single one would."""
    for start in range(0, len(rows), BATCH):
        tx.run(sa.insert(table), rows[start : start + BATCH])
    return len(rows)


def is_empty(tx: Tx, table: sa.Table) -> bool:
    """Whether the table has no row."""
    return tx.run(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is None
