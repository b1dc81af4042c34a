"""The rota's pages: a rotation is added and ended, a gap filled, somebody put on and off, a shift offered."""

import re
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from survey import clock
from survey.domain.oncall import Schedule
from survey.services import oncall
from tests import factories
from tests.cast import ANA, BEN, LENA, RIVERSIDE, ROOT, SAM
from tests.desk import rows
from tests.staff import Desk

DAY = timedelta(days=1)


@pytest.fixture
def lena(desk: Desk) -> Desk:
    return desk.signed_in(LENA)


@pytest.fixture
def nights(desk: Desk) -> Schedule:  # noqa: ARG001 (the clinic has to stand)
    """A roster that nobody is on."""
    return factories.schedule("nights")


def wall(days: float, hour: int = 8) -> str:
    """That many days from now, at that hour of the roster's clock, as a browser sends it."""
    return f"{RIVERSIDE.local(clock.now() + timedelta(days=days)):%Y-%m-%d}T{hour:02d}:00"


def rotation_form(**changes: str) -> dict[str, str]:
    usual = {
        "name": "Week about",
        **{f"members-{place}": "" for place in range(6)},
        "members-0": str(ANA.id),
        "members-2": str(BEN.id),
        "every": "1",
        "unit": "week",
        "starts_local": wall(-1),
        "layer": "1",
    }
    return usual | changes


def add_rotation(desk: Desk, schedule: Schedule, **changes: str):
    return desk.post(f"/on-call/schedules/{schedule.id}/rotations/new", rotation_form(**changes))


def put_on(desk: Desk, schedule: Schedule, who: UUID, since: str, until: str, reason: str = ""):
    form = {"user_id": str(who), "starts_at": since, "ends_at": until, "reason": reason}
    return desk.post(f"/on-call/schedules/{schedule.id}/overrides/new", form)


def on_call(schedule: Schedule, at: datetime | None = None) -> list[UUID]:
    """Who has the schedule then."""
    at = at or clock.now()
    return [one.user_id for one in oncall.shifts(schedule.id, since=at, until=at + timedelta(microseconds=1))]


def test_a_new_roster_leads_to_its_first_rotation(lena: Desk) -> None:
    page = lena.follow(lena.post("/on-call/schedules/new", {"name": "weekend", "zone": "America/New_York"}))

    assert "Nobody is on it yet" in page.text
    assert "New rotation on weekend" in page.text


def test_a_roster_without_a_zone_keeps_what_was_typed(lena: Desk) -> None:
    response = lena.post("/on-call/schedules/new", {"name": "weekend", "zone": "Mars/Olympus"})

    assert response.status_code == 422
    assert "This time zone is not known" in response.text
    assert 'value="weekend"' in response.text
    assert 'value="America/New_York"' in lena.get("/on-call/schedules/new").text


def test_a_rotation_is_read_back_in_words_and_puts_its_first_member_on_call(lena: Desk, nights: Schedule) -> None:
    page = lena.follow(add_rotation(lena, nights)).text

    assert "its shifts are written 90 days ahead" in page
    (words,) = re.findall(r"<li><strong>Week about</strong>.*?</li>", page)
    assert f"{ANA.name}, then {BEN.name}, each for 1 week, from " in words
    assert on_call(nights) == [ANA.id]
    assert on_call(nights, clock.now() + 8 * DAY) == [BEN.id]


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"name": ""}, "name", "Enter a name."),
        ({"members-0": "", "members-2": ""}, "members-0", "Choose at least one person."),
        ({"members-0": "", "members-2": str(SAM.id)}, "members-0", "Choose at least one person."),
        ({"every": "0"}, "every", "1 to 52"),
        ({"starts_local": "soon"}, "starts_local", "Enter a day and a time"),
        ({"from_time": "18:00"}, "from_time", "Enter both hours"),
        ({"to_time": "08:00"}, "to_time", "Enter both hours"),
        ({"from_time": "late", "to_time": "08:00"}, "from_time", "Enter a time as hours and minutes"),
        ({"layer": "3"}, "layer-0", "Not a valid choice."),
    ],
)
def test_what_is_wrong_with_a_rotation_stands_beside_its_field(
    lena: Desk, nights: Schedule, changes: dict[str, str], field: str, sentence: str
) -> None:
    response = add_rotation(lena, nights, **changes)

    assert response.status_code == 422
    assert f'href="#{field}"' in response.text
    assert sentence in response.text
    assert on_call(nights) == []


def test_a_refused_rotation_keeps_what_was_typed(lena: Desk, nights: Schedule) -> None:
    add_rotation(lena, nights)

    response = add_rotation(lena, nights, name="Again", weekdays="6", from_time="18:00", to_time="08:00")

    assert response.status_code == 422
    assert "“Week about” has people at the same time" in response.text
    assert 'value="Again"' in response.text
    assert 'value="18:00"' in response.text
    assert re.search(rf'<option selected value="{BEN.id}">', response.text)
    assert re.search(r'name="weekdays" value="6"[^>]* checked', response.text)


def test_a_rotation_ends_after_its_last_day(lena: Desk, nights: Schedule) -> None:
    add_rotation(lena, nights)
    (row,) = rows("SELECT id FROM rotation")
    end = f"/on-call/rotations/{row['id']}/end"

    asked = lena.get(end).text
    refused = lena.post(end, {"last_day": wall(-2)[:10]}, of=end)
    page = lena.follow(lena.post(end, {"last_day": wall(0)[:10]}, of=end)).text

    assert "End “Week about”?" in asked
    assert (refused.status_code, "today or a later day" in refused.text) == (422, True)
    assert lena.post(end, {"last_day": "soon"}, of=end).status_code == 422
    assert "The rotation ends." in page
    assert on_call(nights) == [ANA.id], "the running shift stays"
    assert on_call(nights, clock.now() + 8 * DAY) == []


def test_a_gap_is_filled_with_the_form_prefilled(lena: Desk, nights: Schedule) -> None:
    page = lena.get("/on-call").text
    (fill,) = re.findall(r'href="([^"]+)">Fill this gap', page)
    fill = fill.replace("&amp;", "&")

    form = lena.get(fill).text
    since, until = re.findall(r'type="datetime-local"[^>]* value="([^"]+)"', form)
    after = lena.follow(put_on(lena, nights, BEN.id, since, until, reason="Ana is ill")).text

    assert "Now: nobody is on call" in page
    assert "Now: nobody is on call" not in after
    assert "By name: Ana is ill" in after
    assert on_call(nights) == [BEN.id]


def test_a_stretch_that_cannot_be_is_refused_and_kept(lena: Desk, nights: Schedule) -> None:
    put_on(lena, nights, BEN.id, wall(1), wall(2))

    for since, until, who, sentence in (
        (wall(3), wall(2), BEN.id, "ends after it starts"),
        (wall(1, 12), wall(3), ANA.id, "put on call by name"),
        (wall(3), wall(4), SAM.id, "Not a valid choice."),
    ):
        response = put_on(lena, nights, who, since, until, reason="Holiday")
        assert response.status_code == 422
        assert sentence in response.text
        assert 'value="Holiday"' in response.text


def test_somebody_put_on_by_name_is_taken_off_after_a_question(lena: Desk, nights: Schedule) -> None:
    put_on(lena, nights, BEN.id, wall(-1), wall(2))
    (row,) = rows("SELECT id FROM shift_override")
    cancel = f"/on-call/overrides/{row['id']}/cancel"

    asked = lena.get(cancel).text
    page = lena.follow(lena.post(cancel)).text

    assert f"Take <bdi>{BEN.name}</bdi> off again?" in asked
    assert "goes by the rota again" in page
    assert on_call(nights) == []
    assert lena.get(cancel).status_code == 404


def test_an_offer_is_shown_to_both_sides_and_accepted_by_the_other(desk: Desk) -> None:
    desk.signed_in(ANA)
    (offer,) = re.findall(r'href="([^"]+)">Offer it', desk.get("/on-call").text)

    nobody = desk.post(offer, {"user_id": ""}, of=offer)
    mine = desk.follow(desk.post(offer, {"user_id": str(LENA.id)}, of=offer)).text
    desk.signed_in(BEN)
    bens = desk.get("/on-call").text
    desk.signed_in(LENA)
    theirs = desk.get("/on-call").text
    (swap,) = rows("SELECT id FROM shift_swap")
    after = desk.follow(desk.post(f"/on-call/swaps/{swap['id']}/answer", {"answer": "accepted"})).text

    assert (nobody.status_code, "Choose whom to ask." in nobody.text) == (422, True)
    assert "You offered <strong>primary</strong>" in mine
    assert "Withdraw the offer" in mine
    assert "Offer of a shift" not in bens
    assert f"<bdi>{ANA.name}</bdi> asks you to take <strong>primary</strong>" in theirs
    assert "The shift is yours." in after
    assert f"Now: <bdi>{LENA.name}</bdi>" in after


@pytest.mark.parametrize(
    ("who", "given", "status"),
    [(LENA, "declined", 303), (ANA, "withdrawn", 303), (BEN, "accepted", 404), (ANA, "accepted", 404),
     (LENA, "perhaps", 404), (SAM, "accepted", 403), (ROOT, "accepted", 403)],
)  # fmt: skip
def test_who_may_answer_an_offer(desk: Desk, who, given: str, status: int) -> None:
    desk.signed_in(ANA)
    (offer,) = re.findall(r'href="([^"]+)">Offer it', desk.get("/on-call").text)
    desk.post(offer, {"user_id": str(LENA.id)}, of=offer)
    (swap,) = rows("SELECT id FROM shift_swap")

    desk.signed_in(who)
    response = desk.post(f"/on-call/swaps/{swap['id']}/answer", {"answer": given})

    assert response.status_code == status
    assert rows("SELECT answer FROM shift_swap")[0]["answer"] == (given if status == 303 else None)


def test_a_swap_that_meets_an_override_says_so_and_stays_open(desk: Desk) -> None:
    desk.signed_in(ANA)
    (offer,) = re.findall(r'href="([^"]+)">Offer it', desk.get("/on-call").text)
    desk.post(offer, {"user_id": str(LENA.id)}, of=offer)
    (swap,) = rows("SELECT id FROM shift_swap")
    desk.signed_in(LENA)
    put_on(desk, next(one for one in oncall.schedules() if one.name == "primary"), BEN.id, wall(2), wall(3))

    page = desk.follow(desk.post(f"/on-call/swaps/{swap['id']}/answer", {"answer": "accepted"})).text

    assert "The rota has changed since" in page
    assert "asks you to take" in page


def test_only_whoever_keeps_the_rota_changes_it(desk: Desk, nights: Schedule) -> None:
    desk.signed_in(ANA)
    page = desk.get("/on-call").text

    for words in ("Add a rotation", "Put somebody on call", "Fill this gap", "Replace", "New roster"):
        assert words not in page
    assert add_rotation(desk, nights).status_code == 403
    assert put_on(desk, nights, BEN.id, wall(1), wall(2)).status_code == 403
    desk.signed_in(BEN)
    (shift,) = rows("SELECT id, schedule_id FROM shift WHERE user_id = :id", id=ANA.id)
    others = desk.get(f"/on-call/schedules/{shift['schedule_id']}/shifts/{shift['id']}/offer")
    assert others.status_code == 404


def test_a_roster_that_is_not_there_is_said_so(lena: Desk) -> None:
    assert lena.get(f"/on-call/schedules/{ANA.id}/rotations/new").status_code == 404
    assert lena.get(f"/on-call/rotations/{ANA.id}/end").status_code == 404
