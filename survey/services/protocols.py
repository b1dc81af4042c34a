"""Protocols: find the version that a survey began on, and see that what is in use is what was proved."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from uuid import UUID

from survey.domain import seals
from survey.domain.accounts import Actor
from survey.domain.errors import NotFound, Refused
from survey.domain.protocol import Protocol
from survey.domain.versions import Person, Unproved, Version, VersionState
from survey.interop import pack_files, protocol_yaml
from survey.store import accounts as account_store
from survey.store import procedures as procedure_store
from survey.store import protocols as store
from survey.store.session import Tx, transaction

USED_LATELY = timedelta(days=60)
"""So far back it is looked which protocol somebody works with."""


def every() -> tuple[Version, ...]:
    """All versions in every state, by slug, newest first."""
    with transaction() as tx:
        return store.every(tx)


def numbered(slug: str, version: int) -> Version:
    """That version of that protocol. Raises NotFound."""
    with transaction() as tx:
        found = store.find(tx, slug, version)
    if found is None:
        raise NotFound(f"There is no version {version} of a protocol called “{slug}”.")
    return found


def listed(tx: Tx) -> tuple[Version, ...]:
    """The versions that patients are or were asked with, by slug, newest first."""
    return store.in_state(tx, VersionState.PUBLISHED, VersionState.RETIRED)


def published() -> tuple[Version, ...]:
    """The versions in force, by slug."""
    with transaction() as tx:
        return store.in_state(tx, VersionState.PUBLISHED)


def live(tx: Tx, slug: str) -> tuple[UUID, Protocol]:
    """The version of a protocol that is in force: its id and the pack. Raises NotFound when none is published."""
    version_id = store.live_id(tx, slug)
    if version_id is None:
        raise NotFound(f"No protocol “{slug}” is published. Publish one with `daytwo protocol publish`.")
    return version_id, get(tx, version_id)


def newest() -> tuple[Protocol, ...]:
    """The pack in force of each protocol, by slug, for a choice."""
    with transaction() as tx:
        return tuple(get(tx, one.id) for one in store.in_state(tx, VersionState.PUBLISHED))


def offered(*, to: Actor, now: datetime) -> tuple[Protocol, ...]:
    """`newest` for one person: first the one that they enrolled with last, then as the clinic did, then by slug."""
    packs = newest()
    if len(packs) < 2:
        return packs
    with transaction() as tx:
        used = procedure_store.protocols_used(tx, by=to.id, since=(now - USED_LATELY).date())
    return tuple(sorted(packs, key=lambda pack: used.index(pack.slug) if pack.slug in used else len(used)))


_packs: dict[UUID, Protocol] = {}
_reading = Lock()


def get(tx: Tx, version_id: UUID) -> Protocol:
    """The pack of a version; a published one is read and compiled once in this process, since it never changes."""
    if version_id not in _packs:
        with _reading:  # the first patients of a process that has just started come on all its threads at once
            if version_id not in _packs:
                return _read(tx, version_id)
    return _packs[version_id]


def _read(tx: Tx, version_id: UUID) -> Protocol:
    version = store.get(tx, version_id)
    read = protocol_yaml.load(version.source, name=f"{version.slug} version {version.version}")
    if version.state.is_fixed:
        _packs[version_id] = read
    return read


def pack(version_id: UUID) -> Protocol:
    """`get`, with a transaction of its own where the pack is not known yet."""
    if version_id not in _packs:
        with transaction() as tx:
            return get(tx, version_id)
    return _packs[version_id]


def titles(versions: tuple[Version, ...]) -> Mapping[str, str]:
    """Slug → title of the newest version, for a choice."""
    return {one.slug: one.title for one in reversed(versions)}


def check_all(*, folder: Path | None = None) -> None:
    """See, before a process starts, that every version in use is the one that was proved, here and on disk.

    Raises Unproved with a sentence for each that is not.
    """
    with transaction() as tx:
        found = (*faults(tx), *strayed_files(tx, folder=folder))
    if found:
        raise Unproved("\n".join(found))


def faults(tx: Tx) -> tuple[str, ...]:
    """What is wrong with published and retired versions in the database, a sentence each."""
    return tuple(said for seal in store.seals(tx) if (said := seals.broken(seal)))


def strayed_files(tx: Tx, *, folder: Path | None = None) -> tuple[str, ...]:
    """Packs under `folder` that differ from what was published under their number, a sentence each."""
    return seals.strayed(store.seals(tx), pack_files.hashes(folder or pack_files.FOLDER))


def broken(tx: Tx, version_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Those of the versions that must not score anything → what is wrong with them. One query."""
    return {seal.id: said for seal in store.seals_of(tx, version_ids) if (said := seals.broken(seal))}


def person(tx: Tx, actor: Actor) -> Person:
    """Whoever writes or approves, as the account stands now. Raises Refused for the system."""
    if actor.id is None:
        raise Refused("A protocol is written and approved by people, never by the system. Name two accounts.")
    user = account_store.get(tx, actor.id)
    return Person(id=user.id, role=user.role, active=user.active)
