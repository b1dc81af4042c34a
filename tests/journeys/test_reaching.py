"""Every way in which a patient may not be reached, over thirty days on a clock that is turned; the journal judges.

One test for each row of the table of failures. In each of them the judge holds every text and mail to the promises:
within the hours, one a day, three a week, three of a survey, none after STOP or the end, none twice.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from survey import clock
from survey.domain.messages import MessageState
from survey.services import alerts
from survey.store import session
from tests import desk as clinic_desk
from tests import staff, surveys
from tests.cast import ANA, JUAN, LENA
from tests.conftest import Database
from tests.desk import AT_THE_DESK, JUANS_PHONE, MARIAS_PHONE, WEDNESDAY_TEN, juan, maria
from tests.phone import Phone
from tests.simulation.carriers import Mode
from tests.simulation.month import DAY, HOUR, MINUTE, Month
from tests.surveys import GOOD_DAY, NOTHING_SPECIAL

STRANGER = "+12025550199"
JUANS_MAIL = "juan@example.org"
CALM = {"body_sites": ("leg",), "context": NOTHING_SPECIAL}
THURSDAY_TEN = WEDNESDAY_TEN + DAY


@pytest.fixture
def month(database: Database, monkeypatch: pytest.MonkeyPatch) -> Month:
    """A clinic on a Monday noon, with somebody on call all month."""
    surveys.open_clinic(AT_THE_DESK)
    return Month(staff.application(database), lambda now: monkeypatch.setattr(clock, "now", lambda: now))


def answer(phone: Phone, token: str, *, who: str = "self", **changed: dict[str, list[str]]) -> Phone:
    """Open the link, answer every question and send."""
    phone.begin(token, who=who)
    while phone.path.startswith("/check-in/questions/"):
        item = phone.path.rpartition("/")[2]
        form = changed.get(item) or GOOD_DAY[item]
        phone.answer(item, **{name: value[0] for name, value in form.items()})
        if phone.path == "/check-in/help":
            phone.open("/check-in")
    return phone.finish()


def replies(month: Month) -> str:
    """What staff read under Replies."""
    return month.desk().get("/replies").text


def message_states(survey: object) -> list[MessageState]:
    return [state for _, state, _ in clinic_desk.message_states(survey)]  # type: ignore[arg-type]


# ---- the way it should go


def test_whoever_answers_at_once_gets_one_text_and_hears_no_more_of_it(month: Month) -> None:
    survey = month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + 5 * MINUTE)

    answer(month.phone(), month.token(MARIAS_PHONE))
    month.judge.ended(survey, month.now)
    month.forward(WEDNESDAY_TEN + 4 * DAY)

    assert month.received(MARIAS_PHONE) == ["Wed 10:00 invitation"]
    assert month.state(survey) == "completed"
    assert "Maria" not in month.calls()


def test_no_answer_is_followed_by_a_reminder_then_the_other_channel_then_a_call(month: Month) -> None:
    survey = month.enrol(juan(**CALM))

    month.forward(WEDNESDAY_TEN + 3 * DAY)

    asked = month.received(JUANS_PHONE) + month.received(JUANS_MAIL)
    assert asked[0] == "Wed 10:00 invitation"
    assert sorted(one.split()[-1] for one in asked) == ["invitation", "reminder", "reminder"]
    assert len(month.received(JUANS_MAIL)) >= 1
    assert month.state(survey) == "delivered"
    assert "Juan" in month.calls()


# ---- the table


def test_wrong_number_by_text_apologizes_once_ends_the_link_tries_the_mailbox_and_asks_for_a_call(month: Month) -> None:
    survey = month.enrol(juan(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)
    token = month.token(JUANS_PHONE)
    month.judge.not_theirs(JUANS_PHONE, month.now, by_text=True)

    month.text(JUANS_PHONE, "WRONG")
    month.forward(WEDNESDAY_TEN + 30 * DAY)

    assert month.received(JUANS_PHONE)[:2] == ["Wed 10:00 invitation", "Wed 10:01 wrong_number"]
    assert month.words(JUANS_PHONE)[1].startswith("Disculpe la molestia")
    assert len(month.received(JUANS_PHONE)) == 2
    assert month.phone().open(f"/s/{token}").status == 410
    assert month.received(JUANS_MAIL)[0].startswith("Wed 10:0")
    assert month.state(survey) in ("sent", "expired")
    assert "Juan" in month.calls()


def test_wrong_number_without_a_mailbox_stands_on_the_call_list_at_once(month: Month) -> None:
    survey = month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)
    month.judge.not_theirs(MARIAS_PHONE, month.now, by_text=True)

    month.text(MARIAS_PHONE, "Wrong number")

    assert clinic_desk.invitation_state(survey) == ("undeliverable", "not_me")
    assert "Somebody else has the number" in month.calls()


def test_not_me_on_the_page_ends_the_link_tries_the_mailbox_and_tells_staff(month: Month) -> None:
    month.enrol(juan(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)
    token = month.token(JUANS_PHONE)

    month.phone().open(f"/s/{token}/not-me").press(f"/s/{token}/not-me", language="en")
    month.judge.not_theirs(JUANS_PHONE, month.now, by_text=False)
    month.forward(WEDNESDAY_TEN + 4 * DAY)

    assert month.received(JUANS_PHONE) == ["Wed 10:00 invitation"]
    assert month.received(JUANS_MAIL)[0].startswith("Wed 10:0")
    assert month.phone().open(f"/s/{token}").status == 410
    assert "Juan" in month.calls()


@pytest.mark.parametrize("end", ["expired", "used", "replaced"])
def test_a_link_that_opens_nothing_shows_advice_and_sends_a_fresh_one_to_the_number_on_file(
    month: Month, end: str
) -> None:
    survey = month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)
    token = month.token(MARIAS_PHONE)
    if end == "used":
        answer(month.phone(), token)
        month.judge.ended(survey, month.now)
    if end == "replaced":
        clinic_desk.change("UPDATE invitation_link SET revoked_at = :now", now=month.now)
    if end == "expired":
        clinic_desk.change("UPDATE invitation_link SET expires_at = made_at")
    month.wait(minutes=5)

    phone = month.phone().open(f"/s/{token}")
    advice = phone.text
    phone.press(phone.path, mobile=STRANGER)
    month.work()

    assert "Call 911" in advice
    assert "(202) 555-0100" in advice
    assert "Send me a fresh link" in advice
    assert month.received(MARIAS_PHONE) == ["Wed 10:00 invitation", "Wed 10:06 fresh_link"]
    assert month.received(STRANGER) == []
    assert month.phone().open(f"/s/{month.token(MARIAS_PHONE)}").status == 200


def test_after_day_30_the_page_promises_a_call_and_the_patient_is_on_the_list(month: Month) -> None:
    survey = month.enrol(maria(**CALM))
    month.forward(AT_THE_DESK + 32 * DAY)
    token = month.token(MARIAS_PHONE, 0)

    phone = month.phone().open(f"/s/{token}")
    phone.press(phone.path)
    month.work()

    assert month.state(survey) == "expired"
    assert "We will call you" in phone.text
    assert "fresh_link" not in str(month.received(MARIAS_PHONE))
    assert "Maria" in month.calls()


def test_stop_is_confirmed_before_the_number_is_closed_and_the_patient_is_called(month: Month) -> None:
    survey = month.enrol(juan(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)

    month.opts_out(JUANS_PHONE, "PARAR")
    month.forward(WEDNESDAY_TEN + 30 * DAY)

    assert month.received(JUANS_PHONE) == ["Wed 10:00 invitation", "Wed 10:01 stopped"]
    assert month.received(JUANS_MAIL) == []
    assert clinic_desk.invitation_state(survey)[0] == "expired"
    assert "Juan" in month.calls()


def test_stop_between_queuing_and_sending_is_in_time(month: Month) -> None:
    month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN - MINUTE)

    month.opts_out(MARIAS_PHONE, "Stop.")
    month.forward(WEDNESDAY_TEN + HOUR)

    assert month.received(MARIAS_PHONE) == ["Wed 09:59 stopped"]
    assert "The patient wants no more texts" in month.calls()


def test_start_after_stop_lets_the_next_survey_out(month: Month) -> None:
    month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)
    month.opts_out(MARIAS_PHONE, "STOP")
    month.wait(days=1)

    month.judge.opted_in(MARIAS_PHONE)
    month.text(MARIAS_PHONE, "START")
    month.forward(WEDNESDAY_TEN + 6 * DAY)

    assert month.received(MARIAS_PHONE)[:3] == ["Wed 10:00 invitation", "Wed 10:01 stopped", "Thu 10:01 started"]
    assert "Mon 10:00 invitation" in month.received(MARIAS_PHONE)


def test_stop_all_silences_answers_too(month: Month) -> None:
    month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)

    month.opts_out(MARIAS_PHONE, "STOP ALL", everything=True)
    month.wait(days=1)
    month.text(MARIAS_PHONE, "What about my bandage?")
    month.wait(days=3)

    assert month.received(MARIAS_PHONE) == ["Wed 10:00 invitation", "Wed 10:01 stopped"]
    assert "What about my bandage?" in replies(month)


def test_bleeding_that_will_not_stop_is_no_opt_out_and_pages_the_clinician(month: Month) -> None:
    survey = month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)

    month.text(MARIAS_PHONE, "it won't stop bleeding")

    assert [alert.tier.pages for alert in alerts.open_alerts()] == [True]
    assert any(request.to == ANA.mobile for request in month.journal.requests)
    assert month.received(MARIAS_PHONE) == ["Wed 10:00 invitation", "Wed 10:01 not_watched"]
    assert "bleeding" in replies(month)
    assert month.state(survey) != "completed"


def test_no_is_never_an_opt_out(month: Month) -> None:
    month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)

    month.text(MARIAS_PHONE, "No")
    month.forward(WEDNESDAY_TEN + 5 * DAY)

    assert alerts.open_alerts() == ()
    assert "Mon 10:00 invitation" in month.received(MARIAS_PHONE)


def test_free_text_is_answered_once_in_twelve_hours_and_always_reaches_staff(month: Month) -> None:
    month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)

    for hours, words in ((0, "Can I take a bath?"), (3, "Hello?"), (10, "Anybody?")):
        month.wait(hours=hours)
        month.text(MARIAS_PHONE, words)

    kinds = [one.split()[-1] for one in month.received(MARIAS_PHONE)]
    assert kinds.count("not_watched") == 2
    assert all(words in replies(month) for words in ("Can I take a bath?", "Hello?", "Anybody?"))


def test_another_language_goes_all_the_way_and_staff_see_it_before_they_call(month: Month) -> None:
    month.enrol(juan(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)

    phone = month.phone().open(f"/s/{month.token(JUANS_PHONE)}")
    in_spanish = 'lang="es"' in phone.html
    phone.open(f"/s/{month.token(JUANS_PHONE)}?language=en")
    month.wait(days=2)

    assert "control de 2 min" in month.words(JUANS_PHONE)[0]
    assert in_spanish
    assert 'lang="en"' in phone.html
    assert "Speaks Spanish" in month.calls()


def test_a_helper_is_asked_about_the_patient_and_staff_see_who_answered(month: Month) -> None:
    survey = month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)

    phone = month.phone().begin(month.token(MARIAS_PHONE), who="helper")
    words = phone.text
    phone.answer("red", none_of_these="1")
    month.wait(hours=2)
    (alert,) = alerts.open_alerts()  # a survey that was left lying is never routine

    assert "Answer for the person you are helping." in words
    assert "a helper answered" in month.desk(ANA).get(f"/alerts/{alert.id}").text
    assert month.state(survey) == "opened"


def test_two_taps_two_phones_and_an_amendment_make_one_survey_that_only_rises(month: Month) -> None:
    survey = month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)
    token = month.token(MARIAS_PHONE)
    one = month.phone().begin(token).answer("red", none_of_these="1")
    one.open("/check-in/questions/red").answer("red", none_of_these="1")

    answer(month.phone(), token, breath={"answer": ["deep"]})
    month.judge.ended(survey, month.now)
    month.work()
    raised = [alert.tier for alert in alerts.open_alerts()]
    month.wait(hours=3)
    answer(month.phone(), token)
    month.work()

    assert len(clinic_desk.rows("SELECT FROM response WHERE invitation_id = :id", id=survey)) == 1
    assert len(raised) == 1
    assert [alert.tier for alert in alerts.open_alerts()] == raised


def test_offline_in_the_middle_says_not_saved_and_goes_on_where_it_stood(month: Month, database: Database) -> None:
    month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)
    token = month.token(MARIAS_PHONE)
    phone = month.phone().begin(token).answer("red", none_of_these="1")

    session.configure("postgresql+psycopg://nobody@127.0.0.1:1/none")
    phone.answer("breath", answer="no")
    words = phone.text
    session.configure(database.url)

    assert phone.status == 503
    assert "Your last answer is not saved yet." in words
    assert "(202) 555-0100" in words
    assert month.phone().begin(token).path == "/check-in/questions/breath"


def test_an_improvement_after_red_leaves_the_alert_open_until_a_clinician_closes_it(month: Month) -> None:
    survey = month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)
    token = month.token(MARIAS_PHONE)
    answer(month.phone(), token, red={"breath": ["yes"]})
    month.judge.ended(survey, month.now)
    month.work()
    before = [(alert.id, alert.tier) for alert in alerts.open_alerts()]

    month.wait(days=1)
    answer(month.phone(), token)
    month.wait(days=2)

    assert len(before) == 1
    assert [(alert.id, alert.tier) for alert in alerts.open_alerts()] == before


@pytest.mark.parametrize("reason", ["died", "admitted", "asked"])
def test_stop_all_contact_stops_everything_within_a_minute(month: Month, reason: str) -> None:
    survey = month.enrol(juan(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)
    (row,) = clinic_desk.rows("SELECT procedure_id FROM invitation WHERE id = :id", id=survey)
    page = f"/procedures/{row['procedure_id']}/stop-all"

    answered = month.desk().post(page, {"reason": reason, "note": ""}, of=page)
    for known in list(month.judge.surveys):
        month.judge.ended(known, month.now, closed=True)
    month.forward(WEDNESDAY_TEN + 30 * DAY)

    assert answered.status_code == 303
    assert month.received(JUANS_PHONE) == ["Wed 10:00 invitation"]
    assert month.received(JUANS_MAIL) == []
    assert {row["state"] for row in clinic_desk.rows("SELECT state FROM invitation")} == {"stopped"}
    assert JUAN.given_name not in month.calls()


def test_a_cancelled_procedure_is_never_asked_about(month: Month) -> None:
    survey = month.enrol(maria(**CALM))
    month.wait(hours=1)
    (row,) = clinic_desk.rows("SELECT procedure_id FROM invitation WHERE id = :id", id=survey)
    page = f"/procedures/{row['procedure_id']}"

    answered = month.desk().post(f"{page}/cancel", of=f"{page}/cancel")
    month.forward(WEDNESDAY_TEN + 10 * DAY)

    assert answered.status_code == 303
    assert month.received(MARIAS_PHONE) == []
    assert "Maria" not in month.calls()


def test_call_puts_the_patient_on_the_list_and_says_so(month: Month) -> None:
    month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)

    month.text(MARIAS_PHONE, "CALL")

    assert month.received(MARIAS_PHONE) == ["Wed 10:00 invitation", "Wed 10:01 call_back"]
    assert "Asked for a call" in month.calls()


def test_a_landline_and_a_patient_who_did_not_agree_get_nothing_and_are_called_on_the_day(month: Month) -> None:
    month.enrol(maria(**CALM, consent=False, consent_how=None))

    month.forward(WEDNESDAY_TEN + MINUTE)

    assert month.received(MARIAS_PHONE) == []
    assert "Maria" in month.calls()


def test_two_tries_on_different_half_days_and_the_lead_decides(month: Month) -> None:
    survey = month.enrol(maria(**CALM))
    month.forward(THURSDAY_TEN + HOUR)

    month.desk().post(f"/check-ins/{survey}/calls", {"result": "no_answer"}, of="/calls")
    month.wait(hours=4)
    month.desk().post(f"/check-ins/{survey}/calls", {"result": "voicemail"}, of="/calls")
    to_call, with_lead = month.calls(), month.desk(LENA).get("/calls?kind=lead").text
    month.wait(days=12)

    assert "Maria" not in to_call
    assert "Maria" in with_lead
    assert "Maria" in month.desk(LENA).get("/calls?kind=lead").text


# ---- providers and workers


def test_a_provider_down_for_two_hours_at_ten_costs_two_hours_and_no_text(month: Month) -> None:
    for number in range(1, 6):
        month.enrol(maria(**CALM, given_name=f"Maria {number}", mrn=None, mobile=f"+1202555014{number}"))
    noon = WEDNESDAY_TEN + 2 * HOUR
    month.carrier.rule = month.spare.rule = lambda _to, at: Mode.DOWN if WEDNESDAY_TEN <= at < noon else None

    month.forward(WEDNESDAY_TEN + 3 * HOUR)

    times = [month.received(f"+1202555014{number}") for number in range(1, 6)]
    assert all(len(one) == 1 and one[0].startswith("Wed 12:") for one in times)


def test_the_second_provider_takes_over_while_the_first_is_down(month: Month) -> None:
    month.enrol(maria(**CALM))
    month.carrier.rule = lambda _to, _at: Mode.DOWN

    month.forward(WEDNESDAY_TEN + 10 * MINUTE)

    (sent,) = [request for request, letter in month.letters if letter.arrived]
    assert sent.provider == "sinch"
    assert month.received(MARIAS_PHONE)[0].startswith("Wed 10:0")


@pytest.mark.parametrize(("mode", "arrives"), [(Mode.KILLS, True), (Mode.KILLS_BEFORE, False)])
def test_a_worker_killed_in_the_middle_of_a_send_sends_it_once(month: Month, mode: Mode, arrives: bool) -> None:
    survey = month.enrol(maria(**CALM))
    fates = iter([mode])
    month.carrier.rule = lambda _to, _at: next(fates, None)

    month.forward(WEDNESDAY_TEN + HOUR)

    invitations = [one for one in month.received(MARIAS_PHONE) if one.endswith("invitation")]
    assert len(invitations) == 1
    assert (invitations == ["Wed 10:00 invitation"]) is arrives
    assert month.state(survey) == "delivered"


# ---- who writes what


def test_a_number_that_two_share_goes_to_staff_with_both_and_asks_nothing(month: Month) -> None:
    month.enrol(maria(**CALM))
    month.enrol(maria(**CALM, given_name="Juan", family_name="Morales", mrn=None))
    month.forward(WEDNESDAY_TEN + MINUTE)

    month.text(MARIAS_PHONE, "My shoulder is fine")

    page = replies(month)
    assert "Maria" in page
    assert "Juan" in page
    assert [one.split()[-1] for one in month.received(MARIAS_PHONE)] == ["invitation", "not_watched"]


def test_the_second_of_two_who_share_a_number_is_asked_the_next_day(month: Month) -> None:
    month.enrol(maria(**CALM))
    month.enrol(maria(**CALM, given_name="Juan", family_name="Morales", mrn=None))

    month.forward(WEDNESDAY_TEN + 8 * HOUR)
    first = [one for one in month.received(MARIAS_PHONE) if "invitation" in one]
    month.forward(WEDNESDAY_TEN + 30 * HOUR)

    assert first == ["Wed 10:00 invitation"]
    assert len([one for one in month.received(MARIAS_PHONE) if one.startswith("Thu")]) == 1


@pytest.mark.parametrize("body", ["🤕🤕🤕", "It hurts a bit. " * 250, "‮stop‬ing by", "\x00", ""])
def test_emoji_and_endless_replies_are_kept_and_answered(month: Month, body: str) -> None:
    month.enrol(maria(**CALM))
    month.forward(WEDNESDAY_TEN + MINUTE)

    month.text(MARIAS_PHONE, body)

    assert month.received(MARIAS_PHONE)[1] == "Wed 10:01 not_watched"
    (row,) = clinic_desk.rows("SELECT body, wants_person FROM inbound")
    assert (row["body"], row["wants_person"]) == (body.replace("\x00", ""), True)
    assert month.desk().get("/replies").status_code == 200


def test_a_reply_from_a_number_that_nobody_has_is_answered_and_reaches_staff(month: Month) -> None:
    month.enrol(maria(**CALM))

    month.text(STRANGER, "Is this the clinic?")

    assert month.received(STRANGER) == ["Mon 12:00 not_watched"]
    assert "Is this the clinic?" in replies(month)


# ---- the clock


@pytest.mark.parametrize(
    ("performed_on", "ten"),
    [
        (date(2026, 3, 6), datetime(2026, 3, 8, 14, 0, tzinfo=UTC)),  # clocks went forward that night
        (date(2026, 10, 30), datetime(2026, 11, 1, 15, 0, tzinfo=UTC)),  # and back that night
    ],
)
def test_both_nights_of_daylight_saving_leave_ten_at_ten(month: Month, performed_on: date, ten: datetime) -> None:
    at_noon = datetime(performed_on.year, performed_on.month, performed_on.day, 17, 0, tzinfo=UTC)
    month._set(at_noon)
    month.enrol(maria(**CALM, performed_on=performed_on))

    month.forward(ten - MINUTE)
    early = month.received(MARIAS_PHONE)
    month.forward(ten + timedelta(days=1))

    assert early == []
    assert month.received(MARIAS_PHONE)[0] == "Sun 10:00 invitation"
    assert month.letters[0][0].at == ten
