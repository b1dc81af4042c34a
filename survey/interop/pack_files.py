"""The packs that lie on disk: which version each claims to be, and the hash of its text."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from survey.settings import ROOT

FOLDER = ROOT / "config/protocols"


def every(folder: Path) -> tuple[Path, ...]:
    """The files, one protocol after the other, its versions in order."""
    return tuple(sorted(folder.glob("*/v*.yaml"), key=lambda path: (path.parent.name, _number(path), path.name)))


def hashes(folder: Path) -> Mapping[tuple[str, int], str]:
    """Slug and version → hash of the text in hex, as it would be published; for a file that is no text, of nothing."""
    return {(path.parent.name, _number(path)): _hash(path) for path in every(folder) if _number(path)}


def _number(path: Path) -> int:
    found = re.fullmatch(r"v([0-9]+)", path.stem)
    return int(found[1]) if found else 0


def _hash(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        text = ""
    return hashlib.sha256(text.encode()).hexdigest()
