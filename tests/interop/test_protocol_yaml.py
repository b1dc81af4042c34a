"""A pack is loaded whole or refused with the file, the line, the key and what is allowed."""

import hashlib
import time
from itertools import pairwise
from pathlib import Path

import pytest

from survey.domain.protocol import (
    Flag,
    Hazard,
    Protocol,
    Reminder,
    ReminderBy,
    Tier,
    UnknownException,
    Worse,
)
from survey.interop.protocol_yaml import ProtocolError, load, renumbered

PACK = Path(__file__).parents[2] / "config/protocols/trigger-point-injection/v1.yaml"

SMALL = """\
protocol: small
version: 1
title: { en: Small, es: Pequeño }
languages: [en, es]
schedule:
  day2: { day: 2, at: "10:00", items: all, reminders: [{ after_hours: 4, by: same }, { after_hours: 24, by: other }] }
flags:
  thin: { label: { en: Thin, es: Delgado } }
body_sites:
  arm:
    label: { en: Arm, es: Brazo }
    sets: { thin: no }
agents: {}
items:
  pain:
    kind: scale
    label: { en: Pain, es: Dolor }
    text: { en: "How bad?", es: "¿Cuánto?" }
    low: { en: None, es: Nada }
    high: { en: Most, es: Lo peor }
  mood:
    kind: choice
    label: { en: Mood, es: Ánimo }
    show_if: { item: pain, at_least: 4 }
    text: { en: "How are you?", es: "¿Cómo está?" }
    ordered: true
    options:
      no: { en: Well, es: Bien }
      bad: { en: Bad, es: Mal }
  look:
    kind: lines
    label: { en: Look, es: Mire }
    text: { en: "Is there any?", es: "¿Hay algo?" }
    ordered: true
    lines:
      red: { en: Red, es: Rojo }
    exclusive_line:
      nolook: { en: I could not, es: No pude }
  temp:
    kind: number
    label: { en: Heat, es: Calor }
    text: { en: "How hot?", es: "¿Cuánto?" }
    unit: { en: °F, es: °F }
    least: 95
    most: 108.0
    decimals: 1
    worse: higher
  oxygen:
    kind: number
    label: { en: Oxygen, es: Oxígeno }
    text: { en: "How much?", es: "¿Qué número?" }
    unit: { en: "%", es: "%" }
    least: 70
    most: 100
    worse: lower
  note:
    kind: text
    label: { en: Note, es: Nota }
    text: { en: "More? Call {phone}.", es: "¿Más? Llame al {phone}." }
    required: false
    max_length: 100
sets:
  sad: { item: mood, in: [bad] }
rules:
  U1:
    tier: urgent
    when:
      all:
        - { set: sad }
        - { flag: thin }
    why: Sad and thin
    source: judgement
    advice: { en: Sit down., es: Siéntese. }
  S1:
    tier: soon
    when:
      at_least: 2
      of:
        - { item: pain, at_least: 7 }
        - { item: look, lines: [red] }
        - { rule: U1 }
        - { unanswered: any }
    why: Two signs
    source: judgement
  S2:
    tier: soon
    when:
      any:
        - { item: temp, at_least: 100.4 }
        - { all: [{ item: oxygen, at_most: 92 }, { flag: thin, known: true }] }
    why: Ill
    source: judgement
unknown_as_absent:
  thin: { rules: [S2], why: Many are not weighed }
hazards:
  hot:
    says: Heat gets a call
    when: { any: [{ item: temp, at_least: 101 }, { all: [{ rule: S2 }, { item: temp, at_most: 99.5 }] }] }
    at_least: soon
  mild: { says: Pain alone never pages, only: [pain, mood, thin], at_least: soon, at_most: soon }
red_words:
  en: [help me]
  es: [ayuda]
tiers:
  routine: { heading: { en: Fine, es: Bien }, body: [{ en: "Call {phone}.", es: "Llame al {phone}." }] }
  soon: { heading: { en: Soon, es: Pronto }, body: [{ en: "By {day}.", es: "Antes del {day}." }] }
  urgent: { heading: { en: Now, es: Ya }, body: [{ en: "By {time}.", es: "Antes de las {time}." }] }
  emergency: { heading: { en: "Call {emergency}", es: "Llame al {emergency}" }, body: [{ en: Go., es: Vaya. }] }
words:
  call_clinic: { en: Call us, es: Llámenos }
  call_emergency: { en: "Call {emergency}", es: "Llamar al {emergency}" }
  emergency_line: { en: "Call {emergency}.", es: "Llame al {emergency}." }
  flag_no: { en: no, es: no }
  flag_unknown: { en: not known, es: no se sabe }
  flag_yes: { en: yes, es: sí }
  gate_helper: { en: A helper, es: Ayudante }
  gate_question: { en: "Who?", es: "¿Quién?" }
  gate_self: { en: Me, es: Yo }
  gate_wrong: { en: Not me, es: No soy yo }
  line_no: { en: No, es: No }
  line_yes: { en: Yes, es: Sí }
  not_answered: { en: Open, es: Abierto }
  scale_answer: { en: "{number} of {most}", es: "{number} de {most}" }
"""


def refusal(old: str, new: str) -> list[str]:
    """What is said of the small pack with one thing changed, a line for each mistake."""
    assert old in SMALL
    with pytest.raises(ProtocolError) as refused:
        load(SMALL.replace(old, new, 1), name="small.yaml")
    return refused.value.message.splitlines()


def line_of(text: str) -> int:
    """The line, from 1, on which `text` stands in the small pack."""
    return SMALL[: SMALL.index(text)].count("\n") + 1


def test_the_shipped_pack_loads_whole() -> None:
    protocol = load(PACK)

    assert isinstance(protocol, Protocol)
    assert (protocol.slug, protocol.version, protocol.languages) == ("trigger-point-injection", 1, ("en", "es"))
    assert [len(part) for part in (protocol.items, protocol.rules, protocol.touches)] == [15, 37, 2]
    assert protocol.source_text == PACK.read_text(encoding="utf-8")
    assert protocol.sha256 == hashlib.sha256(PACK.read_bytes()).hexdigest()


def test_a_small_pack_says_what_it_means() -> None:
    protocol = load(SMALL)

    assert protocol.rules[0].tier is Tier.URGENT
    assert protocol.body_sites[0].sets == {"thin": Flag.NO}
    assert [option.key for option in protocol.item("mood").options] == ["no", "bad"]
    assert protocol.item("look").exclusive_line is not None


def test_a_number_a_promise_an_exception_and_reminders_say_what_they_mean() -> None:
    protocol = load(SMALL)
    temp, oxygen = protocol.item("temp"), protocol.item("oxygen")

    assert (temp.least, temp.most, temp.decimals, temp.worse, temp.ordered) == (95, 108.0, 1, Worse.HIGHER, True)
    assert (oxygen.least, oxygen.most, oxygen.decimals, oxygen.worse) == (70, 100, 0, Worse.LOWER)
    assert protocol.hazards[1] == Hazard(
        key="mild",
        says="Pain alone never pages",
        only=("pain", "mood", "thin"),
        at_least=Tier.SOON,
        at_most=Tier.SOON,
    )
    assert protocol.unknown_exceptions == (UnknownException(flag="thin", rules=("S2",), why="Many are not weighed"),)
    assert protocol.touches[0].reminders == (
        Reminder(after_hours=4, by=ReminderBy.SAME),
        Reminder(after_hours=24, by=ReminderBy.OTHER),
    )


def test_promises_exceptions_and_reminders_may_be_left_out() -> None:
    start, end = SMALL.index("unknown_as_absent:"), SMALL.index("red_words:")
    reminders = SMALL[SMALL.index(", reminders: ") : SMALL.index(" }\nflags:")]

    protocol = load((SMALL[:start] + SMALL[end:]).replace(reminders, ""))

    assert (protocol.hazards, protocol.unknown_exceptions, protocol.touches[0].reminders) == ((), (), ())


def test_a_number_without_order_is_taken_as_long_as_no_rule_compares_it() -> None:
    start, end = SMALL.index("  oxygen:"), SMALL.index("  note:\n    kind")
    weight = SMALL[start:end].replace("oxygen:", "weight:").replace("worse: lower", "worse: neither")

    assert load(SMALL[:end] + weight + SMALL[end:]).item("weight").ordered is False


def test_a_promise_may_speak_of_mild_answers_though_a_rule_may_not() -> None:
    mild = "when: { item: pain, at_most: 3 }\n    at_least: soon"
    start, end = SMALL.index("    when: { any: [{ item: temp, at_least: 101 }"), SMALL.index("  mild: {")

    assert load(SMALL[:start] + f"    {mild}\n" + SMALL[end:]).hazards[0].when is not None


def test_yes_and_no_stay_words_and_do_not_become_true_and_false() -> None:
    protocol = load(SMALL)

    assert protocol.words["flag_no"] == {"en": "no", "es": "no"}


BOMB = [(new, ", ".join([f"*{old}"] * 9)) for old, new in pairwise("abcdefghijklmnopqrstuvwxyz")]
"""Each list holds the one before it nine times: written out, more entries than there are atoms in a person."""

REFUSED = {
    "unknown key at the top": (
        "agents: {}",
        "agents: {}\nagent: {}",
        None,
        "unknown key agent; allowed: protocol,",
    ),
    "unknown key in an item": (
        "kind: scale",
        "kind: scale\n    mood: x",
        None,
        "items.pain: unknown key mood; allowed: label,",
    ),
    "key of another kind of item": (
        "low: {",
        "max_length: 3\n    low: {",
        None,
        "items.pain: unknown key max_length; allowed:",
    ),
    "key that is missing": (
        "    source: judgement\n    advice",
        "    advice",
        None,
        "rules.U1.source: is missing; write where the number comes from",
    ),
    "part that may be empty left out": ("agents: {}\n", "", None, "agents: is missing; write agents: {} if there are"),
    "unknown kind of item": (
        "kind: scale",
        "kind: slider",
        "kind: scale",
        "allowed: choice, lines, scale, number, text",
    ),
    "order left unsaid": (
        "    ordered: true\n    options",
        "    options",
        None,
        "items.mood.ordered: is missing; allowed: true where",
    ),
    "text where a number belongs": (
        "max_length: 100",
        'max_length: "100"',
        "max_length: 100",
        "items.note.max_length: should be",
    ),
    "number where a text belongs": ("why: Sad and thin", "why: 3", "why: Sad", "rules.U1.why: should be a text"),
    "list where keys belong": (
        "title: { en: Small, es: Pequeño }",
        "title: [a]",
        "title:",
        "title: should be keys, each with a colon behind it",
    ),
    "one thing where a list belongs": ("in: [bad]", "in: bad", "sad:", "sets.sad.in: should be a list"),
    "unknown tier": ("tier: soon", "tier: later", "tier: soon", "rules.S1.tier: should be 'routine', 'soon', 'urgent'"),
    "id of a rule misspelt": ("  S1:", "  soon1:", "  S1:", "one capital letter and up to three digits"),
    "key in capitals": ("      bad: {", "      BAD: {", "      bad: {", "small letters, digits and _, a letter first"),
    "time that is none": ('"10:00"', '"25:00"', "day2:", "a time from 00:00 to 23:59"),
    "flag value that is none": (
        "sets: { thin: no }",
        "sets: { thin: maybe }",
        "sets: { thin",
        "should be 'yes', 'no' or 'unknown'",
    ),
    "tier without a page": (
        "  soon: {",
        "  later: {",
        "  soon: {",
        "tiers: unknown key later; allowed: routine, soon,",
    ),
    "key twice": ("  S1:\n", "  U1:\n", "  S1:", "the key U1 stands here twice, first on line"),
    "language twice in a text": (
        "{ en: Red, es: Rojo }",
        "{ en: Red, en: Rojo }",
        "{ en: Red",
        "the key en stands here twice",
    ),
    "option given twice": ("      bad: {", "      no: {", "      bad: {", "the key no stands here twice"),
    "not a condition": (
        "{ set: sad }\n",
        "{ sets: sad }\n",
        "- { set: sad }",
        "is not a condition; allowed: item with in",
    ),
    "condition with a key too many": (
        "{ flag: thin }",
        "{ flag: thin, is: 1 }",
        "- { flag: thin }",
        "unknown key is; allowed: flag, known",
    ),
    "condition that is no mapping": (
        "        - { set: sad }",
        "        - sad",
        "- { set: sad }",
        "rules.U1.when.all.0: is not a condition",
    ),
    "unknown set": ("{ set: sad }\n", "{ set: glad }\n", "- { set: sad }", "there is no set called glad; allowed: sad"),
    "unknown flag": (
        "{ flag: thin }",
        "{ flag: thick }",
        "- { flag: thin }",
        "there is no flag called thick; allowed: thin",
    ),
    "unknown rule": (
        "{ rule: U1 }",
        "{ rule: U9 }",
        "- { rule: U1 }",
        "there is no rule called U9; allowed: U1, S1, S2",
    ),
    "unknown item": (
        "{ item: mood, in: [bad] }",
        "{ item: mud, in: [bad] }",
        "sad: {",
        "there is no item called mud; allowed: pain, mood",
    ),
    "unknown option": (
        "in: [bad]",
        "in: [bad, sad]",
        "sad: {",
        "sets.sad.in.1: there is no option called sad; allowed: no, bad",
    ),
    "unknown line": (
        "lines: [red]",
        "lines: [blue]",
        "lines: [red]",
        "there is no line called blue; allowed: red, nolook",
    ),
    "open item that is none": (
        "unanswered: any",
        "unanswered: toes",
        "unanswered",
        "there is no item called toes; allowed: any, pain",
    ),
    "open item that never is": (
        "unanswered: any",
        "unanswered: note",
        "unanswered",
        "note is not required, so it is never open",
    ),
    "scale compared as a choice": (
        "{ item: mood, in",
        "{ item: pain, in",
        "sad: {",
        "pain is a scale item; this condition wants a choice item",
    ),
    "choice compared as a scale": (
        "{ item: pain, at_least: 7 }",
        "{ item: mood, at_least: 7 }",
        "- { item: pain",
        "mood is a choice item",
    ),
    "scale beyond its end": (
        "{ item: pain, at_least: 7 }",
        "{ item: pain, at_least: 11 }",
        "- { item: pain",
        "allowed: 1 to 10",
    ),
    "scale that always holds": (
        "{ item: pain, at_least: 7 }",
        "{ item: pain, at_least: 0 }",
        "- { item: pain",
        "allowed: 1 to 10",
    ),
    "more parts than there are": (
        "at_least: 2\n",
        "at_least: 5\n",
        "at_least: 2",
        "5 is not possible; allowed: 1 to 4",
    ),
    "flag of a site unknown": (
        "sets: { thin: no }",
        "sets: { thick: no }",
        "sets: { thin",
        "there is no flag called thick",
    ),
    "touch with an unknown item": ("items: all", "items: [toes]", "day2:", "there is no item called toes"),
    "set in a circle": ("sad: { item: mood, in: [bad] }", "sad: { any: [{ set: sad }] }", "sad: {", "sad needs sad"),
    "rule in a circle": ("{ set: sad }\n", "{ rule: S1 }\n", "  U1:", "goes round in a circle"),
    "branch on itself": (
        "{ item: pain, at_least: 4 }",
        "{ set: sad }",
        "show_if",
        "items.mood.show_if: depends on mood; allowed: earlier items (pain)",
    ),
    "branch on a later item": (
        "{ item: pain, at_least: 4 }",
        "{ item: look, lines: [red] }",
        "show_if",
        "depends on look; allowed",
    ),
    "branch on a rule": ("{ item: pain, at_least: 4 }", "{ rule: U1 }", "show_if", "may only stand in a rule"),
    "text without a language": (
        "{ en: Red, es: Rojo }",
        "{ en: Red }",
        "red: {",
        "items.look.lines.red: the text in es is missing",
    ),
    "text in a language too many": (
        "{ en: Red, es: Rojo }",
        "{ en: Red, es: Rojo, fr: Rouge }",
        "red: {",
        "fr is not a language of this protocol; allowed: en, es",
    ),
    "empty text": (
        "{ en: Red, es: Rojo }",
        '{ en: Red, es: "" }',
        "red: {",
        "items.look.lines.red.es: should not be empty",
    ),
    "phrases without a language": ("  es: [ayuda]\n", "", "red_words:", "red_words: the text in es is missing"),
    "placeholder misspelt": (
        "By {day}.",
        "By {dya}.",
        "soon: {",
        "{dya} cannot be filled here; allowed: {date}, {day}, {emergency}, {phone}",
    ),
    "placeholder of another page": ("By {day}.", "By {time}.", "soon: {", "{time} cannot be filled here"),
    "placeholder where none can be": (
        "en: Red,",
        'en: "Red {phone}",',
        "red: {",
        "{phone} cannot be filled here; allowed: none",
    ),
    "placeholder in one language only": (
        "Llame al {phone}.",
        "Llame.",
        'text: { en: "More?',
        "items.note.text: the languages use different placeholders",
    ),
    "brace alone": ("en: Red,", 'en: "Red }",', "red: {", "a brace stands alone"),
    "sentence missing": (
        "  gate_self: { en: Me, es: Yo }\n",
        "",
        "words:\n  call",
        "the sentence gate_self is missing",
    ),
    "sentence unknown": (
        "  gate_self: {",
        "  gate_myself: {",
        "  gate_self: {",
        "unknown key gate_myself; allowed: call_clinic",
    ),
    "item called like a flag": (
        "thin: { label",
        "pain: { label",
        "  pain:\n",
        "items.pain: is the key of a flag as well",
    ),
    "item called any": ("  note:\n    kind", "  any:\n    kind", "  note:\n    kind", "items.any: is a reserved word"),
    "exclusive line twice": ("      nolook: {", "      red: {", "nolook: {", "is the key of another line as well"),
    "language listed twice": ("[en, es]", "[en, es, en]", "languages:", "en is listed twice"),
    "anchor used again": (
        "{ en: Arm, es: Brazo }",
        "&a { en: Arm, es: Brazo, fr: *a }",
        "{ en: Arm",
        "anchors and aliases are not allowed",
    ),
    "tag": (
        "title: {",
        "title: !!python/object:os.system {",
        "title:",
        "the tag tag:yaml.org,2002:python/object:os.system is not allowed",
    ),
    "number without a unit": ('    unit: { en: "%", es: "%" }\n', "", None, "items.oxygen.unit: is missing"),
    "unit in one language only": (
        '{ en: "%", es: "%" }',
        '{ en: "%" }',
        'unit: { en: "%"',
        "items.oxygen.unit: the text in es is missing",
    ),
    "number that gets worse nowhere": (
        "worse: lower",
        "worse: down",
        "worse: lower",
        "items.oxygen.worse: should be 'higher', 'lower' or 'neither'",
    ),
    "end of a number in words": (
        "least: 70",
        "least: seventy",
        "least: 70",
        "items.oxygen.least: should be a number, such as 7 or 100.4 (found: seventy)",
    ),
    "end of a number that is true": ("least: 70", "least: true", "least: 70", "should be a number, such as"),
    "end of a number too fine": (
        "least: 70",
        "least: 70.5",
        "least: 70",
        "items.oxygen.least: 70.5 is finer than decimals: 0; allowed: whole numbers",
    ),
    "ends of a number the wrong way round": (
        "most: 100\n",
        "most: 70\n",
        "most: 100\n",
        "items.oxygen.most: 70 is not above least; allowed: more than 70",
    ),
    "number with too many steps": (
        "most: 108.0",
        "most: 10095.1",
        "most: 108.0",
        "least and most are 100001 steps apart; allowed: at most 100000",
    ),
    "too many decimals": ("decimals: 1", "decimals: 3", "decimals: 1", "items.temp.decimals: should be less than"),
    "number compared on its better side": (
        "{ item: oxygen, at_most: 92 }",
        "{ item: oxygen, at_least: 92 }",
        "- { all: [{ item: oxygen",
        "a worse answer could switch this off; allowed: at_most, for oxygen gets worse the lower it is",
    ),
    "scale compared on its better side": (
        "{ item: pain, at_least: 7 }",
        "{ item: pain, at_most: 7 }",
        "- { item: pain",
        "a worse answer could switch this off; allowed: at_least, for pain gets worse the higher it is",
    ),
    "branch on a better number": (
        "{ item: pain, at_least: 4 }",
        "{ item: pain, at_most: 4 }",
        "show_if",
        "items.mood.show_if.at_most: a worse answer could switch this off",
    ),
    "number without order compared": (
        "worse: lower",
        "worse: neither",
        "- { all: [{ item: oxygen",
        "a rule compares oxygen, which has no order; allowed: worse: higher or worse: lower in items.oxygen",
    ),
    "number without order compared in a promise": (
        "worse: higher",
        "worse: neither",
        "when: { any: [{ item: temp",
        "hazards.hot.when.any.0.item: a rule compares temp, which has no order",
    ),
    "number compared too finely": (
        "at_least: 100.4",
        "at_least: 100.45",
        "- { item: temp, at_least: 100.4",
        "100.45 is finer than what temp takes; allowed: at most 1 digit behind the point",
    ),
    "number that always passes": (
        "at_least: 100.4",
        "at_least: 95",
        "- { item: temp, at_least: 100.4",
        "95 says nothing of temp; allowed: 95.1 to 108.0",
    ),
    "number that never passes": (
        "at_most: 92",
        "at_most: 69",
        "- { all: [{ item: oxygen",
        "69 says nothing of oxygen; allowed: 70 to 99",
    ),
    "number compared in words": ("at_least: 100.4", "at_least: hot", "- { item: temp", "should be a number, such as"),
    "number asked as a choice": (
        "{ item: oxygen, at_most: 92 }",
        "{ item: oxygen, in: [low] }",
        "- { all: [{ item: oxygen",
        "oxygen is a number item; this condition wants a choice item; allowed for oxygen: at_most",
    ),
    "more parts than there are, further in": (
        "{ all: [{ item: oxygen, at_most: 92 }, { flag: thin, known: true }] }",
        "{ at_least: 3, of: [{ item: oxygen, at_most: 92 }, { flag: thin, known: true }] }",
        "- { all: [{ item: oxygen",
        "rules.S2.when.any.1.at_least: 3 is not possible; allowed: 1 to 2",
    ),
    "promise of nothing": (
        "    at_least: soon\n",
        "",
        "  hot:\n",
        "hazards.hot: promises nothing; allowed: at_least, at_most, asked, or never: true",
    ),
    "promise that the form never is so, and of a tier": (
        "at_least: soon, at_most: soon",
        "at_most: soon, never: true",
        "mild: {",
        "hazards.mild.never: leaves no case for the rest to speak of; allowed: never: true alone",
    ),
    "promise of no tier": (
        "at_least: soon, at_most: soon",
        "at_least: urgent, at_most: soon",
        "mild: {",
        "hazards.mild.at_least: urgent is above at_most: soon",
    ),
    "promise that is always kept": (
        "at_least: soon, at_most: soon",
        "at_least: routine",
        "mild: {",
        "hazards.mild.at_least: promises nothing, for no tier is below routine",
    ),
    "promise that does not say when": (
        "only: [pain, mood, thin], ",
        "",
        "mild: {",
        "hazards.mild: does not say when it holds; allowed: when, only or both",
    ),
    "promise on an unknown item": (
        "only: [pain, mood, thin]",
        "only: [pain, mud, thin]",
        "mild: {",
        "hazards.mild.only.1: there is no item, line or flag called mud; allowed: pain, mood, look, temp, oxygen,",
    ),
    "promise that an unknown item is asked": (
        "at_least: soon, at_most: soon",
        "asked: [mood, toes]",
        "mild: {",
        "hazards.mild.asked.1: there is no item called toes; allowed: pain, mood,",
    ),
    "promise on an unknown line": (
        "only: [pain, mood, thin]",
        "only: [look.blue]",
        "mild: {",
        "there is no item, line or flag called look.blue; allowed: ",
    ),
    "promise on an unknown rule": ("{ rule: S2 }", "{ rule: S9 }", "when: { any: [{ item: temp", "no rule called S9"),
    "promise misnamed": ("  mild: {", "  Mild: {", "  mild: {", "small letters, digits and _, a letter first"),
    "exception for an unknown flag": (
        "thin: { rules:",
        "thick: { rules:",
        "thin: { rules",
        "unknown_as_absent.thick: there is no flag called thick; allowed: thin",
    ),
    "exception for an unknown rule": (
        "rules: [S2]",
        "rules: [S2, S7]",
        "thin: { rules",
        "unknown_as_absent.thin.rules.1: there is no rule called S7",
    ),
    "exception for a rule that makes none": (
        "rules: [S2]",
        "rules: [S2, U1]",
        "thin: { rules",
        "unknown_as_absent.thin.rules.1: U1 does not say known: true of thin; allowed: S2",
    ),
    "reminders out of order": (
        "after_hours: 24",
        "after_hours: 4",
        "day2:",
        "reminders.1.after_hours: 4 is not after the reminder before it; allowed: more than 4",
    ),
    "a third reminder": (
        "{ after_hours: 24, by: other }",
        "{ after_hours: 24, by: other }, { after_hours: 48, by: same }",
        "day2:",
        "schedule.day2.reminders: should have at most 2 entries, not 3",
    ),
    "reminder by owl": ("by: other", "by: owl", "day2:", "should be 'same' or 'other'"),
    "option in one language only": (
        "      bad: {",
        "      so: { en: So so }\n      bad: {",
        "      bad: {",
        "items.mood.options.so: the text in es is missing",
    ),
    "anchors that explode": (
        "agents: {}",
        "agents: {}\nbomb:\n  - &a [x, x]\n" + "".join(f"  - &{n} [{o}]\n" for n, o in BOMB),
        None,
        "anchors and aliases are not allowed",
    ),
    "broken YAML": ("agents: {}", "agents: {", None, "this is not YAML"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(case: str) -> None:
    old, new, where, said = REFUSED[case]

    found = refusal(old, new)

    assert any(said in line for line in found), found
    assert all(line.startswith("small.yaml:") for line in found)
    if where:
        wanted = f"small.yaml:{line_of(where)}:"
        assert any(line.startswith(wanted) and said in line for line in found), (wanted, found)


def test_several_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        SMALL.replace("tier: soon", "tier: later").replace("kind: scale", "kind: slider").replace("day: 2", "day: -1")
    )

    with pytest.raises(ProtocolError) as refused:
        load(text, name="small.yaml")

    keys = [mistake.message.split(":")[0] for mistake in refused.value.mistakes]
    assert keys == ["schedule.day2.day", "items.pain.kind", "rules.S1.tier", "rules.S2.tier"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("protocol: knee\nversion: 1  # of 12\ntitle: 1\n", "protocol: knee\nversion: 7  # of 12\ntitle: 1\n"),
        ('# version: 1\nnote: version 3\n"version": 12\nx: { version: 1 }', None),
        ("note: |\n  version: 1\n  version: 2\nversion: 12\n", "note: |\n  version: 1\n  version: 2\nversion: 7\n"),
    ],
)
def test_a_text_gets_another_number_where_its_own_stands_and_nowhere_else(before: str, after: str | None) -> None:
    assert renumbered(before, 7) == (after or before.replace("12", "7"))


def test_anchors_that_explode_are_refused_at_once() -> None:
    began = time.monotonic()

    refusal(*REFUSED["anchors that explode"][:2])

    assert time.monotonic() - began < 2


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b\n", "[" * 5000, "a: " + "9" * 5000, "x" * 1_000_001])
def test_what_is_no_protocol_at_all_is_refused_in_words(text: str) -> None:
    with pytest.raises(ProtocolError, match=r"^nothing\.yaml:1: "):
        load(text, name="nothing.yaml")


def test_a_file_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="the file cannot be read: No such file"):
        load(tmp_path / "v1.yaml")


def test_a_file_in_another_encoding_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "small" / "v1.yaml"
    path.parent.mkdir()
    path.write_bytes(SMALL.encode("latin-1"))

    with pytest.raises(ProtocolError, match=r"v1\.yaml:3: this is not UTF-8"):
        load(path)


def test_a_file_stands_where_its_name_and_version_say(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "other").mkdir()
    right, wrong = tmp_path / "small" / "v1.yaml", tmp_path / "other" / "v2.yaml"
    right.write_text(SMALL, encoding="utf-8")
    wrong.write_text(SMALL, encoding="utf-8")

    assert load(right).version == 1
    with pytest.raises(ProtocolError) as refused:
        load(wrong)

    assert [mistake.message for mistake in refused.value.mistakes] == [
        "protocol: is small, but the folder is called other; give both the same name",
        "version: is 1, but the file is called v2.yaml; allowed: 2",
    ]
