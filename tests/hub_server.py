"""A small server that speaks as much of the Hugging Face Hub's protocol as fetching a file needs.

Files of weights lie on another host, as on the Hub: the answer is a redirection with the file's size and sum in
headers. Left out: listing, searching, tokens, resuming.
"""

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

LARGE = (".bin", ".safetensors")
STORE = "/store/"


@dataclass
class Hub:
    """What a server holds and how it behaves; may be changed while it runs.

    Attributes:
        repositories: name -> commit -> file name -> bytes; the last commit is the newest.
        cut: a file of which only the first half is sent before the connection breaks.
        halt: a file of which only the first half is sent, and then nothing, until the server closes.
        asked: all requests, as "METHOD path".
        halted: set when the half was sent.
        address: of the server.
    """

    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    cut: str | None = None
    halt: str | None = None
    asked: list[str] = field(default_factory=list)
    halted: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    def find(self, path):
        """The commit and the bytes behind /NAME/resolve/REVISION/FILE, or the code of an error."""
        name, _, rest = path.strip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        commits = self.repositories.get(name)
        if commits is None:
            return "RepoNotFound", None
        commit = list(commits)[-1] if revision == "main" else revision
        if commit not in commits:
            return "RevisionNotFound", None
        return (commit, commits[commit][file]) if file in commits[commit] else ("EntryNotFound", commit)


@contextmanager
def serving(**repositories):
    """A running server, as a :class:`Hub`; ``with serving() as hub``."""
    hub = Hub(dict(repositories))
    handler = type("HandlerOfOneHub", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def log_message(self, *_):
        pass

    def answer(self, body):
        path = unquote(self.path)
        self.hub.asked.append(f"{self.command} {path}")
        if path.startswith(STORE):
            return self.send_file(path.removeprefix(STORE), self.hub.find(path.removeprefix(STORE))[1], body)
        commit, content = self.hub.find(path)
        if not isinstance(content, bytes):
            return self.send(404, {"X-Error-Code": commit} | ({"X-Repo-Commit": content} if content else {}))
        tag, headers = hashlib.sha256(content).hexdigest(), {"X-Repo-Commit": commit}
        if not path.endswith(LARGE):
            return self.send_file(path, content, body, headers | {"ETag": f'"{tag}"'})
        store = self.hub.address.replace("127.0.0.1", "localhost") + STORE + path
        linked = {"X-Linked-ETag": f'"{tag}"', "X-Linked-Size": str(len(content)), "Location": store}
        return self.send(302, headers | linked)

    def send_file(self, path, content, body, headers=()):
        self.send(200, dict(headers), len(content))
        if not body:
            return
        file = path.rpartition("/")[2]
        broken = file in (self.hub.cut, self.hub.halt)
        self.wfile.write(content[: len(content) // 2] if broken else content)
        if broken:
            self.wfile.flush()
            if file == self.hub.halt:
                self.hub.halted.set()
                self.hub.closing.wait()
            self.close_connection = True

    def send(self, status, headers, length=0):
        self.send_response(status)
        for name, value in ({"Content-Length": str(length)} | headers).items():
            self.send_header(name, value)
        self.end_headers()
