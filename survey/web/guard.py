"""Says for every route who may use it, refuses to start when one says nothing, and asks on each request."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Actor, ActorKind, Permission, Role, may
from survey.services import access, accounts
from survey.services.accounts import Person

View = TypeVar("View", bound=Callable[..., Any])


class Kind(StrEnum):
    """The three ways to let somebody in."""

    PUBLIC = "public"
    PATIENT_LINK = "patient_link"
    PERMISSION = "permission"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who may use a route: anybody (`why` says why), the holder of a patient link, or a role with a permission."""

    kind: Kind
    permission: Permission | None = None
    why: str = ""


ENROL = ("patients.enrol", "patients.add")
SECTIONS = {
    "worklist": frozenset({"worklist", "alerts", "confirmations", "leaflets", "patients", "stops"}),
    "calls": frozenset({"calls", "phone"}),
    "oncall": frozenset(
        {"calendars", "figures", "handovers", "oncall", "paged_now", "reach", "rota_feeds", "rotas", "swaps"}
    ),
    "protocols": frozenset({"protocols", "versions", "replays", "shadows", "burden", "publishing"}),
}
"""Place in the navigation → blueprints of its pages, where these are more than its own."""

_MARK = "__daytwo_policies__"


def public(why: str) -> Callable[[View], View]:
    """Open to everybody; `why` is for the reviewer."""
    return _declare(Policy(kind=Kind.PUBLIC, why=why))


def requires(permission: Permission) -> Callable[[View], View]:
    """Open to signed-in people whose role holds `permission`."""
    return _declare(Policy(kind=Kind.PERMISSION, permission=permission))


def patient_link(view: View) -> View:
    """Open to whoever holds a patient's link or the session made of it; the view itself looks them up."""
    return _declare(Policy(kind=Kind.PATIENT_LINK))(view)


def _declare(policy: Policy) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, _MARK, (*declared(view), policy))
        return view

    return mark


def declared(view: Callable[..., Any]) -> tuple[Policy, ...]:
    """The policies on a view; more or fewer than one is a fault."""
    found: tuple[Policy, ...] = getattr(view, _MARK, ())
    return found


def install(app: Flask) -> None:
    """Guard every route of `app`; called once all are registered. Raises RuntimeError naming each that declares

    no policy, or two. Flask's own `static` counts as a route.
    """
    undeclared = [
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if len(declared(app.view_functions[rule.endpoint])) != 1
    ]
    if undeclared:
        raise RuntimeError(f"routes without exactly one policy (@public, @patient_link or @requires): {undeclared}")
    app.before_request(_enforce)
    app.context_processor(_for_templates)


def policy_of(endpoint: str | None) -> Policy | None:
    """The policy of an endpoint of the running application; None where there is no such route."""
    view = current_app.view_functions.get(endpoint or "")
    return declared(view)[0] if view else None


def _enforce() -> ResponseReturnValue | None:
    policy = policy_of(request.endpoint)
    if policy is None or policy.permission is None:
        return None
    person = person_or_none()
    if person is None:
        return redirect(url_for("sign_in.show", next=_way_back() or None), code=303)
    g.person = person  # the refusal's page, too, knows who may sign out
    if not may(person.role, policy.permission):
        access.note_refusal(policy.permission, by=actor(), now=clock.now())
        abort(403, description=f"Your account ({person.role}) does not open this page. Ask a manager if it should.")
    return None


def person_or_none() -> Person | None:
    """Whoever is signed in on this request, looked up afresh in the database; for pages that are open to all."""
    if "_person" not in g:
        token = request.cookies.get(cookie_name())
        g._person = accounts.session(token, now=clock.now()) if token else None
    found: Person | None = g._person
    return found


def person() -> Person:
    """Whoever is signed in; only behind `requires`."""
    signed_in: Person = g.person
    return signed_in


def actor() -> Actor:
    """The same, as the one who makes a change."""
    signed_in = person()
    return Actor(kind=ActorKind.USER, id=signed_in.id, role=signed_in.role)


def cookie_name() -> str:
    """`__Host-` binds the cookie to this host and to https; plain http, for trying it out, cannot carry that name."""
    return "__Host-daytwo" if current_app.config["SESSION_COOKIE_SECURE"] else "daytwo"


def own_path(address: str | None) -> str | None:
    """`address` when it is a path on this site, else None: nobody is sent elsewhere after signing in."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return None
    parts = urlsplit(address)
    clean = address.isprintable() and "\\" not in address
    return address if clean and not parts.scheme and not parts.netloc else None


def home(role: Role) -> str:
    """Where a person of that role begins."""
    if may(role, Permission.WORKLIST_READ):
        return url_for("worklist.show")
    return url_for("users.index") if may(role, Permission.USER_WRITE) else url_for("trends.show")


def _way_back() -> str | None:
    """The page to return to after signing in; for a form, the page that it stood on."""
    if request.method == "GET":
        return own_path(request.full_path.rstrip("?"))
    came_from = urlsplit(request.referrer or "")
    return own_path(came_from.path) if came_from.netloc == request.host else None


def _for_templates() -> dict[str, object]:
    """`person`, `can("patient:read")`, and where one is, in every staff template."""
    signed_in: Person | None = g.get("person")
    return {
        "person": signed_in,
        "home": home,
        "here": _is_here,
        "can": lambda name: signed_in is not None and may(signed_in.role, Permission(name)),
    }


def _is_here(endpoint: str) -> bool:
    """Whether the link to `endpoint` is the place that the present page belongs to; a patient's pages, to the list."""
    place, section = endpoint.partition(".")[0], (request.endpoint or "").partition(".")[0]
    if (endpoint in ENROL) != (request.endpoint in ENROL):
        return False
    return section in SECTIONS.get(place, {place})
