"""Every template that is named exists, every one that exists is named, and none carries script or style inside."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, meta

from survey.settings import ROOT
from tests.architecture import source

TEMPLATES = ROOT / "templates"
NAME = re.compile(r"^[a-z0-9_/.]+\.(?:html|svg|txt|css)$")
INLINE = {
    "a script": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=\s*[\"']", re.IGNORECASE),
    "a javascript: address": re.compile(r"[\"']\s*javascript:", re.IGNORECASE),
}


def pages() -> dict[str, str]:
    """Template → its text; the texts of messages have tests of their own."""
    paths = (path for path in TEMPLATES.rglob("*") if path.is_file() and "messages" not in path.parts)
    return {str(path.relative_to(TEMPLATES)): path.read_text(encoding="utf-8") for path in sorted(paths)}


def named_in_python(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.match(node.value):
            yield node.value


def named_in_template(text: str) -> Iterator[str]:
    tree = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(text)  # noqa: S701 (only parses)
    yield from (name for name in meta.find_referenced_templates(tree) if name)


def named() -> set[str]:
    in_python = {
        name
        for path in source.modules("survey")
        for name in named_in_python(path.read_text(encoding="utf-8"))
        if name.startswith(("pages/", "partials/"))
    }
    return in_python | {name for text in pages().values() for name in named_in_template(text)}


def test_every_template_that_is_named_exists():
    missing = named() - pages().keys()

    assert not missing


def test_every_template_is_named_somewhere():
    unused = pages().keys() - named()

    assert not unused, "remove these, or use them"


def test_names_are_found_in_python_and_in_templates():
    assert list(named_in_python("render('pages/alerts/show.html', 3)")) == ["pages/alerts/show.html"]
    assert list(named_in_template("{% extends 'staff.html' %}{% include 'partials/x.html' %}")) == [
        "staff.html",
        "partials/x.html",
    ]


def inline(text: str) -> list[str]:
    return [what for what, pattern in INLINE.items() if pattern.search(text)]


def test_no_page_carries_script_or_style_inside():
    found = {name: inline(text) for name, text in pages().items() if inline(text)}

    assert not found, "the content security policy refuses these"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<script>go()</script>", "a script"),
        ("<style>p {}</style>", "a style element"),
        ('<p style="color: red">', "a style attribute"),
        ('<button onclick="go()">', "an event attribute"),
        ('<a href="javascript:go()">', "a javascript: address"),
    ],
)
def test_script_and_style_are_found(text: str, what: str):
    assert inline(text) == [what]


def test_templates_keep_html_escaping_on():
    switched_off = [name for name, text in pages().items() if re.search(r"\|\s*safe\b|autoescape\s+false", text)]

    assert not switched_off, "mark markup as safe where it is made, in Python"


def static_files() -> set[str]:
    folder = ROOT / "survey/web/static"
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_every_static_file_is_used():
    texts = [*pages().values(), *(path.read_text(encoding="utf-8") for path in source.modules("survey"))]

    unused = {name for name in static_files() if not any(Path(name).name in text for text in texts)}

    assert not unused
