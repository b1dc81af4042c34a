"""Percentiles, and the table of what was measured beside what was promised."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line: `budget` is the most that `value` may be, or the least where `at_least`."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """`ok` or `over`; nothing where nothing was promised."""
        if self.budget is None:
            return ""
        kept = self.value >= self.budget if self.at_least else self.value <= self.budget
        return "ok" if kept else "over"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies; the nearest one there is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(figures: Sequence[Figure]) -> str:
    """Aligned for a terminal."""
    lines = [f"{'':52} {'measured':>10} {'':8} {'budget':>10}"]
    for one in figures:
        sign = "≥" if one.at_least else "≤"
        budget = "" if one.budget is None else f"{sign} {_number(one.budget)}"
        lines.append(f"{one.name:52} {_number(one.value):>10} {one.unit:8} {budget:>10}  {one.verdict}")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 3 else f"{value:.2f}"
