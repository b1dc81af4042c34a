"""The trends page: four charts, each with its numbers as a table."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.protocol import Tier
from survey.services import sites, trends
from survey.services.trends import FEWEST, Spread, Trends, Waits, Week
from survey.web import charts, guard
from survey.web.charts import Stack, Value
from survey.web.forms import worklist as filters

blueprint = Blueprint("trends", __name__)

LAYERS = [(tier.value, tier.value.capitalize()) for tier in Tier]


@blueprint.get("/trends")
@guard.requires(Permission.TREND_READ)
def show() -> ResponseReturnValue:
    """How many answer, how serious it is, how answers spread, and how soon patients are reached."""
    weeks, site_id = filters.weeks(request.args), filters.site(request.args)
    seen = trends.look(site_id=site_id, weeks=weeks, now=clock.now())
    return render_template(
        "pages/trends/show.html",
        trends=seen,
        charts=_charts(seen),
        weeks=weeks,
        site_id=site_id,
        sites=sites.every(),
        spans=filters.SPANS,
        fewest=FEWEST,
    )


def _charts(seen: Trends) -> dict[str, Markup]:
    drawn = {"rate": _rate(seen.weeks), "tiers": _tiers(seen.weeks), "waits": _waits(seen.waits)}
    return drawn | ({"spread": _spread(seen.spread)} if seen.spread else {})


def _rate(weeks: tuple[Week, ...]) -> Markup:
    return charts.line(
        "rate",
        title="Response rate by week",
        description=f"Percent of due check-ins that were answered, {len(weeks)} weeks. Numbers in the table below.",
        values=[Value(label=_label(week), value=week.rate) for week in weeks],
        most=100,
        unit="%",
    )


def _tiers(weeks: tuple[Week, ...]) -> Markup:
    return charts.stacks(
        "tiers",
        title="Responses by tier and week",
        description="Number of responses of each tier. The table below has the numbers.",
        layers=LAYERS,
        values=[
            Stack(label=_label(week), layers=tuple(week.tiers[tier] for tier in Tier) if week.tiers else None)
            for week in weeks
        ],
    )


def _spread(spread: Spread) -> Markup:
    return charts.bars(
        "spread",
        title=f"{spread.label}, 0 to 10",
        description=f"How many people chose each number, {spread.total} in all. The table below has the numbers.",
        values=[Value(label=str(number), value=people) for number, people in enumerate(spread.people)],
    )


def _waits(waits: Waits) -> Markup:
    return charts.bars(
        "waits",
        title="Time to contact",
        description="Urgent alerts by the time until somebody called. The table below has the numbers.",
        values=[Value(label=words, value=number) for words, number in waits.groups],
    )


def _label(week: Week) -> str:
    return f"{week.starts_on:%b} {week.starts_on.day}"
