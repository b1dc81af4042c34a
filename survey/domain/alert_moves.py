"""What people and new answers do to an alert: each move yields the new alert and the line that tells of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from survey.domain.alerts import (
    MOVES,
    WITHOUT_REACHING,
    Alert,
    AlertState,
    Change,
    ContactResult,
    Event,
    EventKind,
    Move,
    Outcome,
    Usefulness,
    promised_at,
)
from survey.domain.errors import Refused, Stale
from survey.domain.protocol import Tier
from survey.domain.sites import Site

NUDGE_PAUSE = timedelta(minutes=5)
"""However often the patient texts, whoever has the alert is paged no more often for it."""
RETRY_AFTER = timedelta(minutes=15)
"""After a try in vain whoever has it is reminded so soon to call again, and well before it is paged again."""
CLOSE_WITHIN = timedelta(hours=4)
"""A patient was reached and the alert is still open: so often somebody is reminded to close it."""


def opened(
    *,
    alert_id: UUID,
    response_id: UUID,
    site: Site,
    tier: Tier,
    policy_version_id: UUID,
    ordinal: int,
    answered_at: datetime,
    now: datetime,
) -> Change:
    """A new alert. `ordinal` is 1 for the first of its response, and 1 more for each that follows a closed one.

    The promise counts from `answered_at`, as on the page that the patient read, however late the scoring was.
    """
    promise = promised_at(tier, answered_at, site)
    alert = Alert(
        id=alert_id,
        dedup_key=f"survey_response:{response_id}:{ordinal}",
        response_id=response_id,
        site_id=site.id,
        tier=tier,
        policy_version_id=policy_version_id,
        created_at=now,
        next_action_at=now if tier.pages else promise,
        promised_at=promise,
    )
    event = Event(kind=EventKind.OPENED, epoch=1, from_state=None, to_state=alert.state, data={"tier": tier.value})
    return Change(alert=alert, event=event)


def take(alert: Alert, *, by: UUID, epoch: int, ack_ttl: timedelta, now: datetime) -> Change:
    """Make `by` the one who has it; half of `ack_ttl` later a nudge is due. Raises Stale when it is not to be had."""
    _refuse_old(alert, epoch)
    state = after(alert, Move.TAKE)
    new = replace(
        alert, state=state, acked_by=by, acked_at=now, cycle=0, next_action_at=_look(alert, now + ack_ttl / 2)
    )
    return told(alert, new, EventKind.TAKEN)


def take_over(alert: Alert, *, by: UUID, epoch: int, ack_ttl: timedelta, now: datetime) -> Change:
    """Make `by` the one who has it, in the place of another. What was begun before is fenced off by a new epoch.

    That the patient was reached stays; a try in vain was the other's, and the clock starts again.
    """
    _refuse_old(alert, epoch)
    state = after(alert, Move.TAKE_OVER)
    reached = alert.contact_result is ContactResult.REACHED
    untried = alert if reached else replace(alert, contacted_by=None, contacted_at=None, contact_result=None)
    look = alert.next_action_at if reached else _look(alert, now + ack_ttl / 2)
    new = replace(untried, state=state, epoch=alert.epoch + 1, acked_by=by, acked_at=now, cycle=0, next_action_at=look)
    return told(alert, new, EventKind.TAKEN_OVER)


def reassign(alert: Alert, *, to: UUID, wait: timedelta, pages: int, epoch: int, now: datetime) -> Change:
    """Nobody's again, while `to` is paged; `wait` later the policy goes on from its first step if it is not taken."""
    _refuse_old(alert, epoch)
    after(alert, Move.REASSIGN)
    new = retriggered(alert, step_seq=0, now=now + wait)
    return told(alert, new, EventKind.REASSIGNED, to=str(to), pages=pages)


def contact(alert: Alert, *, result: ContactResult, by: UUID, epoch: int, ack_ttl: timedelta, now: datetime) -> Change:
    """Record a try to reach the patient. Reached stops the clock; anything else is tried again.

    Whoever was reached stays reached: a later call that nobody answers is told, and changes nothing else.
    """
    _refuse_old(alert, epoch)
    state = after(alert, Move.CONTACT)
    if alert.contact_result is ContactResult.REACHED and result is not ContactResult.REACHED:
        return told(alert, alert, EventKind.CONTACTED, result=result.value)
    wait = CLOSE_WITHIN if result is ContactResult.REACHED else min(RETRY_AFTER, ack_ttl / 2)
    new = replace(
        alert,
        state=state,
        acked_by=alert.acked_by or by,
        acked_at=alert.acked_at or now,
        contacted_by=by,
        contacted_at=now,
        contact_result=result,
        next_action_at=_look(alert, now + wait),
    )
    return told(alert, new, EventKind.CONTACTED, result=result.value)


def close(alert: Alert, *, outcome: Outcome, usefulness: Usefulness, by: UUID, epoch: int, now: datetime) -> Change:
    """End it. Raises Refused before contact was recorded, and for an outcome that needs a patient who was reached."""
    _refuse_old(alert, epoch)
    if alert.is_open and alert.contact_result is None:
        raise Refused("Record first whether you reached the patient. Then choose the outcome.", field="result")
    state = after(alert, Move.CLOSE)
    if alert.contact_result is not ContactResult.REACHED and outcome not in WITHOUT_REACHING:
        raise Refused(
            "This outcome needs a patient who was reached. Record the contact, or choose another.", field="outcome"
        )
    new = replace(
        alert,
        state=state,
        next_action_at=None,
        resolved_by=by,
        resolved_at=now,
        outcome=outcome,
        usefulness=usefulness,
    )
    return told(alert, new, EventKind.CLOSED, outcome=outcome.value, usefulness=usefulness.value)


def pass_on(alert: Alert, *, to_step: int, epoch: int, now: datetime) -> Change:
    """Page `to_step` now: the backup, or further on if the alert has got further already."""
    _refuse_old(alert, epoch)
    if after(alert, Move.PASS_ON) is alert.state:
        new = replace(alert, step_seq=max(alert.step_seq, to_step), next_action_at=_look(alert, now))
    else:
        new = retriggered(alert, step_seq=to_step, now=now)
    return told(alert, new, EventKind.PASSED_ON)


def raise_tier(alert: Alert, *, tier: Tier, site: Site, answered_at: datetime, now: datetime) -> Change:
    """A higher tier. Whoever was not being paged is paged from the first step; pages already under way go on."""
    after(alert, Move.RAISE_TIER)
    promise = min(alert.promised_at, promised_at(tier, answered_at, site))
    worse = replace(alert, tier=tier, promised_at=promise)
    already_paging = alert.state is AlertState.TRIGGERED and alert.tier.pages
    new = worse if already_paging else retriggered(worse, step_seq=0, now=now)
    return told(alert, new, EventKind.TIER_RAISED, tier=tier.value)


def learn(alert: Alert, *, rules: tuple[str, ...]) -> Change:
    """Further rules fired at no higher tier: nobody is paged, but whoever has it must look before closing.

    The epoch rises while somebody has the alert, so that a screen from before is refused as stale.
    """
    after(alert, Move.LEARN)
    held = alert.state is AlertState.ACKNOWLEDGED
    new = replace(alert, epoch=alert.epoch + 1) if held else alert
    return told(alert, new, EventKind.ANSWERS_ADDED, rules=",".join(rules))


def retriggered(alert: Alert, *, step_seq: int, now: datetime) -> Alert:
    """Back to nobody's, one epoch on; what was done under the last epoch is told by the events alone."""
    return replace(
        alert,
        state=AlertState.TRIGGERED,
        epoch=alert.epoch + 1,
        step_seq=step_seq,
        cycle=0,
        next_action_at=_look(alert, now),
        acked_by=None,
        acked_at=None,
        contacted_by=None,
        contacted_at=None,
        contact_result=None,
    )


def wants_nudge(alert: Alert, *, is_red: bool, nudged_at: datetime | None, now: datetime) -> bool:
    """Whether whoever has it is paged because the patient texts: not contacted yet, or words of danger.

    While nobody has it, the policy pages anyhow. `nudged_at` is when its holder was last reminded.
    """
    if alert.state is not AlertState.ACKNOWLEDGED or not alert.tier.pages:
        return False
    lately = nudged_at is not None and now - nudged_at < NUDGE_PAUSE
    return not lately and (is_red or alert.contact_result is not ContactResult.REACHED)


def wrote(alert: Alert, *, inbound_id: UUID, is_red: bool, nudges: bool) -> Change:
    """The patient texts while it is open. After words of danger a screen from before is refused as stale."""
    after(alert, Move.WRITE)
    held = alert.state is AlertState.ACKNOWLEDGED
    new = replace(alert, epoch=alert.epoch + (held and is_red), cycle=alert.cycle + nudges)
    key = f"{EventKind.WROTE}:{inbound_id}"
    return told(alert, new, EventKind.WROTE, idem_key=key, inbound=str(inbound_id), red=int(is_red))


def after(alert: Alert, move: Move) -> AlertState:
    """The state that `move` leads to. Raises Stale where the table has no such move."""
    state = MOVES.get((alert.state, move))
    if state is None:
        raise Stale(_SINCE[alert.state])
    return state


_SINCE = {
    AlertState.TRIGGERED: "Nobody has this alert any more. Look at it as it stands now.",
    AlertState.ACKNOWLEDGED: "Somebody has taken this alert already.",
    AlertState.RESOLVED: "This alert is closed.",
}


def told(old: Alert, new: Alert, kind: EventKind, *, idem_key: str | None = None, **data: str | int) -> Change:
    """A change with its line of the story."""
    event = Event(kind=kind, epoch=new.epoch, from_state=old.state, to_state=new.state, data=data, idem_key=idem_key)
    return Change(alert=new, event=event)


def _refuse_old(alert: Alert, epoch: int) -> None:
    if alert.is_open and epoch != alert.epoch:
        raise Stale("This alert has moved on since the page was shown. Look at it as it stands now.")


def _look(alert: Alert, urgent: datetime) -> datetime | None:
    """When to look next: a routine alert knows only its promise, whatever people do with it."""
    return urgent if alert.tier.pages else alert.next_action_at
