"""The check-in: who is answering, the questions one by one, check, send, and what to do now."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.answers import answer_in_words, in_full
from survey.domain.errors import InvalidInput, NotFound
from survey.domain.protocol import Item, Tier
from survey.domain.questionnaire import previous_item, step
from survey.domain.responses import AnsweredBy, Identity
from survey.domain.triage import advice_in_words
from survey.domain.visits import Phase, Visit
from survey.services import responses
from survey.services.responses import Result, SessionOver
from survey.web import clinic, guard, words
from survey.web.forms.answers import BirthForm, WhoForm, question, with_answer, with_problem
from survey.web.links import cookie_name, forget

blueprint = Blueprint("answers", __name__, url_prefix="/check-in")


@blueprint.get("")
@guard.patient_link
def resume() -> ResponseReturnValue:
    """On to wherever this phone has got to."""
    return redirect(_place(_visit()), code=303)


@blueprint.get("/who")
@guard.patient_link
def who() -> ResponseReturnValue:
    """Who is answering?"""
    return _who_page(WhoForm(), 200)


@blueprint.post("/who")
@guard.patient_link
def say_who() -> ResponseReturnValue:
    """Self and helper go on; the wrong person is let go, and the clinic hears of it."""
    form = WhoForm()
    if not form.is_valid():
        return _who_page(form, 422)
    now = clock.now()
    if form.who.data == "not_me":
        language = _visit().language  # the session that knows it ends here
        responses.not_me(_token(), now=now)
        return forget(redirect(url_for("answers.closed", language=language), code=303))
    responses.begin(_token(), answered_by=AnsweredBy(form.who.data), now=now)
    return redirect(url_for("answers.resume"), code=303)


@blueprint.get("/questions/<key>")
@guard.patient_link
def ask(key: str) -> ResponseReturnValue:
    """One question."""
    visit = _visit()
    item = visit.item(key) if visit.phase is Phase.ASKING else None
    if item is None:
        return redirect(_place(visit), code=303)
    return _question_page(visit, item)


@blueprint.post("/questions/<key>")
@guard.patient_link
def save(key: str) -> ResponseReturnValue:
    """Keep the answer; then help if it is needed at once, else the next open question."""
    try:
        answered = responses.answer(_token(), key, request.form.to_dict(flat=False), now=clock.now())
    except InvalidInput as problem:
        visit = _visit()
        return _question_page(visit, visit.protocol.item(key), problem)
    except SessionOver:
        raise
    except NotFound:
        return redirect(_place(_visit()), code=303)
    if answered.is_alarming:
        return redirect(url_for("answers.get_help"), code=303)
    following = answered.visit.open_after(key)
    return redirect(url_for("answers.ask", key=following.key) if following else _after(answered.visit), code=303)


@blueprint.get("/help")
@guard.patient_link
def get_help() -> ResponseReturnValue:
    """What to do at once; the questions can wait."""
    result = _result()
    if not result.tier.pages or result.visit.phase is Phase.SENT:
        return redirect(_place(result.visit), code=303)
    return _result_page("pages/survey/help.html", result)


@blueprint.get("/birth")
@guard.patient_link
def birth() -> ResponseReturnValue:
    """Month and day of birth, which nobody has to give."""
    visit = _visit()
    return _birth_page(BirthForm(), visit, 200) if visit.phase is Phase.ASKING else redirect(_place(visit), code=303)


@blueprint.post("/birth")
@guard.patient_link
def confirm_birth() -> ResponseReturnValue:
    """Note what was given; on to the check either way."""
    visit = _visit()
    form = BirthForm()
    skipped = "skip" in request.form
    if not skipped and not form.is_right():
        return _birth_page(form, visit, 422)
    if not skipped:
        responses.confirm_birth(_token(), month=form.month_number, day=form.day.data, now=clock.now())
    return redirect(url_for("answers.review"), code=303)


@blueprint.get("/review")
@guard.patient_link
def review() -> ResponseReturnValue:
    """All answers in a list, each with a way to change it."""
    visit = _visit()
    if visit.phase is not Phase.ASKING:
        return redirect(_place(visit), code=303)
    return _page("pages/survey/review.html", visit, rows=[_row(visit, item) for item in visit.shown])


@blueprint.post("/send")
@guard.patient_link
def send() -> ResponseReturnValue:
    """Send; pressing it twice sends once."""
    responses.submit(_token(), now=clock.now())
    return redirect(url_for("answers.done"), code=303)


@blueprint.get("/done")
@guard.patient_link
def done() -> ResponseReturnValue:
    """What to do now, by the tier of all that was said."""
    result = _result()
    if result.visit.phase is not Phase.SENT:
        return redirect(_place(result.visit), code=303)
    return _result_page("pages/survey/done.html", result)


@blueprint.post("/language")
@guard.patient_link
def speak() -> ResponseReturnValue:
    """Go on in another language, on the page from which it was asked."""
    if request.form.get("language") in words.LOCALES:
        responses.set_language(_token(), request.form["language"], now=clock.now())
    here = guard.own_path(request.form.get("here")) or ""
    return redirect(here if here.startswith("/check-in/") else url_for("answers.resume"), code=303)


@blueprint.get("/closed")
@guard.public("Shows the same two sentences to everybody; the session has just ended.")
def closed() -> ResponseReturnValue:
    """Thanks to somebody who was not meant."""
    words.speak(words.preferred())
    return render_template("pages/survey/closed.html", sites=clinic.known_sites(clock.now()))


def _token() -> str:
    """The session of this phone. Raises SessionOver where the cookie is gone."""
    token = request.cookies.get(cookie_name())
    if not token:
        raise SessionOver
    return token


def _visit() -> Visit:
    visit = responses.visit(_token(), now=clock.now())
    words.speak(visit.language)
    return visit


def _result() -> Result:
    result = responses.result(_token(), now=clock.now())
    words.speak(result.visit.language)
    return result


def _place(visit: Visit) -> str:
    """The address where this phone goes on."""
    if visit.phase is Phase.WHO:
        return url_for("answers.who")
    if visit.phase is Phase.SENT:
        return url_for("answers.done")
    following = visit.first_open()
    return url_for("answers.ask", key=following.key) if following else _after(visit)


def _after(visit: Visit) -> str:
    """The page after the questions."""
    is_asked = visit.identity is Identity.NOT_ASKED
    return url_for("answers.birth") if is_asked else url_for("answers.review")


def _page(template: str, visit: Visit, **values: object) -> str:
    site = clinic.site(visit.site_id, clock.now())
    return render_template(template, visit=visit, site=site, **values)


def _who_page(form: WhoForm, status: int) -> ResponseReturnValue:
    visit = _visit()
    if visit.phase is not Phase.WHO:
        return redirect(_place(visit), code=303)
    if form.who.errors:
        form.who.errors = (words.say("choose_who"),)
    return _page("pages/survey/who.html", visit, form=form), status


def _row(visit: Visit, item: Item) -> tuple[Item, str, bool]:
    """An item, its answer in words, and whether all of it was answered."""
    answer = visit.answers.get(item.key)
    written = answer_in_words(visit.protocol, item, answer, visit.language)
    return item, words.say("nothing_written") if answer == "" else written, in_full(item, answer)


def _birth_page(form: BirthForm, visit: Visit, status: int) -> ResponseReturnValue:
    form.month.choices = {"": "", **dict(words.months())}
    return _page("pages/survey/birth.html", visit, form=form, is_helper=visit.answered_by is AnsweredBy.HELPER), status


def _question_page(visit: Visit, item: Item, problem: InvalidInput | None = None) -> ResponseReturnValue:
    made = question(visit.protocol, item.key, visit.language)
    held = visit.answers.get(item.key)
    form = with_problem(made, request.form, problem) if problem else with_answer(made, held)
    number, count = step(visit.protocol, item, visit.answers, visit.context)
    page = _page(
        "pages/survey/question.html",
        visit,
        item=item,
        form=form,
        number=number,
        count=count,
        back=_back(visit, item),
        is_told=visit.is_told,
        is_helper=visit.answered_by is AnsweredBy.HELPER,
    )
    return page, 422 if problem else 200


def _back(visit: Visit, item: Item) -> str | None:
    """The question before this one."""
    previous = previous_item(visit.protocol, visit.answers, visit.context, before=item.key)
    return url_for("answers.ask", key=previous.key) if previous else None


def _result_page(template: str, result: Result) -> str:
    visit, site, now = result.visit, result.site, clock.now()
    values: dict[str, str] = {
        "emergency": site.emergency_number,
        "phone": words.unbroken(words.phone(site.phone)),
        "number": words.unbroken(words.phone(site.phone)),
        "date": words.day(visit.performed_on),
    }
    if result.promised_at is not None:
        values["time"] = words.unbroken(words.time_or_day(result.promised_at, site, now))
        values["day"] = words.day(result.promised_at, site)
    return render_template(
        template,
        visit=visit,
        site=site,
        tier=result.tier,
        told=visit.protocol.tiers[result.tier],
        advice=advice_in_words(visit.protocol, result.score.fired, visit.language),
        values=values,
        is_late=result.promised_at is not None and result.promised_at < now,
        is_emergency=result.tier is Tier.EMERGENCY,
    )
