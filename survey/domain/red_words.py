"""Finds the pack's red phrases in free text; a hit raises the tier, the absence of one proves nothing."""

import re
import unicodedata
from collections.abc import Callable, Mapping

_DROPPED = re.compile(r"['’‘`´]")
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)} | {
    ord("'"): None,
    ord("`"): None,
}
"""What becomes of each character of a text in plain English letters, as most texts are."""
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_SPACE = re.compile(r"[\W_]+")


def finder(phrases: Mapping[str, tuple[str, ...]]) -> Callable[[str], bool]:
    """A search for any phrase of any language: people write in the language that comes to them."""
    wanted = sorted({plain(phrase) for spoken in phrases.values() for phrase in spoken})
    if not wanted:
        return lambda _text: False
    # The search skips from space to space, where a word boundary would have it stop at every letter.
    pattern = re.compile(rf" (?:{'|'.join(map(re.escape, wanted))})\b")
    return lambda text: pattern.search(f" {plain(text)}") is not None


def plain(text: str) -> str:
    """Small letters without accents or apostrophes, single spaces: "Can’t  BREATHE!" reads "cant breathe"."""
    if text.isascii():
        return " ".join(text.translate(_ASCII).split())
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", _DROPPED.sub("", text)))
    return _SPACE.sub(" ", bare).strip().casefold()
