"""Confirmed events that a version would take less seriously: each is signed before that version is published."""

from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from survey.domain import downgrades as rules
from survey.domain.accounts import Actor
from survey.domain.downgrades import Downgrade, Terms
from survey.domain.errors import Conflict, Refused, Stale
from survey.domain.protocol import Protocol
from survey.domain.versions import Version, check_approver
from survey.services import audit, protocols
from survey.store import cases
from survey.store import downgrades as store
from survey.store import protocols as version_store
from survey.store.session import Tx, transaction

ON_THE_PAGE = "Sign each of them, with a reason, on the page “Publish” of this version."
FROM_A_FILE = (
    "A file carries no signatures: keep its text as a draft on the page “Protocols”, sign each of them there, "
    "and publish it there."
)


def of(tx: Tx, version: Version, pack: Protocol) -> tuple[Downgrade, ...]:
    """Every confirmed event of the protocol that `pack`, the version's text, takes less seriously or never asks for.

    Judged now and not when somebody last looked: an event that was confirmed a minute ago is among them.
    """
    found = cases.confirmed(tx, version_store.ids_of(tx, version.slug))
    weighed = [rules.weighed(pack, tuple(scores)) for _, scores in groupby(found, key=attrgetter("response_id"))]
    listed = [one for one in weighed if one.is_downgrade or one.after is None]
    events = store.events(tx, [one.response_id for one in listed])
    every = [Downgrade(event=events[one.response_id], weighed=one, sha256=version.sha256) for one in listed]
    signed = store.signatures(tx, version.id)
    return tuple(replace(one, signature=signed.get((one.weighed.response_id, one.terms))) for one in every)


def unsigned(tx: Tx, version: Version, pack: Protocol) -> tuple[Downgrade, ...]:
    """Those of them that stand in the way of publishing."""
    return tuple(one for one in of(tx, version, pack) if one.is_unsigned)


def sign(version_id: UUID, response_id: UUID, *, terms: Terms, reason: str, by: Actor, now: datetime) -> None:
    """Accept one downgrade, as somebody does who may publish the version; `terms` are those that were read.

    Once more on the same terms changes nothing. Raises Refused, and Stale when text or tiers are others by now.
    """
    said = rules.check_reason(reason)
    try:
        with transaction() as tx:
            version = version_store.get_for_update(tx, version_id)
            signer = protocols.person(tx, by)
            check_approver(version.author, signer)
            found = _still(tx, version, response_id, terms)
            if found.signature is None:
                store.insert(tx, version.id, response_id, terms, by=signer.id, at=now, reason=said)
                _tell(tx, version, response_id, terms, by=by, now=now)
    except Conflict as conflict:
        raise Stale("Somebody has signed this in the same moment. Look at the list again.") from conflict


def _still(tx: Tx, version: Version, response_id: UUID, terms: Terms) -> Downgrade:
    """The downgrade of that response, if it stands as it was read."""
    if version.state.is_fixed:
        raise Refused(f"{version.name} is {version.state}: there is nothing left to sign.")
    pack = protocols.get(tx, version.id)
    for one in of(tx, version, pack):
        if one.weighed.response_id == response_id and one.terms == terms:
            return one
    raise Stale("This version or these answers have changed since you read them. Look at the list again.")


def _tell(tx: Tx, version: Version, response_id: UUID, terms: Terms, *, by: Actor, now: datetime) -> None:
    tiers = {"before": terms.before.value, "after": terms.after.value}
    audit.record(tx, "downgrade.signed", actor=by, object_id=version.id, now=now, response=str(response_id), **tiers)
