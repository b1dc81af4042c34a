"""The leaflet that a patient takes home, and the public page that says how to know a text of ours."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from uuid import UUID

import yaml
from babel.dates import get_day_names
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.sites import Site
from survey.services import leaflets
from survey.settings import ROOT
from survey.web import clinic, guard, words

blueprint = Blueprint("leaflets", __name__)


@blueprint.get("/procedures/<uuid:procedure_id>/leaflet")
@guard.requires(Permission.PATIENT_READ)
def show(procedure_id: UUID) -> ResponseReturnValue:
    """One page to print, in the patient's language or the one that is asked for; it names no patient."""
    leaflet = leaflets.of_procedure(procedure_id)
    words.speak(words.asked_for() or leaflet.language)
    values = _values(leaflet.site, leaflet.sender)
    return render_template(
        "pages/leaflets/show.html",
        procedure_id=procedure_id,
        leaflet=leaflet,
        site=leaflet.site,
        tell=_teller(values),
        values=values,
    )


@blueprint.get("/about-our-texts")
@guard.public("Whoever got a text of ours may look up how to know one; it shows no patient.")
def about() -> ResponseReturnValue:
    """How to know a text of ours, for everybody."""
    words.speak(words.preferred())
    sites, sender = clinic.known_sites(clock.now()), leaflets.sender()
    told = [(site, _teller(_values(site, sender))) for site in sites]
    heading = catalogue(words.language())["about_title"]
    return render_template("pages/leaflets/about.html", told=told, sender=sender, heading=heading)


def _values(site: Site, sender: leaflets.Sender) -> Mapping[str, str]:
    return {
        "name": site.sms_name,
        "phone": words.unbroken(words.phone(site.phone)),
        "emergency": site.emergency_number,
        "domain": sender.domain,
        "senders": Markup(" / ").join(words.unbroken(words.phone(number)) for number in sender.numbers),
        "hours": hours(site, words.language()),
    }


def _teller(values: Mapping[str, str]) -> Callable[..., Markup]:
    """Says the leaflet's sentences about one site, in the language of the request."""

    def tell(key: str, **more: str | int) -> Markup:
        filled = {name: str(value) for name, value in more.items()}
        return words.fill(catalogue(words.language())[key], {**values, **filled})

    return tell


@lru_cache(maxsize=8)
def catalogue(language: str) -> Mapping[str, str]:
    """All sentences of the leaflet in a language. Raises OSError when there is no such file."""
    loaded: dict[str, str] = yaml.safe_load((ROOT / "config" / "words" / f"leaflet.{language}.yaml").read_text("utf-8"))
    return loaded


def hours(site: Site, language: str) -> str:
    """`Mon–Fri, 8:00 AM – 6:00 PM`."""
    names = get_day_names("abbreviated", locale=words.LOCALES[language])
    runs: list[list[int]] = []
    for day in sorted(site.workdays):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    days = ", ".join(names[run[0] - 1] + (f"–{names[run[-1] - 1]}" if len(run) > 1 else "") for run in runs)
    opens, closes = (words.wall_time(at, language) for at in (site.opens, site.closes))
    return f"{days}, {opens} – {closes}"
