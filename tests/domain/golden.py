"""One case that fires each rule of the shipped pack, and one that just misses it."""

from dataclasses import dataclass, field

from survey.domain.triage import Answer


@dataclass(frozen=True)
class Golden:
    """Changes to a good day in a context where every flag is known to be absent, save those named."""

    rule: str
    fires: dict[str, Answer | None]
    misses: dict[str, Answer | None]
    flags: dict[str, str] = field(default_factory=dict)
    flags_missed: dict[str, str] | None = None
    """Flags of the case that misses, where they are what differs."""


CHEST, SPINE = {"site_chest": "yes"}, {"site_spine": "yes"}
SUGAR = {"diabetes": "yes", "steroid": "yes"}
NOLOOK = {"skin": {"nolook": "yes"}}

GOLDEN = (
    Golden("E1", {"red": {"breath": "yes"}}, {"red": {"chest": "yes"}}),
    Golden("E2", {"red": {"chest": "yes"}}, {"red": {"swell": "yes"}}),
    Golden("E3", {"red": {"swell": "yes"}}, {"red": {"passout": "yes"}}),
    Golden("E4", {"red": {"passout": "yes"}}, {"red": {"mind": "yes"}}),
    Golden("E5", {"red": {"mind": "yes"}}, {"red": {"bleedstop": "yes"}}),
    Golden("E6", {"red": {"bleedstop": "yes"}}, {"red": {"cord": "yes"}}),
    Golden("E7", {"red": {"cord": "yes"}}, {"red": {"breath": "yes"}}),
    Golden("E8", {"breath": "exert"}, {"breath": "deep"}, CHEST),
    Golden("E8", {"breath": "exert"}, {"breath": "exert"}, {"site_chest": "unknown"}, {"site_chest": "no"}),
    Golden("E9", {"allergy": "wide", "breath": "deep"}, {"allergy": "local", "breath": "deep"}),
    Golden("E9", {"allergy": "wide", "faint": "still"}, {"allergy": "wide", "faint": "once"}),
    Golden("E10", {"fever": "yes", "faint": "still"}, {"fever": "felt", "faint": "still"}),
    Golden("E10", {"fever": "chills", "faint": "still"}, {"fever": "chills", "faint": "once"}),
    Golden("E11", {"headneck": "yes", "fever": "yes"}, {"headneck": "yes", "fever": "felt"}, SPINE),
    Golden(
        "E11",
        {"headneck": "yes", "weak": "worse", "weakfx": "ok"},
        {"headneck": "yes", "weak": "same", "weakfx": "trouble"},
        SPINE,
    ),
    Golden(
        "E11",
        {"headneck": "yes", "weak": "better", "weakfx": "cannot"},
        {"headneck": "yes", "weak": "gone", "weakfx": "cannot"},
        SPINE,
    ),
    Golden("U1", {"breath": "deep"}, {"breath": "no"}),
    Golden("U2", {"fever": "felt", "skin": {"hot": "yes"}}, {"fever": "no", "skin": {"hot": "yes"}}),
    Golden("U3", {"skin": {"pus": "yes"}}, {"skin": {"grow": "yes"}}),
    Golden("U3", {"skin": {"streak": "yes"}}, {"skin": {"hot": "yes"}}),
    Golden("U3", {"skin": {"grow": "yes", "hot": "yes"}}, NOLOOK),
    Golden("U4", {"skin": {"grow": "yes"}}, {}, {"immuno": "yes"}),
    Golden("U4", {"skin": {"grow": "yes"}}, {"skin": {"grow": "yes"}}, {"diabetes": "unknown"}, {"diabetes": "no"}),
    Golden("U5", {"fever": "yes"}, {"fever": "felt"}, {"diabetes": "yes"}),
    Golden("U5", {"fever": "chills"}, {"fever": "chills"}, {"immuno": "unknown"}, {"immuno": "no"}),
    Golden("U6", {"weak": "worse", "weakfx": "ok"}, {"weak": "same", "weakfx": "trouble"}),
    Golden("U6", {"weak": "better", "weakfx": "cannot"}, {"weak": "better", "weakfx": "trouble"}),
    Golden("U7", {"weak": "same", "weakfx": "trouble"}, {"weak": "better", "weakfx": "trouble"}),
    Golden("U7", {"weak": "worse", "weakfx": "cannot"}, {"weak": "worse", "weakfx": "ok"}),
    Golden("U8", {"bleed": "grow"}, {"bleed": "ooze"}),
    Golden("U8", {"bleed": "ooze"}, {"bleed": "small"}, {"anticoag": "unknown"}),
    Golden(
        "U9",
        {"sore": 7, "trend": "worse", "skin": {"hot": "yes"}},
        {"sore": 6, "trend": "worse", "skin": {"hot": "yes"}},
    ),
    Golden("U9", {"sore": 9, "trend": "worse", "fever": "felt"}, {"sore": 9, "trend": "same", "fever": "felt"}),
    Golden("U9", {"sore": 8, "trend": "worse", "bleed": "ooze"}, {"sore": 8, "trend": "worse", "bleed": "small"}),
    Golden(
        "U9",
        {"sore": 10, "trend": "worse", "weak": "better", "weakfx": "ok"},
        {"sore": 10, "trend": "worse", "weak": "gone"},
    ),
    Golden(
        "U9",
        {"sore": 10, "trend": "worse"},
        {"sore": 10, "trend": "worse"},
        {"anticoag": "yes"},
        {"anticoag": "unknown"},
    ),
    Golden("U10", {"allergy": "wide"}, {"allergy": "local"}),
    Golden("U11", {"headneck": "yes"}, {"headneck": "no"}, SPINE),
    Golden("U11", {"headneck": "yes"}, {"headneck": "yes"}, {"site_spine": "unknown"}, {"site_spine": "no"}),
    Golden("U12", {"faint": "still"}, {"faint": "once"}),
    Golden("U13", {"sugar": "vhigh"}, {"sugar": "high"}, SUGAR),
    Golden(
        "U13", {"sugar": "vhigh"}, {"sugar": "vhigh"}, {"diabetes": "yes", "steroid": "unknown"}, {"diabetes": "yes"}
    ),
    Golden("U14", {"help": "today", "fever": "felt"}, {"help": "next", "fever": "felt"}),
    Golden("U14", {"help": "today", "bleed": "ooze"}, {"help": "today", "bleed": "small"}),
    Golden("U14", {"help": "today", **NOLOOK}, {"help": "today", **NOLOOK}, {"anticoag": "yes"}, {}),
    Golden(
        "U15",
        {"sore": 7, "trend": "same", "fever": "felt", "bleed": "ooze"},
        {"sore": 7, "trend": "same", "fever": "felt", "bleed": "small"},
    ),
    Golden("U15", {"weak": "same", "weakfx": "ok", "sugar": "high", **NOLOOK}, {"sugar": "high", **NOLOOK}, SUGAR),
    Golden("W1", {"note": "Since last night I can’t  BREATHE well"}, {"note": "I breathe well"}),
    Golden("W1", {"note": "mamá NO PUEDE RESPIRAR"}, {"note": "puede respirar"}),
    Golden("S1", {"sore": 7, "trend": "same"}, {"sore": 7, "trend": "better"}),
    Golden("S1", {"sore": 4, "trend": "worse"}, {"sore": 3, "trend": "worse"}),
    Golden("S1", {"sore": 10, "trend": "worse"}, {"sore": 6, "trend": "same"}),
    Golden("S2", {"weak": "same", "weakfx": "ok"}, {"weak": "better", "weakfx": "ok"}),
    Golden("S2", {"weak": "better", "weakfx": "trouble"}, {"weak": "gone", "weakfx": "trouble"}),
    Golden("S3", {"skin": {"hot": "yes"}}, NOLOOK),
    Golden("S4", {"fever": "felt"}, {"fever": "no"}),
    Golden("S5", {"bleed": "ooze"}, {"bleed": "small"}),
    Golden("S5", {"bleed": "small"}, {"bleed": "small"}, {"anticoag": "yes"}, {"anticoag": "unknown"}),
    Golden("S6", {"sugar": "high"}, {"sugar": "ok"}, SUGAR),
    Golden("S6", {"sugar": "vhigh"}, {"sugar": "unk"}, SUGAR),
    Golden("S7", {"help": "next"}, {"help": "little"}),
    Golden("S7", {"help": "today"}, {"help": "none"}),
    Golden("S8", {"note": "Thank you"}, {"note": ""}),
    Golden("S9", NOLOOK, {}, {"anticoag": "unknown"}),
    Golden("S9", NOLOOK, NOLOOK, {"diabetes": "yes"}, {}),
    Golden("S10", {"fever": None}, {"note": None}),
    Golden("S10", {"sore": 1, "trend": None}, {"sore": 0, "trend": None}),
)
