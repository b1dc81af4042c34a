"""Small programs for the runner to run."""

import sys

from survey.local.runner import Process


def python(name: str, text: str) -> Process:
    """A process that runs `text`."""
    return Process(name=name, command=[sys.executable, "-c", text])


WAITS = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(0)); print('ready'); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready')\nwhile True: signal.pause()"
