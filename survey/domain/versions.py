"""The life of a protocol version: its states, and who may move it how."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from survey.domain.accounts import Role
from survey.domain.errors import DomainError, Refused
from survey.domain.proof_words import objection_in_words
from survey.domain.proofs import Proof, certificate
from survey.domain.protocol import Protocol, in_language


class VersionState(StrEnum):
    """Where a version stands. Only a published one is given to new patients, and it never changes again."""

    DRAFT = "draft"
    VERIFIED = "verified"
    SHADOW = "shadow"
    PUBLISHED = "published"
    RETIRED = "retired"

    @property
    def is_fixed(self) -> bool:
        """Whether the text stands for good: patients have been, or may be, asked with it."""
        return self in (VersionState.PUBLISHED, VersionState.RETIRED)


_S = VersionState

MOVES: Mapping[VersionState, frozenset[VersionState]] = {
    _S.DRAFT: frozenset({_S.VERIFIED}),
    _S.VERIFIED: frozenset({_S.DRAFT, _S.SHADOW, _S.PUBLISHED}),
    _S.SHADOW: frozenset({_S.DRAFT, _S.VERIFIED, _S.PUBLISHED}),
    _S.PUBLISHED: frozenset({_S.RETIRED}),
    _S.RETIRED: frozenset(),
}
"""What may follow what. The database holds the same list."""


class Unproved(DomainError):
    """A version that is in use is not one that was proved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """What is kept of one check of a proof: its name, its seconds, and what speaks against it.

    Each objection is its sentence, then the smallest case, a line each; of older proofs the sentence alone is kept.
    """

    check: str
    seconds: float
    objections: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version. `source` is the pack's whole text, `sha256` its hash in hex; `published_by` is the approver.

    `proof` is the last attempt; there is a `certificate` only when it held. `before_proofs` marks what was published
    by a Daytwo that proved nothing; such a version has no author.
    """

    id: UUID
    slug: str
    version: int
    title: str
    sha256: str
    source: str
    state: VersionState
    author: UUID | None
    made_at: datetime
    changed_at: datetime
    certificate: str | None = None
    verifier: str | None = None
    answer_sets: int | None = None
    proof: tuple[CheckRecord, ...] | None = None
    shadow_from: datetime | None = None
    shadow_until: datetime | None = None
    published_at: datetime | None = None
    published_by: UUID | None = None
    retired_at: datetime | None = None
    before_proofs: bool = False

    @property
    def name(self) -> str:
        """How sentences call it."""
        return f"Version {self.version} of {self.slug}"

    @property
    def in_shadow(self) -> tuple[datetime, datetime] | None:
        """From when until when it is, or was last, in shadow."""
        return (self.shadow_from, self.shadow_until) if self.shadow_from and self.shadow_until else None

    @property
    def objections(self) -> tuple[str, ...]:
        """The sentences that the last attempt at a proof found against it."""
        return tuple(said[0] for record in self.proof or () for said in record.objections)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whoever writes or approves, as the account stands now."""

    id: UUID
    role: Role
    active: bool


def drafted(pack: Protocol, *, version_id: UUID, author: Person, now: datetime) -> Version:
    """A new draft of that text. Raises Refused for an account that is not in use."""
    _in_use(author)
    return Version(
        id=version_id,
        slug=pack.slug,
        version=pack.version,
        title=_title(pack),
        sha256=pack.sha256,
        source=pack.source_text,
        state=_S.DRAFT,
        author=author.id,
        made_at=now,
        changed_at=now,
    )


def changed(version: Version, pack: Protocol, *, by: Person, now: datetime) -> Version:
    """The version with another text, as a draft again.

    Only its author may change it: whoever wrote a part of a version could otherwise approve it.
    """
    _in_use(by)
    _only_author(version, by)
    if pack.slug != version.slug:
        raise Refused(f"This is a draft of {version.slug}; its text says {pack.slug}. Put the name back.")
    draft = version if version.state is _S.DRAFT else moved(version, _S.DRAFT)
    return replace(
        draft,
        version=pack.version,
        title=_title(pack),
        sha256=pack.sha256,
        source=pack.source_text,
        changed_at=now,
        certificate=None,
        verifier=None,
        answer_sets=None,
        proof=None,
        shadow_from=None,
        shadow_until=None,
    )


def check_discard(version: Version, *, by: Person) -> None:
    """Raises Refused when the version is fixed, or somebody else's."""
    _in_use(by)
    if version.state.is_fixed:
        raise Refused(f"{version.name} is {version.state} and stays: surveys may have begun on it.")
    _only_author(version, by)


def proved(version: Version, proof: Proof, pack: Protocol) -> Version:
    """The version with the outcome of its proof: verified when it holds, else a draft that knows what is wrong.

    `pack` is its text, read.
    A version beyond that keeps what it was published with. Raises Refused when the proof is of another text.
    """
    if proof.sha256 != version.sha256:
        raise Refused(f"{version.name} was changed while it was being proved. Prove it again.")
    if version.state.is_fixed:
        return version
    if not proof.holds:
        back = version if version.state is _S.DRAFT else moved(version, _S.DRAFT)
        return replace(_with(back, proof, pack), certificate=None, verifier=None, shadow_from=None, shadow_until=None)
    verified = moved(version, _S.VERIFIED) if version.state is _S.DRAFT else version
    return _with(verified, proof, pack)


def proved_late(version: Version, proof: Proof, pack: Protocol) -> Version:
    """A version from before there were proofs, with its certificate. Raises Unproved with what speaks against it."""
    if not proof.holds:
        raise Unproved(
            f"{version.name} was published before Daytwo proved protocols, and the proof fails: "
            f"{' '.join(_objections(proof))} Mend it and publish it under a higher version with "
            "`daytwo protocol publish`."
        )
    return _with(version, proof, pack)


def in_shadow(version: Version, *, by: Person, days: int, now: datetime) -> Version:
    """The version as a candidate that scores new responses for so many days, and is heard by nobody."""
    _in_use(by)
    if not 1 <= days <= 90:
        raise Refused("A candidate is in shadow for 1 to 90 days.", field="days")
    return replace(moved(version, _S.SHADOW), shadow_from=now, shadow_until=now + timedelta(days=days))


def out_of_shadow(version: Version, *, by: Person, now: datetime) -> Version:
    """The version as verified again; when it was in shadow stays known. Raises Refused when it is not in shadow."""
    _in_use(by)
    return replace(moved(version, _S.VERIFIED), shadow_until=min(version.shadow_until or now, now))


def published(version: Version, *, approver: Person, live: Version | None, now: datetime) -> Version:
    """The version in force. `live` is the one it replaces.

    Raises Refused unless it is proved, newer than what is in force, and approved by a manager who did not write it.
    """
    check_approver(version.author, approver)
    check_ready(version, live)
    return replace(moved(version, _S.PUBLISHED), published_at=now, published_by=approver.id)


def check_ready(version: Version, live: Version | None) -> None:
    """Raises Refused unless the version is proved, by this Daytwo, and newer than what is in force."""
    if version.certificate is None:
        raise Refused(f"{version.name} is not proved. Prove it first.")
    text = hashlib.sha256(version.source.encode()).hexdigest()
    if version.sha256 != text or version.certificate != certificate(text):
        raise Refused(f"{version.name} was proved by an older Daytwo, or as another text. Prove it again.")
    if live is not None and live.version >= version.version:
        raise Refused(f"{live.name} is published. Give this text a higher version than {live.version}.")


def check_approver(author: UUID | None, approver: Person) -> None:
    """Raises Refused unless `approver` may publish what `author` wrote."""
    if author is None:
        raise Refused("A version without an author cannot be published. Draft it again.")
    if approver.id == author:
        raise Refused("Two people are needed: whoever wrote a version cannot approve it. Ask another manager.")
    check_manager(approver)


def check_manager(person: Person) -> None:
    """Raises Refused unless that person may decide which version is in force."""
    _in_use(person)
    if person.role is not Role.MANAGER:
        raise Refused("Only a manager may approve or retire a protocol. Ask one.")


def retired(version: Version, *, now: datetime) -> Version:
    """The version that no new patient gets. Surveys that began on it end on it."""
    return replace(moved(version, _S.RETIRED), retired_at=now)


def moved(version: Version, to: VersionState) -> Version:
    """The version in state `to`. Raises Refused when `MOVES` has no such move."""
    if to not in MOVES[version.state]:
        raise Refused(f"{version.name} is {version.state} and cannot become {to}.")
    return replace(version, state=to)


def refuse_unproved(proof: Proof, name: str) -> None:
    """Raises Refused with every objection when the proof of the pack called `name` does not hold."""
    if not proof.holds:
        said = "\n".join(f"  {sentence}" for sentence in _objections(proof))
        raise Refused(f"{name} cannot be published, since its proof fails:\n{said}")


def _with(version: Version, proof: Proof, pack: Protocol) -> Version:
    records = tuple(
        CheckRecord(
            check=one.check.value,
            seconds=one.seconds,
            objections=tuple(tuple(objection_in_words(pack, objection)) for objection in one.objections),
        )
        for one in proof.checks
    )
    return replace(
        version,
        certificate=proof.certificate,
        verifier=proof.verifier,
        answer_sets=proof.answer_sets,
        proof=records,
    )


def _objections(proof: Proof) -> tuple[str, ...]:
    return tuple(objection.says for one in proof.checks for objection in one.objections)


def _title(pack: Protocol) -> str:
    return in_language(pack.title, "en")


def _in_use(person: Person) -> None:
    if not person.active:
        raise Refused("This account is not in use any more. Name somebody whose account is.")


def _only_author(version: Version, by: Person) -> None:
    if version.author != by.id:
        raise Refused("This draft is somebody else’s. Copy it into a version of your own.")
