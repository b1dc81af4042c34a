"""Charts: nothing outside the picture, nothing that needs script or style, words for whoever does not see it."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import clock
from survey.web import charts
from survey.web.charts import CHARACTER, THIN, Band, Stack, Value
from tests import surveys
from tests.cast import OLGA, SAM
from tests.staff import BREATHLESS, CALM, Desk, answered

NUMBERS = st.one_of(st.none(), st.integers(0, 10_000_000))
LABELS = st.text("ABCDEFGHij 0123456789<&\"'", min_size=1, max_size=12)
UNHURRIED = settings(deadline=None)
"""The machine may be busy with other tests."""
LAYERS = [("routine", "Routine"), ("urgent", "Urgent")]


def texts_outside(svg: str) -> list[str]:
    """Labels that would be cut off by the edge of the picture."""
    root = ElementTree.fromstring(svg)  # noqa: S314 (our own text)
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    outside = []
    for text in root.iter("text"):
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        length = len(text.text or "") * CHARACTER
        left = {"start": x, "mid": x - length / 2, "end": x - length}[text.attrib["class"]]
        if left < -1 or left + length > width + 1 or not 10 <= y <= height:
            outside.append(text.text or "")
    return outside


@UNHURRIED
@given(st.lists(st.tuples(LABELS, NUMBERS), max_size=60))
def test_no_label_of_a_bar_chart_is_cut(pairs: list[tuple[str, int | None]]) -> None:
    svg = charts.bars("b", title="T", description="D", values=[Value(label=a, value=b) for a, b in pairs])

    assert texts_outside(svg) == []


@UNHURRIED
@given(st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=60))
def test_no_label_of_a_line_chart_is_cut(numbers: list[int | None]) -> None:
    values = [Value(label="Aug 31", value=number) for number in numbers]
    svg = charts.line("l", title="T", description="D", values=values, most=100, unit="%")

    assert texts_outside(svg) == []


@UNHURRIED
@given(st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 9999), st.integers(0, 9999))), max_size=60))
def test_no_label_of_a_stack_is_cut(numbers: list[tuple[int, int] | None]) -> None:
    values = [Stack(label="Aug 31", layers=layers) for layers in numbers]
    svg = charts.stacks("s", title="T", description="D", layers=LAYERS, values=values)

    assert texts_outside(svg) == []


INTERVALS = st.one_of(st.none(), st.tuples(st.integers(0, 9999), st.integers(0, 9999)).map(lambda two: sorted(two)))
LEGEND = ("Forecast, nine weeks in ten", "Pages that came", "Outside the forecast")


def bands(*pairs: tuple[int, tuple[int, int] | None]) -> str:
    values = [Band(label="Aug 31", value=came, interval=interval) for came, interval in pairs]
    return charts.bands("f", title="T", description="D", legend=LEGEND, values=values)


@UNHURRIED
@given(st.lists(st.tuples(st.integers(0, 9999), INTERVALS), max_size=60))
def test_nothing_of_a_chart_of_intervals_is_cut(pairs: list[tuple[int, tuple[int, int] | None]]) -> None:
    svg = bands(*pairs)

    heights = [float(y) for y in re.findall(r'c?y="([\d.-]+)"', svg)]
    assert texts_outside(svg) == []
    assert all(0 <= y <= charts.HEIGHT for y in heights)


def test_what_lies_outside_its_interval_is_marked() -> None:
    svg = bands((3, None), (3, (1, 3)), (3, (3, 3)), (0, (1, 3)), (4, (1, 3)))

    assert (svg.count('class="dot"'), svg.count('class="missed"'), svg.count('class="range"')) == (3, 2, 4)
    assert f'height="{THIN:.1f}"/>' not in bands((3, (1, 3)))
    assert f'height="{THIN:.1f}"/>' in bands((3, (3, 3)))


@UNHURRIED
@given(LABELS)
def test_words_in_a_chart_are_text_and_never_markup(word: str) -> None:
    svg = charts.bars("b", title=word, description=word, values=[Value(label=word, value=1)])

    assert ElementTree.fromstring(svg).find("title").text == word  # noqa: S314


def test_a_line_is_broken_where_a_week_is_not_shown() -> None:
    numbers = [50, 60, None, 70, 80, 90]
    svg = charts.line("l", title="T", description="D", values=[Value(label="w", value=n) for n in numbers], most=100)

    assert svg.count('class="line"') == 2
    assert svg.count("<circle") == 5


def test_a_chart_has_words_for_whoever_does_not_see_it_and_no_style_of_its_own() -> None:
    svg = charts.bars("b", title="Answers", description="How many", values=[Value(label="1", value=2)])

    assert 'role="img" aria-labelledby="b-title b-desc"' in svg
    assert not re.search(r"style=|<style|<script|on\w+=", svg)


class Outline(HTMLParser):
    """Counts the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def test_every_chart_has_its_numbers_as_a_table(desk: Desk) -> None:
    now = clock.now() - timedelta(days=3)
    for _ in range(5):
        answered(surveys.invited(now), CALM, now=now)
    desk.signed_in(SAM)

    seen = Outline(desk.get("/trends").text).seen

    assert (seen.count("svg"), seen.count("table")) == (3, 3)


def test_too_few_to_show_is_said_in_words(desk: Desk) -> None:
    now = clock.now() - timedelta(days=3)
    answered(surveys.invited(now), BREATHLESS, now=now)
    desk.signed_in(OLGA)

    page = desk.get("/trends").text

    assert page.count("too few to show") >= 3
    assert "Lindqvist" not in page


@pytest.mark.parametrize("query", ["", "?weeks=52", "?weeks=none&site=x", "?site=00000000-0000-4000-8000-000000000001"])
def test_any_filter_makes_a_page(desk: Desk, query: str) -> None:
    desk.signed_in(SAM)

    assert desk.get(f"/trends{query}").status_code == 200
