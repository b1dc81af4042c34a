"""The web server: WEB_WORKERS processes of four threads each, and a log without addresses."""

import gc
import logging
import sys

from gunicorn.glogging import Logger

from survey.settings import load
from survey.wsgi import THREADS

_settings = load()

bind = _settings.web_bind
workers = _settings.web_workers
threads = THREADS
worker_class = "gthread"
# One copy of the code in memory for all workers. Nothing connects before the fork: the pool opens at the first request.
preload_app = True
timeout = 30
graceful_timeout = 20
keepalive = 5
max_requests = 50_000
max_requests_jitter = 5_000
limit_request_line = 2048
limit_request_fields = 50
limit_request_field_size = 4096
worker_tmp_dir = "/dev/shm" if sys.platform == "linux" else None  # noqa: S108 (the heartbeat's file: never a slow disk)
forwarded_allow_ips = "127.0.0.1"
control_socket_disable = True  # nobody uses it, and it would stand in the user's home, one for all instances
accesslog = None
errorlog = "-"
loglevel = _settings.log_level.lower()


class QuietLogger(Logger):
    """gunicorn's own log, without the address of the request that failed: it may hold a patient's token."""

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """The kind of the fault, and no more."""
        kind = sys.exc_info()[0]
        logging.getLogger("gunicorn.error").error("web process fault: %s", kind.__name__ if kind else "unknown")


logger_class = QuietLogger


def when_ready(_server: object) -> None:
    """What is loaded stays for good; leave it alone, so that the workers go on sharing it."""
    gc.collect()
    gc.freeze()
