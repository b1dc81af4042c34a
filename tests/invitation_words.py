"""Words of invitations of a test's own, in the place of those that are shipped."""

import shutil
from pathlib import Path

import pytest

from survey.messaging import render


def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a copy of the shipped words, from which invitations are written for the rest of the test."""
    copy = tmp_path / "messages"
    shutil.copytree(render.FOLDER, copy)
    monkeypatch.setattr(render, "FOLDER", copy)
    monkeypatch.setattr(render, "_template", render._template.__wrapped__)  # what was read before is not remembered
    return copy / "invitation"
