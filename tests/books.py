"""A provider's books: a server that gives every request the same answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


class Books:
    """`page` is what it answers with, `status` says how."""

    def __init__(self, page: bytes = b"", status: int = 200) -> None:
        self.page, self.status = page, status
        books = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(books.status)
                self.send_header("Content-Length", str(len(books.page)))
                self.end_headers()
                self.wfile.write(books.page)

            do_POST = do_GET  # noqa: N815 - the names are http.server's

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def opened(page: bytes = b"", status: int = 200) -> Iterator[Books]:
    """Books that are open while the block lasts."""
    books = Books(page, status)
    thread = Thread(target=books.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield books
    finally:
        books.server.shutdown()
        thread.join()
        books.server.server_close()
