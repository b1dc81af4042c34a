"""How much memory a running Daytwo takes: the proportional set size of every process below one, in megabytes."""

import sys
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
BUDGET_MB = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One process and its part of the machine's memory: what it shares counts by the number of those who share it."""

    pid: int
    command: str
    pss_mb: float


def below(root: int) -> tuple[Share, ...]:
    """That process and all that came of it, the largest first."""
    children: dict[int, list[int]] = {}
    for stat in PROC.glob("[0-9]*/stat"):
        text = _text(stat)
        if text:
            children.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(_share(pid))
        waiting += children.get(pid, [])
    return tuple(sorted(found, key=lambda share: -share.pss_mb))


def _share(pid: int) -> Share:
    lines = _text(PROC / f"{pid}/smaps_rollup").splitlines()
    kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    command = _text(PROC / f"{pid}/cmdline").replace("\0", " ").strip()
    return Share(pid=pid, command=command, pss_mb=kilobytes / 1024)


def _text(path: Path) -> str:
    """What stands there; nothing when the process has ended meanwhile or is not ours to look at."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def main(root: int) -> None:
    """Print the share of each process and the sum."""
    shares = below(root)
    for share in shares:
        print(f"{share.pss_mb:8.1f} MB  {share.pid:>7}  {share.command[-90:]}")
    total = sum(share.pss_mb for share in shares)
    print(f"{total:8.1f} MB  in {len(shares)} processes; the budget is {BUDGET_MB} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]))
