"""Loads a protocol from YAML, strictly: whatever is not understood is refused with its line and what is allowed."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from survey.domain.errors import DomainError
from survey.domain.protocol import Protocol
from survey.domain.protocol_faults import faults
from survey.interop import marked_yaml
from survey.interop.protocol_file import PATTERNS_IN_WORDS, ProtocolFile


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing to mend in the file."""

    line: int
    message: str


class ProtocolError(DomainError):
    """The file is not a protocol. Says every mistake found, a line each: file:line: key: what, and what is allowed."""

    def __init__(self, name: str, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(f"{name}:{mistake.line}: {mistake.message}" for mistake in mistakes))
        self.name = name
        self.mistakes = mistakes


def load(path_or_text: Path | str, *, name: str | None = None) -> Protocol:
    """The protocol in a file, or in a text. `name` stands in errors instead of the path. Raises ProtocolError.

    A file called v2.yaml has to hold version 2 and stand in a folder called like the protocol.
    """
    if isinstance(path_or_text, Path):
        return _read(_text_of(path_or_text, name or str(path_or_text)), name or str(path_or_text), path_or_text)
    return _read_once(path_or_text, name or "protocol")


def renumbered(text: str, version: int) -> str:
    """The pack's text with another version number; nothing else in it changes, not even a comment on that line."""
    place = marked_yaml.read(text).line(("version",)) - 1
    lines = text.splitlines(keepends=True)
    lines[place] = re.sub(r"(\bversion\W+)[0-9]+", rf"\g<1>{version}", lines[place], count=1)
    return "".join(lines)


# Reading a pack takes a third of a second, and a version is read again each time something happens in its life.
@lru_cache(maxsize=16)
def _read_once(text: str, called: str) -> Protocol:
    return _read(text, called, None)


def _read(text: str, called: str, path: Path | None) -> Protocol:
    marked = marked_yaml.read(text)
    _refuse(called, [Mistake(line, sentence) for line, sentence in marked.refused])
    protocol = _shaped(text, marked, called)
    found = [*faults(protocol)]
    mistakes = [Mistake(marked.line(fault.path), f"{_dotted(fault.path)}: {fault.message}") for fault in found]
    if path is not None:
        mistakes += [Mistake(marked.line((key,)), f"{key}: {said}") for key, said in _misplaced(protocol, path)]
    _refuse(called, mistakes)
    return protocol


def _text_of(path: Path, called: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ProtocolError(called, (Mistake(1, f"the file cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ProtocolError(called, (Mistake(line, "this is not UTF-8; save the file as UTF-8"),)) from error


def _refuse(called: str, mistakes: list[Mistake]) -> None:
    if mistakes:
        raise ProtocolError(called, tuple(sorted(set(mistakes))))


def _shaped(text: str, marked: marked_yaml.Marked, called: str) -> Protocol:
    if not isinstance(marked.data, dict):
        raise ProtocolError(called, (Mistake(1, "a protocol is a mapping of keys; this is not"),))
    try:
        written = ProtocolFile.model_validate(marked.data)
    except ValidationError as error:
        mistakes = [_mistake(details, marked) for details in error.errors(include_url=False)]
        raise ProtocolError(called, tuple(sorted(set(mistakes)))) from error
    return written.value(source_text=text, sha256=hashlib.sha256(text.encode()).hexdigest())


def _mistake(details: ErrorDetails, marked: marked_yaml.Marked) -> Mistake:
    path = tuple(_in_the_file(details["loc"]))
    if details["type"] == "unknown_key":
        return Mistake(marked.line((*path, details["ctx"]["key"])), f"{_dotted(path)}: {details['msg']}")
    if details["type"] == "not_a_kind":
        path = (*path, "kind")
    return Mistake(marked.line(path), f"{_dotted(path)}: {_sentence(details)}")


def _in_the_file(loc: tuple[int | str, ...]) -> Iterator[int | str]:
    """The steps of pydantic's path that exist in the file; its own names for alternatives do not."""
    return (step for step in loc if not (isinstance(step, str) and step[:1] in "<["))


_COUNTED: Mapping[str, str] = {
    "too_long": "should have at most {max_length} entries, not {actual_length}",
    "too_short": "should have {min_length} or more entries, not {actual_length}",
}
_SENTENCES: Mapping[str, str] = {
    "model_type": "should be keys, each with a colon behind it",
    "dict_type": "should be keys, each with a colon behind it",
    "list_type": "should be a list, in [ ] or with a - before each entry",
    "string_too_short": "should not be empty",
    "string_type": "should be a text; put it in quotes if it is one",
}
"""Own words for what authors meet most."""
_MISSING: Mapping[str, str] = {
    **{part: f"; write {part}: {{}} if there are none" for part in ("flags", "body_sites", "agents", "sets")},
    "red_words": "; write red_words: {} if no question takes a text",
    "ordered": "; allowed: true where they stand from better to worse, else false",
    "source": "; write where the number comes from, such as medical lead",
}
"""What to write for a part that authors often leave out."""


def _sentence(details: ErrorDetails) -> str:
    own = _SENTENCES.get(details["type"])
    if details["type"] == "missing":
        return f"is missing{_MISSING.get(str(details['loc'][-1]), '')}"
    if details["type"] == "string_pattern_mismatch":
        own = f"is not written as it should be; allowed: {PATTERNS_IN_WORDS[details['ctx']['pattern']]}"
    if details["type"] in _COUNTED:
        return _COUNTED[details["type"]].format(**details["ctx"])
    if details["type"] in ("not_a_kind", "not_a_condition"):
        return str(details["msg"])
    said = own or details["msg"].replace("Input should", "should")
    return f"{said} (found: {str(details['input'])[:60]})"


def _dotted(path: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in path) or "the file"


def _misplaced(protocol: Protocol, path: Path) -> Iterator[tuple[str, str]]:
    numbered = re.fullmatch(r"v([0-9]+)", path.stem)
    if numbered and int(numbered[1]) != protocol.version:
        yield "version", f"is {protocol.version}, but the file is called {path.name}; allowed: {numbered[1]}"
    if numbered and path.resolve().parent.name != protocol.slug:
        folder = path.resolve().parent.name
        yield "protocol", f"is {protocol.slug}, but the folder is called {folder}; give both the same name"
