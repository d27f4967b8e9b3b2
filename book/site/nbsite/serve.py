"""Show the built book on this machine: ``python -m nbsite.serve [PORT]``."""

from __future__ import annotations

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from nbsite.build import FIRST_PAGE


class Quiet(SimpleHTTPRequestHandler):
    """A handler that does not report every request."""

    def log_message(self, *_) -> None:
        pass


def server(port: int, folder=FIRST_PAGE.parent) -> ThreadingHTTPServer:
    """A server of a folder, on this machine only. Port 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(folder)))


def main(arguments: list[str]) -> int:
    port = int(arguments[0]) if arguments else 8000
    try:
        running = server(port)
    except OSError as error:
        print(
            f"port {port} cannot be used ({error.strerror}); take another: make serve PORT={port + 1}", file=sys.stderr
        )
        return 1
    print(f"http://localhost:{port}/ - stop with Ctrl-C")
    try:
        running.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        running.server_close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
