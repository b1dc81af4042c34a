"""Codes and test pages: planned before shifts, sent one at a time, answered, and told of when nobody answers."""

import secrets
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from survey.domain import contact_methods as rules
from survey.domain.accounts import Actor, ActorKind
from survey.domain.contact_methods import Proof, ProofMove, ProofPurpose
from survey.domain.errors import NotFound, Refused
from survey.domain.links import is_well_formed
from survey.domain.oncall import Method, MethodKind
from survey.domain.pages import VALID_FOR
from survey.domain.queues import Queue
from survey.messaging import registry, wordings
from survey.messaging.outcomes import Attempt, Outcome
from survey.services import audit, carriers, channels
from survey.services.channels import Letter
from survey.services.contact_methods import hash_code
from survey.services.links import new_token, sha256
from survey.store import accounts
from survey.store import contact_methods as method_store
from survey.store import contact_proofs as store
from survey.store.contact_proofs import Due, Silent
from survey.store.session import Tx, transaction

log = structlog.get_logger()

AGAIN = timedelta(minutes=2)
"""A mail that surely did not leave, or whose sender died, is tried again so much later."""
WAYS = {
    MethodKind.APPRISE: "push",
    MethodKind.EMAIL: "mail",
    MethodKind.SMS: "text",
    MethodKind.VOICE: "call",
}
_MOVES = {
    Outcome.ACCEPTED: ProofMove.SEND,
    Outcome.UNKNOWN: ProofMove.SEND,
    Outcome.TRY_LATER: ProofMove.PUT_OFF,
    Outcome.REFUSED: ProofMove.GIVE_UP,
}


class AnswerState(StrEnum):
    """What the link in a test page opens."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestDoor:
    """What is behind the link in a test page. A mail's link asks for a sign-in: mail scanners press buttons."""

    state: AnswerState
    needs_sign_in: bool


def plan_due(*, now: datetime) -> int:
    """Plan the test pages for shifts that begin soon; how many."""
    with transaction() as tx:
        planned = store.plan_tests(tx, now=now)
        if planned:
            tx.ring(Queue.PAGING)
    return planned


def send_due(*, now: datetime) -> int:
    """Send the one that is due first, and take back what dead senders hold; how many that were."""
    with transaction() as tx:
        claim = _claim(tx, now)
    if claim is not None:
        _send(*claim, now=now)
    return (claim is not None) + _take_back(now)


def _take_back(now: datetime) -> int:
    with transaction() as tx:
        dead = store.expired(tx, now=now)
        return sum(store.swap(tx, one, rules.moved(one, ProofMove.PUT_OFF, now=now)) for one in dead)


def _claim(tx: Tx, now: datetime) -> tuple[Proof, Letter | None] | None:
    """The proof in our hands, with what is to be sent; no letter when it must not be sent any more."""
    due = store.due_first(tx, now=now)
    if due is None:
        return None
    lease = timedelta(seconds=registry.page_lease_s())
    mine = rules.moved(due.proof, ProofMove.LEASE, lease=lease, now=now)
    secret, secret_sha256 = _secret(due.proof)
    store.swap(tx, due.proof, mine, secret_sha256=secret_sha256)
    wanted = due.reachable and due.proof.is_open(now)
    return mine, _letter(tx, due, secret, now=now) if wanted else None


def _secret(proof: Proof) -> tuple[str, bytes]:
    """A new code or token, which leaves in the message alone, and what is kept of it."""
    if proof.purpose is ProofPurpose.TEST:
        token = new_token()
        return token, sha256(token)
    code = f"{secrets.randbelow(10**rules.CODE_DIGITS):0{rules.CODE_DIGITS}}"
    return code, hash_code(proof.id, code)


def _letter(tx: Tx, due: Due, secret: str, *, now: datetime) -> Letter:
    verifies = due.proof.purpose is ProofPurpose.VERIFY
    code = channels.spoken(secret) if due.kind is MethodKind.VOICE else secret
    return Letter(
        method=due.kind,
        address=due.address,
        template="page_code" if verifies else "page_test",
        words={"code": code} if verifies else {"link": f"{registry.public_url()}/t/{secret}"},
        reference=due.proof.id,
        read_out=verifies,
        valid_for=VALID_FOR,
        carriers=channels.ranked(tx, due.kind, now=now),
    )


def _send(mine: Proof, letter: Letter | None, *, now: datetime) -> None:
    began = time.monotonic()
    tries = [channels.refused("not_wanted")] if letter is None else channels.hand_over(letter)
    ended = now + timedelta(seconds=time.monotonic() - began)
    with transaction() as tx:
        _settle(tx, mine, tries[-1], now=ended)
        if letter is not None and letter.method is MethodKind.SMS:
            carriers.overhear(tx, tries, now=ended)


def _settle(tx: Tx, mine: Proof, attempt: Attempt, *, now: datetime) -> None:
    new = rules.moved(mine, _MOVES[attempt.outcome], now=now)
    if not store.swap(tx, mine, new):
        return
    if new.sent_at is not None and mine.purpose is ProofPurpose.TEST:
        method_store.set_tested(tx, mine.method_id, now=now)
    if attempt.outcome is Outcome.REFUSED:
        log.warning("contact_proofs.refused", proof=str(mine.id), detail=attempt.detail)


def look(token: str, *, now: datetime) -> TestDoor:
    """What is behind the link of a test page, changing nothing. Raises NotFound."""
    with transaction() as tx:
        return _page(*_found(tx, token), now=now)


def confirm(token: str, *, by: UUID | None, now: datetime) -> TestDoor:
    """Note that pages reach this method; `by` is who is signed in, if anybody.

    Raises Refused for a mail's link without its person's sign-in, and for one that is too old; NotFound.
    """
    with transaction() as tx:
        test, method = _found(tx, token)
        if method.kind is MethodKind.EMAIL and by != method.user_id:
            raise Refused("Sign in as the person whom the mail was sent to. Then open its link again.")
        if _page(test, method, now=now).state is AnswerState.EXPIRED:
            raise Refused("This test is over. Send yourself a new one on “How I am paged”.")
        note_answer(tx, test, method, now=now)
    return look(token, now=now)


def note_answer(tx: Tx, test: Proof, method: Method, *, now: datetime) -> None:
    """A test page was answered; twice is once."""
    if test.confirmed_at is None and store.swap(tx, test, replace(test, confirmed_at=now)):
        method_store.set_confirmed(tx, method.id, now=now)
        by = Actor(kind=ActorKind.USER, id=method.user_id)
        audit.record(tx, "contact_method.test_answered", actor=by, object_id=method.id, now=now)


def _found(tx: Tx, token: str) -> tuple[Proof, Method]:
    test = store.tested_by(tx, sha256(token)) if is_well_formed(token) else None
    if test is None:
        raise NotFound("This link is not known. It was for one test page.")
    return test, method_store.get_for_update(tx, test.method_id)


def _page(test: Proof, method: Method, *, now: datetime) -> TestDoor:
    over = now >= test.expires_at or method.disabled_at is not None
    state = AnswerState.EXPIRED if over else AnswerState.OPEN
    confirmed = test.confirmed_at is not None
    return TestDoor(state=AnswerState.CONFIRMED if confirmed else state, needs_sign_in=method.kind is MethodKind.EMAIL)


def tell_due(*, now: datetime) -> int:
    """Tell of one person who has not answered before a shift; how many that was."""
    with transaction() as tx:
        unanswered = store.claim_unanswered(tx, until=now + AGAIN, now=now)
        if unanswered is None:
            return 0
        silent, managers = store.silent(tx, unanswered), accounts.managers(tx)
    told = [_tell(one, (one.owner,) if one.owner else managers) for one in silent]
    if all(told):
        with transaction() as tx:
            store.note_told(tx, unanswered, now=now)
    return 1


WORK = (plan_due, send_due, tell_due)
"""What a worker does in turn until nothing is left."""


def _tell(silent: Silent, to: tuple[str, ...]) -> bool:
    """Whether everybody was told, or nobody can be."""
    words = {
        "holder": silent.name,
        "schedule": silent.schedule,
        "time": wordings.wall_time(silent.starts_at, ZoneInfo(silent.zone), channels.LANGUAGE),
        "ways": ", ".join(WAYS[kind] for kind in silent.kinds),
        "link": f"{registry.public_url()}/on-call",
    }
    ends = channels.mail_each(to, "page_unanswered", words)
    if not any(end in (Outcome.ACCEPTED, Outcome.UNKNOWN) for end in ends):
        log.error("contact_proofs.nobody_told", owners=len(to))
    return Outcome.TRY_LATER not in ends
