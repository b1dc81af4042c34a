"""On a phone at night, in the dark: a rota is imported from a calendar, one's own is made, and who is paged is read."""

from datetime import timedelta
from urllib.parse import urlsplit

from playwright.sync_api import Page

from survey import clock
from survey.local.clinic import ANA, LENA, Riverside
from survey.messaging import registry
from survey.messaging.registry import Wiring
from survey.services import oncall
from tests import rota_calendars
from tests.browser.album import looked_at
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in

DAY = timedelta(days=1)


def phone_of(open_page: OpenPage, member: object) -> Phone:
    phone = Phone(open_page(width=360, height=740, script=True, bypass_csp=True, color_scheme="dark"))
    sign_in(phone.page, member)
    return phone


def shift(days: int, title: str) -> str:
    start = clock.now() + days * DAY
    times = (f"DTSTART:{start:%Y%m%dT190000Z}", f"DTEND:{start + DAY:%Y%m%dT070000Z}")
    return rota_calendars.event(*times, f"SUMMARY:{title}", uid=f"{title}-{days}")


def demo_on(page: Page) -> None:
    """This machine's own calendars may be read, as in the demo."""
    home = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    registry.wire(Wiring(public_url=home, sms=None, email=None, local=True))


def test_a_rota_is_imported_and_its_open_name_is_chosen(open_page: OpenPage, riverside: Riverside) -> None:
    nights = oncall.add_schedule("nights", riverside.site.zone, by=riverside.actor(LENA), now=clock.now())
    phone = phone_of(open_page, LENA)
    demo_on(phone.page)
    with rota_calendars.serving() as server:
        server.says(shift(1, ANA.name), shift(2, "The locum from the agency with the long name"), shift(2, ANA.name))
        phone.open(f"/on-call/schedules/{nights.id}/calendar")
        looked_at(phone.page, "rota-calendar-none")
        phone.tap("main form.card button")
        looked_at(phone.page, "rota-calendar-refused")
        phone.page.fill("[name=url]", server.url)
        phone.tap("main form.card button")
        looked_at(phone.page, "rota-calendar-open-name")
        phone.page.select_option("[name=user_id]", label=LENA.name)
        phone.tap("form[action$='/names'] button")
        looked_at(phone.page, "rota-calendar-named")
        assert LENA.name in phone.page.inner_text("section:has-text('Names chosen by hand')")
        server.status = 503
        phone.tap("form[action$='/read'] button")
        looked_at(phone.page, "rota-calendar-away")
    phone.tap("a:has-text('Remove the calendar')")
    looked_at(phone.page, "rota-calendar-remove")


def test_ones_own_calendar_and_who_gets_paged_now(open_page: OpenPage, riverside: Riverside) -> None:
    oncall.add_schedule("nights", riverside.site.zone, by=riverside.actor(LENA), now=clock.now())
    phone = phone_of(open_page, ANA)
    demo_on(phone.page)
    phone.open("/on-call/my-calendar")
    looked_at(phone.page, "rota-my-calendar-none")
    phone.tap("form[action$='/my-calendar'] button")
    looked_at(phone.page, "rota-my-calendar-address")

    phone.open("/on-call/now")
    looked_at(phone.page, "rota-paged-now")
    assert "AT ONCE" in phone.page.inner_text("main").upper()
