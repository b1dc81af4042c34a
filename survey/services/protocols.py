"""Protocols: publish a pack, and find the version that a survey began on."""

from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from uuid import UUID, uuid4

from survey.domain.accounts import Actor
from survey.domain.errors import NotFound, Refused
from survey.domain.protocol import Protocol
from survey.interop import protocol_yaml
from survey.services import audit
from survey.store import protocols as store
from survey.store.protocols import Published
from survey.store.session import Tx, transaction


def publish(source: str, *, name: str, by: Actor, now: datetime) -> Published:
    """Publish the pack in `source` (YAML); `name` is what its errors call the file.

    The same text again is answered with the version that stands. Raises ProtocolError when the pack has a fault, and
    Refused when that version number was published with another text.
    """
    pack = protocol_yaml.load(source, name=name)
    with transaction() as tx:
        standing = next((p for p in store.every(tx) if (p.slug, p.version) == (pack.slug, pack.version)), None)
        if standing is not None:
            return _the_same(standing, pack)
        new = Published(
            id=uuid4(),
            slug=pack.slug,
            version=pack.version,
            title=next(iter(pack.title.values())),
            sha256=pack.sha256,
            source=source,
            published_at=now,
            published_by=by.id,
        )
        store.insert(tx, new)
        audit.record(tx, "protocol.published", actor=by, object_id=new.id, now=now, version=new.version)
    return new


def _the_same(standing: Published, pack: Protocol) -> Published:
    if standing.sha256 != pack.sha256:
        raise Refused(
            f"Version {pack.version} of {pack.slug} is published and cannot change. Give the new text a higher version."
        )
    return standing


def every() -> tuple[Published, ...]:
    """All published versions, by slug, newest first."""
    with transaction() as tx:
        return store.every(tx)


def listed(tx: Tx) -> tuple[Published, ...]:
    """`every` within a transaction that is open already."""
    return store.every(tx)


def live(tx: Tx, slug: str) -> tuple[UUID, Protocol]:
    """The newest version of a protocol: its id and the pack. Raises NotFound when none is published."""
    version_id = store.live_id(tx, slug)
    if version_id is None:
        raise NotFound(f"No protocol “{slug}” is published. Publish one with `daytwo protocol publish`.")
    return version_id, get(tx, version_id)


def newest() -> tuple[Protocol, ...]:
    """The newest version of each protocol, by slug, for a choice."""
    with transaction() as tx:
        slugs = sorted({one.slug for one in store.every(tx)})
        return tuple(live(tx, slug)[1] for slug in slugs)


_packs: dict[UUID, Protocol] = {}
_reading = Lock()


def get(tx: Tx, version_id: UUID) -> Protocol:
    """The pack of a version; read and compiled once in this process, since a version never changes."""
    if version_id not in _packs:
        with _reading:  # the first patients of a process that has just started come on all its threads at once
            if version_id not in _packs:
                _packs[version_id] = _read(tx, version_id)
    return _packs[version_id]


def _read(tx: Tx, version_id: UUID) -> Protocol:
    published = store.get(tx, version_id)
    return protocol_yaml.load(published.source, name=f"{published.slug} version {published.version}")


def pack(version_id: UUID) -> Protocol:
    """`get`, with a transaction of its own where the pack is not known yet."""
    if version_id not in _packs:
        with transaction() as tx:
            return get(tx, version_id)
    return _packs[version_id]


def titles(published: tuple[Published, ...]) -> Mapping[str, str]:
    """Slug → title of the newest version, for a choice."""
    return {one.slug: one.title for one in reversed(published)}
