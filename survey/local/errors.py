"""What can stop Daytwo from running on this machine, as sentences for the person who started it."""

from survey.domain.errors import DomainError


class LocalError(DomainError):
    """Something on this machine is in the way; the message says what, and what to do."""


class AlreadyRunning(LocalError):
    """Another process holds the folder. `pid` and `url` are what it wrote down, None where it did not get that far."""

    def __init__(self, *, pid: int | None, url: str | None) -> None:
        self.pid, self.url = pid, url
        who = f" (process {pid})" if pid else ""
        what_next = f"Open {url} or stop it with Ctrl-C there." if url else "Stop it with Ctrl-C there."
        super().__init__(f"Daytwo is already running from this folder{who}. {what_next}")
