"""axe-core finds nothing on any page in any state, in light and in dark; nor do we in what axe does not look at."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from survey import clock
from survey.local.clinic import STAFF, Riverside
from tests.browser import inspect_page, world
from tests.browser.conftest import TOURS, OpenPage
from tests.browser.inspect_page import Findings
from tests.browser.walk import Phone, sign_in

OUTLINE_PX = 3
FOR_THUMBS = ("patient, en", "patient, es", "alert")

_FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return [null, 0];
  const width = each => {
    const style = getComputedStyle(each);
    return style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth);
  };
  return [one.outerHTML.slice(0, 100), Math.max(...[one, ...(one.labels || []), one.parentElement].map(width))];
}"""


@pytest.mark.parametrize("tour", TOURS)
def test_every_page_is_open_to_everybody_fits_a_small_phone_and_is_hit_by_a_thumb(
    findings: Callable[[str], Findings], tour: str
) -> None:
    found = findings(tour)

    assert found.barriers == []
    assert found.misfits == []
    assert found.small == [] or tour not in FOR_THUMBS


def test_axe_would_have_seen_a_fault(open_page: OpenPage) -> None:
    looked_at = Phone(open_page(script=True, bypass_csp=True))
    looked_at.open("/sign-in")

    looked_at.page.evaluate("document.querySelector('label').remove()")
    looked_at.page.evaluate("document.querySelector('h1').style.color = '#ccc'")

    found = " ".join(inspect_page.faults(looked_at.page))
    assert "label" in found
    assert "color-contrast" in found


def test_whoever_uses_a_keyboard_sees_where_he_is(open_page: OpenPage, riverside: Riverside) -> None:
    patients, staffs = Phone(open_page()), Phone(open_page(width=1280))
    patients.start(world.enrol(riverside, clock.now()))
    sign_in(staffs.page, STAFF)
    staffs.open("/enrol")

    faint = [one for page in (patients.page, staffs.page) for one in _without_outline(page)]

    assert faint == []


def _without_outline(page: Page) -> Iterator[str]:
    """Controls that take the focus and never show it; a date has several places to stop at, and shows it on some."""
    shown: dict[str, float] = {}
    for _ in range(40):
        page.keyboard.press("Tab")
        control, width = page.evaluate(_FOCUSED)
        if control is None:
            break
        shown[control] = max(width, shown.get(control, 0))
    assert len(shown) > 5
    yield from (f"{width} px: {control}" for control, width in shown.items() if width < OUTLINE_PX)
