"""Ways to reach a clinician: how each is proved by a code, tested before a shift, shown, and put in order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from survey.domain.alerts import Severity
from survey.domain.errors import Refused
from survey.domain.oncall import Method, MethodKind, Rule

CODE_DIGITS = 6
CODE_LIVES = timedelta(minutes=10)
MOST_TRIES = 5
"""So many wrong codes, and a new one has to be sent."""
CODE_PAUSE = timedelta(seconds=30)
CODES_AN_HOUR = 5
"""With five tries each, whoever guesses has one chance in 40,000 an hour."""

TEST_AHEAD = timedelta(minutes=30)
"""So long before a shift each way to its person is tried."""
TEST_ANSWER_WITHIN = timedelta(minutes=10)
"""After that whoever owns the schedule is told: there is time left to find somebody else."""
TEST_LIVES = timedelta(hours=2)
TEST_PAUSE = timedelta(hours=1)
"""A shift that is cut in two, or begins on two schedules at once, is no reason to test a phone twice."""
TRY_AGAIN = timedelta(seconds=15)
LONGEST_DELAY = timedelta(hours=1)


class ProofPurpose(StrEnum):
    """What is sent to a method to prove it."""

    VERIFY = "verify"
    """A code, to be typed in by its owner."""
    TEST = "test"
    """A page that only asks to be answered."""


class ProofState(StrEnum):
    """Where a code or a test page stands."""

    PENDING = "pending"
    LEASED = "leased"
    """Somebody is sending it now, or died doing so."""
    SENT = "sent"
    """Sent, or perhaps sent."""
    FAILED = "failed"


class ProofMove(StrEnum):
    """What happens to one."""

    LEASE = "lease"
    SEND = "send"
    PUT_OFF = "put_off"
    """It surely did not leave, or its sender died."""
    GIVE_UP = "give_up"


MOVES = {
    (ProofState.PENDING, ProofMove.LEASE): ProofState.LEASED,
    (ProofState.LEASED, ProofMove.SEND): ProofState.SENT,
    (ProofState.LEASED, ProofMove.PUT_OFF): ProofState.PENDING,
    (ProofState.LEASED, ProofMove.GIVE_UP): ProofState.FAILED,
}
"""Where one may stand after a move; whatever is not here does not happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A code or a test page. `tries` counts wrong codes; `shift_id` is the shift that a test is for."""

    id: UUID
    method_id: UUID
    purpose: ProofPurpose
    state: ProofState = ProofState.PENDING
    due_at: datetime
    expires_at: datetime
    shift_id: UUID | None = None
    lease_until: datetime | None = None
    sent_at: datetime | None = None
    tries: int = 0
    confirmed_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be answered."""
        return self.confirmed_at is None and now < self.expires_at and self.state is not ProofState.FAILED

    @property
    def guesses_left(self) -> int:
        """How many wrong codes it still bears."""
        return MOST_TRIES - self.tries


def code(method_id: UUID, *, proof_id: UUID, now: datetime) -> Proof:
    """A code that is due now."""
    return _due(method_id, proof_id, ProofPurpose.VERIFY, lives=CODE_LIVES, now=now)


def test(method_id: UUID, *, proof_id: UUID, now: datetime) -> Proof:
    """A test page that is due now."""
    return _due(method_id, proof_id, ProofPurpose.TEST, lives=TEST_LIVES, now=now)


def _due(method_id: UUID, proof_id: UUID, purpose: ProofPurpose, *, lives: timedelta, now: datetime) -> Proof:
    return Proof(id=proof_id, method_id=method_id, purpose=purpose, due_at=now, expires_at=now + lives)


def moved(proof: Proof, move: ProofMove, *, now: datetime, lease: timedelta = timedelta(0)) -> Proof:
    """The proof after a move. Raises KeyError where there is none."""
    new = replace(proof, state=MOVES[proof.state, move], lease_until=None)
    if move is ProofMove.LEASE:
        return replace(new, lease_until=now + lease)
    if move is ProofMove.PUT_OFF:
        return replace(new, due_at=now + TRY_AGAIN)
    return replace(new, sent_at=now) if move is ProofMove.SEND else new


def refuse_haste(earlier: Sequence[datetime], *, now: datetime) -> None:
    """Raises Refused when codes were sent too often. `earlier` is when the ones of the last hour were asked for."""
    if any(now - at < CODE_PAUSE for at in earlier):
        raise Refused("One is on its way. Wait half a minute before you ask for the next.")
    if len(earlier) >= CODES_AN_HOUR:
        raise Refused("Enough were sent for now. Wait an hour, or check the address first.")


def masked(kind: MethodKind, address: str) -> str:
    """The address as it may stand on a screen: enough to know it by, too little to use it."""
    if kind is MethodKind.EMAIL:
        name, _, host = address.partition("@")
        return f"{name[:1]}•••@{host}"
    if kind is MethodKind.APPRISE:
        return f"{address.partition('://')[0]}://•••"
    return f"••• ••• {address[-4:]}"


def in_order(rules: Iterable[Rule], severity: Severity) -> tuple[Rule, ...]:
    """The wishes for one severity, the earliest first."""
    return tuple(sorted((rule for rule in rules if rule.severity is severity), key=lambda rule: rule.delay_s))


def refuse_late(rules: Iterable[Rule], severity: Severity) -> None:
    """Raises Refused when all of these wishes would wait: somebody who has wishes is reached at once by one of them."""
    delays = [rule.delay_s for rule in rules if rule.severity is severity]
    if delays and min(delays) > 0:
        raise Refused("One way has to be used at once. Choose 0 minutes for it first.", field="minutes")


def strand(methods: Iterable[Method], gone: UUID) -> bool:
    """Whether somebody could be paged no more without that method, and can with it."""
    live = {method.id for method in methods if method.is_live}
    return live == {gone}
