"""The life of a protocol version: draft, prove, try in shadow, publish by a second person, retire."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID, uuid4

from survey.domain import versions as rules
from survey.domain.accounts import SYSTEM, Actor
from survey.domain.downgrades import refuse_unsigned
from survey.domain.errors import Conflict, Refused, Stale
from survey.domain.proofs import Proof
from survey.domain.protocol import Protocol
from survey.domain.versions import Version, VersionState
from survey.interop import protocol_yaml
from survey.interop.protocol_yaml import Mistake, ProtocolError
from survey.messaging import wordings
from survey.proof import verify as prove
from survey.proof.verifier import SECONDS
from survey.services import audit, downgrades, protocols
from survey.store import invitations as invitation_store
from survey.store import protocols as store
from survey.store import replays as replay_store
from survey.store import shadows as shadow_store
from survey.store.session import Tx, transaction

__all__ = [
    "Mistake",
    "ProtocolError",
    "change",
    "copied",
    "discard",
    "draft",
    "end_shadow",
    "next_number",
    "proof_of",
    "prove_old",
    "publish",
    "publish_file",
    "retire",
    "shadow",
    "verify",
]


def next_number(slug: str) -> int:
    """The number that no version of that protocol has yet, and that is higher than all of them."""
    with transaction() as tx:
        return store.highest(tx, slug) + 1


def copied(version: Version) -> str:
    """The whole text of a version to start another one from: nothing but its number is the next free one."""
    return protocol_yaml.renumbered(version.source, next_number(version.slug))


def draft(source: str, *, name: str, by: Actor, now: datetime) -> Version:
    """Keep the pack in `source` (YAML) as a draft of `by`; `name` is what its errors call the file.

    Raises ProtocolError when the pack has a fault, and Refused when its version number is taken.
    """
    pack = protocol_yaml.load(source, name=name)
    try:
        with transaction() as tx:
            new = _drafted(tx, pack, by=by, now=now)
    except Conflict as conflict:
        raise _taken(pack) from conflict
    return new


def change(version_id: UUID, source: str, *, name: str, expected_sha256: str, by: Actor, now: datetime) -> Version:
    """Put another text into a version that is not published; it is a draft again, without its proof.

    `expected_sha256` is of the text that was edited. The same text again changes nothing. Raises ProtocolError,
    Refused, and Stale when somebody else was faster.
    """
    pack = protocol_yaml.load(source, name=name)
    try:
        with transaction() as tx:
            old = store.get_for_update(tx, version_id)
            if old.sha256 != expected_sha256:
                raise Stale("This draft has changed meanwhile. Look at it again.")
            new = rules.changed(old, pack, by=protocols.person(tx, by), now=now)
            if new.sha256 == old.sha256:
                return old
            store.swap(tx, old, new)
            shadow_store.forget(tx, old.id)
            replay_store.cancel_running(tx, old.id, by=by.id, now=now)
            audit.record(tx, "protocol.changed", actor=by, object_id=old.id, now=now, version=new.version)
    except Conflict as conflict:
        raise _taken(pack) from conflict
    return new


def discard(version_id: UUID, *, by: Actor, now: datetime) -> None:
    """Throw a version away that was never published. Raises Refused, NotFound."""
    with transaction() as tx:
        old = store.get_for_update(tx, version_id)
        rules.check_discard(old, by=protocols.person(tx, by))
        store.delete(tx, old)
        audit.record(tx, "protocol.discarded", actor=by, object_id=old.id, now=now, version=old.version)


def verify(version_id: UUID, *, now: datetime, seconds: float = SECONDS) -> Proof:
    """Prove a version and keep the outcome: verified when the proof holds, else a draft that knows what is wrong.

    No transaction is open while the proof is made. Raises Refused when it takes more than `seconds`, or the text has
    changed.
    """
    with transaction() as tx:
        source = store.get(tx, version_id).source
    proof = proof_of(source, seconds)
    with transaction() as tx:
        old = store.get_for_update(tx, version_id)
        new = rules.proved(old, proof, protocol_yaml.load(source))
        if new != old:
            store.swap(tx, old, new)
            if new.shadow_from is None:
                shadow_store.forget(tx, old.id)
            audit.record(tx, "protocol.proved", actor=SYSTEM, object_id=old.id, now=now, holds=int(proof.holds))
    return proof


@lru_cache(maxsize=32)
def proof_of(source: str, seconds: float) -> Proof:
    """The proof of a pack, made once in this process. Raises Refused when that takes more than `seconds`."""
    pack = protocol_yaml.load(source)
    return prove(pack, wordings=wordings.at_longest(pack.languages), seconds=seconds)


def shadow(version_id: UUID, *, days: int, by: Actor, now: datetime) -> Version:
    """Let a verified version score new responses beside the one in force, for so many days. Raises Refused.

    What it said in an earlier shadow is forgotten.
    """
    with transaction() as tx:
        old = store.get_for_update(tx, version_id)
        new = rules.in_shadow(old, by=protocols.person(tx, by), days=days, now=now)
        store.swap(tx, old, new)
        shadow_store.forget(tx, old.id)
        audit.record(tx, "protocol.shadowed", actor=by, object_id=old.id, now=now, version=old.version, days=days)
    return new


def end_shadow(version_id: UUID, *, by: Actor, now: datetime) -> Version:
    """Let a candidate judge no more; what it said stays to be read. Raises Refused."""
    with transaction() as tx:
        old = store.get_for_update(tx, version_id)
        new = rules.out_of_shadow(old, by=protocols.person(tx, by), now=now)
        store.swap(tx, old, new)
        audit.record(tx, "protocol.shadow_ended", actor=by, object_id=old.id, now=now, version=old.version)
    return new


def publish(version_id: UUID, *, approver: Actor, now: datetime, expected_sha256: str | None = None) -> Version:
    """Put a proved version in force; the one before it is retired.

    Surveys that began end on their version. Those that were not sent yet move to the new one, where it knows their
    contact. `expected_sha256` is of the text that was approved, where somebody read one. Raises Refused, also while a
    downgrade is unsigned, and Stale when that text has changed or another version was published in the same moment.
    """
    try:
        with transaction() as tx:
            old = store.get_for_update(tx, version_id)
            if expected_sha256 not in (None, old.sha256):
                raise Stale("This version has changed since you read it. Look at it again.")
            pack = protocol_yaml.load(old.source)
            return _publish(tx, old, pack, approver=approver, way_out=downgrades.ON_THE_PAGE, now=now)
    except Conflict as conflict:
        raise Stale("Another version was published in the same moment. Look at it first.") from conflict


def publish_file(source: str, *, name: str, author: Actor, approver: Actor, now: datetime) -> Version:
    """Prove and publish the pack in `source` in one go, as somebody does who holds the file; `name` is the file's.

    The same text again is answered with the version that stands. Raises ProtocolError when the pack has a fault, and
    Refused when the proof fails (with what speaks against it), when a confirmed event would be taken less seriously,
    when the version has another text already, or when the two are not two, one of them a manager.
    """
    pack = protocol_yaml.load(source, name=name)
    with transaction() as tx:
        standing = store.find(tx, pack.slug, pack.version)
        if standing is not None:
            return _the_same(standing, pack)
        rules.check_approver(protocols.person(tx, author).id, protocols.person(tx, approver))
    proof = proof_of(source, SECONDS)
    rules.refuse_unproved(proof, name)
    try:
        with transaction() as tx:
            drafted = _drafted(tx, pack, by=author, now=now)
            verified = rules.proved(drafted, proof, pack)
            store.swap(tx, drafted, verified)
            audit.record(tx, "protocol.proved", actor=SYSTEM, object_id=verified.id, now=now, holds=1)
            return _publish(tx, verified, pack, approver=approver, way_out=downgrades.FROM_A_FILE, now=now)
    except Conflict as conflict:
        raise Stale("Somebody else published this protocol in the same moment. Look at it first.") from conflict


def retire(version_id: UUID, *, by: Actor, now: datetime) -> Version:
    """Take a version out of force without another one: nobody can be enrolled with its protocol then."""
    with transaction() as tx:
        old = store.get_for_update(tx, version_id)
        rules.check_manager(protocols.person(tx, by))
        return _retire(tx, old, by=by, now=now)


def prove_old(*, now: datetime) -> int:
    """Prove what was published before Daytwo proved protocols, once; how many were.

    Raises Unproved with what speaks against one, and ProtocolError when it cannot be read any more.
    """
    with transaction() as tx:
        old = [one for one in store.in_state(tx, VersionState.PUBLISHED) if one.before_proofs and not one.certificate]
    for one in old:
        pack = protocol_yaml.load(one.source, name=f"{one.slug} version {one.version}")
        new = rules.proved_late(one, proof_of(one.source, SECONDS), pack)
        with transaction() as tx:
            if store.get_for_update(tx, one.id) == one:  # else another worker that starts now was faster
                store.swap(tx, one, new)
                audit.record(tx, "protocol.proved", actor=SYSTEM, object_id=one.id, now=now, holds=1)
    return len(old)


def _drafted(tx: Tx, pack: Protocol, *, by: Actor, now: datetime) -> Version:
    new = rules.drafted(pack, version_id=uuid4(), author=protocols.person(tx, by), now=now)
    store.insert(tx, new)
    audit.record(tx, "protocol.drafted", actor=by, object_id=new.id, now=now, version=new.version)
    return new


def _publish(tx: Tx, old: Version, pack: Protocol, *, approver: Actor, way_out: str, now: datetime) -> Version:
    live = store.live_for_update(tx, old.slug)
    new = rules.published(old, approver=protocols.person(tx, approver), live=live, now=now)
    refuse_unsigned(old.name, downgrades.of(tx, old, pack), way_out=way_out)
    if live is not None:
        _retire(tx, live, by=approver, now=now)
    store.swap(tx, old, new)
    touches = [touch.key for touch in pack.touches]
    count = invitation_store.move_unsent(tx, new.slug, to=new.id, touches=touches)
    audit.record(
        tx, "protocol.published", actor=approver, object_id=new.id, now=now, version=new.version, invitations=count
    )
    return new


def _retire(tx: Tx, old: Version, *, by: Actor, now: datetime) -> Version:
    new = rules.retired(old, now=now)
    store.swap(tx, old, new)
    audit.record(tx, "protocol.retired", actor=by, object_id=old.id, now=now, version=old.version)
    return new


def _the_same(standing: Version, pack: Protocol) -> Version:
    if not standing.state.is_fixed:
        raise Refused(
            f"{standing.name} is {standing.state} already. Publish it there, or give this text another version."
        )
    if standing.sha256 != pack.sha256:
        raise Refused(f"{standing.name} is {standing.state} and cannot change. Give the new text a higher version.")
    return standing


def _taken(pack: Protocol) -> Refused:
    free = next_number(pack.slug)
    said = f"Version {pack.version} of {pack.slug} exists already. Give this text another version: {free} is free."
    return Refused(said, field="version")
