"""The pages of calendars: one that is read, one's own, and who gets paged now."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from survey import clock
from survey.domain.oncall import Schedule
from survey.messaging import registry
from survey.messaging.registry import Wiring
from survey.services import oncall
from tests import factories, rota_calendars
from tests.cast import ANA, LENA, OLGA, SAM
from tests.rota_calendars import Server
from tests.staff import Desk

DAY = timedelta(days=1)


@pytest.fixture
def server(desk: Desk) -> Iterator[Server]:  # noqa: ARG001 (the clinic has to stand)
    registry.wire(Wiring(public_url="http://localhost", sms=None, email=None, local=True))
    with rota_calendars.serving() as running:
        yield running


@pytest.fixture
def nights(server: Server) -> Schedule:  # noqa: ARG001
    return factories.schedule("nights")


def shift(days: int, *lines: str) -> str:
    start = clock.now() + days * DAY
    times = (f"DTSTART:{start:%Y%m%dT190000Z}", f"DTEND:{start + DAY:%Y%m%dT070000Z}")
    return rota_calendars.event(*times, *lines, uid=f"night-{days}")


def path(schedule: Schedule, tail: str = "") -> str:
    return f"/on-call/schedules/{schedule.id}/calendar{tail}"


def test_a_calendar_is_added_shown_without_its_secret_and_its_open_name_is_chosen(
    desk: Desk, nights: Schedule, server: Server
) -> None:
    desk.signed_in(LENA)
    server.says(shift(1, "SUMMARY:Ana Reyes"), shift(2, "SUMMARY:A. R. <nights>"))

    page = desk.follow(desk.post(path(nights), {"url": server.url}))
    assert "1 shift in the next 90 days" in page.text
    assert "A. R. &lt;nights&gt;" in page.text
    assert "s3cret" not in page.text

    form = {"label": "A. R. <nights>", "user_id": str(ANA.id)}
    page = desk.follow(desk.post(path(nights, "/names"), form))
    assert "Every event is somebody’s shift." in page.text
    assert len(oncall.shifts(nights.id, since=clock.now(), until=clock.now() + 9 * DAY)) == 2
    assert "By the calendar" in desk.get("/on-call").text

    page = desk.follow(desk.post(path(nights, "/names/forget"), {"label": "A. R. <nights>"}))
    assert "Choose who this is" in page.text


def test_an_address_that_cannot_be_used_is_kept_in_the_form_with_what_to_do(desk: Desk, nights: Schedule) -> None:
    desk.signed_in(LENA)

    response = desk.post(path(nights), {"url": "rota.example.org/a.ics"})

    assert response.status_code == 422
    assert 'value="rota.example.org/a.ics"' in response.text
    assert "begins with https://" in response.text


def test_no_person_chosen_is_told(desk: Desk, nights: Schedule, server: Server) -> None:
    desk.signed_in(LENA)
    server.says(shift(1, "SUMMARY:AR"))
    desk.post(path(nights), {"url": server.url})

    response = desk.post(path(nights, "/names"), {"label": "AR", "user_id": ""})

    assert response.status_code == 422
    assert "Choose who this is." in response.text


def test_a_calendar_that_is_away_says_why_and_is_removed_after_a_question(
    desk: Desk, nights: Schedule, server: Server
) -> None:
    desk.signed_in(LENA)
    server.says(shift(1, "SUMMARY:Ana Reyes"))
    desk.post(path(nights), {"url": server.url})
    server.status = 503

    page = desk.follow(desk.post(path(nights, "/read")))
    assert "answers 503" in page.text
    assert "The shifts that were read last stay as they are." in page.text
    assert "It gives 1 shift in the next 90 days" in desk.get(path(nights, "/remove")).text
    assert "not read any more" in desk.follow(desk.post(path(nights, "/remove"))).text
    assert desk.post(path(nights, "/read")).status_code == 404


@pytest.mark.parametrize("person", [ANA, SAM, OLGA])
def test_only_managers_change_where_a_rota_comes_from(desk: Desk, nights: Schedule, person: object) -> None:
    desk.signed_in(person)  # type: ignore[arg-type]

    assert desk.get(path(nights)).status_code == 403


# ---- one's own shifts


def test_ones_own_address_is_shown_once_and_read_without_a_sign_in(desk: Desk, server: Server) -> None:  # noqa: ARG001
    desk.signed_in(ANA)
    page = desk.post("/on-call/my-calendar", of="/on-call/my-calendar")
    address = page.text.split('<code class="address">')[1].split("</code>")[0]
    assert address not in desk.get("/on-call/my-calendar").text
    assert page.headers["Cache-Control"] == "no-store"

    desk.client.delete_cookie("daytwo")
    calendar = desk.get(address.removeprefix("http://localhost"))

    assert calendar.status_code == 200
    assert calendar.mimetype == "text/calendar"
    assert calendar.headers["Cache-Control"].startswith("private")
    assert "SUMMARY:On call: primary" in calendar.text


def test_what_opens_nothing_is_the_same_to_the_byte(desk: Desk, server: Server) -> None:  # noqa: ARG001
    desk.signed_in(ANA)
    page = desk.post("/on-call/my-calendar", of="/on-call/my-calendar")
    old = page.text.split("/calendar/")[1].split(".ics")[0]
    desk.post("/on-call/my-calendar/remove", of="/on-call/my-calendar")

    answers = [desk.get(f"/calendar/{token}.ics") for token in (old, "w" * 22, "no", "%00")]

    assert {one.status_code for one in answers} == {404}
    assert len({(one.data, tuple(sorted(one.headers.items()))) for one in answers}) == 1


# ---- who gets paged now


def test_who_gets_paged_now_names_people_ways_and_minutes(desk: Desk) -> None:
    page = desk.signed_in(ANA).get("/on-call/now")

    assert page.status_code == 200
    assert "At once" in page.text
    assert ANA.name in page.text
    assert "Text to <bdi>••• ••• 0111</bdi>" in page.text
    assert "2025550111" not in page.text
    assert "until somebody takes it" in page.text


def test_an_empty_roster_stands_out_there(desk: Desk) -> None:
    from tests import desk as behind

    behind.change("DELETE FROM shift")

    page = desk.signed_in(ANA).get("/on-call/now")

    assert "Nobody is on call on primary." in page.text
    assert "the next step follows at once" in page.text
