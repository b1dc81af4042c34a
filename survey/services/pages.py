"""Pages: plan them once, hand one over at a time, and record what came of each try."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from survey.domain import pages as rules
from survey.domain.alerts import Alert, AlertState
from survey.domain.oncall import Method, MethodKind, Way
from survey.domain.pages import AttemptOutcome, Page, PageKind, PageState
from survey.domain.queues import Queue
from survey.messaging import registry
from survey.messaging.outcomes import Attempt, Sms
from survey.services import bundles, carriers, channels, failover, page_outcomes, page_words
from survey.services.channels import Letter
from survey.services.links import new_token, sha256
from survey.store import alerts as alert_store
from survey.store import oncall as oncall_store
from survey.store import page_steps
from survey.store import pages as store
from survey.store.session import Tx, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A page in our hands: all that the sending needs, so that no transaction is open meanwhile.

    `others` are the pages that go in the same text.
    """

    page: Page
    attempt_id: UUID
    method: MethodKind
    address: str
    reachable: bool
    template: str
    words: dict[str, str]
    others: tuple[Page, ...]
    carriers: tuple[Sms, ...]


def plan(tx: Tx, alert: Alert, ways: Sequence[Way], *, kind: PageKind, step_seq: int, now: datetime) -> None:
    """Put one page for each way into the outbox; firing the same step twice plans it once.

    A phone that has just had one, as when a provider is back, gets no second one for the same call.
    """
    store.supersede_stuck(tx, alert.id, method_ids=[way.method_id for way in ways], now=now)
    if kind is PageKind.CALL:
        reached = page_steps.lately_reached(tx, alert.id, epoch=alert.epoch, since=now - rules.CALM)
        ways = [way for way in ways if way.method_id not in reached]
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


def tell_person(tx: Tx, alert: Alert, user_id: UUID, *, now: datetime) -> None:
    """Tell somebody by text, or by mail without one, how an alert stands; nobody is woken by a call for it."""
    for kind in (MethodKind.SMS, MethodKind.EMAIL):
        found = [one for one in oncall_store.methods(tx, [user_id]) if one.kind is kind]
        if found:
            answer(tx, alert, found, now=now)
            return


def answer(tx: Tx, alert: Alert, methods: Sequence[Method], *, now: datetime) -> None:
    """Tell these phones how an alert stands, in the words of the moment in which it leaves."""
    ways = [Way(user_id=one.user_id, method_id=one.id, delay_s=0) for one in methods]
    plan_first(tx, alert, ways, kind=PageKind.ANSWER, step_seq=store.answers_about(tx, alert.id), now=now)


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
    token = new_token() if due.method in channels.WITH_LINK else None
    attempt_id = uuid4()
    if not store.lease(tx, mine, attempt_id=attempt_id, token_sha256=sha256(token) if token else None, now=now):
        return None
    path = f"/a/{token}" if token else f"/alerts/{due.page.alert_id}"
    due, others = bundles.gather(tx, due, mine, now=now)
    said = page_words.read(tx, due, now=now)
    return _Claim(
        page=mine,
        attempt_id=attempt_id,
        method=due.method,
        address=due.address,
        reachable=due.reachable,
        template=said.template,
        words={**said.words, "link": registry.public_url() + path},
        others=others,
        carriers=channels.ranked(tx, due.method, to=due.page.user_id, now=now),
    )


def _send(claim: _Claim, *, now: datetime) -> None:
    began = time.monotonic()
    tries = _hand_over(claim)
    ended = now + timedelta(seconds=time.monotonic() - began)
    outcome = AttemptOutcome(tries[-1].outcome)
    _settle(claim.page, outcome, attempt=tries[-1], now=ended)
    _settle_others(claim, outcome, now=ended)
    if claim.method is MethodKind.SMS:
        # After the page is settled: what other texts learn from it must not keep this one, or the next.
        with transaction() as tx:
            carriers.overhear(tx, tries, now=ended)


def _hand_over(claim: _Claim) -> list[Attempt]:
    """The calls to the outside, the one that counts last; no transaction is open."""
    if not claim.reachable:
        return [channels.refused("method_disabled")]
    letter = Letter(
        method=claim.method,
        address=claim.address,
        template=claim.template,
        words=claim.words,
        reference=claim.attempt_id,
        valid_for=rules.VALID_FOR,
        carriers=claim.carriers,
    )
    return channels.hand_over(letter)


def _settle_others(claim: _Claim, outcome: AttemptOutcome, *, now: datetime) -> None:
    """What went in the same text: accepted with it, else each one free again, with its own alert held meanwhile."""
    if claim.others and outcome is AttemptOutcome.ACCEPTED:
        bundles.accepted(claim.page, now=now)
        return
    for other in claim.others:
        _settle(other, outcome, attempt=None, now=now)


def _settle(page: Page, outcome: AttemptOutcome, *, attempt: Attempt | None, now: datetime) -> None:
    """Record a try. Whoever comes after the lease was taken away records the try and changes nothing else."""
    with transaction() as tx:
        alert = alert_store.get_for_update(tx, page.alert_id)  # lock order: alert, then page
        new = rules.after_attempt(page, outcome, now=now)
        if new.state is PageState.PENDING and (not _is_wanted(page, alert) or page_steps.overtaken(tx, page)):
            new = rules.superseded(new)
        swapped = store.swap(tx, page, new)
        early = None
        if swapped or attempt is not None:
            early = store.finish_attempt(tx, page, outcome, came=_came(attempt), now=now)
        if swapped and early is not None:
            page_outcomes.hear(tx, new, alert, early, is_last=True, now=now)
        if swapped and new.state in _GOES_ON:
            failover.to_voice(tx, page, outcome, now=now)
        if swapped and new.state is PageState.FAILED:
            page_outcomes.lost(tx, page, alert, outcome, now=now)
        elif new.state is PageState.PENDING:
            tx.ring(Queue.PAGING)


_GOES_ON = frozenset({PageState.PENDING, PageState.FAILED})


def _came(attempt: Attempt | None) -> store.Came | None:
    if attempt is None:
        return None
    return store.Came(provider=attempt.provider, provider_ref=attempt.provider_ref, detail=attempt.detail)


def _is_wanted(page: Page, alert: Alert) -> bool:
    if page.kind is PageKind.ANSWER:
        return True
    state = AlertState.TRIGGERED if page.kind is PageKind.CALL else AlertState.ACKNOWLEDGED
    return alert.state is state and alert.epoch == page.epoch
