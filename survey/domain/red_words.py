"""Finds the pack's red phrases in free text; a hit raises the tier, the absence of one proves nothing."""

import re
import unicodedata
from collections.abc import Callable, Mapping

_DROPPED = re.compile(r"['’‘`´]")
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_SPACE = re.compile(r"[\W_]+")


def finder(phrases: Mapping[str, tuple[str, ...]]) -> Callable[[str], bool]:
    """A search for any phrase of any language: people write in the language that comes to them."""
    wanted = sorted({plain(phrase) for spoken in phrases.values() for phrase in spoken})
    if not wanted:
        return lambda _text: False
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, wanted))})\b")
    return lambda text: pattern.search(plain(text)) is not None


def plain(text: str) -> str:
    """Small letters without accents or apostrophes, single spaces: "Can’t  BREATHE!" reads "cant breathe"."""
    bare = _DROPPED.sub("", text)
    if not bare.isascii():
        bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", bare))
    return _SPACE.sub(" ", bare).strip().casefold()
