"""Files over HTTP on the loopback interface, plain and as the Hugging Face hub serves them.

A line can be cut once after some bytes, and a file can be served damaged.
"""

import contextlib
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Shelf:
    """What a server has, and what it was asked for.

    Attributes:
        files: content by path.
        cut_after: bytes of a body after which the line is cut, once for each number.
        ranges: the Range headers of the requests, in order.
        resumes: whether Range is obeyed.
        damaged: paths whose content is not what their hash says.
        repository: the name of the hub's only one, which holds the files.
        url: where it is.
    """

    files: dict = field(default_factory=dict)
    cut_after: list = field(default_factory=list)
    ranges: list = field(default_factory=list)
    resumes: bool = True
    damaged: set = field(default_factory=set)
    repository: str = "them/model"
    url: str = ""


def git_hash(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def entry(path, content):
    """One file in a listing of the hub: large ones are known by their sha256."""
    found = {"type": "file", "path": path, "size": len(content), "oid": git_hash(content)}
    if len(content) > 1000:
        found["lfs"] = {"oid": sha256(content), "size": len(content), "pointerSize": 130}
    return found


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def etag(content):
    return sha256(content) if len(content) > 1000 else git_hash(content)


@contextlib.contextmanager
def serving(files, **more):
    """A server of these files; the hub has one repository of them."""
    shelf = Shelf(files=files, **more)

    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *said):
            pass

        def do_HEAD(self):  # as the library wants it
            self.answer(with_body=False)

        def do_GET(self):
            self.answer(with_body=True)

        def answer(self, *, with_body):
            path = self.path.partition("?")[0].lstrip("/")
            if path.startswith(f"api/models/{shelf.repository}/"):
                return self.listing(path)
            path = path.removeprefix(f"{shelf.repository}/resolve/{COMMIT}/")
            if path not in shelf.files:
                return self.send(404, b"", with_body, {"X-Error-Code": "RepoNotFound"})
            content = shelf.files[path]
            hub = {"ETag": f'"{etag(content)}"', "X-Repo-Commit": COMMIT}
            if path in shelf.damaged:
                content = bytes(len(content))
            asked = self.headers.get("Range", "")
            if not (shelf.resumes and asked):
                return self.send(200, content, with_body, hub)
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            if start >= len(content):
                return self.send(416, b"", with_body, {})
            span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            return self.send(206, content[start:], with_body, hub | span)

        def listing(self, path):
            if "/revision/" in path:
                siblings = [{"rfilename": name} for name in shelf.files]
                body = {"id": shelf.repository, "sha": COMMIT, "siblings": siblings}
            else:
                body = [entry(name, content) for name, content in shelf.files.items()]
            self.send(200, json.dumps(body).encode(), True, {"Content-Type": "application/json"})

        def send(self, status, body, with_body, headers):
            if with_body and not self.path.startswith("/api"):
                shelf.ranges.append(self.headers.get("Range", ""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if not with_body:
                return
            if shelf.cut_after and len(body) > shelf.cut_after[0]:
                body = body[: shelf.cut_after.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    server.daemon_threads = False
    shelf.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))  # noqa: TID251
    thread.start()
    try:
        yield shelf
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
