"""What-if: start a replay of a version over all responses, watch it, read who moves."""

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from survey import clock
from survey.domain import replays as rules
from survey.domain.accounts import Permission
from survey.domain.comparison import Tally
from survey.domain.errors import Refused
from survey.domain.protocol import Tier
from survey.domain.replays import Replay, ReplayState
from survey.domain.versions import Version
from survey.services import access, accounts, protocols, replays
from survey.web import charts, comparisons, guard
from survey.web import protocols as pages
from survey.web.charts import Pair

blueprint = Blueprint("replays", __name__, url_prefix="/protocols")

LOOK_EVERY_S = "3"
"""So often the page of a running what-if loads itself again, unless its reader has asked it to be still."""


@blueprint.get("/<string:slug>/<int:version>/what-if")
@guard.requires(Permission.PROTOCOL_WRITE)
def index(slug: str, version: int) -> ResponseReturnValue:
    """The newest what-if of a version, and the button for another."""
    return _index(protocols.numbered(slug, version))


@blueprint.post("/<string:slug>/<int:version>/what-if")
@guard.requires(Permission.PROTOCOL_WRITE)
def start(slug: str, version: int) -> ResponseReturnValue:
    """Let a worker hold the version against every response so far."""
    one = protocols.numbered(slug, version)
    try:
        replay = replays.start(one.id, by=guard.actor(), now=clock.now())
    except Refused as refused:
        return _index(one, refused=refused.message)
    return redirect(url_for("replays.show", replay_id=replay.id), code=303)


@blueprint.get("/what-if/<uuid:replay_id>")
@guard.requires(Permission.PROTOCOL_WRITE)
def show(replay_id: UUID) -> ResponseReturnValue:
    """How far a what-if has come; then what it has found, or why it has found nothing."""
    replay, one = replays.get(replay_id)
    if replay.is_running:
        headers = {} if "still" in request.args else {"Refresh": LOOK_EVERY_S}
        return render_template("pages/replays/running.html", **_about(one, replay)), headers
    if replay.state is not ReplayState.DONE:
        return render_template("pages/replays/ended.html", **_about(one, replay))
    return _result(one, replay)


@blueprint.post("/what-if/<uuid:replay_id>/cancel")
@guard.requires(Permission.PROTOCOL_WRITE)
def cancel(replay_id: UUID) -> ResponseReturnValue:
    """End a what-if that runs; one that has ended in the same moment is shown as it ended."""
    try:
        replays.cancel(replay_id, by=guard.actor(), now=clock.now())
    except Refused:
        flash("It had ended already. Here is its result.")
    return redirect(url_for("replays.show", replay_id=replay_id), code=303)


def _index(one: Version, *, refused: str | None = None) -> ResponseReturnValue:
    about = _about(one, replays.shown(one.id))
    return render_template("pages/replays/index.html", refused=refused, **about), 422 if refused else 200


def _result(one: Version, replay: Replay) -> ResponseReturnValue:
    asked = _asked(request.args)
    found = replays.moves(replay.id, before=asked[0], after=asked[1], page=_page(request.args.get("page", "")))
    if found.total:
        access.note_read("replay.read", replay.id, by=guard.actor(), now=clock.now())
    return render_template(
        "pages/replays/show.html",
        found=found,
        asked=asked,
        cells=_cells(replay.tally),
        why=comparisons.rules_known_to(one),
        load=comparisons.pages_a_week(replay.tally),
        chart=_weeks(replay.tally),
        **_about(one, replay),
    )


def _about(one: Version, replay: Replay | None) -> dict[str, object]:
    """What each of the pages says of a version and of its what-if."""
    return {
        "one": one,
        "replay": replay,
        "itself": rules.is_of_itself(one, asked_at=replay.asked_at if replay else clock.now()),
        "people": accounts.names(),
        "zone": pages.zone(),
    }


def _cells(tally: Tally) -> list[tuple[Tier, Tier, int]]:
    """Where somebody moves, the least serious first."""
    return [
        (before, after, tally.matrix[before, after])
        for before in Tier
        for after in Tier
        if before is not after and tally.matrix[before, after]
    ]


def _asked(sent: Mapping[str, str]) -> tuple[Tier | None, Tier | None]:
    """The cell that is asked for; what cannot be read is left out."""
    tiers = {tier.value: tier for tier in Tier}
    return tiers.get(sent.get("before", "")), tiers.get(sent.get("after", ""))


def _page(text: str) -> int:
    return min(int(text), 10**6) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _weeks(tally: Tally) -> Markup:
    weeks = sorted(tally.weeks.items())
    return charts.pairs(
        "weeks",
        title="Responses that page, by week",
        description=f"As it stands and under this version, {len(weeks)} weeks. Numbers in the table below.",
        legend=("As it stands", "Under this version"),
        values=[Pair(label=f"{day:%b} {day.day}", before=week.before, after=week.after) for day, week in weeks],
    )
