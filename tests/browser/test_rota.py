"""The rota on a phone at night, in the dark: a gap is filled, a shift is offered and accepted, a rotation is added."""

from datetime import timedelta

import pytest

from survey import clock
from survey.local.clinic import ANA, BEN, LENA, Riverside
from survey.services import oncall
from tests.browser.album import looked_at
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in


@pytest.fixture
def phone(open_page: OpenPage) -> Phone:
    """360 px wide, and dark."""
    return Phone(open_page(width=360, height=740, script=True, bypass_csp=True, color_scheme="dark"))


def as_person(phone: Phone, member: object) -> None:
    phone.page.context.clear_cookies()
    sign_in(phone.page, member)
    phone.open("/on-call")


def test_a_gap_is_filled_from_its_row(phone: Phone, riverside: Riverside) -> None:
    oncall.add_schedule("nights", riverside.site.zone, by=riverside.actor(LENA), now=clock.now())
    as_person(phone, LENA)
    looked_at(phone.page, "rota-gap")

    phone.tap("a:has-text('Fill this gap')")
    looked_at(phone.page, "rota-fill")
    refused = phone.tap("main form.card button")
    looked_at(phone.page, "rota-fill-refused")
    phone.page.select_option("[name=user_id]", label=BEN.name)
    phone.page.fill("[name=reason]", "Until the rota is made")
    phone.tap("main form.card button")

    assert refused.status == 422
    assert f"Now: {BEN.name}" in phone.page.inner_text("section.roster:has-text('Nights')")
    assert "By name: Until the rota is made" in phone.page.inner_text("main")
    looked_at(phone.page, "rota-filled")

    phone.tap("a:has-text('Take off')")
    looked_at(phone.page, "rota-take-off")
    phone.tap("main .danger")
    assert "Now: nobody is on call" in phone.page.inner_text("section.roster:has-text('Nights')")


def test_a_shift_changes_hands_when_both_sides_have_said_so(phone: Phone, riverside: Riverside) -> None:
    now = clock.now()
    primary = riverside.schedules["primary"]
    shift = next(
        one for one in oncall.shifts(primary, since=now, until=now + timedelta(days=15)) if one.starts_at > now
    )
    giver = next(member for member in (ANA, BEN) if riverside.people[member.email] == shift.user_id)
    as_person(phone, giver)

    phone.tap(f"a[href*='{shift.id}/offer']")
    phone.page.select_option("[name=user_id]", label=LENA.name)
    looked_at(phone.page, "rota-offer")
    phone.tap("main form.card button")
    looked_at(phone.page, "rota-offered")
    waiting = phone.page.inner_text("main")
    as_person(phone, LENA)
    looked_at(phone.page, "rota-asked")
    phone.tap("button:has-text('Accept the shift')")

    assert f"to {LENA.name}, who has not answered yet" in waiting
    assert "The shift is yours." in phone.page.inner_text("[role=status]")
    (taken,) = oncall.shifts(primary, since=shift.starts_at, until=shift.ends_at)
    assert taken.user_id == riverside.people[LENA.email]


def test_a_rotation_is_added_and_ended(phone: Phone, riverside: Riverside) -> None:
    oncall.add_schedule("nights", riverside.site.zone, by=riverside.actor(LENA), now=clock.now())
    as_person(phone, LENA)

    phone.tap("section.roster:has-text('Nights') a:has-text('Add a rotation')")
    looked_at(phone.page, "rota-rotation")
    phone.tap("main form.card button")
    looked_at(phone.page, "rota-rotation-refused")
    phone.page.fill("[name=name]", "Nights about")
    phone.page.select_option("[name=members-0]", label=ANA.name)
    phone.page.select_option("[name=members-1]", label=BEN.name)
    phone.page.fill("[name=starts_local]", f"{riverside.site.local(clock.now()):%Y-%m-%dT18:00}")
    phone.page.fill("[name=from_time]", "18:00")
    phone.page.fill("[name=to_time]", "08:00")
    phone.tap("main form.card button")
    looked_at(phone.page, "rota-rotation-added")

    words = phone.page.inner_text("section.roster:has-text('Nights') .turns")
    assert f"Nights about: {ANA.name}, then {BEN.name}, each for 1 week" in words
    assert "6:00 PM to 8:00 AM" in words

    phone.tap("a:has-text('End Nights about')")
    phone.page.fill("[name=last_day]", f"{riverside.site.local(clock.now()) + timedelta(days=3):%Y-%m-%d}")
    looked_at(phone.page, "rota-end")
    phone.tap("main .danger")
    assert "Its last day is" in phone.page.inner_text("section.roster:has-text('Nights') .turns")
