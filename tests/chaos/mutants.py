"""`make chaos-mutants`: each guard is taken out, in a copy of the tree, and the scenario that must fail is played.

A mutation is text that is replaced. Text that is not found any more is an error, so that this table cannot rot.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from survey.settings import ROOT
from tests.chaos.tree import copy_of_the_tree

PATIENCE_S = 400
SETTLE_S = "14"
SCHEMA = "survey/store/migrations/versions/0004_escalation.py"
PAGES, PAGE_ROWS = "survey/services/pages.py", "survey/store/pages.py"
ALERT_ROWS = "survey/store/alerts.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Text in a file, all of which is replaced."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A guard, how it is taken out, and the scenario that must break without it."""

    guard: str
    scenario: str
    because: str
    """What the scenario has to say, as a pattern: breaking for another reason proves nothing."""
    changes: tuple[Change, ...]


def _mutant(guard: str, scenario: str, because: str, *changes: tuple[str, str, str]) -> Mutant:
    """Each change is a file, the text in it, and what stands there instead."""
    made = tuple(Change(file=file, before=before, after=after) for file, before, after in changes)
    return Mutant(guard=guard, scenario=scenario, because=because, changes=made)


def _of_schema(guard: str, name: str, before: str, after: str = "") -> Mutant:
    """A guard of the database's, which is asked for by its name."""
    return _mutant(guard, "every_guard_has_a_row_to_refuse", f"{name}: ", (SCHEMA, before, after))


MUTANTS = (
    _mutant(
        "SKIP LOCKED of the claim",
        "a_session_hangs_on_a_page",
        "other alerts were paged after|not within 20 s: . pages",
        (PAGE_ROWS, "LIMIT 1 FOR UPDATE OF page SKIP LOCKED", "LIMIT 1 FOR UPDATE OF page"),
    ),
    _mutant(
        "SKIP LOCKED of the step",
        "a_session_hangs_on_an_alert",
        "other alerts were paged after|not within 20 s: . pages",
        (
            ALERT_ROWS,
            "still.with_for_update(key_share=True, skip_locked=True)",
            "still.with_for_update(key_share=True)",
        ),
    ),
    _mutant(
        "the lease's token when a page is settled",
        "frozen_in_the_send",
        "I4|I7",
        (PAGE_ROWS, "    mine = page.c.lease_token.is_not_distinct_from(old.lease_token)", "    mine = sa.true()"),
    ),
    _mutant(
        "the epoch that a tap carries",
        "a_tap_from_before",
        "a tap from the last epoch took the alert",
        ("survey/domain/alert_moves.py", "    if alert.is_open and epoch != alert.epoch:", "    if False:"),
    ),
    _mutant(
        "plan_once",
        "everything_twice",
        "a page was planned twice",
        (PAGE_ROWS, "ON CONFLICT ON CONSTRAINT plan_once DO NOTHING", ""),
        (
            SCHEMA,
            "plan_once UNIQUE (alert_id, kind, epoch, cycle, step_seq, contact_method_id, rule_delay_s)",
            "plan_once CHECK (true)",
        ),
    ),
    _mutant(
        "the election's advisory lock",
        "everything_twice",
        "of three sentinels one leads",
        ("survey/store/election.py", 'sa.text(f"SELECT pg_try_advisory_lock({_KEY})")', 'sa.text("SELECT true")'),
    ),
    _mutant(
        "a take puts waiting pages away",
        "a_take_puts_waiting_pages_away",
        "no page waits|I3",
        ("survey/services/alerts.py", "        page_store.supersede(tx, old.id)\n", "        pass\n"),
    ),
    _mutant(
        "the alert's row lock before the page's",
        "a_take_while_a_page_is_settled",
        "a page waits although the alert is taken",
        (
            PAGES,
            "alert = alert_store.get_for_update(tx, page.alert_id)",
            "alert = alert_store.get(tx, page.alert_id)",
        ),
    ),
    _mutant(
        "a clean refusal is not counted as a copy",
        "the_provider_fails_in_every_way",
        "certainly sent nothing|I4",
        ("survey/domain/pages.py", "    if outcome is not AttemptOutcome.TRY_LATER:\n", "    if True:\n"),
    ),
    _mutant(
        "a dead sender's page is taken back",
        "killed_before_the_send",
        "the page of the dead sender is sent",
        (PAGES, "        stranded = store.expired(tx, now=now)\n", "        stranded = ()\n"),
    ),
    _mutant(
        "the last step repeats for ever",
        "nobody_can_be_reached",
        "I2|I6|1 pages",
        ("survey/domain/escalation.py", "=now + policy.loop_every)", "=now + 365 * policy.ack_ttl)"),
    ),
    _mutant(
        "columns are read by name",
        "rolling_deploy",
        "did not get on with the new schema",
        (PAGE_ROWS, "SELECT {names}, method.kind", "SELECT page.*, method.kind"),
    ),
    _mutant(
        "an old process waits for its own schema",
        "rolling_deploy",
        "the old worker says what it waits for|came back on a schema",
        ("survey/store/revision.py", "    return found == needed\n", "    return found is not None\n"),
    ),
    _mutant(
        "all clocks agree with the database's",
        "clocks_that_are_an_hour_wrong",
        "wait for a clock that is wrong|I6",
        (
            "survey/clock.py",
            "    _ahead = off if abs(off) > TOLERATED else timedelta()\n",
            "    _ahead = timedelta()\n",
        ),
    ),
    _of_schema(
        "the CHECK that open means a deadline",
        "open_alert_always_has_a_deadline",
        "  CONSTRAINT open_alert_always_has_a_deadline CHECK ((state = 'resolved') = (next_action_at IS NULL)),\n",
    ),
    _of_schema("the CHECK of three copies", "page_maybe_sent_check", " CHECK (maybe_sent <= 3)"),
    _of_schema(
        "the CHECK that what is pending can be claimed",
        "runnable_is_claimable",
        "  CONSTRAINT runnable_is_claimable CHECK (state <> 'pending' OR maybe_sent < 3),\n",
    ),
    _of_schema(
        "the CHECK of a lease's shape",
        "page_lease_shape",
        "CHECK ((state = 'leased') = (lease_token IS NOT NULL AND lease_until IS NOT NULL))",
        "CHECK (true)",
    ),
    _of_schema(
        "the CHECK that whoever took it is named",
        "acked_has_owner",
        "CHECK (state <> 'acknowledged' OR (acked_by IS NOT NULL AND acked_at IS NOT NULL))",
        "CHECK (true)",
    ),
    _of_schema(
        "the CHECK that nobody's alert is nobody's",
        "triggered_has_no_owner",
        "CHECK (state <> 'triggered' OR (acked_by IS NULL AND acked_at IS NULL))",
        "CHECK (true)",
    ),
    _of_schema(
        "one open alert for a response",
        "alert_open_once_per_response",
        "CREATE UNIQUE INDEX alert_open_once_per_response",
        "CREATE INDEX alert_open_once_per_response",
    ),
    _of_schema(
        "one person at a time on a schedule",
        "one_primary_at_a_time",
        "EXCLUDE USING gist (schedule_id WITH =, during WITH &&)",
        "CHECK (true)",
    ),
    _of_schema(
        "the trigger on an alert's moves",
        "alert_guard",
        "CREATE TRIGGER alert_guard BEFORE UPDATE OR DELETE ON alert FOR EACH ROW EXECUTE FUNCTION alert_guard();",
    ),
    _of_schema(
        "the trigger that keeps stories",
        "refuse_change",
        "ON alert_event FOR EACH ROW EXECUTE",
        "ON alert_event FOR EACH ROW WHEN (false) EXECUTE",
    ),
    _of_schema(
        "the trigger against emptying stories",
        "refuse_change",
        "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON alert_event EXECUTE FUNCTION refuse_change();",
    ),
    _mutant(
        "the role without UPDATE on stories",
        "every_guard_has_a_row_to_refuse",
        "permission: ",
        (
            "survey/store/migrate.py",
            "REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(APPEND_ONLY)} FROM {role}",
            "SELECT 1",
        ),
    ),
)


def main() -> int:
    """The table; 0 when every guard was missed."""
    asked = argparse.ArgumentParser(prog="python -m tests.chaos.mutants", description=__doc__)
    asked.add_argument("--only", action="append", default=[], metavar="WORDS", help="guards with these words in them")
    asked.add_argument("--seed", type=int, default=1)
    options = asked.parse_args()
    if rotten := [one.guard for one in MUTANTS if not all(is_found(change) for change in one.changes)]:
        print(f"not found in the code any more, mend the table: {', '.join(rotten)}", file=sys.stderr)
        return 2
    chosen = [one for one in MUTANTS if not options.only or any(words in one.guard for words in options.only)]
    print(f"{'guard taken out':46} caught by")
    caught = [_play(one, seed=options.seed) for one in chosen]
    print(f"mutants: {len(chosen)} guards, {len(chosen) - sum(caught)} not caught")
    return 0 if all(caught) else 1


def is_found(change: Change) -> bool:
    """Whether its text stands there, once."""
    return (ROOT / change.file).read_text(encoding="utf-8").count(change.before) == 1


def _play(mutant: Mutant, *, seed: int) -> bool:
    """Whether the scenario breaks without the guard."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="daytwo-mutant-") as name:
        tree = copy_of_the_tree(Path(name))
        for change in mutant.changes:
            path = tree / change.file
            path.write_text(path.read_text(encoding="utf-8").replace(change.before, change.after), encoding="utf-8")
        ended = _chaos(tree, mutant.scenario, seed)
    why = [one for one in re.findall(r"^      (\S.*)$", ended.stdout, re.MULTILINE) if re.search(mutant.because, one)]
    told = f"{mutant.scenario}: {why[0][:100]}" if why else "NOT CAUGHT"
    print(f"{mutant.guard:46} {told} ({time.monotonic() - began:.0f} s)", flush=True)
    if not why:
        print((ended.stdout + ended.stderr)[-1500:], file=sys.stderr)
    return bool(why)


def _chaos(tree: Path, scenario: str, seed: int) -> "subprocess.CompletedProcess[str]":
    """That scenario, by the code in the tree."""
    told = ["--only", scenario, "--seed", str(seed), "--settle", SETTLE_S]
    command = [sys.executable, "-m", "tests.chaos", *told]
    environ = {**os.environ, "PYTHONPATH": str(tree)}
    return subprocess.run(
        command, cwd=tree, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


if __name__ == "__main__":
    sys.exit(main())
