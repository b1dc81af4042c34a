"""A free port on this machine, for when the one that was asked for is taken."""

import socket

from survey.local.errors import LocalError

TRIES = 100


def next_free(preferred: int) -> int:
    """The first port from `preferred` upward that nobody listens on at 127.0.0.1. Raises LocalError after 100 tries."""
    for port in range(preferred, min(preferred + TRIES, 65536)):
        if _is_free(port):
            return port
    raise LocalError(f"No free port from {preferred} upward on 127.0.0.1. Name another with --port.")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the web server does: a connection that still lingers from the last run must not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
