"""A browser without pictures: follows links and fills in forms over HTTP, as a person with JavaScript off would."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx

from survey.local.errors import LocalError

TIMEOUT_S = 15.0
CHECKABLE = ("checkbox", "radio")
INLINE = ("a", "abbr", "b", "bdi", "em", "i", "small", "span", "strong", "wbr")
NOT_SENT = ("submit", "button", "image", "reset", "file")


class BrowserError(LocalError):
    """A page was not as expected; the message says which, and what was missing."""


@dataclass(slots=True, kw_only=True)
class Choice:
    """One value that a form can send: a button, a radio, a checkbox or an option, and the words beside it."""

    name: str
    value: str
    words: str = ""


@dataclass(slots=True, kw_only=True)
class Form:
    """One form as the page gives it: `fields` are what is sent when nothing is changed."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where it goes, without query and fragment."""
        return urlsplit(self.action).path

    @property
    def names(self) -> frozenset[str]:
        """Every field that can be filled in."""
        return frozenset((*self.fields, *self.files, *(choice.name for choice in self.choices)))

    def values(self, name: str) -> tuple[str, ...]:
        """What can be chosen for that field."""
        return tuple(choice.value for choice in self.choices if choice.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link and its words."""

    href: str
    words: str


class _Reader(HTMLParser):
    """Collects forms, links, headings and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[Link] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._heard: list[str] | None = None
        self._open: Choice | None = None
        self._href: str | None = None
        self._select: str | None = None
        self._area: str | None = None
        self._muted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)
        given = {name: value or "" for name, value in attrs}
        begin = getattr(self, f"_begin_{tag}", None)
        if begin is not None:
            begin(given)

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)
        end = getattr(self, f"_end_{tag}", None)
        if end is not None:
            end()

    def _break(self, tag: str) -> None:
        """Words on either side of a block are two words."""
        if tag not in INLINE:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if self._muted:
            return
        if self._area is not None and self._form is not None:
            self._form.fields[self._area] += data
            return
        self.words.append(data)
        if self._heard is not None:
            self._heard.append(data)

    def _begin_style(self, _given: Mapping[str, str]) -> None:
        self._muted += 1

    def _end_style(self) -> None:
        self._muted -= 1

    _begin_script, _end_script = _begin_style, _end_style

    def _begin_form(self, given: Mapping[str, str]) -> None:
        self._form = Form(action=given.get("action", ""), method=given.get("method", "get").lower())
        self.forms.append(self._form)

    def _end_form(self) -> None:
        self._form = None

    def _begin_input(self, given: Mapping[str, str]) -> None:
        name, kind = given.get("name"), given.get("type", "text").lower()
        if self._form is None or not name or "disabled" in given:
            return
        if kind == "file":
            self._form.files.append(name)
        if kind in (*CHECKABLE, "submit"):
            self._form.choices.append(Choice(name=name, value=given.get("value", "on"), words=given.get("value", "")))
        if kind not in (*NOT_SENT, *CHECKABLE) or (kind in CHECKABLE and "checked" in given):
            self._form.fields[name] = given.get("value", "on" if kind in CHECKABLE else "")

    def _begin_button(self, given: Mapping[str, str]) -> None:
        self._open = Choice(name=given.get("name", ""), value=given.get("value", ""))
        self._heard = []
        if self._form is not None and given.get("type", "submit") == "submit":
            self._form.choices.append(self._open)

    def _end_button(self) -> None:
        if self._open is not None:
            self._open.words = _joined(self._heard or [])
        self._open = self._heard = None

    def _begin_select(self, given: Mapping[str, str]) -> None:
        self._select = given.get("name")

    def _end_select(self) -> None:
        self._select = None

    def _begin_option(self, given: Mapping[str, str]) -> None:
        if self._form is None or self._select is None:
            return
        value = given.get("value", "")
        self._form.choices.append(Choice(name=self._select, value=value))
        if "selected" in given or self._select not in self._form.fields:
            self._form.fields[self._select] = value

    def _begin_textarea(self, given: Mapping[str, str]) -> None:
        self._area = given.get("name")
        if self._area is not None and self._form is not None:
            self._form.fields[self._area] = ""

    def _end_textarea(self) -> None:
        self._area = None

    def _begin_a(self, given: Mapping[str, str]) -> None:
        self._href, self._heard = given.get("href"), []

    def _end_a(self) -> None:
        if self._href is not None:
            self.links.append(Link(href=self._href, words=_joined(self._heard or [])))
        self._href = self._heard = None


def _joined(pieces: list[str]) -> str:
    return " ".join("".join(pieces).split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of the server, read."""

    url: str
    status: int
    text: str
    forms: tuple[Form, ...]
    links: tuple[Link, ...]

    def form(self, *, posts_to: str = "", having: str = "") -> Form:
        """The first form that posts to an address ending so, or has that field. Raises BrowserError."""
        for one in self.forms:
            if one.path.endswith(posts_to) and (not having or having in one.names):
                return one
        wanted = posts_to or having or "anything"
        raise BrowserError(f"The page {route(self.url)} has no form for {wanted}. It says: {self.text[:200]}")

    def has_form(self, *, posts_to: str = "", having: str = "") -> bool:
        """Whether `form` would find one."""
        return any(one.path.endswith(posts_to) and (not having or having in one.names) for one in self.forms)

    def link(self, containing: str) -> Link:
        """The first link whose address contains that. Raises BrowserError."""
        for one in self.links:
            if containing in one.href:
                return one
        raise BrowserError(f"The page {route(self.url)} has no link with “{containing}”.")


def read(response: httpx.Response) -> Page:
    """What a person would see of an HTTP response."""
    reader = _Reader()
    reader.feed(response.text)
    return Page(
        url=str(response.url),
        status=response.status_code,
        text=_joined(reader.words),
        forms=tuple(reader.forms),
        links=tuple(reader.links),
    )


def route(url: str) -> str:
    """An address that may be shown: whatever stands behind the first part of its path could be a token."""
    parts = httpx.URL(url).path.split("/")
    return "/".join(parts[:2]) + ("/…" if len(parts) > 2 else "")


class Browser:
    """One person's browser, with cookies of its own."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        # trust_env off: a proxy in the environment has no business between this machine and itself.
        self._client = httpx.Client(base_url=origin, timeout=TIMEOUT_S, follow_redirects=True, trust_env=False)

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()

    def open(self, address: str) -> Page:
        """GET a page. Raises BrowserError for anything but 200."""
        return self._expect(self._fetch("GET", address))

    def json(self, address: str) -> object:
        """GET a JSON document. Raises BrowserError for anything but 200."""
        response = self._fetch("GET", address)
        if response.status_code != 200:
            raise BrowserError(f"{route(str(response.url))} answered {response.status_code}.")
        return response.json()

    def send(
        self, page: Page, form: Form, values: Mapping[str, str], *, files: Mapping[str, tuple[str, bytes]] | None = None
    ) -> Page:
        """Send the form with `values` over what it holds already. Raises BrowserError when it comes back refused."""
        address = urldefrag(urljoin(page.url, form.action)).url
        fields = form.fields | dict(values)
        if form.method == "get":
            return self._expect(self._fetch("GET", address, params=fields))
        parts = urlsplit(address)
        origin = {"Origin": f"{parts.scheme}://{parts.netloc}", "Referer": page.url}
        sent = {name: (called, content, "text/csv") for name, (called, content) in (files or {}).items()}
        return self._expect(self._fetch("POST", address, data=fields, files=sent or None, headers=origin))

    def _fetch(self, method: str, address: str, **given: Any) -> httpx.Response:
        try:
            return self._client.request(method, address, **given)
        except httpx.HTTPError as error:
            raise BrowserError(f"{self.origin} did not answer ({type(error).__name__}).") from None

    def _expect(self, response: httpx.Response) -> Page:
        page = read(response)
        if page.status != 200:
            raise BrowserError(f"{route(page.url)} answered {page.status}. It says: {page.text[:300]}")
        return page
