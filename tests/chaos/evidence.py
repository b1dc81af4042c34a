"""What the invariants are asked of: the rows and the wire at one moment, and the terms of the scenario."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from survey.local.carrier_journal import Entry
from tests.chaos.scene import Scene

ATTEMPTS = """
SELECT t.id AS reference, t.*, p.id AS carried, p.alert_id, p.kind AS asks, p.epoch FROM page p
JOIN page_attempt t ON t.page_id IN (p.id, p.bundled_in) ORDER BY t.started_at"""
PAGES = """
SELECT p.*, m.kind AS method, a.state AS alert_state, a.epoch AS alert_epoch,
  EXISTS (SELECT FROM alert_event e WHERE e.alert_id = p.alert_id AND e.idem_key = 'page_failed:' || p.id) AS told,
  (SELECT count(*) FROM page_attempt t WHERE t.page_id = p.id) AS tried,
  (SELECT count(*) FROM page_attempt t WHERE t.page_id = p.id
     AND t.outcome IN ('accepted','unknown','lease_expired')) AS doubtful
FROM page p JOIN alert a ON a.id = p.alert_id JOIN contact_method m ON m.id = p.contact_method_id"""


@dataclass(slots=True, kw_only=True)
class Terms:
    """What differs between scenarios: how late a first page may be, and which promises are not to be had."""

    late_s: float = 15.0
    clean: bool = False
    """No fault that could double a page: each is on the wire exactly once."""
    slack_s: float = 0.0
    """So much longer may an alert be silent on the wire, as when nobody can hear the requests."""
    well: bool | None = True
    """What the condition of the outside heartbeat has to be at the end; None: either."""
    submit_s: float = 0.5
    """Half of all answers are taken within so long."""
    slow_submits: bool = False
    """The database was away: whoever answered then had to wait."""


@dataclass(slots=True)
class Findings:
    """The figures of one scenario, and every sentence that says what is not so."""

    broken: list[str] = field(default_factory=list)
    alerts: int = 0
    pages: int = 0
    lost: int = 0
    late: int = 0
    copies: int = 0
    worst_s: float = 0.0


class Evidence:
    """The rows and the wire at one moment."""

    def __init__(self, scene: Scene, terms: Terms) -> None:
        self.scene, self.terms = scene, terms
        self.wire = scene.wire()
        self.alerts = scene.alerts()
        self.pages = scene.rows(PAGES)
        self.attempts = scene.rows(ATTEMPTS)
        self.events = scene.rows("SELECT * FROM alert_event ORDER BY alert_id, id")
        self.now = scene.rows("SELECT clock_timestamp() AS at")[0].at

    @cached_property
    def requests(self) -> Mapping[UUID, list[Entry]]:
        """Page → its requests at a provider, those of the text that it was bundled in among them."""
        by_reference = defaultdict(list)
        for entry in self.wire:
            by_reference[entry.reference].append(entry)
        found: dict[UUID, list[Entry]] = defaultdict(list)
        for one in self.attempts:
            found[one.carried] += by_reference[str(one.reference)]
        return found

    @cached_property
    def told(self) -> Mapping[UUID, list[Any]]:
        """Alert → its story."""
        found = defaultdict(list)
        for event in self.events:
            found[event.alert_id].append(event)
        return found

    def at(self, entry: Entry) -> datetime:
        """When a request was made, as the rows tell time."""
        return self.scene.placed(datetime.fromisoformat(entry.at))
