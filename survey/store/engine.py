"""Connections to PostgreSQL, with the timeouts that keep one hung session from stopping the rest."""

import sqlalchemy as sa

# A hung session would hide its rows from SKIP LOCKED for ever; these bounds end it.
TIMEOUTS = "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=10s -c timezone=UTC"


def connect(url: str, *, pool_size: int = 1, options: str = "") -> sa.Engine:
    """An engine with Daytwo's timeouts, and further `options` (`-c name=value`); its errors never quote parameters."""
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=4,
        pool_timeout=5,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"connect_timeout": 5, "tcp_user_timeout": 5000, "options": f"{TIMEOUTS} {options}"},
    )
