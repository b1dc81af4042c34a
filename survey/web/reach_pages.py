"""What the page of one's own ways to be paged and a manager's page of somebody else's have in common."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.contact_methods import ProofPurpose, masked
from survey.domain.errors import NotFound, Refused
from survey.domain.oncall import Method, MethodKind
from survey.services import contact_methods, notification_rules, reach
from survey.services.reach import Reach
from survey.web import guard
from survey.web.forms import put_beside
from survey.web.forms.contact_methods import KINDS, CodeForm, MethodForm, RuleForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the page stands: its blueprint, and whether the person is named in its addresses."""

    endpoints: str
    person: bool

    def url(self, name: str, user_id: UUID, **values: Any) -> str:
        """The address of one of its views."""
        named = values | ({"user_id": user_id} if self.person else {})
        return url_for(f"{self.endpoints}.{name}", **named)


def page(
    user_id: UUID,
    place: Place,
    *,
    method_form: MethodForm | None = None,
    rule_form: RuleForm | None = None,
    code_form: CodeForm | None = None,
    code_for: UUID | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    """The page, with whichever form was sent and refused; what was typed into the others is not lost, as none was."""
    ways = reach.of(user_id)
    html = render_template(
        "pages/reach/show.html",
        **_shown(ways, place),
        form=code_form or rule_form or method_form,
        method_form=method_form or MethodForm(formdata=None),
        rule_form=rule_form or _rule_form(ways.methods, fresh=True),
        code_form=code_form or CodeForm(formdata=None),
        code_for=code_for,
    )
    return html, status


def _shown(ways: Reach, place: Place) -> dict[str, object]:
    return {
        "reach": ways,
        "address": lambda view, **values: place.url(view, ways.user_id, **values),
        "own": not place.person,
        "names": {method.id: name(method) for method in ways.methods},
        "purposes": ProofPurpose,
        "now": clock.now(),
    }


def name(method: Method) -> str:
    """A way as its person knows it: `Text to ••• ••• 0119 (my own phone)`."""
    label = f" ({method.label})" if method.label else ""
    return f"{KINDS[method.kind.value]} to {masked(method.kind, method.address)}{label}"


def added(user_id: UUID, form: MethodForm) -> Method | None:
    """The new way; None when it was refused, and the reason stands beside its field."""
    if not form.is_valid():
        return None
    try:
        return contact_methods.add_contact_method(
            user_id,
            MethodKind(form.kind.data),
            form.address.data,
            label=form.label.data,
            verified_at=None,
            by=guard.actor(),
            now=clock.now(),
        )
    except Refused as refused:
        put_beside(form, refused)
        return None


def question(user_id: UUID, method_id: UUID, place: Place) -> ResponseReturnValue:
    """Whether it is to be removed, which cannot be taken back: it would have to be verified anew."""
    method = contact_methods.one(method_id, of=user_id)
    action, back = place.url("remove", user_id, method_id=method_id), place.url("show", user_id)
    return render_template("pages/reach/remove.html", name=name(method), action=action, back=back)


def remove(user_id: UUID, method_id: UUID, place: Place) -> ResponseReturnValue:
    """Remove it; a refusal is told on the page."""
    contact_methods.one(method_id, of=user_id)
    try:
        contact_methods.remove_contact_method(method_id, by=guard.actor(), now=clock.now())
        flash("Removed. No page goes there any more.")
    except Refused as refused:
        flash(refused.message)
    return redirect(place.url("show", user_id), code=303)


def add_rule(user_id: UUID, place: Place) -> ResponseReturnValue:
    """Use a way at that time."""
    form = _rule_form(reach.of(user_id).methods)
    try:
        if form.is_valid():
            notification_rules.add_rule(
                UUID(form.method_id.data), delay=form.delay(), by=guard.actor(), now=clock.now()
            )
            return redirect(place.url("show", user_id), code=303)
    except Refused as refused:
        put_beside(form, refused)
    return page(user_id, place, rule_form=form, status=422)


def remove_rule(user_id: UUID, rule_id: UUID, place: Place) -> ResponseReturnValue:
    """Do not use it at that time any more."""
    try:
        notification_rules.remove_rule(rule_id, user_id, by=guard.actor(), now=clock.now())
    except (Refused, NotFound) as refused:
        flash(refused.message)
    return redirect(place.url("show", user_id), code=303)


def _rule_form(methods: tuple[Method, ...], *, fresh: bool = False) -> RuleForm:
    """Ways of this person only may be chosen."""
    form = RuleForm(formdata=None) if fresh else RuleForm()
    form.method_id.choices = {str(method.id): name(method) for method in methods if method.is_live}
    return form
