"""Pages: plan them once, hand one over at a time, and record what came of each try."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from survey.domain import pages as rules
from survey.domain.accounts import SYSTEM
from survey.domain.alerts import Alert, AlertState, Event, EventKind
from survey.domain.links import ALPHABET, LENGTH
from survey.domain.oncall import MethodKind, Way
from survey.domain.pages import AttemptOutcome, Page, PageKind, PageState
from survey.domain.queues import Queue
from survey.messaging import registry, render
from survey.messaging.outcomes import Attempt, Outcome, Sms
from survey.services import carriers
from survey.services.links import sha256
from survey.store import alerts as alert_store
from survey.store import pages as store
from survey.store.session import Tx, transaction

LANGUAGE = "en"
"""What pages to clinicians are written in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A page in our hands: all that the sending needs, so that no transaction is open meanwhile."""

    page: Page
    attempt_id: UUID
    method: MethodKind
    address: str
    reachable: bool
    words: dict[str, str]
    carriers: tuple[Sms, ...]


def plan(tx: Tx, alert: Alert, ways: Sequence[Way], *, kind: PageKind, step_seq: int, now: datetime) -> None:
    """Put one page for each way into the outbox; firing the same step twice plans it once."""
    store.supersede_stuck(tx, alert.id, method_ids=[way.method_id for way in ways], now=now)
    plan_first(tx, alert, ways, kind=kind, step_seq=step_seq, now=now)


def plan_first(tx: Tx, alert: Alert, ways: Sequence[Way], *, kind: PageKind, step_seq: int, now: datetime) -> None:
    """`plan` for an alert that has no pages yet."""
    store.insert(tx, [_planned(alert, way, kind=kind, step_seq=step_seq, now=now) for way in ways])
    if ways:
        tx.ring(Queue.PAGING)


def _planned(alert: Alert, way: Way, *, kind: PageKind, step_seq: int, now: datetime) -> Page:
    not_before = now + timedelta(seconds=way.delay_s)
    return Page(
        id=uuid4(),
        alert_id=alert.id,
        kind=kind,
        epoch=alert.epoch,
        cycle=alert.cycle,
        step_seq=step_seq,
        user_id=way.user_id,
        contact_method_id=way.method_id,
        rule_delay_s=way.delay_s,
        not_before=not_before,
        give_up_at=not_before + rules.GIVE_UP_AFTER,
    )


def send_due(*, now: datetime) -> int:
    """Send the one page that is due first, then take back what dead senders hold; how many pages that were.

    One page to a call: the lease counts from `now`, so that a worker that dies strands this page and no other.
    """
    with transaction() as tx:
        claim = _claim(tx, now)
    if claim is not None:
        _send(claim, now=now)
    return (claim is not None) + _take_back(now)


def _take_back(now: datetime) -> int:
    with transaction() as tx:
        stranded = store.expired(tx, now=now)
    for page in stranded:
        _settle(page, AttemptOutcome.LEASE_EXPIRED, attempt=None, now=now)
    return len(stranded)


def _claim(tx: Tx, now: datetime) -> _Claim | None:
    due = store.due_first(tx, now=now)
    if due is None:
        return None
    mine = rules.leased(due.page, token=uuid4(), until=now + timedelta(seconds=registry.page_lease_s()))
    # The token leaves this function in the text alone. A mail gets none: mail scanners press buttons.
    token = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) if due.method is MethodKind.SMS else None
    attempt_id = uuid4()
    if not store.lease(tx, mine, attempt_id=attempt_id, token_sha256=sha256(token) if token else None, now=now):
        return None
    path = f"/a/{token}" if token else f"/alerts/{due.page.alert_id}"
    words = {"clinic": due.clinic, "number": str(due.alert_no), "link": registry.public_url() + path}
    return _Claim(
        page=mine,
        attempt_id=attempt_id,
        method=due.method,
        address=due.address,
        reachable=due.reachable,
        words=words,
        carriers=carriers.ranked(tx, now) if due.method is MethodKind.SMS else (),
    )


def _send(claim: _Claim, *, now: datetime) -> None:
    began = time.monotonic()
    tries = _hand_over(claim)
    ended = now + timedelta(seconds=time.monotonic() - began)
    _settle(claim.page, AttemptOutcome(tries[-1].outcome), attempt=tries[-1], now=ended)
    if claim.method is MethodKind.SMS:
        # After the page is settled: what other texts learn from it must not keep this one, or the next.
        with transaction() as tx:
            carriers.overhear(tx, tries, now=ended)


def _hand_over(claim: _Claim) -> list[Attempt]:
    """The calls to the outside, the one that counts last; no transaction is open."""
    if not claim.reachable:
        return [Attempt(outcome=Outcome.REFUSED, provider=carriers.NOBODY, detail="method_disabled")]
    kind = "page" if claim.page.kind is PageKind.CALL else "page_nudge"
    if claim.method is MethodKind.SMS:
        return _text(claim, kind)
    return [_mail(claim, kind)]


def _text(claim: _Claim, kind: str) -> list[Attempt]:
    """By the first provider that takes it, or that may have taken it; those that rest are asked last."""
    body = render.text(kind, "sms", LANGUAGE, claim.words)
    tries: list[Attempt] = []
    for carrier in claim.carriers:
        tries.append(carrier.send(claim.address, body, reference=claim.attempt_id, valid_for=rules.VALID_FOR))
        if tries[-1].outcome is not Outcome.TRY_LATER:
            break
    return tries or [Attempt(outcome=Outcome.REFUSED, provider=carriers.NOBODY, detail="no_provider")]


def _mail(claim: _Claim, kind: str) -> Attempt:
    provider = registry.email()
    if provider is None:
        return Attempt(outcome=Outcome.REFUSED, provider=carriers.NOBODY, detail="no_provider")
    subject = render.text(kind, "email_subject", LANGUAGE, claim.words)
    body = render.text(kind, "email", LANGUAGE, claim.words)
    return provider.send(claim.address, subject, body, reference=claim.attempt_id)


def _settle(page: Page, outcome: AttemptOutcome, *, attempt: Attempt | None, now: datetime) -> None:
    """Record a try. Whoever comes after the lease was taken away records the try and changes nothing else."""
    with transaction() as tx:
        alert = alert_store.get_for_update(tx, page.alert_id)  # lock order: alert, then page
        new = rules.after_attempt(page, outcome, now=now)
        if new.state is PageState.PENDING and not _is_wanted(page, alert):
            new = rules.superseded(new)
        swapped = store.swap(tx, page, new)
        if swapped or attempt is not None:
            store.finish_attempt(tx, page, outcome, came=_came(attempt), now=now)
        if swapped and new.state is PageState.FAILED:
            _lost(tx, page, alert, outcome, now=now)
        elif new.state is PageState.PENDING:
            tx.ring(Queue.PAGING)


def _came(attempt: Attempt | None) -> store.Came | None:
    if attempt is None:
        return None
    return store.Came(provider=attempt.provider, provider_ref=attempt.provider_ref, detail=attempt.detail)


def _is_wanted(page: Page, alert: Alert) -> bool:
    state = AlertState.TRIGGERED if page.kind is PageKind.CALL else AlertState.ACKNOWLEDGED
    return alert.state is state and alert.epoch == page.epoch


def _lost(tx: Tx, page: Page, alert: Alert, outcome: AttemptOutcome, *, now: datetime) -> None:
    """Tell the story, and do not wait for an answer to a step of which nothing has arrived.

    The last step is followed by itself: pulled forward as well, it would run in a circle without a pause.
    """
    data = {"page": str(page.id), "outcome": outcome.value}
    event = Event(
        kind=EventKind.PAGE_FAILED,
        epoch=alert.epoch,
        from_state=alert.state,
        to_state=alert.state,
        data=data,
        idem_key=f"page_failed:{page.id}",
    )
    alert_store.tell(tx, page.alert_id, event, actor=SYSTEM, at=now)
    went_on = (alert.epoch, alert.cycle) == (page.epoch, page.cycle) and alert.step_seq == page.step_seq + 1
    if page.kind is PageKind.CALL and went_on and not store.any_live(tx, page):
        alert_store.pull_forward(tx, alert.id, now=now)
        tx.ring(Queue.PAGING)
