"""What people text back: opt-outs and their relatives are whole messages, and all else is for a person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain import keywords
from survey.domain.keywords import Meaning

READ: dict[Meaning, tuple[str, ...]] = {
    Meaning.STOP: (
        # as carriers and the FCC list them
        "STOP", "stop", "Stop", "Stop.", "STOP!!!", " stop ", '"STOP"', "'stop'", "(stop)", "*STOP*", "Stop\n", "#stop",
        "UNSUBSCRIBE", "Cancel", "END", "Quit", "Revoke", "OPTOUT", "opt out", "opt-out", "OPT OUT.", "ARRET", "Remove",
        # as phones write them
        "STOP 🛑", "🙏 stop", "STOP✋🏽", "ＳＴＯＰ", "S.T.O.P.", "S T O P", "s-t-o-p", "ST\u200bOP", "stop\ufe0f",
        "STOP\u00a0", "\u202aSTOP\u202c", "ＤＯＮ＇Ｔ ＴＥＸＴ ＭＥ",
        # as thumbs write them
        "stpo", "sotp", "stp", "Stopp", "atop", "dtop", "sto p", "unsuscribe", "unsubcribe", "cancle",
        # politely
        "please stop", "Stop please", "STOP, PLEASE!", "pls stop", "Stop, thank you", "stop now", "Hi, please stop.",
        "can you please stop", "Ok stop", "sorry, stop", "stop it", "stop texting", "Stop texting me",
        "please stop texting me", "Stop texting me, please.", "Could you stop texting me? Thanks",
        "Please stop sending me messages", "stop messaging me", "stop these texts", "Stop sending me these messages",
        "no more texts", "No more messages please", "don't text me", "Don’t text me again", "do not text me",
        "DO NOT CONTACT ME", "dont text me anymore", "take me off your list", "Please remove me from this list",
        "unsubscribe me", "opt me out please", "I want to opt out", "I don't want any more texts",
        "I revoke my consent",
        "STOP to opt out", "Reply STOP", "Stop text messages",
        # in Spanish
        "PARAR", "¡Parar!", "pare", "Pare.", "Paren por favor", "para", "ALTO", "¡Alto!", "baja", "BAJA", "dar de baja",
        "Quiero darme de baja", "deme de baja por favor", "CANCELAR", "Cancele", "cancela", "NO MÁS", "no mas",
        "No más!",
        "No más mensajes", "no mas mensajes por favor", "No mas textos", "No quiero más mensajes", "no quiero mensajes",
        "No quiero recibir más mensajes", "Ya no quiero mensajes", "No me envíe más mensajes",
        "no me manden mas mensajes",
        "No me escriban más", "Deje de enviarme mensajes", "Dejen de mandarme mensajes, por favor", "DETENER",
        "detenga",
        "SALIR", "Salir.", "terminar", "fin", "¡Basta!", "ya basta", "quíteme de la lista", "Eliminar", "suspender",
        "anular", "Desuscribir", "hola, parar por favor", "parar mensajes", "canselar", "Por favor, no más mensajes.",
    ),
    Meaning.STOP_ALL: (
        "STOP ALL", "STOPALL", "stop all", "Stop all.", "please stop all", "stop all messages", "Stop everything",
        "cancel all", "unsubscribe all", "opt out of all", "PARAR todo", "Parar todo, por favor", "alto a todo",
        "Cancelar todo", "detener todo", "Baja total",
    ),
    Meaning.START: (
        "START", "start", "Start.", "UNSTOP", "unstop", "un-stop", "resume", "Opt in", "subscribe", "EMPEZAR",
        "Empezar.",
        "iniciar", "Comenzar", "reanudar",
    ),
    Meaning.HELP: ("HELP", "help", "Help?", "INFO", "info", "AYUDA", "¿Ayuda?", "Información", "INFORMACION"),
    Meaning.CALL: (
        "CALL", "call", "Call.", "Call me", "call me please", "Please call", "please call me", "Call back", "callback",
        "Call me back please", "I want a call", "📞 call", "LLAMAR", "Llamar por favor", "Llámame", "LLÁMEME",
        "Llámenme",
        "llamenme por favor", "Quiero una llamada", "que me llamen", "Call me now",
    ),
    Meaning.WRONG_NUMBER: (
        "WRONG", "wrong", "WRONG NUMBER", "Wrong number.", "Sorry, wrong number", "wrong number sorry!", "Wrong person",
        "you have the wrong number", "You’ve got the wrong number", "I think you have the wrong number",
        "this isn't me",
        "not me", "Wrong number stop", "Wrong number. Please stop texting me.", "NÚMERO EQUIVOCADO",
        "numero equivocado",
        "Número equivocado, disculpe", "Equivocado", "Tiene el número equivocado", "Se equivocó de número", "No soy yo",
        "número incorrecto", "persona equivocada",
    ),
    Meaning.TEXT: (
        # danger
        "won't stop bleeding", "it won't stop bleeding", "It wont STOP", "bleeding will not stop", "stop the bleeding?",
        "How do I stop the bleeding", "can't stop shaking", "I can't stop shaking and have a fever", "stop the pain?",
        "please stop the pain", "make it stop", "the pain won't stop", "It doesn't stop", "stopped breathing well",
        "please call an ambulance", "call an ambulance", "Call 911", "call my wife", "call my doctor", "please help",
        "help me", "HELP ME PLEASE", "I need help", "help I can't breathe", "Please help me", "my heart stops",
        "should I stop my pills?", "Do I stop the blood thinner", "stop taking ibuprofen?", "when can I stop",
        "can I start exercise", "start swimming again?", "Did you cancel my appointment", "cancel my appointment",
        "end of the needle broke?", "quit smoking", "something is wrong", "what's wrong with me", "wrong side hurts",
        "I think they injected the wrong shoulder", "wrong number of pills", "No stop sign", "non-stop pain", "nonstop",
        # plain words
        "No", "NO", "no.", "Nope", "Yes", "YES", "Y", "N", "T D", "Si", "Sí", "SÍ", "Ok", "👍", "Thanks", "Thank you!",
        "please",
        "Fine", "1", "", " ", "?", "!!!", "😀😀😀", "No pain", "no problem", "No thanks", "no more", "No more pain",
        "good",
        "not yet", "I am better", "I will call", "call you later", "Don't stop", "dont stop", "never stop",
        "do not stop",
        "STOP bleeding", "stop or start?", "start stop", "yes stop calling it a shot and call me tomorrow",
        "Who is this",
        # both an opt-out word and more
        "STOP I am bleeding", "stop, it hurts", "Stop. Also my arm is red", "Stop. But please call me tomorrow",
        # Spanish
        "no para de sangrar", "No deja de sangrar", "no puedo parar de temblar", "No puedo respirar", "Ayúdeme",
        "ayuda por favor", "Ayuda no puedo respirar", "llame a una ambulancia", "por favor llame a una ambulancia",
        "Llame al 911", "no más dolor", "no mas sangre", "No", "no gracias", "Gracias", "Todo bien", "me duele",
        "la presión está alta", "tengo la presión baja", "estoy de baja del trabajo", "para el dolor", "¿Para qué?",
        "salir a caminar?", "puedo salir", "cancelar mi cita", "algo está equivocado", "me equivoqué", "alta",
        "parar la pastilla?", "¿Cuándo puedo parar?", "detener el sangrado", "No quiero más dolor",
    ),
}  # fmt: skip


def phrases() -> list[tuple[str, Meaning]]:
    return [(phrase, meaning) for meaning, every in READ.items() for phrase in every]


def test_at_least_150_phrases_are_read() -> None:
    assert len({phrase for phrase, _ in phrases()}) >= 300


@pytest.mark.parametrize(("phrase", "meaning"), phrases())
def test_a_phrase_is_read_for_what_it_is(phrase: str, meaning: Meaning) -> None:
    assert keywords.read(phrase).meaning is meaning


@pytest.mark.parametrize(("phrase", "meaning"), [one for one in phrases() if one[1] is not Meaning.TEXT])
def test_with_one_more_word_it_is_for_a_person(phrase: str, meaning: Meaning) -> None:
    assert keywords.read(f"{phrase} breathing").meaning is Meaning.TEXT, meaning
    assert keywords.read(f"bleeding {phrase}").meaning is Meaning.TEXT, meaning


@pytest.mark.parametrize(
    ("phrase", "language"),
    [("PARAR", "es"), ("Ayuda", "es"), ("Número equivocado", "es"), ("STOP", None), ("CALL", None), ("hola", None)],
)
def test_only_words_of_one_language_tell_the_language(phrase: str, language: str | None) -> None:
    assert keywords.read(phrase).language == language


@pytest.mark.parametrize(
    "text",
    [
        "won't stop bleeding", "I don't want these messages any more, ok?", "Why do you keep messaging, I said no",
        "You never stop", "Stop the texts already, ugh, third time", "No quiero que me lleguen mas mensajes de ustedes",
        "nunca pedí estos mensajes", "I am not the one, cancel it",
    ],
)  # fmt: skip
def test_a_refusal_in_other_words_is_marked_for_staff(text: str) -> None:
    assert keywords.read(text).meaning is Meaning.TEXT
    assert keywords.may_opt_out(text)


@pytest.mark.parametrize("text", ["No", "No pain", "stop the pain?", "Thanks for the message", "me duele", "", "😀"])
def test_other_words_are_not_marked(text: str) -> None:
    assert not keywords.may_opt_out(text)


@given(st.text(max_size=300))
def test_no_text_makes_it_stumble(text: str) -> None:
    assert keywords.read(text).meaning in Meaning
    assert keywords.may_opt_out(text) in (True, False)


@given(st.text(alphabet="stopSTOP🛑 .!\u200d\u0301İß-", max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert keywords.fold(keywords.fold(text)) == keywords.fold(text)


def test_a_very_long_text_is_for_a_person_and_costs_little() -> None:
    assert keywords.read("please " * 2000 + "stop").meaning is Meaning.TEXT
