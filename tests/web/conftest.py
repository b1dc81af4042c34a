"""A clinic that is open now, and a browser in front of it."""

import pytest

from survey import clock
from survey.messaging import registry
from survey.messaging.registry import Wiring
from tests import staff, surveys
from tests.conftest import Database
from tests.staff import Desk


@pytest.fixture
def desk(database: Database) -> Desk:
    """A browser that nobody has signed in with, at a clinic with people, a protocol and rosters."""
    registry.wire(Wiring(public_url="http://localhost", sms=None, email=None))
    surveys.open_clinic(clock.now())
    return Desk(staff.application(database).test_client())
