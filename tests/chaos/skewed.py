"""`python -m tests.chaos.skewed SECONDS COMMAND…`: `daytwo COMMAND` on a machine whose clock is that far ahead."""

import sys
from datetime import UTC, datetime, timedelta

from survey import clock


def main() -> None:
    """The same process, its clock put wrong first."""
    ahead = timedelta(seconds=float(sys.argv[1]))
    clock.wall = lambda: datetime.now(UTC) + ahead  # noqa: TID251
    from survey.cli import main as daytwo

    sys.argv = ["daytwo", *sys.argv[2:]]
    daytwo()


if __name__ == "__main__":
    main()
