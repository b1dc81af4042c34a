"""Charts as SVG text: pure functions, no style attribute and no script; colors come from the style sheet's classes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from markupsafe import Markup, escape

WIDE, HALF, HEIGHT = 720, 480, 280
TOP, BOTTOM, RIGHT = 16, 46, 12
FONT = 13
CHARACTER = 8.2
"""Generous width of one character at FONT, so that a label is never cut."""
TICKS = 4
THIN = 3
"""Height of an interval that is a single number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One place on the horizontal axis; None where there is too little to show."""

    label: str
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One bar made of layers, in the order of the chart's layer names; None where there is too little to show."""

    label: str
    layers: tuple[int, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A value beside the interval (low, high) that was expected of it; None where nothing was."""

    label: str
    value: float
    interval: tuple[float, float] | None

    @property
    def is_missed(self) -> bool:
        """Whether the value lies outside."""
        return self.interval is not None and not self.interval[0] <= self.value <= self.interval[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two counts of one place on the horizontal axis."""

    label: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The plotting area: where values and places lie."""

    left: float
    most: float
    places: int
    across: int = WIDE

    @property
    def width(self) -> float:
        """Of the plotting area."""
        return self.across - RIGHT - self.left

    def x(self, place: int) -> float:
        """The middle of a place."""
        return self.left + self.width * (place + 0.5) / max(self.places, 1)

    def y(self, value: float) -> float:
        """The height of a value."""
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / self.most)


def line(name: str, *, title: str, description: str, values: Sequence[Value], most: float, unit: str = "") -> Markup:
    """A line with a dot for each value, broken where a value is missing. `name` makes its ids unique on the page."""
    frame = _frame(most, len(values), unit)
    dots = [(frame.x(n), frame.y(v.value)) for n, v in enumerate(values) if v.value is not None]
    marks = [_dot(x, y, "dot") for x, y in dots]
    paths = [f'<path class="line" d="M{"L".join(_points(run, frame))}"/>' for run in _runs(values)]
    return _svg(name, title, description, frame, [*_axes(frame, [v.label for v in values], unit), *paths, *marks])


def bars(name: str, *, title: str, description: str, values: Sequence[Value]) -> Markup:
    """One bar for each value, its number above it; drawn for half the page's width."""
    most = round_up(max((v.value or 0 for v in values), default=0))
    frame = _frame(most, len(values), "", across=HALF)
    wide = frame.width / max(len(values), 1) * 0.7
    shapes = [
        _rect(frame.x(n) - wide / 2, frame.y(v.value), wide, frame.y(0) - frame.y(v.value), "bar")
        + _middle(frame, n, frame.y(v.value) - 4, f"{v.value:.10g}")
        for n, v in enumerate(values)
        if v.value
    ]
    return _svg(name, title, description, frame, [*_axes(frame, [v.label for v in values], ""), *shapes])


def stacks(
    name: str, *, title: str, description: str, layers: Sequence[tuple[str, str]], values: Sequence[Stack]
) -> Markup:
    """Bars of layers, the first at the bottom, and a legend. `layers` are (class, word)."""
    most = round_up(max((sum(v.layers) for v in values if v.layers), default=0))
    frame = _frame(most, len(values), "")
    shapes = [shape for n, v in enumerate(values) for shape in _stack(frame, n, v.layers or (), layers)]
    parts = [*_axes(frame, [v.label for v in values], ""), *shapes, *_legend(frame, layers)]
    return _svg(name, title, description, frame, parts)


def bands(name: str, *, title: str, description: str, legend: tuple[str, str, str], values: Sequence[Band]) -> Markup:
    """A dot for each value on the interval that was expected. `legend`: words for interval, value, value outside."""
    most = round_up(max((max(v.value, *(v.interval or (0,))) for v in values), default=0))
    frame = _frame(most, len(values), "")
    ranges = [_range(frame, n, *v.interval) for n, v in enumerate(values) if v.interval]
    dots = [_dot(frame.x(n), frame.y(v.value), "missed" if v.is_missed else "dot") for n, v in enumerate(values)]
    key = _legend(frame, [("range", legend[0]), ("dot", legend[1]), ("missed", legend[2])])
    return _svg(name, title, description, frame, [*_axes(frame, [v.label for v in values], ""), *ranges, *dots, *key])


def _range(frame: Frame, place: int, low: float, high: float) -> str:
    """The interval as a bar, seen even where it is a single number."""
    wide, top = frame.width / max(frame.places, 1) * 0.7, frame.y(high)
    return _rect(frame.x(place) - wide / 2, top, wide, max(frame.y(low) - top, THIN), "range")


def _dot(x: float, y: float, css: str) -> str:
    return f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'


def pairs(name: str, *, title: str, description: str, legend: tuple[str, str], values: Sequence[Pair]) -> Markup:
    """Two bars for each place, the earlier count an outline and the later one filled. `legend` has a word for each."""
    frame = _frame(round_up(max((max(v.before, v.after) for v in values), default=0)), len(values), "")
    wide = frame.width / max(len(values), 1) * 0.35
    shapes = [
        _rect(frame.x(n) + left * wide, frame.y(count), wide, frame.y(0) - frame.y(count), f"layer {css}")
        for n, v in enumerate(values)
        for left, count, css in ((-1, v.before, "was"), (0, v.after, "now"))
    ]
    key = _legend(frame, [("was", legend[0]), ("now", legend[1])])
    return _svg(name, title, description, frame, [*_axes(frame, [v.label for v in values], ""), *shapes, *key])


def _stack(frame: Frame, place: int, counts: Sequence[int], layers: Sequence[tuple[str, str]]) -> Iterable[str]:
    wide, below = frame.width / max(frame.places, 1) * 0.7, 0
    for count, (css, _word) in zip(counts, layers, strict=False):
        if count:
            top = frame.y(below + count)
            yield _rect(frame.x(place) - wide / 2, top, wide, frame.y(below) - top, f"layer {css}")
        below += count


def _legend(frame: Frame, layers: Sequence[tuple[str, str]]) -> Iterable[str]:
    x = frame.left
    for css, word in layers:
        yield _rect(x, HEIGHT - 15, 12, 12, f"layer {css}")
        yield _text(x + 18, HEIGHT - 4, word, "start")
        x += 18 + len(word) * CHARACTER + 22


def _axes(frame: Frame, labels: Sequence[str], unit: str) -> Iterable[str]:
    for tick in range(TICKS + 1):
        value = frame.most * tick / TICKS
        y = frame.y(value)
        yield f'<line class="grid" x1="{frame.left:.1f}" x2="{frame.across - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(frame.left - 8, y + 4, f"{value:.10g}{unit}", "end")
    every = _label_step(frame, labels)
    for place, label in enumerate(labels):
        if place % every == 0:
            yield _middle(frame, place, frame.y(0) + 18, label)


def _label_step(frame: Frame, labels: Sequence[str]) -> int:
    """Every how manyth label has room beside its neighbor."""
    widest = max((len(label) for label in labels), default=1) * CHARACTER + 10
    return max(1, ceil(widest / (frame.width / max(len(labels), 1))))


def _frame(most: float, places: int, unit: str, *, across: int = WIDE) -> Frame:
    widest = max(len(f"{most * tick / TICKS:.10g}{unit}") for tick in range(TICKS + 1))
    return Frame(left=max(widest * CHARACTER + 14, 34), most=most, places=places, across=across)


def round_up(most: float) -> float:
    """A top of the axis that divides by four and leaves room for a number."""
    step = next(size for size in _steps() if size * TICKS >= most * 1.08)
    return float(step * TICKS)


def _steps() -> Iterable[int]:
    yield from (1, 2, 3, 4, 5)
    size = 1
    while True:
        size *= 10
        yield from (round(size * part) for part in (1, 1.5, 2, 2.5, 3, 4, 5))


def _runs(values: Sequence[Value]) -> list[list[tuple[int, float]]]:
    """Unbroken stretches of at least two values, each with its place."""
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value.value is None:
            runs.append([])
        else:
            runs[-1].append((place, value.value))
    return [run for run in runs if len(run) > 1]


def _points(run: Sequence[tuple[int, float]], frame: Frame) -> list[str]:
    return [f"{frame.x(place):.1f} {frame.y(value):.1f}" for place, value in run]


def _rect(x: float, y: float, width: float, height: float, css: str) -> str:
    return f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _middle(frame: Frame, place: int, y: float, words: str) -> str:
    """Words in the middle of a place, moved inwards where the edge of the picture would cut them."""
    half = len(words) * CHARACTER / 2
    return _text(min(max(frame.x(place), half), frame.across - half), y, words, "mid")


def _text(x: float, y: float, words: str, css: str) -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def _svg(name: str, title: str, description: str, frame: Frame, parts: Iterable[str]) -> Markup:
    css = "chart half" if frame.across == HALF else "chart"
    head = (
        f'<svg class="{css}" viewBox="0 0 {frame.across} {HEIGHT}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    )
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 (every word in it went through escape)
