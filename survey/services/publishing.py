"""What the second person looks at before a version is published: what it changes, what was tried, what is missing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from survey.domain import versions as rules
from survey.domain.accounts import Actor
from survey.domain.downgrades import Downgrade
from survey.domain.errors import Refused
from survey.domain.protocol_diff import changes
from survey.domain.replays import Replay
from survey.domain.versions import Person, Version
from survey.services import downgrades, protocols, replays
from survey.store import invitations as invitation_store
from survey.store import protocols as version_store
from survey.store.session import Tx, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """All that is to be read before publishing; `live` is the version in force, which has `differences` to this one.

    `replay` is the newest finished what-if of this very text. `moving` surveys were not sent yet and go over to the
    version; `staying` ones end on theirs. `missing` says why whoever looks may not publish it now, a sentence each.
    """

    version: Version
    live: Version | None
    differences: int
    replay: Replay | None
    downgrades: tuple[Downgrade, ...]
    moving: int
    staying: int
    missing: tuple[str, ...]

    @property
    def unsigned(self) -> int:
        """How many downgrades stand in the way."""
        return sum(one.is_unsigned for one in self.downgrades)


def checklist(version_id: UUID, *, by: Actor) -> Checklist:
    """How things stand at this moment for that person. Raises NotFound, and ProtocolError for a text beyond reading."""
    with transaction() as tx:
        version = version_store.get(tx, version_id)
        pack = protocols.get(tx, version_id)
        live = _live(tx, version)
        touches = [touch.key for touch in pack.touches]
        moving, staying = invitation_store.in_flight(tx, version.slug, to=version.id, touches=touches)
        return Checklist(
            version=version,
            live=live,
            differences=len(changes(protocols.get(tx, live.id), pack)) if live else 0,
            replay=replays.latest(tx, version.id, version.sha256),
            downgrades=downgrades.of(tx, version, pack),
            moving=moving,
            staying=staying,
            missing=tuple(_missing(version, live, protocols.person(tx, by))),
        )


def _live(tx: Tx, version: Version) -> Version | None:
    """What is in force instead of it."""
    live_id = version_store.live_id(tx, version.slug)
    return version_store.get(tx, live_id) if live_id not in (None, version.id) else None


def _missing(version: Version, live: Version | None, person: Person) -> Iterator[str]:
    checks: tuple[Callable[[], None], ...] = (
        lambda: rules.check_ready(version, live),
        lambda: rules.check_approver(version.author, person),
    )
    for check in checks:
        try:
            check()
        except Refused as refused:
            yield refused.message
