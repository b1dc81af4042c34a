"""A copy of the tree, to be changed and run apart from the checkout."""

import shutil
from pathlib import Path

from survey.settings import ROOT

TREE = ("survey", "workers", "tests", "benchmarks", "templates", "config", "pyproject.toml")


def copy_of_the_tree(folder: Path) -> Path:
    """All that is played with; `folder` may be there already."""
    folder.mkdir(exist_ok=True)
    for name in TREE:
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__", "vendor")
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore)
        else:
            shutil.copy(source, folder / name)
    return folder
