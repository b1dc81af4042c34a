"""Scenario 16: the next release beside this one, on a schema that is newer than this one's."""

import compileall
import subprocess
import time
from pathlib import Path
from threading import Lock

import httpx

from survey.local import ports, postgres
from survey.local.runner import Process
from survey.local.stack import daytwo
from survey.store import revision
from tests.chaos.answers import answers_come_in
from tests.chaos.browser import Browser
from tests.chaos.evidence import Terms
from tests.chaos.scenarios import ENGINE, USUAL, scenario
from tests.chaos.scene import Scene
from tests.chaos.tree import copy_of_the_tree
from tests.faults.servers import until
from tests.faults.stack import LEADS

OLD, NEXT = "", "next"
"""What a release calls itself at the database; this one says nothing."""
WARM = 16
"""So many answers come before the migration: by then every connection has its statements prepared."""
TRIES = 3
KEPT_OUT_S = 3.0
"""So long an old worker is watched that must not come back."""
MIGRATION = """
from alembic import op

revision, down_revision = "{after}", "{before}"

UP = \"\"\"
ALTER TABLE alert ADD COLUMN by_release text NOT NULL DEFAULT current_setting('application_name');
ALTER TABLE page ADD COLUMN note text;
ALTER TABLE page_attempt ADD COLUMN by_release text DEFAULT current_setting('application_name');
ALTER TABLE provider_health ADD COLUMN note text;
CREATE INDEX page_note ON page (note) WHERE note IS NOT NULL;
\"\"\"


def upgrade() -> None:
    op.execute(UP)
"""
"""Adds and takes nothing away. By their defaults the rows tell which release wrote them."""
FROM_THE_COPY = ("sh", "-c", 'cd "$1" && shift && exec "$@"', "sh")
BY_RELEASE = {
    "alert": "SELECT DISTINCT by_release FROM alert WHERE created_at > %s",
    "page_attempt": "SELECT DISTINCT by_release FROM page_attempt WHERE started_at > %s",
}


def _tree(scene: Scene) -> Path:
    return scene.phones._folder / NEXT


def _after() -> str:
    return f"{int(revision.newest()) + 1:04}"


def _make_the_next_release(scene: Scene) -> None:
    """This one and a migration more, compiled ahead, so that its start costs what a start costs."""
    tree = copy_of_the_tree(_tree(scene))
    migration = tree / f"survey/store/migrations/versions/{_after()}_next_release.py"
    migration.write_text(MIGRATION.format(after=_after(), before=revision.newest()), encoding="utf-8")
    for part in ("survey", "workers"):
        compileall.compile_dir(tree / part, quiet=1)


def _next(scene: Scene, *arguments: str, **told: str) -> list[str]:
    """The command line of a process of the next release: `python -m` takes the current folder's code."""
    tree = str(_tree(scene))
    environ = [f"{name}={value}" for name, value in told.items()]
    return ["env", f"PGAPPNAME={NEXT}", f"PYTHONPATH={tree}", *environ, *FROM_THE_COPY, tree, *daytwo(*arguments)]


@scenario(16, *USUAL, terms=Terms(late_s=10, clean=True), prepare=_make_the_next_release)
def rolling_deploy(scene: Scene) -> None:
    """The schema moves on under load, old and new work side by side, an old worker that dies stays out, the old go."""
    with answers_come_in(scene) as turn:
        scene.submit(WARM, hands=2)
        _migrate(scene)
        assert scene.stack.ready() == 200, "the old web says that it cannot serve, and a balancer would take it away"
        _they_work(scene, OLD)
        address = _start_the_next(scene)
        _they_work(scene, OLD, NEXT)
        _an_old_worker_stays_out(scene, turn)
        _patients_go_over(scene, address, turn)
        for group in ENGINE:
            scene.stack.stop(group)
        _they_work(scene, NEXT)
    until(lambda: any(LEADS in line for line in scene.stack.log("new-sentinels")), what="a new sentinel leads")
    faults = [line for group in ENGINE for line in scene.stack.log(group) if '"level": "error"' in line]
    assert not faults, f"the old release did not get on with the new schema: {faults[0]}"


def _start_the_next(scene: Scene) -> str:
    """Its workers and its web beside the old ones, and its two sentinels."""
    bind = f"127.0.0.1:{ports.next_free(scene.world.next_port())}"
    web = Process(name="new-web", command=_next(scene, "web", WEB_BIND=bind, PUBLIC_URL=f"http://{bind}"))
    workers = [Process(name=f"new-{name}", command=_next(scene, "worker", name)) for name in ("scoring", "paging")]
    pair = [Process(name=f"new-sentinel-{place}", command=_next(scene, "sentinel")) for place in (1, 2)]
    scene.stack.start("new", workers)
    scene.stack.start("new-sentinels", pair)
    scene.stack.start("new-web", [web])
    return f"http://{bind}"


def _patients_go_over(scene: Scene, address: str, turn: Lock) -> None:
    """To the new web, between two answers; then the old one goes."""
    until(lambda: httpx.get(f"{address}/ready", trust_env=False).status_code == 200, what="the new pages answer")
    Browser(address, scene.world.tokens[-1]).look()
    with turn:
        scene.stack.url = address
    scene.stack.stop("web")


def _migrate(scene: Scene) -> None:
    """As an operator runs it, who runs it again when it gave up on a lock."""
    owner = {"OWNER_DATABASE_URL": scene.servers.database_url(scene.database, postgres.OWNER)}
    for _ in range(TRIES):
        command = _next(scene, "migrate")
        ended = subprocess.run(
            command, env=scene.stack.environ | owner, capture_output=True, text=True, timeout=90, check=False
        )
        if ended.returncode == 0:
            break
    assert ended.returncode == 0, f"the migration failed: {ended.stderr[-500:]}"
    assert scene.rows("SELECT version_num FROM alembic_version")[0].version_num == _after()


def _they_work(scene: Scene, *releases: str) -> None:
    """Until each of these has opened an alert and paged from now on, and nobody else has."""
    (began,) = scene.rows("SELECT clock_timestamp() AS at")
    for table, query in BY_RELEASE.items():

        def seen(query: str = query) -> set[str]:
            return {row.by_release for row in scene.rows(query, began.at)}

        until(lambda seen=seen: seen() >= set(releases), what=f"rows of {table} by {releases}", patience_s=30)  # type: ignore[misc]
        assert seen() == set(releases), f"{table} was written by {seen()}"


def _an_old_worker_stays_out(scene: Scene, turn: Lock) -> None:
    """It is killed with no page in its hands, for a page in them would be sent once more."""
    with turn:
        scene.rest()
        scene.stack.kill("paging")
    waits = f'"found": "{_after()}", "needed": "{revision.newest()}"'
    until(lambda: waits in scene.stack.log("paging")[-1], what="the old worker says what it waits for")
    time.sleep(KEPT_OUT_S)
    assert scene.stack.pid("paging"), "the old worker ended instead of waiting"
    assert waits in scene.stack.log("paging")[-1], "the old worker came back on a schema that it does not know"
