"""Scenarios 11 and 17, and I10 by itself: wrong clocks, nights on which they change, a dead planner, the heartbeat."""

import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from survey import clock
from survey.domain.rotations import Rotation, Unit, expand
from survey.local import clinic
from survey.local.runner import Process
from survey.services import health, oncall, rotas
from survey.store.session import transaction
from tests.chaos.evidence import Terms
from tests.chaos.scenarios import ENGINE, scenario
from tests.chaos.scene import Scene
from tests.faults.servers import until

NEW_YORK = ZoneInfo("America/New_York")
HOUR_S = 3600
AWAY = timedelta(days=29)
DEAD_FOR = rotas.AHEAD - timedelta(days=7)
"""So long ago the shifts were written of which a week is left."""


@scenario(11, "scoring", "sentinels", terms=Terms(late_s=10), quick=True)
def clocks_that_are_an_hour_wrong(scene: Scene) -> None:
    """One paging worker an hour ahead, one an hour behind: all timers go by the database's clock."""
    skewed = [sys.executable, "-m", "tests.chaos.skewed"]
    for name, seconds in (("ahead", HOUR_S), ("behind", -HOUR_S)):
        scene.stack.start(name, [Process(name=name, command=[*skewed, str(seconds), "worker", "paging"])])
    scene.stack.await_beats("worker:paging")
    scene.commit_each(4, every_s=0.3)
    scene.await_alerts(4)
    scene.live(timedelta(minutes=30), every=timedelta(minutes=1))
    far = scene.rows("SELECT FROM alert WHERE next_action_at > clock_timestamp() + interval '20 minutes'")
    assert not far, f"{len(far)} alerts wait for a clock that is wrong"


@scenario(11, terms=Terms(well=None), quick=True)
def nights_on_which_clocks_change(scene: Scene) -> None:
    """A handover at 01:30 in autumn, at 02:30 in spring, and on a leap day: the right person at each minute."""
    autumn = [(4, 59, 0), (5, 0, 0), (5, 29, 0), (5, 30, 1), (6, 29, 1), (6, 30, 1), (7, 0, 1)]
    handovers = {
        # 1 November 2026: 01:30 comes twice; the turn changes at the first one.
        datetime.fromisoformat("2026-10-31T01:30"): [
            (datetime(2026, 11, 1, hour, minute, tzinfo=UTC), turn) for hour, minute, turn in autumn
        ],
        # 14 March 2027: there is no 02:30; the turn changes when 02:00 becomes 03:00.
        datetime.fromisoformat("2027-03-13T02:30"): [
            (datetime(2027, 3, 14, 6, 59, tzinfo=UTC), 0),
            (datetime(2027, 3, 14, 7, 0, tzinfo=UTC), 1),
        ],
        # 29 February 2028 is a day like any other.
        datetime.fromisoformat("2028-02-28T08:00"): [
            (datetime(2028, 2, 29, 12, 59, tzinfo=UTC), 0),
            (datetime(2028, 2, 29, 13, 0, tzinfo=UTC), 1),
            (datetime(2028, 3, 1, 12, 59, tzinfo=UTC), 1),
            (datetime(2028, 3, 1, 13, 0, tzinfo=UTC), 2),
        ],
    }
    members = tuple(scene.world.riverside.people[one.email] for one in (clinic.ANA, clinic.BEN, clinic.LENA))
    schedule_id = scene.world.riverside.schedules[clinic.PRIMARY]
    for starts, expected in handovers.items():
        _write(scene, schedule_id, members, starts)
        with transaction() as tx:
            for at, turn in expected:
                found = oncall.who(tx, schedule_id, at)
                assert found is not None, f"nobody at {at}"
                assert found.id == members[turn], f"at {at.astimezone(NEW_YORK)} the wrong one is on call"


def _write(scene: Scene, schedule_id: object, members: tuple[object, ...], starts: datetime) -> None:
    """The days after a first handover, one member after the other, in place of whatever stood there."""
    rotation = Rotation(
        id=uuid4(),
        schedule_id=schedule_id,  # type: ignore[arg-type]
        layer=1,
        name="nights",
        starts_local=starts,
        unit=Unit.DAY,
        every=1,
        members=members,  # type: ignore[arg-type]
    )
    since = starts.replace(tzinfo=NEW_YORK).astimezone(UTC)
    scene.run("DELETE FROM shift WHERE schedule_id = %s", schedule_id)
    for one in expand(rotation, NEW_YORK, since=since, until=since + timedelta(days=3)):
        scene.run(
            "INSERT INTO shift (id, schedule_id, user_id, during) VALUES (%s, %s, %s, tstzrange(%s, %s))",
            uuid4(),
            schedule_id,
            one.user_id,
            one.starts_at,
            one.ends_at,
        )


@scenario(10, "scoring", "paging", terms=Terms(late_s=60, well=None))
def the_heartbeat_goes_out_only_when_all_is_well(scene: Scene) -> None:
    """Well: it goes out. Nobody on call, or an alert that nobody looks at: it does not. Well again: it does."""
    assert _pings(scene), "all was well, and no heartbeat went out"
    scene.run("CREATE TABLE kept AS SELECT * FROM shift")
    scene.run("DELETE FROM shift")
    assert not _pings(scene), "nobody was on call, and the heartbeat went out"
    scene.run("INSERT INTO shift SELECT * FROM kept")
    assert _pings(scene)
    scene.commit()
    scene.await_alerts(1)
    scene.rest()
    scene.stack.stop("paging")
    scene.run("UPDATE alert SET next_action_at = clock_timestamp() - interval '2 minutes'")
    with scene.servers.superuser(scene.database) as other, other.transaction():
        other.execute("SELECT FROM alert FOR UPDATE")  # nobody can mend it
        assert not _pings(scene), "an alert was two minutes late, and the heartbeat went out"
    scene.up("sentinels", "paging")


def _pings(scene: Scene) -> bool:
    """Whether a sentinel that begins now, and so asks at once, sends a ping."""
    before, said = len(scene.monitor.pings), _withheld(scene)
    scene.up("sentinels-1")
    until(lambda: len(scene.monitor.pings) > before or _withheld(scene) > said, what="the heartbeat is decided about")
    scene.stack.stop("sentinels")
    return len(scene.monitor.pings) > before


def _withheld(scene: Scene) -> int:
    return sum("heartbeat.withheld" in line for line in scene.log())


@scenario(17, *ENGINE, terms=Terms(late_s=5))
def the_planner_is_dead_for_months(scene: Scene) -> None:
    """Nobody writes shifts ahead: those that stand last on, pages go out, and the gap behind them is shown in time."""
    for name in (clinic.PRIMARY, clinic.BACKUP):
        moved = "UPDATE shift SET during = tstzrange(lower(during) - %s, upper(during) - %s) WHERE schedule_id = %s"
        scene.run(moved, DEAD_FOR, DEAD_FOR, scene.world.riverside.schedules[name])
    now = clock.now()
    assert all(watch.user for watch in oncall.now_on_call(now))
    gaps = oncall.gaps(now, until=now + timedelta(days=14))
    assert {gap.schedule_id for gap in gaps} == set(scene.world.riverside.schedules.values()), "a gap is not shown"
    scene.commit_each(2, every_s=0.2)
    scene.await_pages(2)
    began = time.monotonic()
    scene.run("DELETE FROM shift")
    until(lambda: health.trouble(clock.now()), what="the banner says that nobody is on call", patience_s=60)
    assert time.monotonic() - began < 60
    scene.run(
        "INSERT INTO shift (id, schedule_id, user_id, during) SELECT gen_random_uuid(), s.id, u.id, "
        "tstzrange(now(), now() + interval '1 day') FROM schedule s, app_user u WHERE u.email = %s",
        clinic.ANA.email,
    )
