"""A patient, the ways to reach the patient, the procedure, and the enrolment that brings the three in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from unicodedata import normalize
from uuid import UUID
from zoneinfo import available_timezones

from survey.domain.errors import Refused
from survey.domain.protocol import Flag

LATEST_DAY = 30
"""A procedure longer ago than this many days is not asked about any more."""
EARLIEST_BIRTH = date(1900, 1, 1)
LONGEST_NAME = 100
LONGEST_TEXT = 200

CONSENT_WORDING = "1"
"""The version of the sentence below that staff read out; stored with each consent."""
CONSENT_SENTENCES: Mapping[str, str] = {
    "en": "We may send you a link to a short check-in by text or email. You can reply STOP at any time.",
    "es": "Podemos enviarle un enlace a un breve control por mensaje de texto o correo. "
    "Puede responder STOP en cualquier momento.",
}


class ContactKind(StrEnum):
    """A way to reach a patient."""

    SMS = "sms"
    EMAIL = "email"


class ConsentHow(StrEnum):
    """How the patient agreed to be texted or emailed."""

    SPOKEN = "spoken"
    WRITTEN = "written"
    IMPORT = "import"
    """The clinic's own system says so in the imported file."""


class Block(StrEnum):
    """Why a contact is not used any more, or never was."""

    LANDLINE = "landline"
    FOREIGN = "foreign"
    NOT_ME = "not_me"
    """Somebody else answered the link and said so."""
    STOPPED = "stopped"
    """The patient asked for no more texts. Ends texts, not care."""
    REFUSED = "refused"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """`zone` is an IANA name; None means the site's."""

    id: UUID
    given_name: str
    family_name: str
    born_on: date
    language: str
    zone: str | None
    mrn: str | None
    helper_may_answer: bool = False
    """Somebody else may answer for the patient; who it is stays with the patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """`address` is E.164 or a mailbox. Usable only with consent and without a block."""

    id: UUID
    patient_id: UUID
    kind: ContactKind
    address: str
    consented_at: datetime | None
    blocked_at: datetime | None
    blocked_reason: Block | None

    @property
    def usable(self) -> bool:
        """Whether a message may go there."""
        return self.consented_at is not None and self.blocked_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """What was done when. `performed_on` is a day in the site's zone; `source_key` makes two records the same one."""

    id: UUID
    patient_id: UUID
    site_id: UUID
    protocol: str
    performed_on: date
    body_sites: tuple[str, ...]
    agents: tuple[str, ...]
    lot: str | None
    injector: str | None
    context: Mapping[str, Flag]
    """Only the flags that somebody was asked about."""
    source_key: str
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What a form or a CSV row says: one patient, one procedure. `mobile` is as it was typed."""

    given_name: str
    family_name: str
    born_on: date
    performed_on: date
    language: str = "en"
    zone: str | None = None
    place: str | None = None
    """State or ZIP code where the patient lives, as it was typed; tells the zone where none is given."""
    mobile: str | None = None
    email: str | None = None
    consent: bool = False
    consent_how: ConsentHow | None = None
    mrn: str | None = None
    helper_may_answer: bool = False
    body_sites: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    lot: str | None = None
    injector: str | None = None
    context: Mapping[str, Flag] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, date]:
        """What tells patients without a record number apart."""
        return (self.given_name.casefold(), self.family_name.casefold(), self.born_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend: the field (or CSV column) and a sentence."""

    column: str
    reason: str


class NotEnrollable(Refused):
    """An enrolment has faults; `problems` lists all of them, and the exception itself tells of the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems[0].reason, field=problems[0].column)
        self.problems = problems


class AlreadyEnrolled(Refused):
    """This procedure stands in the records already; `procedure_id` is its row."""

    def __init__(self, procedure_id: UUID) -> None:
        super().__init__("This procedure is enrolled already: the same patient, protocol, site and day.")
        self.procedure_id = procedure_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the protocol lets staff choose from, by key."""

    languages: tuple[str, ...]
    body_sites: tuple[str, ...]
    agents: tuple[str, ...]
    flags: tuple[str, ...]


def tidy(enrolment: Enrolment) -> Enrolment:
    """The same enrolment without stray blanks; an empty optional field counts as not given."""
    plain = {name: _plain(getattr(enrolment, name)) for name in ("given_name", "family_name")}
    optional = {
        name: _plain(getattr(enrolment, name) or "") or None
        for name in ("zone", "place", "mobile", "email", "mrn", "lot", "injector")
    }
    return replace(enrolment, **plain, **optional)  # type: ignore[arg-type]


def _plain(value: str) -> str:
    """Composed signs, single blanks. Two spellings of one name must not make two patients."""
    return " ".join(normalize("NFC", value).split())


def source_key(enrolment: Enrolment, *, patient_id: UUID, site_id: UUID, protocol: str) -> str:
    """What makes two records the same procedure: patient, site, protocol and day."""
    return f"{patient_id}:{site_id}:{protocol}:{enrolment.performed_on.isoformat()}"


def problems(enrolment: Enrolment, *, allowed: Allowed, today: date) -> tuple[Problem, ...]:
    """Everything wrong with it that can be seen without the phone library; `today` is the site's day."""
    found = [
        *_names(enrolment),
        *_dates(enrolment, today=today),
        *_choices(enrolment, allowed),
        *_texts(enrolment),
        *_email(enrolment.email),
    ]
    return tuple(found)


def _names(enrolment: Enrolment) -> Iterable[Problem]:
    for column, words, value in (
        ("given_name", "given name", enrolment.given_name),
        ("family_name", "family name", enrolment.family_name),
    ):
        if not value.strip():
            yield Problem(column=column, reason=f"Enter the patient's {words}.")
        elif len(value) > LONGEST_NAME or not _printable(value):
            yield Problem(
                column=column, reason=f"The {words} must be at most {LONGEST_NAME} characters, without line breaks."
            )


def _dates(enrolment: Enrolment, *, today: date) -> Iterable[Problem]:
    if not EARLIEST_BIRTH <= enrolment.born_on <= today:
        yield Problem(column="born_on", reason="The date of birth must lie between 1900 and today.")
    if enrolment.performed_on > today:
        yield Problem(
            column="performed_on", reason="The procedure date lies in the future. Enrol the patient once it is done."
        )
    elif (today - enrolment.performed_on).days > LATEST_DAY:
        yield Problem(
            column="performed_on",
            reason=f"The procedure was more than {LATEST_DAY} days ago: too late to text. Check the date.",
        )
    elif enrolment.performed_on < enrolment.born_on <= today:
        yield Problem(column="born_on", reason="The date of birth is later than the procedure. Check both dates.")


def _choices(enrolment: Enrolment, allowed: Allowed) -> Iterable[Problem]:
    if enrolment.language not in allowed.languages:
        yield _not_listed("language", enrolment.language, allowed.languages)
    if enrolment.zone is not None and enrolment.zone not in _zones():
        yield Problem(
            column="zone",
            reason=f"“{enrolment.zone}” is not a time zone. Use a name such as America/Chicago, or leave it empty.",
        )
    for column, chosen, known in (
        ("body_sites", enrolment.body_sites, allowed.body_sites),
        ("agents", enrolment.agents, allowed.agents),
        ("context", tuple(enrolment.context), allowed.flags),
    ):
        yield from (_not_listed(column, one, known) for one in chosen if one not in known)


def _texts(enrolment: Enrolment) -> Iterable[Problem]:
    for column, words, value in (
        ("mrn", "record number", enrolment.mrn),
        ("lot", "lot", enrolment.lot),
        ("injector", "name of the injector", enrolment.injector),
        ("place", "state or ZIP code", enrolment.place),
    ):
        if value is not None and (len(value) > LONGEST_TEXT or not _printable(value)):
            yield Problem(
                column=column, reason=f"The {words} must be at most {LONGEST_TEXT} characters, without line breaks."
            )


def _email(address: str | None) -> Iterable[Problem]:
    if address is not None and not is_mailbox(address):
        yield Problem(column="email", reason=f"“{address[:60]}” is not an email address. Correct it or leave it empty.")


def is_mailbox(address: str) -> bool:
    """Whether it can stand in a mail header: one @, a dotted domain, ASCII, nothing that ends a line."""
    local, at, domain = address.partition("@")
    plain = address.isascii() and _printable(address) and not any(one in ' ,;:<>()[]\\"' for one in address)
    labels = domain.split(".")
    return (
        bool(at and local) and plain and len(address) <= 254 and "@" not in domain and len(labels) > 1 and all(labels)
    )


def _printable(value: str) -> bool:
    return value.isprintable()


def _not_listed(column: str, value: str, known: Iterable[str]) -> Problem:
    return Problem(column=column, reason=f"“{value[:60]}” is not on the list. Allowed: {', '.join(known)}.")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if "/" in name)


def choose(contacts: Iterable[Contact], *, but_not: ContactKind | None = None) -> Contact | None:
    """Where a message goes: a usable phone first, else a usable mailbox, the newest consent before older ones."""
    usable = [one for one in contacts if one.usable and one.kind is not but_not]
    usable.sort(key=lambda one: one.consented_at.timestamp() if one.consented_at else 0.0, reverse=True)
    usable.sort(key=lambda one: one.kind is not ContactKind.SMS)
    return next(iter(usable), None)
