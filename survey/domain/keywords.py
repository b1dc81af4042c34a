"""What a text that came in asks for: opt-out and its relatives as whole messages, in English and Spanish.

"Won't stop bleeding", "No" and "please call an ambulance" are words to a person, and never a keyword.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from survey.domain import red_words


class Meaning(StrEnum):
    """What a text that came in is."""

    STOP = "stop"
    """No more texts that leave by themselves."""
    STOP_ALL = "stop_all"
    """No text whatever."""
    START = "start"
    HELP = "help"
    """Who are you?"""
    CALL = "call"
    WRONG_NUMBER = "wrong_number"
    TEXT = "text"
    """Anything else: words to a person."""


STOPS = frozenset({Meaning.STOP, Meaning.STOP_ALL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """What a whole text means. `language` is set where the words are of one language only."""

    meaning: Meaning
    language: str | None = None


_ENGLISH: Mapping[Meaning, str] = {
    # FCC 47 CFR 64.1200(a)(10) and the carriers' lists; then the spellings of a thumb in a hurry.
    Meaning.STOP: """
        stop; quit; end; revoke; cancel; unsubscribe; opt out; optout; arret; remove; remove me; td; stop it
        stop this; stpo; sotp; tsop; stp; sto; stopp; sttop; stoop; atop; dtop; syop; sto p; s top; stop p
        stop stop; stop stop stop; unsubscibe; unsubcribe; unsuscribe; unsubscrib; un subscribe; cancle; cancell
        opt put; optut; stop texting; stop texting me; stop messaging; stop messaging me; stop text; stop texts
        stop messages; stop sending; stop sending texts; stop sending messages; stop sending me texts
        stop sending me messages; stop sending texts to me; stop sending me these texts
        stop sending me these messages; stop sending these; stop these texts; stop these messages
        stop the texts; stop the messages; stop contacting me; stop reminders; quit texting; quit texting me
        quit sending me texts; quit messaging me; end texts; end messages; cancel texts; cancel messages
        cancel text; cancel text messages; stop text messages; cancel subscription; no texts; no more texts
        no more messages; no more text messages; no more texting; do not text; dont text; do not text me
        dont text me; do not text me again; dont text me again; dont text me anymore; do not message me
        dont message me; do not contact me; dont contact me; do not send me texts; dont send me texts
        dont send me messages; do not send me messages; dont send me any more texts
        dont send me any more messages; never text me again; unsubscribe me; opt me out; opt out me; i opt out
        i want to opt out; i would like to opt out; i want to unsubscribe; take me off; take me off the list
        take me off your list; take me off this list; remove me from the list; remove me from your list
        remove me from this list; remove my number; remove this number; delete my number; i revoke
        i revoke my consent; revoke consent; reply stop; text stop; stop to opt out; stop to end; stop to stop
        i dont want texts; i do not want texts; i dont want these texts; i dont want any more texts
        i do not want any more texts; i dont want any more messages; no longer text me""",
    Meaning.STOP_ALL: """
        stop all; stopall; stop everything; stop all texts; stop all messages; stop all contact
        stop all texting; cancel all; end all; quit all; unsubscribe all; unsubscribe from all
        unsubscribe me from everything; optoutall; opt out all; opt out of all; opt out of everything; stop al
        stpo all; stop alll; revoke all""",
    Meaning.START: """
        start; unstop; un stop; resume; restart; start again; start texts; start texting; start texting me
        opt in; optin; opt me in; subscribe; resubscribe; rejoin; sart; strat; start texting me again
        text me again""",
    Meaning.HELP: "help; info; information; hlep; hepl; help info",
    Meaning.CALL: """
        call; call me; call back; callback; call me back; phone me; ring me; call me now; call me today
        call me asap; i want a call; i would like a call; i want a call back; i would rather have a call
        i prefer a call; prefer a call; a call; phone call; have someone call me; have somebody call me
        call instead; cal; cal me; give me a call; i need a call; i need a call back""",
    Meaning.WRONG_NUMBER: """
        wrong; wrong number; wrong person; wrong no; wrong num; wrong numbr; wrng number; worng number
        wrong nmber; wrong phone number; wrong phone; incorrect number; not me; its not me; this is not me
        this isnt me; thats not me; not my number; this is the wrong number; its the wrong number
        that is the wrong number; its a wrong number; you have the wrong number; you have a wrong number
        you have wrong number; you got the wrong number; youve got the wrong number; u have the wrong number
        u got the wrong number; you have the wrong person; i think you have the wrong number
        i think you have the wrong person; i think this is the wrong number; wrong number stop
        stop wrong number; wrong number stop texting; wrong number stop texting me; wrong number please stop
        wrong number please stop texting me; wrong number remove me; wrong number unsubscribe; wrong person stop
        not me stop; you have the wrong number stop; you have the wrong number stop texting me""",
}
_SPANISH: Mapping[Meaning, str] = {
    Meaning.STOP: """
        parar; pare; paren; para; paralo; alto; baja; cancelar; cancele; cancelen; cancela; no mas; detener
        detenga; detengan; deten; detenlo; salir; salirme; terminar; termine; fin; basta; ya basta; quitar
        quitarme; quiteme; quitenme; eliminar; eliminarme; eliminame; suspender; suspenda; anular; anule
        desuscribir; desuscribirme; desuscribirse; borrar; borrarme; borrenme; remover; dar de baja
        darme de baja; dame de baja; deme de baja; denme de baja; darse de baja; quiero darme de baja
        quiero la baja; parrar; parra; cancelr; canselar; detner; parar mensajes; parar los mensajes
        parar los textos; parar textos; pare los mensajes; pare de enviar mensajes; pare de enviarme mensajes
        paren de enviar mensajes; paren de enviarme mensajes; paren los mensajes; parar de enviar mensajes
        no mas mensajes; no mas textos; no mas mensajes de texto; no mas sms; no quiero mas mensajes
        no quiero mas textos; no quiero mensajes; no quiero recibir mensajes; no quiero recibir mas mensajes
        no deseo mensajes; no deseo mas mensajes; no deseo recibir mensajes; no deseo recibir mas mensajes
        ya no quiero mensajes; ya no quiero mas mensajes; no me envie mas mensajes; no me envien mas mensajes
        no me mande mas mensajes; no me manden mas mensajes; no me mandes mas mensajes; no me envie mensajes
        no me envien mensajes; no me manden mensajes; no me mande mensajes; no enviar mas mensajes
        no envie mas mensajes; no envien mas mensajes; no manden mas mensajes; no me escriba mas
        no me escriban mas; no me escribas mas; no me escriban; no me escriba; no me contacten; no me contacte
        no me contacten mas; no me textee mas; dejen de enviarme mensajes; deje de enviarme mensajes
        deja de enviarme mensajes; dejen de enviar mensajes; deje de enviar mensajes; dejen de mandarme mensajes
        deje de mandarme mensajes; dejen de mandar mensajes; dejen de escribirme; deje de escribirme
        deja de escribirme; dejen de molestar; cancelar mensajes; cancelar los mensajes; cancelar suscripcion
        cancelar la suscripcion; cancelar textos; quiteme de la lista; quitenme de la lista; saqueme de la lista
        saquenme de la lista; borren mi numero; eliminen mi numero; borre mi numero; responder stop""",
    Meaning.STOP_ALL: """
        parar todo; pare todo; paren todo; alto todo; alto a todo; cancelar todo; cancele todo; detener todo
        baja total; detenga todo; baja de todo; parar todos los mensajes; cancelar todos los mensajes
        no mas de nada; stop todo; stop a todo""",
    Meaning.START: """
        empezar; empiece; empieza; iniciar; inicio; comenzar; comience; reanudar; reanude; suscribir
        suscribirme; volver a empezar; reiniciar; quiero recibir mensajes""",
    Meaning.HELP: "ayuda; informacion; ayda; ayuda informacion; mas informacion",
    Meaning.CALL: """
        llamar; llama; llame; llamen; llamame; llameme; llamenme; llamarme; llamada; una llamada
        quiero una llamada; quiero que me llamen; quiero que me llame; prefiero una llamada
        prefiero que me llamen; pueden llamarme; puede llamarme; me pueden llamar; me puede llamar; llamenme hoy
        llameme hoy; llamame hoy; necesito una llamada; necesito que me llamen; que me llamen; yamar; yamenme""",
    Meaning.WRONG_NUMBER: """
        numero equivocado; equivocado; equivocada; numero incorrecto; numero erroneo; persona equivocada
        no soy yo; este no soy yo; no es mi numero; es numero equivocado; es un numero equivocado
        es el numero equivocado; este es un numero equivocado; este es el numero equivocado
        este numero es equivocado; este numero no es correcto; tiene el numero equivocado
        tienen el numero equivocado; tiene numero equivocado; tienen numero equivocado
        tienes el numero equivocado; se equivoco de numero; se equivocaron de numero; se equivoca de numero
        no soy esa persona; no soy la persona; numero ekivocado; nimero equivocado; numero equibocado
        numero equivocado parar; numero equivocado pare; numero equivocado no mas mensajes
        numero equivocado stop""",
}


def _table() -> Mapping[str, Keyword]:
    """Every phrase, folded. A phrase of both languages belongs to neither, so that the patient's own decides."""
    english, spanish = _phrases(_ENGLISH), _phrases(_SPANISH)
    own = {phrase: Keyword(meaning=meaning, language="es") for phrase, meaning in spanish.items()}
    return own | {phrase: Keyword(meaning=meaning) for phrase, meaning in english.items()}


def _phrases(lists: Mapping[Meaning, str]) -> dict[str, Meaning]:
    return {phrase: meaning for meaning, written in lists.items() for phrase in _split(written)}


def _split(written: str) -> frozenset[str]:
    parts = written.replace("\n", ";").split(";")
    return frozenset(part.strip() for part in parts if part.strip())


_KEYWORDS = _table()
_TEXT = Keyword(meaning=Meaning.TEXT)

_POLITE = _split("""
    please; pls; plz; plse; kindly; thanks; thx; thank you; sorry; hi; hello; hey; ok; okay; just; now; already; can you
    could you; would you; will you; sir; maam; gracias; por favor; porfavor; favor; porfa; hola; ya; ahora; perdon
    disculpe; lo siento""")
_ALONE = frozenset({Meaning.HELP, Meaning.START})
"""Not read with a "please" around them: "please help" is a cry, and a text may start again for a bare START only."""
_LONGEST = 80
"""No keyword with its courtesies is longer; whatever is, is a text."""


def read(body: str) -> Keyword:
    """What the whole text asks for; TEXT for whatever has a word that no keyword has."""
    folded = fold(body)
    if len(folded) > _LONGEST:
        return _TEXT
    found = _KEYWORDS.get(folded)
    if found is not None:
        return found
    asked = _KEYWORDS.get(_without_courtesies(folded), _TEXT)
    return _TEXT if asked.meaning in _ALONE else asked


def fold(body: str) -> str:
    """Small letters without accents, punctuation, emoji or invisible signs, single spaces; "S.T.O.P." reads "stop"."""
    visible = "".join(sign for sign in unicodedata.normalize("NFKC", body) if unicodedata.category(sign) != "Cf")
    words = red_words.plain(visible).split()
    spelled = len(words) > 2 and all(len(word) == 1 for word in words)
    return "".join(words) if spelled else " ".join(words)


def _without_courtesies(folded: str) -> str:
    words = folded.split()
    while (shorter := _one_less(words)) != words:
        words = shorter
    return " ".join(words)


def _one_less(words: list[str]) -> list[str]:
    """The words without one courtesy at either end; one of two words is looked for first."""
    for size in (2, 1):
        if " ".join(words[:size]) in _POLITE:
            return words[size:]
        if " ".join(words[-size:]) in _POLITE:
            return words[:-size]
    return words


_TOPICS = (
    re.compile(r"\b(stop\w*|unsubscribe|cancel|quit|revoke|remove|parar|paren?|dejen?|alto|baja|cancelar|detener)\b"),
    re.compile(r"\b(text\w*|messag\w*|mensajes?|sms|list|lista)\b"),
    re.compile(r"\b(not?|dont|never|without|wont|cant|nunca|jamas|nada|tampoco)\b"),
)
"""Words for an end, words for what we send, words of refusal."""


def may_opt_out(body: str) -> bool:
    """Whether a text to a person may also ask for an end of the texts, so that staff look at that too."""
    folded = fold(body)
    return sum(bool(topic.search(folded)) for topic in _TOPICS) >= 2
