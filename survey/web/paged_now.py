"""“Who gets paged now?”: the answer of the resolver that pages go by, step by step."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.coverage import Flaw
from survey.domain.oncall import MethodKind
from survey.services import paged_now, sites
from survey.web import guard

blueprint = Blueprint("paged_now", __name__, url_prefix="/on-call")

KINDS: Mapping[MethodKind, str] = {
    MethodKind.APPRISE: "Push",
    MethodKind.EMAIL: "Email",
    MethodKind.SMS: "Text",
    MethodKind.VOICE: "Call",
}
FLAWS: Mapping[Flaw, str] = {
    Flaw.INACTIVE: "has an account that is not in use. Put somebody else on call.",
    Flaw.UNREACHABLE: "has no verified way to be paged. Ask for one, or put somebody else on call.",
    Flaw.UNPROVED: "has not answered on every way for 30 days. Ask for a test page.",
    Flaw.TWICE: "is on both at the same time, so nobody comes after. Put somebody else on one of them.",
}


@blueprint.get("/now")
@guard.requires(Permission.ONCALL_READ)
def show() -> ResponseReturnValue:
    """Each step with its people, and how they are paged."""
    now = clock.now()
    lookout = paged_now.look(now)
    usual = next((site.zone for site in sites.every()), "UTC")
    return render_template(
        "pages/oncall/now.html", lookout=lookout, now=now, kinds=KINDS, flaws=FLAWS, tz=ZoneInfo(usual)
    )
