"""What an enrolment says, before anybody is enrolled: tidied, checked, and the ways to the patient that it gives."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from survey.domain import patients as rules
from survey.domain.errors import Refused
from survey.domain.patients import Allowed, Block, ContactKind, Enrolment, NotEnrollable, Problem
from survey.domain.protocol import Protocol
from survey.domain.sites import Site
from survey.interop import phones, zones
from survey.services import protocols
from survey.store import sites as site_store
from survey.store import suppressions as suppression_store
from survey.store.session import Tx, transaction

CAUTIONS = {
    Block.LANDLINE: "This number cannot receive texts. Ask for a mobile number.",
    Block.FOREIGN: "This number belongs to another country, and no texts are sent there. Ask for another one.",
    Block.STOPPED: "This number has opted out of our texts. The patient can text START to us to get them again.",
}
"""What the desk should know of a number while the patient is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What enrolments stand on: the site, and the live version of the protocol."""

    site: Site
    version_id: UUID
    pack: Protocol

    @property
    def allowed(self) -> Allowed:
        """What staff may choose from."""
        return Allowed(
            languages=self.pack.languages,
            body_sites=tuple(one.key for one in self.pack.body_sites),
            agents=tuple(one.key for one in self.pack.agents),
            flags=tuple(one.key for one in self.pack.flags),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One address that the enrolment gives; `block` says why it cannot be used, if it cannot."""

    kind: ContactKind
    address: str
    block: Block | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An enrolment without faults, and the ways to reach the patient."""

    enrolment: Enrolment
    ways: tuple[Way, ...]


def ground(tx: Tx, site_id: UUID, protocol: str) -> Ground:
    """The ground for enrolments at that site. Raises NotFound."""
    version_id, pack = protocols.live(tx, protocol)
    return Ground(site=site_store.get(tx, site_id), version_id=version_id, pack=pack)


def check(enrolment: Enrolment, *, ground: Ground, now: datetime) -> Checked:
    """The enrolment tidied, its phone in E.164. Raises NotEnrollable with every fault."""
    tidy = _zoned(rules.tidy(enrolment))
    found = list(rules.problems(tidy, allowed=ground.allowed, today=ground.site.local(now).date()))
    ways = []
    if tidy.mobile:
        try:
            phone = phones.read(tidy.mobile, region=phones.region_of(ground.site.phone))
            ways.append(Way(kind=ContactKind.SMS, address=phone.e164, block=phone.block))
        except Refused as refused:
            found.append(Problem(column="mobile", reason=refused.message))
    if found:
        raise NotEnrollable(tuple(found))
    if tidy.email:
        ways.append(Way(kind=ContactKind.EMAIL, address=tidy.email.lower()))
    return Checked(enrolment=tidy, ways=tuple(ways))


def _zoned(enrolment: Enrolment) -> Enrolment:
    """The enrolment with the zone of the place where the patient lives, unless somebody named one."""
    return replace(enrolment, zone=enrolment.zone or zones.of(enrolment.place)) if enrolment.place else enrolment


def heed(tx: Tx, some: Sequence[Checked]) -> list[Checked]:
    """The same, each way blocked whose number or mailbox has opted out; one query however many they are."""
    addresses = [way.address for one in some for way in one.ways]
    stopped = {(found.kind, found.address) for found in suppression_store.of_addresses(tx, addresses)}

    def heeded(way: Way) -> Way:
        return replace(way, block=way.block or Block.STOPPED) if (way.kind, way.address) in stopped else way

    return [replace(one, ways=tuple(map(heeded, one.ways))) for one in some]


def cautions(enrolment: Enrolment, *, site_id: UUID, protocol: str, now: datetime) -> tuple[Problem, ...]:
    """What keeps texts from the number that was typed, for the desk to mend before it enrols; faults are not among it.

    Raises NotFound for site or protocol.
    """
    with transaction() as tx:
        try:
            (checked,) = heed(tx, [check(enrolment, ground=ground(tx, site_id, protocol), now=now)])
        except NotEnrollable:
            return ()
    blocked = [way for way in checked.ways if way.kind is ContactKind.SMS and way.block]
    return tuple(Problem(column="mobile", reason=CAUTIONS[way.block]) for way in blocked if way.block in CAUTIONS)
