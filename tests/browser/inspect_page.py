"""Looks at a page as it stands in the browser: axe's rules, and the measures that axe does not take."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize

AXE = Path(__file__).parents[1] / "vendor/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLORS = ["color-contrast", "link-in-text-block"]
"""The rules whose verdict can differ between light and dark: all others look at the same document."""
NARROW_RULES = [
    *COLORS,
    "target-size",
    "scrollable-region-focusable",
    "label",
    "select-name",
    "button-name",
    "link-name",
]
"""The rules whose verdict can differ with the width: about what is shown, how large, and by which name."""

NARROW: ViewportSize = {"width": 320, "height": 568}
TARGET_PX = 44
SMALLEST_TEXT_PX = 11


@lru_cache(maxsize=1)
def axe_source() -> str:
    """axe-core, to be given to a context of its own: `open_page(script=True, bypass_csp=True)`."""
    return AXE.read_text(encoding="utf-8")


def faults(page: Page) -> list[str]:
    """What axe holds against the page in light colors, and against its colors in dark."""
    page.emulate_media(color_scheme="light")
    found = faults_of_layout(page)
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {one}" for one in _axe(page, {"runOnly": {"type": "rule", "values": COLORS}})]
    return found


def faults_of_layout(page: Page) -> list[str]:
    """What axe holds against the page as wide as it stands, in the colors that it has."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe_source())
    return _axe(page, {"runOnly": {"type": "tag", "values": TAGS}})


def _axe(page: Page, options: dict[str, Any]) -> list[str]:
    told = page.evaluate(
        "options => axe.run(document, {resultTypes: ['violations'], preload: false, ...options})", options
    )
    return [
        f"{one['id']}: {node['target']} {node['any'][0]['message'] if node['any'] else one['help']}"
        for one in told["violations"]
        for node in one["nodes"]
    ]


_OUTLINE = """() => {
  const found = [], heads = document.querySelectorAll('h1').length;
  if (heads !== 1) found.push(`${heads} h1`);
  for (const group of document.querySelectorAll('fieldset')) {
    const legend = group.querySelector(':scope > legend');
    if (!legend || !legend.textContent.trim()) found.push(`no legend: ${group.outerHTML.slice(0, 100)}`);
  }
  if (!document.documentElement.lang) found.push('the page does not name its language');
  const wrong = document.querySelector('[aria-invalid=true], #error-summary') !== null;
  if (wrong !== document.title.startsWith('Error:')) found.push(`errors: ${wrong}, but the title is ${document.title}`);
  return found;
}"""


def outline(page: Page) -> list[str]:
    """What is wrong with the page's bones: one h1, a legend for each group, a title that tells of errors."""
    return list(page.evaluate(_OUTLINE))


_OVERFLOW = """() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide <= 0) return [];
  const guilty = [...document.body.querySelectorAll('*')].filter(one => {
    const box = one.getBoundingClientRect();
    return box.right > innerWidth + 1 && box.width > 0 && !one.closest('.scroll, .hidden, .skip');
  });
  return [`${wide} px too wide: ` + guilty.slice(-4).map(one => one.outerHTML.slice(0, 90)).join(' | ')];
}"""

_TARGETS = """least => {
const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')];
return all.flatMap(one => {
  if (one.type === 'hidden' || one.matches('.skip') || one.closest('[hidden]')) return [];
  const inline = one.tagName === 'A' && getComputedStyle(one).display === 'inline'
    && one.parentElement.textContent.trim() !== one.textContent.trim();
  if (inline) return [];
  const label = one.labels && one.labels[0];
  const boxes = [one, ...(['radio', 'checkbox'].includes(one.type) && label ? [label] : [])].map(
    each => each.getBoundingClientRect());
  const width = Math.max(...boxes.map(box => box.width)), height = Math.max(...boxes.map(box => box.height));
  if (width === 0 && height === 0) return [];
  return width + .5 >= least && height + .5 >= least ? []
    : [`${Math.round(width)}x${Math.round(height)} px: ${one.outerHTML.slice(0, 100)}`];
}); }"""

_CHARTS = """least => [...document.querySelectorAll('svg')].flatMap(chart => {
  const frame = chart.getBoundingClientRect();
  return [...chart.querySelectorAll('text')].flatMap(text => {
    const box = text.getBoundingClientRect(), found = [];
    if (box.width === 0) return found;
    const said = text.textContent.trim();
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
        || box.bottom > frame.bottom + 1) found.push(`clipped: ${said}`);
    const size = parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
    if (size < least - .05) found.push(`${size.toFixed(1)} px: ${said}`);
    return found;
  });
})"""

_BORDERLESS = """() => [...document.querySelectorAll('button, .button')].filter(one => {
  const style = getComputedStyle(one);
  return one.getBoundingClientRect().width > 0 && !style.textDecorationLine.includes('underline')
    && (style.borderTopStyle === 'none' || parseFloat(style.borderTopWidth) === 0);
}).map(one => `no border: ${one.outerHTML.slice(0, 100)}`)"""


def overflow(page: Page) -> list[str]:
    """By how much the page is wider than the screen, and what sticks out."""
    return list(page.evaluate(_OVERFLOW))


def small_targets(page: Page) -> list[str]:
    """What a thumb could miss: controls below 44 px either way. Links inside a sentence are exempt."""
    return list(page.evaluate(_TARGETS, TARGET_PX))


def chart_faults(page: Page) -> list[str]:
    """Words of a chart that are cut off or too small to read."""
    return list(page.evaluate(_CHARTS, SMALLEST_TEXT_PX))


def borderless(page: Page) -> list[str]:
    """Buttons that would not be seen as such where the reader's own colors are forced; some look like links."""
    return list(page.evaluate(_BORDERLESS))


@contextmanager
def double_text(page: Page) -> Iterator[None]:
    """Twice the text size, as somebody sets it in the browser's own settings."""
    session = page.context.new_cdp_session(page)
    session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    yield
    session.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
    session.detach()


@contextmanager
def forced_colors(page: Page) -> Iterator[None]:
    """The reader's own few colors, as in a contrast theme."""
    page.emulate_media(forced_colors="active")
    yield
    page.emulate_media(forced_colors="none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found at the stops of a tour, each with the name of its stop."""

    stops: list[str] = field(default_factory=list)
    barriers: list[str] = field(default_factory=list)
    """What keeps somebody out: axe's findings in light and dark, and the page's bones."""
    misfits: list[str] = field(default_factory=list)
    """What does not fit at 320 px, with the text as it is and at twice its size, and buttons that cannot be seen."""
    small: list[str] = field(default_factory=list)
    """What a thumb could miss."""


def look(page: Page, stops: Iterator[str], *, in_other_words: bool = False) -> Findings:
    """Look at every stop, as wide as the page stands, and then on the smallest phone.

    Where it stands `in_other_words` alone, another tour has looked at its colors in the dark, and at axe's rules for
    a small phone; how the longer words fit is looked at all the same.
    """
    found = Findings()
    wide = page.viewport_size or NARROW
    for stop in stops:
        found.stops.append(stop)
        by_axe = faults_of_layout(page) if in_other_words else faults(page)
        found.barriers.extend(f"{stop}: {one}" for one in (*by_axe, *outline(page)))
        page.set_viewport_size(NARROW)
        page.emulate_media(color_scheme="light")
        if not in_other_words:
            narrow = _axe(page, {"runOnly": {"type": "rule", "values": NARROW_RULES}})
            found.barriers.extend(f"{stop}, 320 px: {one}" for one in narrow)
        found.misfits.extend(f"{stop}: {one}" for one in _misfits(page))
        found.small.extend(f"{stop}: {one}" for one in small_targets(page))
        page.set_viewport_size(wide)
    return found


def _misfits(page: Page) -> Iterator[str]:
    yield from overflow(page)
    with double_text(page):
        yield from (f"200 % text: {one}" for one in overflow(page))
    with forced_colors(page):
        yield from borderless(page)
