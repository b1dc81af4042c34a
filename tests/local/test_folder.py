"""The folder `.daytwo`: one instance at a time, private, with secrets that stay; and free ports."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from survey.local import folder as folders
from survey.local import ports
from survey.local.errors import AlreadyRunning, LocalError

ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import sys, signal
from pathlib import Path
from survey.local import folder
with folder.claim(Path(sys.argv[1])) as claim:
    if len(sys.argv) > 2:
        claim.announce(sys.argv[2])
    print("held", flush=True)
    signal.pause()
"""

Hold = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    """Starts another process that claims the folder, and waits until it has."""
    holders = []

    def start(*arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", HOLD, str(tmp_path / ".daytwo"), *arguments]
        holders.append(subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT))
        assert holders[-1].stdout
        assert holders[-1].stdout.readline() == b"held\n"
        return holders[-1]

    yield start
    for holder in holders:
        holder.kill()
        holder.communicate()


def test_a_second_daytwo_says_where_the_first_one_is_and_gives_up(tmp_path: Path, hold: Hold) -> None:
    first = hold("http://127.0.0.1:8000")

    with pytest.raises(AlreadyRunning) as refusal, folders.claim(tmp_path / ".daytwo"):
        pass

    assert refusal.value.message == (
        f"Daytwo is already running from this folder (process {first.pid}). "
        "Open http://127.0.0.1:8000 or stop it with Ctrl-C there."
    )


def test_before_the_first_has_an_address_the_second_names_the_process_alone(tmp_path: Path, hold: Hold) -> None:
    first = hold()

    with pytest.raises(AlreadyRunning) as refusal, folders.claim(tmp_path / ".daytwo"):
        pass

    assert refusal.value.message == (
        f"Daytwo is already running from this folder (process {first.pid}). Stop it with Ctrl-C there."
    )


def test_a_daytwo_that_was_killed_no_longer_holds_the_folder(tmp_path: Path, hold: Hold) -> None:
    first = hold("http://127.0.0.1:8000")
    first.kill()
    first.wait()

    with folders.claim(tmp_path / ".daytwo"):
        pass


def test_the_folder_can_be_claimed_again_after_a_proper_end(tmp_path: Path) -> None:
    with folders.claim(tmp_path / ".daytwo") as first:
        first.announce("http://127.0.0.1:8000")

    with folders.claim(tmp_path / ".daytwo"):
        pass


def test_the_folder_and_its_secret_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folders.secret(tmp_path / ".daytwo", "secret_key")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / ".daytwo").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / ".daytwo/secret_key").stat().st_mode) == 0o600


def test_a_secret_stays_the_same_and_differs_between_folders(tmp_path: Path) -> None:
    first = folders.secret(tmp_path / "one", "secret_key")

    assert folders.secret(tmp_path / "one", "secret_key") == first
    assert folders.secret(tmp_path / "two", "secret_key") != first
    assert len(first) == 64


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".daytwo"
    path.mkdir()
    os.chown(path, 12345, 12345)

    with pytest.raises(LocalError, match=r"belongs to another user\. Start Daytwo as that user, or remove it\."):
        folders.create(path)


def test_a_folder_whose_parent_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="its parent is missing"):
        folders.create(tmp_path / "nowhere" / ".daytwo")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_socket_folder_that_somebody_else_put_in_our_place_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = folders.create(tmp_path / ("d" * 100))
    trap = tmp_path / f"daytwo-{folders.digest(folder)}"
    trap.mkdir()
    os.chown(trap, 12345, 12345)

    used = folders.sockets(folder)

    assert used != trap
    assert folders.is_private(used)
    assert folders.sockets(folder) == used


def test_a_folder_that_was_moved_to_a_longer_path_gets_a_short_place_for_its_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = folders.create(tmp_path / ("d" * 100))
    (folder / "run").mkdir()
    (folder / "run" / "redis.sock").touch()

    assert folders.sockets(folder).parent == tmp_path
    assert (folder / "run").is_symlink()


def test_a_taken_port_gives_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]

        found = ports.next_free(taken)

    assert taken < found <= taken + ports.TRIES


def test_a_free_port_is_given_as_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]

    assert ports.next_free(free) == free


def test_no_free_port_is_a_sentence() -> None:
    with pytest.raises(LocalError, match="No free port from 65536 upward"):
        ports.next_free(65536)
