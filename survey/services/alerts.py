"""Alerts: raise one for a worrying response, let somebody take it, and see it through to its end."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from survey.domain import alert_moves as rules
from survey.domain import canary
from survey.domain import escalation as time_rules
from survey.domain import promises as promise_rules
from survey.domain.accounts import SYSTEM, Actor, ActorKind
from survey.domain.alerts import Alert, AlertState, Change, ContactResult, Event, EventKind, Outcome, Usefulness
from survey.domain.errors import Refused, Stale
from survey.domain.escalation import Policy, Target
from survey.domain.oncall import User
from survey.domain.pages import PageKind
from survey.domain.protocol import Tier
from survey.domain.queues import Queue
from survey.domain.sites import Site
from survey.services import audit, oncall, pages
from survey.store import alerts as store
from survey.store import pages as page_store
from survey.store import promises as promise_store
from survey.store import reply_codes
from survey.store import sites as site_store
from survey.store.alerts import Line
from survey.store.pages import Told
from survey.store.session import Tx, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """An alert with its site, whoever has it, its story and its pages, oldest first."""

    alert: Alert
    site: Site
    holder: User | None
    story: tuple[Line, ...]
    pages: tuple[Told, ...]


def open_first(tx: Tx, *, response_id: UUID, site: Site, tier: Tier, answered_at: datetime, now: datetime) -> Alert:
    """`raise_for` a worrying response that has never had an alert. Raises Conflict when it has one after all."""
    return _open(tx, response_id=response_id, site=site, tier=tier, ordinal=1, answered_at=answered_at, now=now)


def raise_for(
    tx: Tx,
    *,
    response_id: UUID,
    site: Site,
    tier: Tier,
    now: datetime,
    answered_at: datetime,
    fired: Collection[str] | None = None,
) -> Alert | None:
    """See that an alert stands for a response that scored `tier`; the alert, or None for a routine response.

    Opens one, raises the tier of the open one, or leaves it as it is. After one was closed, a higher tier or a rule in
    `fired` opens the next: `fired` are the rules that fire now and did not in the score before; None means that this is
    not known, and then any answer since the closing counts. Raises NotFound when no policy is published.
    """
    if tier is Tier.ROUTINE:
        return None
    newest, count = store.newest_of(tx, response_id)
    if newest is None or (not newest.is_open and _is_news(newest, tier, fired, answered_at)):
        return _open(
            tx, response_id=response_id, site=site, tier=tier, ordinal=count + 1, answered_at=answered_at, now=now
        )
    if not newest.is_open:
        return newest
    if tier.rank > newest.tier.rank:
        return _raise_tier(tx, newest, tier, site, answered_at=answered_at, now=now)
    if fired:
        return record(tx, newest, rules.learn(newest, rules=tuple(sorted(fired))), by=SYSTEM, now=now)
    return newest


def _raise_tier(tx: Tx, old: Alert, tier: Tier, site: Site, *, answered_at: datetime, now: datetime) -> Alert:
    worse = rules.raise_tier(old, tier=tier, site=site, answered_at=answered_at, now=now)
    if worse.alert.promised_at < old.promised_at:
        promise_store.make(tx, old.id, due_at=worse.alert.promised_at, now=now)
    return record(tx, old, worse, by=SYSTEM, now=now)


def _is_news(closed: Alert, tier: Tier, fired: Collection[str] | None, answered_at: datetime) -> bool:
    if tier.rank > closed.tier.rank or fired:
        return True
    since = closed.resolved_at is not None and answered_at > closed.resolved_at
    return fired is None and tier.pages and since


def _open(
    tx: Tx, *, response_id: UUID, site: Site, tier: Tier, ordinal: int, answered_at: datetime, now: datetime
) -> Alert:
    policy = oncall.live_policy(tx, site.id)
    opened = rules.opened(
        alert_id=uuid4(),
        response_id=response_id,
        site=site,
        tier=tier,
        policy_version_id=policy.id,
        ordinal=ordinal,
        answered_at=answered_at,
        now=now,
    )
    if site.id == canary.SITE_ID:
        opened = replace(opened, alert=replace(opened.alert, short_no=canary.number(now)))
    if not tier.pages:
        return store.insert(tx, opened.alert, [opened.event], actor=SYSTEM)
    return _open_paging(tx, opened, policy, now=now)


def _open_paging(tx: Tx, opened: Change, policy: Policy, *, now: datetime) -> Alert:
    """Fire the first step with the opening: no alert is ever committed without its pages, and no wait lies between."""
    first = policy.step(opened.alert.step_seq)
    ways = oncall.ways(tx, first.targets, opened.alert.severity, now, first.kinds)
    fired = time_rules.step(opened.alert, policy, pages=len(ways), now=now)
    alert = store.insert(tx, fired.alert, [opened.event, fired.event], actor=SYSTEM)
    pages.plan_first(tx, opened.alert, ways, kind=PageKind.CALL, step_seq=first.seq, now=now)
    tx.ring(Queue.PAGING)
    return alert


def take(alert_id: UUID, *, by: Actor, epoch: int, now: datetime) -> Alert:
    """Have the alert; the first wins. Raises Stale, saying who has it, for whoever comes later."""
    with transaction() as tx:
        return take_as(tx, store.get_for_update(tx, alert_id), user_id=_person(by), epoch=epoch, now=now)


def take_as(tx: Tx, old: Alert, *, user_id: UUID, epoch: int, now: datetime) -> Alert:
    """`take` of a locked alert for a person who is known by a phone rather than by a session."""
    if old.acked_by == user_id and old.is_open:
        return old  # a button pressed twice
    _refuse_taken(tx, old)
    ack_ttl = oncall.policy(tx, old.policy_version_id).ack_ttl
    change = rules.take(old, by=user_id, epoch=epoch, ack_ttl=ack_ttl, now=now)
    by = Actor(kind=ActorKind.USER, id=user_id)
    audit.record(tx, "alert.taken", actor=by, object_id=old.id, now=now, epoch=epoch)
    return record(tx, old, change, by=by, now=now)


def take_over(alert_id: UUID, *, by: Actor, epoch: int, now: datetime) -> Alert:
    """Have the alert in the place of whoever has it, who is told. Raises Stale when nobody has it any more."""
    with transaction() as tx:
        return take_over_as(tx, store.get_for_update(tx, alert_id), user_id=_person(by), epoch=epoch, now=now)


def take_over_as(tx: Tx, old: Alert, *, user_id: UUID, epoch: int, now: datetime) -> Alert:
    """`take_over` of a locked alert for a person who is known by a phone."""
    if old.acked_by == user_id and old.is_open:
        return old
    ack_ttl = oncall.policy(tx, old.policy_version_id).ack_ttl
    change = rules.take_over(old, by=user_id, epoch=epoch, ack_ttl=ack_ttl, now=now)
    by = Actor(kind=ActorKind.USER, id=user_id)
    audit.record(tx, "alert.taken_over", actor=by, object_id=old.id, now=now, epoch=epoch)
    new = record(tx, old, change, by=by, now=now)
    if old.acked_by is not None and old.tier.pages:
        pages.tell_person(tx, new, old.acked_by, now=now)
    return new


def record_contact(alert_id: UUID, *, result: ContactResult, by: Actor, epoch: int, now: datetime) -> Alert:
    """Note a try to reach the patient; on an alert that nobody has, this takes it."""
    with transaction() as tx:
        old = store.get_for_update(tx, alert_id)
        policy = oncall.policy(tx, old.policy_version_id)
        change = rules.contact(old, result=result, by=_person(by), epoch=epoch, ack_ttl=policy.ack_ttl, now=now)
        audit.record(tx, "alert.contacted", actor=by, object_id=alert_id, now=now, result=result.value)
        page_store.supersede_nudges(tx, alert_id)
        new = record(tx, old, change, by=by, now=now)
        if new.contact_result is ContactResult.REACHED:
            promise_store.keep(tx, alert_id, now=now)
        else:
            _after_vain_try(tx, new, policy, result, now=now)
        return new


def _after_vain_try(tx: Tx, alert: Alert, policy: Policy, result: ContactResult, *, now: datetime) -> None:
    """After so many of them nobody goes on alone."""
    in_vain = store.tries_in_vain(tx, alert.id)
    if not alert.tier.pages or not promise_rules.wants_last_resort(result, in_vain=in_vain):
        return
    last = policy.steps[-1]
    asked = ask_help(tx, alert, last.targets, step_seq=last.seq, now=now)
    data: dict[str, str | int] = {"tries": in_vain, "pages": asked}
    event = Event(kind=EventKind.HELP_ASKED, epoch=alert.epoch, from_state=alert.state, to_state=alert.state, data=data)
    store.tell(tx, alert.id, event, actor=SYSTEM, at=now)


def ask_help(tx: Tx, alert: Alert, targets: Collection[Target], *, step_seq: int, now: datetime) -> int:
    """Ask these people, but for whoever has it, to help with an alert that is taken; how many pages that makes."""
    ways = [way for way in oncall.ways(tx, targets, alert.severity, now) if way.user_id != alert.acked_by]
    pages.plan(tx, alert, ways, kind=PageKind.HELP, step_seq=step_seq, now=now)
    return len(ways)


def close(alert_id: UUID, *, outcome: Outcome, usefulness: Usefulness, by: Actor, epoch: int, now: datetime) -> Alert:
    """End it. Raises Refused before contact was recorded."""
    with transaction() as tx:
        old = store.get_for_update(tx, alert_id)
        change = rules.close(old, outcome=outcome, usefulness=usefulness, by=_person(by), epoch=epoch, now=now)
        audit.record(tx, "alert.closed", actor=by, object_id=alert_id, now=now, outcome=outcome.value)
        new = record(tx, old, change, by=by, now=now)
        reply_codes.release(tx, alert_id, now=now)
        promise_store.cancel(tx, alert_id, now=now)
        return new


def pass_on(alert_id: UUID, *, by: Actor, epoch: int, now: datetime) -> Alert:
    """Page the backup now; whoever had the alert has it no more."""
    with transaction() as tx:
        old = store.get_for_update(tx, alert_id)
        backup = oncall.policy(tx, old.policy_version_id).backup_seq
        change = rules.pass_on(old, to_step=backup, epoch=epoch, now=now)
        audit.record(tx, "alert.passed_on", actor=by, object_id=alert_id, now=now, epoch=epoch)
        return record(tx, old, change, by=by, now=now)


def _person(by: Actor) -> UUID:
    if by.id is None:
        raise Refused("Only a person can take, contact or close. Sign in first.")
    return by.id


def _refuse_taken(tx: Tx, alert: Alert) -> None:
    """Stale in words that tell the loser of the race what he wants to know."""
    if alert.state is not AlertState.ACKNOWLEDGED or alert.acked_by is None or alert.acked_at is None:
        return
    at = site_store.get(tx, alert.site_id).local(alert.acked_at)
    raise Stale(f"{oncall.name_of(tx, alert.acked_by)} took this alert at {at:%H:%M}.")


def record(tx: Tx, old: Alert, change: Change, *, by: Actor, now: datetime) -> Alert:
    """Swap, tell, put away pages that nobody wants any more, and ring for what is due now."""
    store.swap(tx, old, change.alert)
    store.tell(tx, old.id, change.event, actor=by, at=now)
    if (old.state, old.epoch) != (change.alert.state, change.alert.epoch):
        page_store.supersede(tx, old.id)
    if change.alert.next_action_at is not None and change.alert.next_action_at <= now:
        tx.ring(Queue.PAGING)
    return change.alert


def get(alert_id: UUID) -> AlertView:
    """An alert with all that is told of it. Raises NotFound."""
    with transaction() as tx:
        alert = store.get(tx, alert_id)
        return AlertView(
            alert=alert,
            site=site_store.get(tx, alert.site_id),
            holder=holder(tx, alert),
            story=store.story(tx, alert_id),
            pages=page_store.of_alert(tx, alert_id),
        )


def open_alerts(site_id: UUID | None = None) -> tuple[Alert, ...]:
    """What is open, at one site or at all: emergencies first, then by promise."""
    with transaction() as tx:
        return store.open_alerts(tx, site_id)


def holder(tx: Tx, alert: Alert) -> User | None:
    """Whoever has it."""
    if alert.acked_by is None:
        return None
    return User(id=alert.acked_by, name=oncall.name_of(tx, alert.acked_by))
