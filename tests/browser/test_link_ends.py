"""Every end of a link on a phone without JavaScript, and a scanner that follows all it finds and presses nothing."""

from datetime import timedelta
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page

from survey import clock
from survey.local.clinic import STAFF, Riverside
from survey.services import invitations, responses
from survey.store.session import transaction
from tests import desk
from tests.browser import album, inspect_page, world
from tests.browser.conftest import OpenPage
from tests.browser.walk import FINE, FRESH, Phone
from tests.browser.world import Case

UNKNOWN = "/s/" + "z" * 22
MALFORMED = "/s/not-a-link-at-all!"
FRESH_HEADING = {"en": "Look at your messages", "es": "Mire sus mensajes"}
CALL_HEADING = {"en": "We will call you", "es": "Le llamaremos"}
BUTTON = {"en": "Send me a fresh link", "es": "Envíenme un nuevo enlace"}


def expired(case: Case, _: Riverside) -> str:
    now = clock.now()
    token = world.link(case.invitation_id, now - timedelta(days=30), expires_at=now - timedelta(minutes=1))
    return f"/s/{token}"


def used(case: Case, riverside: Riverside) -> str:
    by = riverside.actor(STAFF)
    responses.enter_by_phone(case.invitation_id, {"help": "none"}, by=by, now=clock.now())
    return case.path


def revoked(case: Case, _: Riverside) -> str:
    responses.not_for_me(case.token, now=clock.now())
    return case.path


def unknown(_: Case, __: Riverside) -> str:
    return UNKNOWN


def malformed(_: Case, __: Riverside) -> str:
    return MALFORMED


def closed(case: Case, riverside: Riverside) -> str:
    with transaction() as tx:
        invitations.close(tx, case.invitation_id, reason="Asked us to", by=riverside.actor(STAFF), now=clock.now())
    return expired(case, riverside)


def unreachable(case: Case, riverside: Riverside) -> str:
    world.stop_writing(case)
    return expired(case, riverside)


LINKED, CALLED = (expired, used, revoked, unknown, malformed), (closed, unreachable)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("end", [*LINKED, *CALLED], ids=lambda end: end.__name__)
def test_every_end_of_a_link_leads_on_without_javascript(
    open_page: OpenPage, riverside: Riverside, end, language: str
) -> None:
    case = world.enrol(riverside, clock.now(), language=language)
    phone = Phone(open_page())

    phone.open(f"{end(case, riverside)}?language={language}")
    _reads(phone, language, riverside)
    album.pictures(phone.page, f"{end.__name__}-{language}")
    assert phone.page.locator(FRESH).inner_text() == BUTTON[language]
    phone.tap(FRESH)

    _reads(phone, language, riverside)
    album.pictures(phone.page, f"{end.__name__}-{language}-asked")
    assert phone.heading == (CALL_HEADING if end in CALLED else FRESH_HEADING)[language]


def _reads(phone: Phone, language: str, riverside: Riverside) -> None:
    """The page speaks that language, and says whom to call."""
    assert phone.page.get_attribute("html", "lang") == language
    assert phone.page.locator("a[href='tel:911']").is_visible()
    assert phone.page.locator(f"a[href='tel:{riverside.site.phone}']").is_visible()
    assert inspect_page.overflow(phone.page) == []
    assert inspect_page.small_targets(phone.page) == []


def test_the_wrong_person_is_asked_once_more_on_the_first_page_and_let_go(
    open_page: OpenPage, riverside: Riverside
) -> None:
    case = world.enrol(riverside, clock.now())
    phone = Phone(open_page())
    phone.open(case.path)
    album.pictures(phone.page, "start")

    phone.tap("a[href*='/not-me']")
    album.pictures(phone.page, "not-me")
    assert phone.heading == "Is this message not for you?"
    phone.tap("form[action$='/not-me'] a")
    assert phone.path == case.path
    phone.tap("a[href*='/not-me']")
    phone.tap("form[action$='/not-me'] button")

    assert phone.heading == "Thank you for telling us"
    assert "Maria" not in phone.page.content()
    assert phone.open(case.path).status == 410


def test_a_scanner_with_javascript_that_follows_every_link_changes_no_row(
    open_page: OpenPage, riverside: Riverside
) -> None:
    case = world.enrol(riverside, clock.now())
    page = open_page(script=True, user_agent="Mozilla/5.0 (compatible; MailScanner/1.0)")
    before = _rows()

    seen = _crawl(page, case.path)

    assert {path.partition("?")[0] for path in seen} == {case.path, f"{case.path}/not-me"}
    assert _rows() == before
    assert page.context.cookies() == []
    phone = Phone(open_page())
    phone.start(case)
    assert phone.asked == next(iter(FINE))


def _crawl(page: Page, start: str) -> set[str]:
    """Open every address that can be reached by links of this site, as a scanner of mail does."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        page.goto(path)
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        found = page.locator("a[href]").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        waiting += [urljoin(path, href) for href in found if not href.startswith(("tel:", "#"))]
    return seen


def _rows() -> dict[str, list[str]]:
    """Every row of the tables that a link could touch, and the number of rows of all others."""
    tables = [row["name"] for row in desk.rows("SELECT relname AS name FROM pg_stat_user_tables")]
    assert len(tables) > 40
    return {
        name: desk.rows(f'SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM "{name}" t') for name in tables
    }
