"""A Hugging Face hub in small: datasets in folders, served as huggingface_hub asks for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlparse


@dataclass
class Hub:
    """The server's address, the folder ORG/NAME/... that it serves, and what was asked."""

    root: Path
    url: str = ""
    gated: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def commit(self, hub_id: str) -> str:
        """The commit of a dataset: it follows from its files."""
        digest = hashlib.sha1()
        for path in self.files(hub_id):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def files(self, hub_id: str) -> list[Path]:
        return sorted(path for path in (self.root / hub_id).rglob("*") if path.is_file())

    def info(self, hub_id: str) -> bytes:
        return json.dumps({"id": hub_id, "sha": self.commit(hub_id), "private": False}).encode()

    def tree(self, hub_id: str) -> bytes:
        rows = [
            {
                "type": "file",
                "path": path.relative_to(self.root / hub_id).as_posix(),
                "size": path.stat().st_size,
                "oid": hashlib.sha1(path.read_bytes()).hexdigest(),
            }
            for path in self.files(hub_id)
        ]
        return json.dumps(rows).encode()


@contextmanager
def serving(root: Path) -> Iterator[Hub]:
    """Serve the datasets under `root` on a port of this machine."""
    hub = Hub(root)

    class Answer(BaseHTTPRequestHandler):
        """Answers what is asked about one dataset, at its only commit."""

        def do_GET(self) -> None:
            path = unquote(urlparse(self.path).path)
            hub.asked.append(path)
            parts = path.strip("/").split("/")
            api = parts[0] == "api"
            hub_id = "/".join(parts[1 + api : 3 + api])
            rest = parts[3 + api :]
            if not (hub.root / hub_id).is_dir():
                self.answer(404, b"", **{"X-Error-Code": "RepoNotFound"})
            elif rest[:1] == ["revision"] and rest[1] not in ("main", hub.commit(hub_id)):
                self.answer(404, b"", **{"X-Error-Code": "RevisionNotFound"})
            elif api:
                self.answer(200, hub.tree(hub_id) if rest[:1] == ["tree"] else hub.info(hub_id))
            elif hub_id in hub.gated:
                self.answer(403, b"", **{"X-Error-Code": "GatedRepo"})
            else:
                self.send_file(hub_id, "/".join(rest[2:]))

        do_HEAD = do_GET  # noqa: N815 - the name that the server calls

        def send_file(self, hub_id: str, name: str) -> None:
            body = (hub.root / hub_id / name).read_bytes()
            etag = f'"{hashlib.sha1(body).hexdigest()}"'
            self.answer(200, body, **{"X-Repo-Commit": hub.commit(hub_id), "ETag": etag})

        def answer(self, code: int, body: bytes, **headers: str) -> None:
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Keep the log off the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
