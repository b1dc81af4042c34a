"""Hands one message to a clinician, by whatever way it is to go; no transaction is open meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from survey.domain import canary
from survey.domain.oncall import MethodKind
from survey.messaging import registry, render
from survey.messaging.outcomes import VALID_FOR, Attempt, Outcome, Sms
from survey.services import carriers
from survey.store.session import Tx

LANGUAGE = "en"
"""What clinicians are written to in."""
WITH_LINK = frozenset({MethodKind.SMS, MethodKind.APPRISE})
"""Where a link that does something by itself may stand. A mail gets none: mail scanners press buttons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to one address. `template` is its folder in templates/messages, `words` what it is filled with.

    `reference` is ours at the provider. A call asks our webhook what to say about it, unless it is `read_out`.
    """

    method: MethodKind
    address: str
    template: str
    words: Mapping[str, str]
    reference: UUID
    read_out: bool = False
    valid_for: timedelta = VALID_FOR
    carriers: tuple[Sms, ...] = field(default=())


def ranked(tx: Tx, method: MethodKind, *, now: datetime, to: UUID | None = None) -> tuple[Sms, ...]:
    """Who carries it to that person, where it is a text.

    Asked before the transaction ends in which the message was claimed.
    """
    if to == canary.CLINICIAN_ID:
        sink = registry.sink()
        return () if sink is None else (sink,)
    return carriers.ranked(tx, now) if method is MethodKind.SMS else ()


def hand_over(letter: Letter) -> list[Attempt]:
    """The calls to the outside, the one that counts last."""
    return _WAYS[letter.method](letter)


def mail_each(to: Sequence[str], template: str, words: Mapping[str, str]) -> tuple[Outcome, ...]:
    """Mail the same to each; how each of these mails ended."""
    mail = Letter(method=MethodKind.EMAIL, address="", template=template, words=words, reference=uuid4())
    return tuple(hand_over(replace(mail, address=one, reference=uuid4()))[-1].outcome for one in to)


def refused(detail: str) -> Attempt:
    """Nobody was asked."""
    return Attempt(outcome=Outcome.REFUSED, provider=carriers.NOBODY, detail=detail)


def spoken(number: object) -> str:
    """Digits one by one, as a voice has to say them."""
    return " ".join(str(number))


def _text(letter: Letter) -> list[Attempt]:
    """By the first provider that takes it, or that may have taken it; those that rest are asked last."""
    body = _words(letter, "sms")
    tries: list[Attempt] = []
    for carrier in letter.carriers:
        tries.append(carrier.send(letter.address, body, reference=letter.reference, valid_for=letter.valid_for))
        if tries[-1].outcome is not Outcome.TRY_LATER:
            break
    return tries or [refused("no_provider")]


def _mail(letter: Letter) -> list[Attempt]:
    provider = registry.email()
    if provider is None:
        return [refused("no_provider")]
    subject, body = _words(letter, "email_subject"), _words(letter, "email")
    return [provider.send(letter.address, subject, body, reference=letter.reference)]


def _call(letter: Letter) -> list[Attempt]:
    provider = registry.voice()
    if provider is None:
        return [refused("no_provider")]
    if letter.read_out:
        return [provider.read_out(letter.address, _words(letter, "voice"), reference=letter.reference)]
    return [provider.call(letter.address, reference=letter.reference)]


def _push(letter: Letter) -> list[Attempt]:
    provider = registry.push()
    if provider is None:
        return [refused("no_provider")]
    title, body = _words(letter, "email_subject"), _words(letter, "push")
    return [provider.send(letter.address, title, body, reference=letter.reference)]


def _words(letter: Letter, channel: str) -> str:
    return render.text(letter.template, channel, LANGUAGE, letter.words)


_WAYS: Mapping[MethodKind, Callable[[Letter], list[Attempt]]] = {
    MethodKind.APPRISE: _push,
    MethodKind.EMAIL: _mail,
    MethodKind.SMS: _text,
    MethodKind.VOICE: _call,
}
