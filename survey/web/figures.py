"""The page of figures: how soon alerts are paged, taken, and followed by a talk, by tier, week and person."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.figures import FEWEST, FEWEST_SLOW, Spread
from survey.services import figures, sites
from survey.services.figures import Figures
from survey.web import charts, guard
from survey.web.charts import Value
from survey.web.forms import worklist as filters

blueprint = Blueprint("figures", __name__, url_prefix="/on-call")


@blueprint.get("/figures")
@guard.requires(Permission.TREND_READ)
def show() -> ResponseReturnValue:
    """Medians and the slowest twentieth, each with how many it stands for."""
    weeks, site_id = filters.weeks(request.args), filters.site(request.args)
    seen = figures.look(site_id=site_id, weeks=weeks, now=clock.now())
    return render_template(
        "pages/figures/show.html",
        figures=seen,
        chart=_chart(seen),
        weeks=weeks,
        site_id=site_id,
        sites=sites.every(),
        spans=filters.SPANS,
        fewest=FEWEST,
        fewest_slow=FEWEST_SLOW,
        took=took,
    )


def _chart(seen: Figures) -> Markup | None:
    minutes = [_minutes(week.reached) for week in seen.weeks]
    if not any(value is not None for value in minutes):
        return None
    return charts.line(
        "talks",
        title="Time to the talk by week, in minutes",
        description="Half of the patients were reached within so many minutes. The table below has the numbers.",
        values=[
            Value(label=f"{week.week:%b} {week.week.day}", value=value)
            for week, value in zip(seen.weeks, minutes, strict=True)
            if week.week
        ],
        most=charts.round_up(max((value or 0 for value in minutes), default=0)),
    )


def _minutes(spread: Spread) -> float | None:
    return spread.median / 60 if spread.count >= FEWEST and spread.median is not None else None


def took(seconds: float) -> str:
    """`8 s`, `2 min 30 s`, `1 h 12 min`: as exactly as somebody would say it."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(whole, 0)} s" if seconds >= 1 else "under 1 s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
