"""What a page says: the words of its kind, filled from how its alert stands in the moment in which it leaves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from survey.domain import reply_codes as codes
from survey.domain.alerts import Alert, AlertState
from survey.domain.oncall import MethodKind
from survey.domain.pages import PageKind
from survey.messaging import wordings
from survey.store import accounts, reply_codes
from survey.store import alerts as alert_store
from survey.store import sites as site_store
from survey.store.pages import Due
from survey.store.session import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The folder of the words in `templates/messages`, and what they are filled with, but for the link."""

    template: str
    words: Mapping[str, str]


def read(tx: Tx, due: Due, *, now: datetime) -> Said:
    """What a page says that is about to leave. By text it gets the code that takes the alert."""
    basic = {"clinic": due.clinic, "number": str(due.alert_no)}
    if due.alerts > 1:
        return Said(template="page_bundle", words=basic | {"count": str(due.alerts)})
    if due.page.kind is PageKind.CALL:
        return Said(template="page", words=basic | _code(tx, due, now=now))
    alert = alert_store.get(tx, due.page.alert_id)
    if due.page.kind is PageKind.NUDGE:
        return Said(template="page_nudge" if alert.contact_result is None else "page_retry", words=basic)
    return _about_holder(tx, due, alert, basic, now=now)


def _code(tx: Tx, due: Due, *, now: datetime) -> dict[str, str]:
    if due.method is not MethodKind.SMS:
        return {}
    code = reply_codes.give(tx, due.page.contact_method_id, due.page.alert_id, now=now)
    return {"code": codes.called(code, due.alert_no)}


def _about_holder(tx: Tx, due: Due, alert: Alert, basic: dict[str, str], *, now: datetime) -> Said:
    if alert.state is AlertState.RESOLVED:
        return Said(template="page_closed", words=basic)
    if alert.acked_by is None or alert.acked_at is None:
        return _to_be_had(tx, due, basic, now=now)
    if alert.acked_by == due.page.user_id:
        return Said(template="page_yours", words=basic)
    site = site_store.get(tx, alert.site_id)
    who = {
        "holder": wordings.short_name(accounts.get(tx, alert.acked_by).name),
        "time": wordings.wall_time(alert.acked_at, site.tz, "en"),
    }
    return Said(template="page_help" if due.page.kind is PageKind.HELP else "page_taken", words=basic | who)


def _to_be_had(tx: Tx, due: Due, basic: dict[str, str], *, now: datetime) -> Said:
    """Nobody has it: how to take it, or which of several."""
    own = reply_codes.live(tx, due.page.contact_method_id)
    live = {one.code: one.alert_no for one in own if one.to_be_had}
    if len(live) > 1:
        return Said(template="page_codes", words=basic | {"codes": codes.listed(live)})
    return Said(template="page", words=basic | _code(tx, due, now=now))
