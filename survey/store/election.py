"""Which sentinel leads: whoever holds a lock that PostgreSQL takes away from the dead."""

import sqlalchemy as sa
from sqlalchemy import exc

from survey.domain.errors import Unavailable
from survey.store.engine import connect

# Two numbers that mean nothing to anybody else in this database.
_KEY = "7421, 1"
# The server itself finds out within seconds that the machine at the other end is gone.
_PULSE = "-c tcp_keepalives_idle=3 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 -c tcp_user_timeout=6000"
_TRY = sa.text(f"SELECT pg_try_advisory_lock({_KEY})")
_HOLDS = sa.text("""
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
  AND (classid, objid, objsubid) = (7421, 1, 2))""")
_DEPOSE = sa.text("""
SELECT count(pg_terminate_backend(pid)) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid() AND (classid, objid, objsubid) = (7421, 1, 2)
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""")


class Election:
    """One candidate, on a connection of its own that has to be direct: a pooler in between would share the lock."""

    def __init__(self, url: str) -> None:
        self._engine = connect(url, options=_PULSE).execution_options(isolation_level="AUTOCOMMIT")
        self._connection: sa.Connection | None = None

    def leads(self) -> bool:
        """Whether this candidate has the lock now, trying for it if not. Raises Unavailable."""
        return bool(self._ask(_HOLDS)) or bool(self._ask(_TRY))

    def depose(self) -> int:
        """End the connection of a leader that hangs; how many there were. Raises Unavailable."""
        return int(self._ask(_DEPOSE))

    def leave(self) -> None:
        """Let somebody else lead."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _ask(self, question: sa.TextClause) -> int:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            return int(self._connection.execute(question).scalar_one())
        except exc.DBAPIError:
            self.leave()
            raise Unavailable from None
