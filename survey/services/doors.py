"""The door that a page's own link opens: how the alert stands now, and a way to have it without signing in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from survey.domain.alerts import Alert, AlertState
from survey.domain.errors import NotFound, Refused
from survey.domain.links import is_well_formed
from survey.domain.oncall import User
from survey.domain.pages import TOKEN_LIVES, Page
from survey.domain.sites import Site
from survey.services import alerts
from survey.services.links import sha256
from survey.store import alerts as store
from survey.store import bundles
from survey.store import oncall as oncall_store
from survey.store import pages as page_store
from survey.store import sites as site_store
from survey.store.session import Tx, transaction


class DoorState(StrEnum):
    """What the link in a page opens."""

    OPEN = "open"
    """The alert is to be had."""
    YOURS = "yours"
    TAKEN = "taken"
    CLOSED = "closed"
    EXPIRED = "expired"
    """The link is a day old. Sign in instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Another alert in the same text; `holder` is whoever has it, and it `is_open` while it is to be had."""

    alert_id: UUID
    number: int
    epoch: int
    is_open: bool
    holder: User | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What is behind the link in a page, as things stand now: no health fact, no name of a patient.

    `epoch` is what a take from here has to carry; `holder` and `since` tell who has the alert.
    `others` went in the same text, and each is taken by itself.
    """

    state: DoorState
    alert_id: UUID
    number: int
    user_id: UUID
    opened_at: datetime
    promised_at: datetime
    epoch: int
    site: Site
    holder: User | None
    since: datetime | None
    others: tuple[Beside, ...] = ()


def look(token: str, *, now: datetime) -> Door:
    """What is behind the link, changing nothing. Raises NotFound for a link that was never sent."""
    with transaction() as tx:
        return _door(tx, token, now=now)


def take(
    token: str, *, now: datetime, epoch: int | None = None, over: bool = False, alert_id: UUID | None = None
) -> Door:
    """Take the alert as the person whom the page was sent to; the door as it stands after that.

    `epoch` is the one that the door showed; without it the page's own counts. `over`: from whoever has it, who is told.
    `alert_id` is another one that went in the same text.
    Raises Stale when somebody else has it or the alert has moved on, Refused when the link is a day old, NotFound when
    it was never sent.
    """
    with transaction() as tx:
        door = _door(tx, token, now=now)
        if door.state is DoorState.EXPIRED:
            raise Refused("This link is more than a day old. Sign in to see the alert.")
        page = _chosen(tx, _opened(tx, token).page, alert_id)
        old = store.get_for_update(tx, page.alert_id)
        take_it = alerts.take_over_as if over else alerts.take_as
        take_it(tx, old, user_id=door.user_id, epoch=page.epoch if epoch is None else epoch, now=now)
        return _door(tx, token, now=now)


def _opened(tx: Tx, token: str) -> page_store.Opened:
    found = page_store.opened(tx, sha256(token)) if is_well_formed(token) else None
    if found is None or oncall_store.user(tx, found.page.user_id) is None:
        raise NotFound("This link is not known. Sign in to see what is open.")
    return found


def _chosen(tx: Tx, page: Page, alert_id: UUID | None) -> Page:
    """The page that is meant: this one, or another that went in its text."""
    if alert_id is None or alert_id == page.alert_id:
        return page
    found = next((one for one in bundles.within(tx, page.id) if one.alert_id == alert_id), None)
    if found is None:
        raise NotFound("This alert is not in that message. Sign in to see what is open.")
    return found


def _beside(tx: Tx, page: Page) -> tuple[Beside, ...]:
    ids = {one.alert_id for one in bundles.within(tx, page.id)} - {page.alert_id}
    found = sorted((store.get(tx, alert_id) for alert_id in ids), key=lambda one: one.short_no)
    return tuple(
        Beside(
            alert_id=one.id,
            number=one.short_no,
            epoch=one.epoch,
            is_open=one.state is AlertState.TRIGGERED,
            holder=alerts.holder(tx, one),
        )
        for one in found
    )


def _door(tx: Tx, token: str, *, now: datetime) -> Door:
    found = _opened(tx, token)
    alert = store.get(tx, found.page.alert_id)
    return Door(
        state=DoorState.EXPIRED if now >= found.sent_at + TOKEN_LIVES else _state(alert, found.page),
        alert_id=alert.id,
        number=alert.short_no,
        user_id=found.page.user_id,
        opened_at=alert.created_at,
        promised_at=alert.promised_at,
        epoch=alert.epoch,
        site=site_store.get(tx, alert.site_id),
        holder=alerts.holder(tx, alert),
        since=alert.acked_at,
        others=_beside(tx, found.page),
    )


def _state(alert: Alert, page: Page) -> DoorState:
    if alert.state is AlertState.RESOLVED:
        return DoorState.CLOSED
    if alert.state is AlertState.TRIGGERED:
        return DoorState.OPEN
    return DoorState.YOURS if alert.acked_by == page.user_id else DoorState.TAKEN
