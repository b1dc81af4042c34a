"""A proof: what was shown of one protocol over every answer set, or the smallest case that speaks against it."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from survey.domain.answers import Answers
from survey.domain.protocol import Context, Tier

VERIFIER = "2"
"""Version of the method. Raised with every change to what a check demands, so that old certificates tell themselves."""


class Check(StrEnum):
    """What has to hold, in the order in which it is tried."""

    TOTAL = "total"
    """Each answer set, also an unfinished one, has exactly one tier."""
    MONOTONE = "monotone"
    """One answer or flag a step worse never lowers the tier."""
    UNFINISHED = "unfinished"
    """A form with an open question is never routine."""
    RED_FLAGS = "red_flags"
    """A red flag is an emergency, whatever else was answered."""
    UNKNOWN = "unknown"
    """What nobody wrote down is never safer than what is known to be absent."""
    RULES = "rules"
    """Each rule fires somewhere, and somewhere decides the tier."""
    HAZARDS = "hazards"
    """The promises that the protocol carries hold."""
    WORDS = "words"
    """Each text is there in each language, can be read, and fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A message to patients in one language, filled with the longest values that a site may have.

    `segments`: how many a carrier makes of it, and `excess`: signs too many for one; a mail is always one. `foreign`:
    its signs outside the GSM-7 alphabet. `missing`: why there are no words at all.
    """

    name: str
    language: str
    segments: int = 1
    excess: int = 0
    foreign: str = ""
    missing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One answer set of one touch. Only what is shown is among the answers."""

    touch: str
    answers: Answers
    context: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A case, its tier, and the rules that fired in it."""

    case: Case
    tier: Tier
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """What speaks against a protocol: the sentence, and the smallest case where there is one.

    `after` is the case one step on, where the check is about a step.
    """

    says: str
    before: Judged | None = None
    after: Judged | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One check: how long it took, in seconds, and what speaks against it."""

    check: Check
    seconds: float
    objections: tuple[Objection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The outcome of verifying one protocol: `answer_sets` were covered, counted exactly, by `tiers`."""

    sha256: str
    verifier: str
    answer_sets: int
    tiers: dict[Tier, int]
    checks: tuple[Checked, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether every check was made and nothing speaks against any."""
        return len(self.checks) == len(Check) and not any(checked.objections for checked in self.checks)

    @property
    def certificate(self) -> str:
        """The hash that stands for this proof, in hex. Of any use only while it `holds`."""
        return certificate(self.sha256, self.verifier)


def short(certificate: str) -> str:
    """The first signs of a certificate, enough to tell two apart."""
    return certificate[:12]


def certificate(sha256: str, verifier: str = VERIFIER) -> str:
    """The certificate's hash over a pack's hash and the verifier's version, in hex."""
    return hashlib.sha256(f"daytwo protocol proof\n{sha256}\n{verifier}\n".encode()).hexdigest()
