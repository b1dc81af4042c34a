"""What a caller hears of the database's own troubles."""

import pytest
import sqlalchemy as sa

from survey.domain.errors import Busy
from survey.store.session import transaction
from tests import factories
from tests.conftest import Database

IMPATIENT = sa.text("SET LOCAL lock_timeout = '50ms'")
HELD = sa.text("SELECT FROM site FOR UPDATE")


def test_rows_that_something_else_holds_for_too_long_are_busy_and_no_fault_of_ours(database: Database) -> None:
    assert database
    factories.site()

    with transaction() as other:
        other.run(HELD)

        with pytest.raises(Busy, match="try again"):
            _hold_impatiently()


def _hold_impatiently() -> None:
    with transaction() as tx:
        tx.run(IMPATIENT)
        tx.run(HELD)
