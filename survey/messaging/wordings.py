"""Every message to patients at its longest, to see before anything is sent whether a text fits one segment."""

from collections.abc import Iterable, Iterator, Mapping

from survey.domain.messages import Kind
from survey.domain.proofs import Wording
from survey.messaging import gsm7, registry, render

SECRET = "w" * 22
"""As long as the secret of a link."""
LONGEST: Mapping[str, str] = {
    "clinic": "W" * 24,
    "emergency": "911",
    "link": f"https://{'w' * (registry.LONGEST_PUBLIC_URL - len('https://'))}/s/{SECRET}",
    "phone": "(202) 555-0100",
}
"""The longest values that a site may have; adding a site that needs more room is refused."""
CHANNELS = ("sms", "email", "email_subject")


def at_longest(languages: Iterable[str], values: Mapping[str, str] = LONGEST) -> tuple[Wording, ...]:
    """The first message and its reminders, which say the same, for each channel and language."""
    return tuple(_wording(channel, language, values) for language in languages for channel in CHANNELS)


def misfits(values: Mapping[str, str]) -> Iterator[Wording]:
    """Texts, in any language there is, that need more than one segment when they are filled with these values."""
    every = at_longest(render.languages(Kind.INVITATION), {**LONGEST, **values})
    return (wording for wording in every if wording.segments > 1 or wording.foreign)


def _wording(channel: str, language: str, values: Mapping[str, str]) -> Wording:
    name = f"templates/messages/{Kind.INVITATION}/{channel}.{language}.txt"
    try:
        text = render.text(Kind.INVITATION, channel, language, values)
    except render.NoWords as missing:
        return Wording(name=name, language=language, missing=str(missing))
    if channel != "sms":
        return Wording(name=name, language=language)
    return Wording(
        name=name,
        language=language,
        segments=gsm7.segments(text)[1],
        excess=gsm7.excess(text),
        foreign=gsm7.foreign(text),
    )
