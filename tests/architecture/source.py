"""The product's own Python as these tests read it: modules, functions and their sizes."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from survey.settings import ROOT

PACKAGES = ("survey", "workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function or method; `lines` counts from `def` to the end, less the docstring."""

    path: str
    name: str
    lines: int


def modules(*packages: str) -> Iterator[Path]:
    """Every module of the packages, migrations left out: those are SQL in a Python coat."""
    for package in packages or PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def tree(path: Path) -> ast.Module:
    """The module, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(text: str, path: str) -> Iterator[Function]:
    """Every function in a module's text, methods and inner ones as well."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(path=path, name=node.name, lines=_lines(node))


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1 if is_docstring else 0)


def relative(path: Path) -> str:
    """As a person names it."""
    return str(path.relative_to(ROOT))
