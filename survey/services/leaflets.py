"""What patients are told about our texts, on paper and on a public page: who sends them, and what to heed."""

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from survey.domain.protocol import Protocol, Tier, in_language
from survey.domain.sites import Site
from survey.messaging import registry
from survey.services import protocols
from survey.store import invitations as invitation_store
from survey.store import patients as patient_store
from survey.store import procedures as procedure_store
from survey.store import sites as site_store
from survey.store.session import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """How to know a text of ours: the numbers that it may come from (E.164, empty when not known), and our domain."""

    numbers: tuple[str, ...]
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaflet:
    """What one patient takes home. `days` are those on which we ask, the first one first."""

    site: Site
    sender: Sender
    language: str
    languages: tuple[str, ...]
    days: tuple[int, ...]
    pack: Protocol

    def emergencies(self, language: str) -> tuple[str, ...]:
        """The pack's red flags, each as the patient reads it in the check-in."""
        lines = [line for item in self.pack.items if item.red_flag for line in item.lines if not line.exclusive]
        return tuple(in_language(line.text, language) for line in lines)

    def expected(self, language: str) -> tuple[str, ...]:
        """What the pack tells whoever has no warning sign: what is usual, and when to call."""
        return tuple(in_language(words, language) for words in self.pack.tiers[Tier.ROUTINE].body)


def of_procedure(procedure_id: UUID) -> Leaflet:
    """The leaflet of one procedure, by the protocol version that its patient is asked with. Raises NotFound."""
    with transaction() as tx:
        procedure = procedure_store.get(tx, procedure_id)
        surveys = invitation_store.of_procedure(tx, procedure_id)
        version = surveys[0].protocol_version_id if surveys else protocols.live(tx, procedure.protocol)[0]
        pack = protocols.get(tx, version)
        patient, site = patient_store.get(tx, procedure.patient_id), site_store.get(tx, procedure.site_id)
    return Leaflet(
        site=site,
        sender=sender(),
        language=patient.language,
        languages=pack.languages,
        days=tuple(sorted({touch.day for touch in pack.touches})),
        pack=pack,
    )


def sender() -> Sender:
    """How to know a text of this deployment's."""
    return Sender(numbers=registry.senders(), domain=urlsplit(registry.public_url()).netloc)
