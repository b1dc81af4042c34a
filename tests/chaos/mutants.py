"""`make chaos-mutants`: each guard is taken out, in a copy of the tree, and the scenario that must fail is played.

A mutation is text that is replaced. Text that is not found any more is an error, so that this table cannot rot.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from survey.settings import ROOT

TREE = ("survey", "workers", "tests", "benchmarks", "templates", "config", "pyproject.toml")
PATIENCE_S = 400
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
    changes: tuple[Change, ...]


def _mutant(guard: str, scenario: str, file: str, before: str, after: str) -> Mutant:
    return Mutant(guard=guard, scenario=scenario, changes=(Change(file=file, before=before, after=after),))


MUTANTS = (
    _mutant(
        "SKIP LOCKED of the claim",
        "a_session_hangs_on_a_page",
        PAGE_ROWS,
        "LIMIT 1 FOR UPDATE OF page SKIP LOCKED",
        "LIMIT 1 FOR UPDATE OF page",
    ),
    _mutant(
        "SKIP LOCKED of the step",
        "a_session_hangs_on_an_alert",
        ALERT_ROWS,
        "still.with_for_update(key_share=True, skip_locked=True)",
        "still.with_for_update(key_share=True)",
    ),
    _mutant(
        "the lease's token when a page is settled",
        "frozen_in_the_send",
        PAGE_ROWS,
        "    mine = page.c.lease_token.is_not_distinct_from(old.lease_token)",
        "    mine = sa.true()",
    ),
    _mutant(
        "the epoch that a tap carries",
        "a_tap_from_before",
        "survey/domain/alert_moves.py",
        "    if alert.is_open and epoch != alert.epoch:",
        "    if False:",
    ),
    _mutant(
        "the state of the alert at the claim",
        "a_take_puts_waiting_pages_away",
        PAGE_ROWS,
        "page.epoch = alert.epoch AND (page.kind, alert.state) IN",
        "true OR (page.kind, alert.state) IN",
    ),
    Mutant(
        guard="plan_once",
        scenario="everything_twice",
        changes=(
            Change(file=PAGE_ROWS, before="ON CONFLICT ON CONSTRAINT plan_once DO NOTHING", after=""),
            Change(
                file=SCHEMA,
                before=",\n  CONSTRAINT plan_once UNIQUE (alert_id, kind, epoch, cycle, step_seq, "
                "contact_method_id, rule_delay_s));",
                after=");",
            ),
        ),
    ),
    _mutant(
        "the election's advisory lock",
        "everything_twice",
        "survey/store/election.py",
        'sa.text(f"SELECT pg_try_advisory_lock({_KEY})")',
        'sa.text("SELECT true")',
    ),
    _mutant(
        "a take puts waiting pages away",
        "a_take_puts_waiting_pages_away",
        "survey/services/alerts.py",
        "        page_store.supersede(tx, old.id)\n",
        "        pass\n",
    ),
    _mutant(
        "the alert's row lock before the page's",
        "a_take_while_a_page_is_settled",
        PAGES,
        "alert = alert_store.get_for_update(tx, page.alert_id)",
        "alert = alert_store.get(tx, page.alert_id)",
    ),
    _mutant(
        "a clean refusal is not counted as a copy",
        "the_provider_fails_in_every_way",
        "survey/domain/pages.py",
        "    if outcome is not AttemptOutcome.TRY_LATER:\n",
        "    if True:\n",
    ),
    _mutant(
        "a dead sender's page is taken back",
        "killed_before_the_send",
        PAGES,
        "        stranded = store.expired(tx, now=now)\n",
        "        stranded = ()\n",
    ),
    _mutant(
        "the last step repeats for ever",
        "nobody_can_be_reached",
        "survey/domain/escalation.py",
        "return self.steps[min(seq, len(self.steps) - 1)]",
        "return self.steps[seq]",
    ),
    _mutant(
        "all clocks agree with the database's",
        "clocks_that_are_an_hour_wrong",
        "survey/clock.py",
        "    _ahead = off if abs(off) > TOLERATED else timedelta()\n",
        "    _ahead = timedelta()\n",
    ),
    _mutant(
        "the CHECK that open means a deadline",
        "nothing_fails",
        SCHEMA,
        "  CONSTRAINT open_alert_always_has_a_deadline CHECK ((state = 'resolved') = (next_action_at IS NULL)),\n",
        "",
    ),
    _mutant(
        "the CHECK of three copies",
        "nothing_fails",
        SCHEMA,
        " CHECK (maybe_sent <= 3)",
        "",
    ),
    _mutant(
        "the CHECK that what is pending can be claimed",
        "nothing_fails",
        SCHEMA,
        "  CONSTRAINT runnable_is_claimable CHECK (state <> 'pending' OR maybe_sent < 3),\n",
        "",
    ),
    _mutant(
        "the CHECK of a lease's shape",
        "nothing_fails",
        SCHEMA,
        "  CONSTRAINT page_lease_shape CHECK ((state = 'leased') = (lease_token IS NOT NULL "
        "AND lease_until IS NOT NULL)),\n",
        "",
    ),
    _mutant(
        "the CHECK that whoever took it is named",
        "nothing_fails",
        SCHEMA,
        "  CONSTRAINT acked_has_owner CHECK (state <> 'acknowledged' OR (acked_by IS NOT NULL "
        "AND acked_at IS NOT NULL)),\n",
        "",
    ),
    _mutant(
        "one open alert for a response",
        "nothing_fails",
        SCHEMA,
        "CREATE UNIQUE INDEX alert_open_once_per_response",
        "CREATE INDEX alert_open_once_per_response",
    ),
    _mutant(
        "one primary at a time",
        "nothing_fails",
        SCHEMA,
        ",\n  CONSTRAINT one_primary_at_a_time EXCLUDE USING gist (schedule_id WITH =, during WITH &&));",
        ");",
    ),
    _mutant(
        "the trigger on moves of an alert",
        "nothing_fails",
        SCHEMA,
        "CREATE TRIGGER alert_guard BEFORE UPDATE OR DELETE ON alert FOR EACH ROW EXECUTE FUNCTION alert_guard();",
        "",
    ),
    _mutant(
        "the trigger that keeps stories",
        "nothing_fails",
        SCHEMA,
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alert_event FOR EACH ROW "
        "EXECUTE FUNCTION refuse_change();",
        "",
    ),
    _mutant(
        "the trigger against emptying stories",
        "nothing_fails",
        SCHEMA,
        "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON alert_event EXECUTE FUNCTION refuse_change();",
        "",
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
    print(f"{'guard taken out':48} caught by")
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
        command = [sys.executable, "-m", "tests.chaos", "--only", mutant.scenario, "--seed", str(seed)]
        environ = {**os.environ, "PYTHONPATH": str(tree)}
        ended = subprocess.run(
            command, cwd=tree, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    why = re.search(r"^      (\S.*)$", ended.stdout, re.MULTILINE)
    told = f"{mutant.scenario}: {why[1][:90]}" if why and ended.returncode == 1 else "NOT CAUGHT"
    print(f"{mutant.guard:48} {told} ({time.monotonic() - began:.0f} s)", flush=True)
    if told == "NOT CAUGHT":
        print((ended.stdout + ended.stderr)[-1500:], file=sys.stderr)
    return told != "NOT CAUGHT"


def copy_of_the_tree(folder: Path) -> Path:
    """All that is played with, apart from the checkout."""
    for name in TREE:
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__", "vendor")
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore)
        else:
            shutil.copy(source, folder / name)
    return folder


if __name__ == "__main__":
    sys.exit(main())
