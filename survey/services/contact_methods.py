"""Ways to reach a clinician: added, proved by their owner with a code, put in order, and put away."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from survey.domain import contact_methods as rules
from survey.domain.accounts import Actor
from survey.domain.contact_methods import ProofPurpose
from survey.domain.errors import Conflict, NotFound, Refused
from survey.domain.oncall import Method, MethodKind
from survey.domain.queues import Queue
from survey.interop import phones
from survey.messaging import registry
from survey.services import audit, oncall
from survey.store import contact_methods as store
from survey.store import contact_proofs as proof_store
from survey.store import oncall as oncall_store
from survey.store.session import Tx, transaction

UNSET = b"\0" * 32
"""In the place of a hash until the code is made: that is done when it is sent, so that it is kept nowhere."""
NOT_IN_USE = "This way to reach somebody is not in use."


def contact_methods(user_id: UUID) -> tuple[Method, ...]:
    """The ways to reach a user, verified or not."""
    with transaction() as tx:
        return oncall_store.methods_of(tx, user_id)


def one(method_id: UUID, *, of: UUID) -> Method:
    """That way to that person. Raises NotFound, also when it is somebody else's."""
    with transaction() as tx:
        method = in_use(tx, method_id)
    if method.user_id != of:
        raise NotFound(NOT_IN_USE)
    return method


def add_contact_method(
    user_id: UUID,
    kind: MethodKind,
    address: str,
    *,
    verified_at: datetime | None,
    by: Actor,
    now: datetime,
    label: str | None = None,
) -> Method:
    """Note a way to reach a user; it is paged only once verified. Raises Refused for an address in use or unfit."""
    fit = _fit(kind, address)
    try:
        with transaction() as tx:
            return _add(tx, user_id, kind, fit, label=label, verified_at=verified_at, by=by, now=now)
    except Conflict as conflict:  # two of the same at one moment
        raise Refused(_OWNED, field="address") from conflict


def add_pager(tx: Tx, user_id: UUID, number: str, *, vouched: bool, by: Actor, now: datetime) -> None:
    """The mobile number of an account that is being made; one that is `vouched` for is paged at once, without a code.

    Raises Refused with the field `pager`.
    """
    kind, verified_at = MethodKind.SMS, now if vouched else None
    try:
        new = _add(tx, user_id, kind, _fit(kind, number), label=None, verified_at=verified_at, by=by, now=now)
    except Refused as refused:
        raise Refused(refused.message, field="pager") from refused
    if vouched:
        audit.record(tx, "contact_method.vouched", actor=by, object_id=new.id, now=now)


_OWNED = "Somebody is paged at this address already. Use another one."


def _add(
    tx: Tx,
    user_id: UUID,
    kind: MethodKind,
    fit: str,
    *,
    label: str | None,
    verified_at: datetime | None,
    by: Actor,
    now: datetime,
) -> Method:
    if oncall_store.is_owned(tx, kind, fit):
        raise Refused(_OWNED, field="address")
    new = Method(id=uuid4(), user_id=user_id, kind=kind, address=fit, label=label or None, verified_at=verified_at)
    oncall_store.insert_method(tx, new)
    audit.record(tx, "contact_method.added", actor=by, object_id=new.id, now=now, kind=kind.value)
    return new


def _fit(kind: MethodKind, typed: str) -> str:
    return _FITS[kind](typed.strip())


def _number(typed: str) -> str:
    try:
        return phones.read(typed).e164
    except Refused as refused:
        raise Refused(refused.message, field="address") from refused


def _mobile(typed: str) -> str:
    number = _number(typed)
    if phones.read(typed).block is not None:
        raise Refused("This number cannot receive texts. Give a mobile number of this country.", field="address")
    return number


def _mailbox(typed: str) -> str:
    name, _, host = typed.lower().partition("@")
    if not name or "." not in host or not typed.isprintable() or " " in typed:
        raise Refused("Enter an email address, such as name@example.org.", field="address")
    return typed.lower()


def _push_address(typed: str) -> str:
    push = registry.push()
    fault = push.fault(typed) if push else None
    if fault is not None:
        raise Refused(fault, field="address")
    return typed


_FITS: Mapping[MethodKind, Callable[[str], str]] = {
    MethodKind.APPRISE: _push_address,
    MethodKind.EMAIL: _mailbox,
    MethodKind.SMS: _mobile,
    MethodKind.VOICE: _number,
}


def remove_contact_method(method_id: UUID, *, by: Actor, now: datetime) -> None:
    """Never page there again. Raises NotFound, and Refused for the last way to somebody whom the last resort names."""
    with transaction() as tx:
        method = in_use(tx, method_id)
        if rules.strand(oncall_store.methods_of(tx, method.user_id), method.id) and _is_last_resort(tx, method.user_id):
            raise Refused(
                "This is the only verified way to somebody on the last resort of the policy. "
                "Add another one and verify it first."
            )
        oncall_store.disable_method(tx, method_id, reason="removed", now=now)
        store.delete_rules_of(tx, method_id)
        audit.record(tx, "contact_method.removed", actor=by, object_id=method_id, now=now)


def _is_last_resort(tx: Tx, user_id: UUID) -> bool:
    try:
        last = oncall.live_policy(tx).steps[-1]
    except NotFound:
        return False
    return any(target.user_id == user_id for target in last.targets)


def in_use(tx: Tx, method_id: UUID) -> Method:
    """That method, held against other changes. Raises NotFound when it was put away."""
    method = store.get_for_update(tx, method_id)
    if method.disabled_at is not None:
        raise NotFound(NOT_IN_USE)
    return method


def _own(tx: Tx, method_id: UUID, by: Actor) -> Method:
    method = in_use(tx, method_id)
    if method.user_id != by.id:
        raise Refused("Only the person who is paged there can verify it. Ask them to sign in and do it.")
    return method


def ask_code(method_id: UUID, *, by: Actor, now: datetime) -> None:
    """Have a code of six digits sent there; it is asked for by whoever is to be paged there. Raises Refused."""
    with transaction() as tx:
        method = _own(tx, method_id, by)
        if method.verified_at is not None:
            raise Refused("This is verified already.")
        rules.refuse_haste(_earlier(tx, method_id, ProofPurpose.VERIFY, now), now=now)
        proof_store.insert(tx, rules.code(method_id, proof_id=uuid4(), now=now), secret_sha256=UNSET)
        audit.record(tx, "contact_method.code_asked", actor=by, object_id=method_id, now=now)
        tx.ring(Queue.PAGING)


def ask_test(method_id: UUID, *, by: Actor, now: datetime) -> None:
    """Have a test page sent there now. Raises Refused before it is verified, and when one is on its way."""
    with transaction() as tx:
        method = _own(tx, method_id, by)
        if method.verified_at is None:
            raise Refused("Verify it first. Then it can be tested.")
        rules.refuse_haste(_earlier(tx, method_id, ProofPurpose.TEST, now), now=now)
        proof_store.insert(tx, rules.test(method_id, proof_id=uuid4(), now=now), secret_sha256=UNSET)
        audit.record(tx, "contact_method.test_asked", actor=by, object_id=method_id, now=now)
        tx.ring(Queue.PAGING)


def _earlier(tx: Tx, method_id: UUID, purpose: ProofPurpose, now: datetime) -> tuple[datetime, ...]:
    return proof_store.asked_since(tx, method_id, purpose, now - timedelta(hours=1))


def hash_code(proof_id: UUID, code: str) -> bytes:
    """What is kept of a code. Bound to its row: the same digits elsewhere open nothing, and no table lists them."""
    return hashlib.sha256(f"{proof_id}:{code}".encode()).digest()


def type_code(method_id: UUID, typed: str, *, by: Actor, now: datetime) -> None:
    """Verify the method with the code that was sent there. Raises Refused: wrong, too old, or tried too often.

    A wrong one is counted although it is refused.
    """
    with transaction() as tx:
        method = _own(tx, method_id, by)
        if method.verified_at is not None:
            return  # a button pressed twice
        complaint = _weigh(tx, method, "".join(typed.split()), now=now)
        if complaint is None:
            store.set_verified(tx, method_id, now=now)
            audit.record(tx, "contact_method.verified", actor=by, object_id=method_id, now=now)
    if complaint is not None:
        raise Refused(complaint, field="code")


def _weigh(tx: Tx, method: Method, code: str, *, now: datetime) -> str | None:
    """What is wrong with a code; None when it is the one."""
    found = proof_store.newest_code(tx, method.id)
    if found is None or not found[0].is_open(now):
        return "This code is too old, or none was sent. Send a new one."
    proof, secret_sha256 = found
    if proof.guesses_left <= 0:
        return "Too many wrong codes. Send a new one."
    if hmac.compare_digest(hash_code(proof.id, code), secret_sha256):
        proof_store.swap(tx, proof, replace(proof, confirmed_at=now))
        return None
    proof_store.swap(tx, proof, replace(proof, tries=proof.tries + 1))
    left = proof.guesses_left - 1
    return (
        f"This is not the code. {left} {'try' if left == 1 else 'tries'} left."
        if left
        else "Too many wrong codes. Send a new one."
    )
