"""How one sees that a published version is still the text that was proved, in the database and on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from survey.domain.proofs import certificate
from survey.domain.versions import VersionState


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What a version in use is recognised by. `found_sha256` is of the text as it stands now."""

    id: UUID
    slug: str
    version: int
    state: VersionState
    sha256: str
    found_sha256: str
    certificate: str | None
    verifier: str | None
    before_proofs: bool


def broken(seal: Seal) -> str | None:
    """What is wrong with a version that patients are asked with, and the way out; None when it is the proved one."""
    name = f"Version {seal.version} of {seal.slug}"
    way_out = "Restore it from a backup of the database, or publish the right text under a higher version."
    if not seal.state.is_fixed:
        return f"{name} is {seal.state}, and a survey began on it. {way_out}"
    if seal.found_sha256 != seal.sha256:
        return f"{name} was changed in the database after it was published. {way_out}"
    if seal.certificate is None and seal.before_proofs:
        return None
    if seal.certificate is None or seal.certificate != certificate(seal.sha256, seal.verifier or ""):
        return f"{name} has a certificate that is not its own. {way_out}"
    return None


def strayed(seals: Sequence[Seal], files: Mapping[tuple[str, int], str]) -> tuple[str, ...]:
    """Files that hold another text than the published version of their number, a sentence each. `files` are hashes."""
    return tuple(
        f"The file config/protocols/{seal.slug}/v{seal.version}.yaml is not the text that was published as version "
        f"{seal.version}. Put the published text back, or give the new one a higher version in a file of its own."
        for seal in seals
        if seal.state.is_fixed and files.get((seal.slug, seal.version), seal.sha256) != seal.sha256
    )
