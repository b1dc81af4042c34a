"""The editor of a protocol's text, the places to mend in it, and where it differs from what is saved."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from wtforms import HiddenField, TextAreaField
from wtforms.validators import InputRequired, Length

from survey.domain.errors import Refused
from survey.services.versions import Mistake
from survey.web.forms import Form

MOST_CHARACTERS = 250_000
"""Five times what ships. Above it, reading and proving a text would keep a page waiting."""
MOST_PLACES = 30
MOST_DIFFERENCES = 60
COMPARED_LINES = 8_000

_VERSION = re.compile(r"""["']?version\b""")


def unix_lines(text: str | None) -> str | None:
    """Browsers send CRLF for every line break; a protocol's hash is over the text of the file, which has LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if text else text


class TextForm(Form):
    """The whole text; `sha256` is of the text that was edited, so that nobody writes over what came between."""

    text = TextAreaField(
        "Text of the protocol",
        description="In YAML, two spaces for each step inwards. Lines that begin with # are notes.",
        filters=[unix_lines],
        validators=[
            InputRequired("Enter the text of the protocol."),
            Length(max=MOST_CHARACTERS, message=f"Shorten this to {MOST_CHARACTERS:,} characters at most."),
        ],
    )
    sha256 = HiddenField()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to mend a text: `lines` are its number and those around it, each with whether it is the faulty one."""

    line: int
    message: str
    lines: tuple[tuple[int, str, bool], ...]


def places(text: str, mistakes: Iterable[Mistake]) -> tuple[Place, ...]:
    """Each mistake with the line before it and the line after it, in the order of the text."""
    lines = text.split("\n")
    return tuple(Place(line=one.line, message=one.message, lines=_around(lines, one.line)) for one in mistakes)


def place_of_version(text: str, refused: Refused) -> tuple[Place, ...]:
    """A refusal of the version's number, at the line that holds it."""
    found = (number for number, line in enumerate(text.split("\n"), 1) if _VERSION.match(line))
    return places(text, [Mistake(next(found, 1), refused.message)])


def _around(lines: Sequence[str], faulty: int) -> tuple[tuple[int, str, bool], ...]:
    first, last = max(1, faulty - 1), min(len(lines), faulty + 1)
    return tuple((number, lines[number - 1], number == faulty) for number in range(first, last + 1))


def differences(saved: str, typed: str) -> tuple[str, ...]:
    """The lines that differ, `-` before what is saved and `+` before what was typed; none when there is too much."""
    before, after = saved.splitlines(), typed.splitlines()
    if len(before) + len(after) > COMPARED_LINES:
        return ()
    told = list(unified_diff(before, after, n=0, lineterm=""))[2:]  # the first two lines name files
    found = tuple(line for line in told if not line.startswith("@@"))
    return found if len(found) <= MOST_DIFFERENCES else ()
