"""One's own shifts as a calendar: by an address that is told once, replaced at will, and opens nobody else's."""

from datetime import timedelta

import pytest

from survey.domain.errors import NotFound
from survey.messaging import registry
from survey.messaging.registry import Wiring
from survey.services import calendar_feeds
from tests import desk, factories
from tests.cast import ANA, BEN, NIGHT
from tests.conftest import Database

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _clinic(database: Database) -> None:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()
    registry.wire(Wiring(public_url="https://chk.example.org", sms=None, email=None))


def token(person: object = ANA) -> str:
    address = calendar_feeds.make(by=person.actor, now=NIGHT)  # type: ignore[attr-defined]
    return address.removeprefix("https://chk.example.org/calendar/").removesuffix(".ics")


def test_it_holds_ones_own_shifts_on_every_roster_and_nothing_else() -> None:
    factories.on_call(factories.schedule("weekend"), ANA, starts_at=NIGHT + DAY, ends_at=NIGHT + 2 * DAY)

    text = calendar_feeds.read(token(), now=NIGHT).decode()

    assert text.count("BEGIN:VEVENT") == 2
    assert "SUMMARY:On call: primary" in text
    assert "SUMMARY:On call: weekend" in text
    assert "backup" not in text
    assert "DTSTART:20260312T043100Z" in text


def test_what_is_kept_is_no_key() -> None:
    made = token()

    assert made not in str(desk.rows("SELECT user_id, encode(token_sha256, 'escape') FROM calendar_feed"))
    assert made not in str(desk.rows("SELECT detail FROM audit_event"))


def test_a_new_address_ends_the_one_before_and_another_persons_stays() -> None:
    first, others = token(), token(BEN)

    second = token()

    assert calendar_feeds.read(second, now=NIGHT)
    assert calendar_feeds.read(others, now=NIGHT)
    with pytest.raises(NotFound):
        calendar_feeds.read(first, now=NIGHT)


def test_whoever_leaves_takes_the_address_along() -> None:
    made = token()
    desk.change("UPDATE app_user SET active = false WHERE id = :id", id=ANA.id)

    with pytest.raises(NotFound):
        calendar_feeds.read(made, now=NIGHT)


def test_an_address_that_was_taken_back_opens_nothing() -> None:
    made = token()
    calendar_feeds.remove(by=ANA.actor, now=NIGHT)

    with pytest.raises(NotFound):
        calendar_feeds.read(made, now=NIGHT)
    assert calendar_feeds.made_at(ANA.actor) is None
