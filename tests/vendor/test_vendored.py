"""What others wrote and we carry along for tests is, byte for byte, what its manifest says."""

import hashlib
import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MANIFESTS = sorted(HERE.glob("*/MANIFEST.json"))


@pytest.mark.parametrize("manifest", MANIFESTS, ids=[path.parent.name for path in MANIFESTS])
def test_vendored_files_are_those_of_the_manifest(manifest: Path) -> None:
    told = json.loads(manifest.read_text(encoding="utf-8"))

    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in manifest.parent.iterdir()
        if path != manifest
    }

    assert found == told["files"]
    assert "LICENSE" in found
    assert told["licence"]


def test_everything_vendored_has_a_manifest() -> None:
    folders = {path for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__"}

    assert folders == {path.parent for path in MANIFESTS}
