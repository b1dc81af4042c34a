"""How many pages a version brings, beside the one in force."""

from datetime import date
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from survey import clock
from survey.domain import burden as rules
from survey.domain.accounts import Permission
from survey.domain.burden import Judged
from survey.domain.versions import Version, VersionState
from survey.services import burden, protocols, sites
from survey.services.burden import Side
from survey.web import charts, comparisons, guard
from survey.web import protocols as pages
from survey.web.charts import Band
from survey.web.forms import worklist as filters

blueprint = Blueprint("burden", __name__, url_prefix="/protocols")

LEGEND = ("Forecast, nine weeks in ten", "Pages that came", "Outside the forecast")


@blueprint.get("/<string:slug>/<int:version>/burden")
@guard.requires(Permission.PROTOCOL_WRITE)
def show(slug: str, version: int) -> ResponseReturnValue:
    """What to expect of the version a week and a night, and how good such forecasts were."""
    one = protocols.numbered(slug, version)
    site_id = _site(one)
    seen = burden.look(one, site_id=site_id, now=clock.now())
    return render_template(
        "pages/burden/show.html",
        one=one,
        sides=[side for side in (seen.own, seen.live) if side],
        site_id=site_id,
        sites=sites.every() if one.state is VersionState.PUBLISHED else (),
        why=comparisons.rules_known_to(one),
        chart=_chart,
        amount=amount,
        of_hundred=of_hundred,
        between=between,
        coverage=rules.coverage,
        with_responses=rules.with_responses,
        fewest_weeks=rules.FEWEST_WEEKS,
        window=rules.WINDOW,
        zone=pages.zone(),
    )


def _site(one: Version) -> UUID | None:
    """The site asked for; only for the version in force, since what-ifs do not keep theirs apart."""
    return filters.site(request.args) if one.state is VersionState.PUBLISHED else None


def _chart(side: Side) -> Markup:
    return charts.bands(
        f"version-{side.version.version}",
        title=f"Pages a week, version {side.version.version}",
        description=f"Pages of {len(side.judged)} weeks, each on the interval that was forecast. Numbers below.",
        legend=LEGEND,
        values=[_band(week) for week in side.judged],
    )


def _band(week: Judged) -> Band:
    expected = week.expected
    return Band(
        label=_label(week.starts_on),
        value=week.came,
        interval=(expected.low, expected.high) if expected else None,
    )


def _label(day: date) -> str:
    return f"{day:%b} {day.day}"


def amount(number: float) -> str:
    """`12`, `6.2`, `0.04`: as many digits as a forecast deserves."""
    return f"{number:.0f}" if abs(number) >= 10 else f"{number:.2g}"


def of_hundred(chance: float) -> str:
    """`31 of 100`; what rounds to none or to all is said in words."""
    if chance < 0.005:
        return "fewer than 1 of 100"
    return "more than 99 of 100" if chance > 0.995 else f"{100 * chance:.0f} of 100"


def between(low: int, high: int) -> str:
    """`2 to 11`, or `0` where both are the same."""
    return f"{low} to {high}" if low < high else str(low)
