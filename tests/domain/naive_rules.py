"""The rules of the shipped pack once more, by hand in plain Python, to check the pack and the evaluator against."""

from collections.abc import Mapping
from typing import Any


def naive_fired(given: Mapping[str, Any], flags: Mapping[str, str]) -> set[str]:
    """Ids of the rules that ought to fire."""
    seen = _shown(given, flags)
    facts = _Facts(seen, flags)
    fired = {rule for rule, holds in facts.emergencies() | facts.urgent() | facts.soon() if holds}
    lesser = fired & {"S1", "S2", "S3", "S4", "S5", "S6", "S9"}
    if seen.get("help") == "today" and lesser:
        fired.add("U14")
    if len(lesser) >= 3:
        fired.add("U15")
    return fired


def _shown(given: Mapping[str, Any], flags: Mapping[str, str]) -> dict[str, Any]:
    seen = dict(given)
    if not seen.get("sore"):
        seen.pop("trend", None)
    if seen.get("weak") not in ("better", "same", "worse"):
        seen.pop("weakfx", None)
    if flags["site_spine"] == "no":
        seen.pop("headneck", None)
    if flags["diabetes"] == "no" or flags["steroid"] == "no":
        seen.pop("sugar", None)
    return seen


class _Facts:
    def __init__(self, seen: dict[str, Any], flags: Mapping[str, str]) -> None:
        self.seen, self.flags = seen, flags
        self.red = {line for line, said in seen.get("red", {}).items() if said == "yes"}
        self.skin = {line for line, said in seen.get("skin", {}).items() if said == "yes"}
        self.skin_any = bool(self.skin - {"nolook"})
        self.true_fever = seen.get("fever") in ("yes", "chills")
        self.any_fever = self.true_fever or seen.get("fever") == "felt"
        self.weak, self.weakfx = seen.get("weak"), seen.get("weakfx")
        self.weak_on = self.weak in ("better", "same", "worse")
        self.sore, self.trend = seen.get("sore", 0), seen.get("trend")
        self.risk = flags["immuno"] != "no" or flags["diabetes"] != "no"
        self.thinner = flags["anticoag"] != "no"
        self.thinner_known = flags["anticoag"] == "yes"
        self.lost_function = self.weak == "worse" or (self.weak_on and self.weakfx == "cannot")

    def emergencies(self) -> set[tuple[str, bool]]:
        lines = ("breath", "chest", "swell", "passout", "mind", "bleedstop", "cord")
        breath, faint = self.seen.get("breath"), self.seen.get("faint")
        return {
            *((f"E{number}", line in self.red) for number, line in enumerate(lines, 1)),
            ("E8", breath == "exert" and self.flags["site_chest"] != "no"),
            ("E9", self.seen.get("allergy") == "wide" and (breath in ("deep", "exert") or faint == "still")),
            ("E10", self.true_fever and faint == "still"),
            ("E11", self.seen.get("headneck") == "yes" and (self.true_fever or self.lost_function)),
        }

    def urgent(self) -> set[tuple[str, bool]]:
        bleed = self.seen.get("bleed")
        second = self.skin_any or self.any_fever or self.weak_on or bleed in ("ooze", "grow") or self.thinner_known
        return {
            ("U1", self.seen.get("breath") in ("deep", "exert")),
            ("U2", self.any_fever and self.skin_any),
            ("U3", bool(self.skin & {"pus", "streak"}) or {"grow", "hot"} <= self.skin),
            ("U4", self.skin_any and self.risk),
            ("U5", self.true_fever and self.risk),
            ("U6", self.lost_function),
            ("U7", self.weak in ("same", "worse") and self.weakfx in ("trouble", "cannot")),
            ("U8", bleed == "grow" or (bleed == "ooze" and self.thinner)),
            ("U9", self.sore >= 7 and self.trend == "worse" and second),
            ("U10", self.seen.get("allergy") == "wide"),
            ("U11", self.seen.get("headneck") == "yes"),
            ("U12", self.seen.get("faint") == "still"),
            ("U13", self.seen.get("sugar") == "vhigh"),
            ("W1", "breathe" in self.seen.get("note", "")),
        }

    def soon(self) -> set[tuple[str, bool]]:
        bleed, sore, trend = self.seen.get("bleed"), self.sore, self.trend
        return {
            ("S1", (sore >= 7 and trend in ("same", "worse")) or (sore >= 4 and trend == "worse")),
            ("S2", self.weak in ("same", "worse") or (self.weak_on and self.weakfx in ("trouble", "cannot"))),
            ("S3", self.skin_any),
            ("S4", self.any_fever),
            ("S5", bleed in ("ooze", "grow") or (bleed == "small" and self.thinner_known)),
            ("S6", self.seen.get("sugar") in ("high", "vhigh")),
            ("S7", self.seen.get("help") in ("next", "today")),
            ("S8", bool(self.seen.get("note"))),
            ("S9", "nolook" in self.skin and (self.thinner or self.risk)),
            ("S10", self._open()),
        }

    def _open(self) -> bool:
        wanted = {"red", "breath", "sore", "weak", "skin", "fever", "bleed", "allergy", "faint", "help"}
        wanted |= {"trend"} if self.sore else set()
        wanted |= {"weakfx"} if self.weak_on else set()
        wanted |= {"headneck"} if self.flags["site_spine"] != "no" else set()
        wanted |= {"sugar"} if self.flags["diabetes"] != "no" and self.flags["steroid"] != "no" else set()
        looked = "nolook" in self.skin or len(self.seen.get("skin", {}).keys() - {"nolook"}) == 4
        return not wanted <= self.seen.keys() or len(self.seen["red"]) < 7 or not looked
