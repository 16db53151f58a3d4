"""A Hugging Face Hub of our own on a loopback port: data sets as the real huggingface_hub asks for them, and refusals."""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

TOKEN = "hf_aTokenNobodyMustSee"
SHA = "a" * 40


class FakeHub:
    """The server; `with FakeHub({"ann/songs": {"train.csv": b"..."}}) as hub` runs it."""

    def __init__(
        self, datasets: dict[str, dict[str, bytes]], converted: dict[str, dict[str, bytes]] | None = None
    ) -> None:
        """Offer these files by data set; `converted` are those that the Hub made itself."""
        self.datasets = datasets
        self.converted = converted or {}
        self.gated: set[str] = set()
        self.failing: list[int] = []
        """What the next requests for bytes are answered with."""
        self.refusing = 0
        """What every request is answered with, if not 0."""
        self.saying, self.is_packed = b"", False
        """What every request is answered with, if anything, and whether it is gzipped."""
        self.bytes_sent = 0
        self.requests: list[str] = []
        self.tokens: set[str] = set()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                hub._answer(self)

            def do_HEAD(self) -> None:
                hub._answer(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                hub._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client was killed
        self.root = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that send huggingface_hub here."""
        return {"HF_ENDPOINT": self.root, "HF_TOKEN": TOKEN, "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_TELEMETRY": "1"}

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(handler.path).path)
        self.requests.append(path)
        self.tokens.add(handler.headers.get("Authorization", ""))
        if self.refusing:
            return self._refuse(handler, self.refusing, "")
        if self.saying:
            handler.send_response(200)
            if self.is_packed:
                handler.send_header("Content-Encoding", "gzip")
            return self._send(handler, self.saying)
        if asked := re.fullmatch(r"/api/datasets/([^/]+/[^/]+?)(?:/revision/(.+))?", path):
            return self._describe(handler, asked[1], asked[2] or "main")
        if asked := re.fullmatch(rf"/api/datasets/([^/]+/[^/]+)/(?:tree|paths-info)/({SHA}|c{{40}})(?:/(.*))?", path):
            files = self._files(asked[1], asked[2]) or {}
            return self._send_json(handler, _tree(files, asked[3] or ""))
        if asked := re.fullmatch(rf"/datasets/([^/]+/[^/]+)/resolve/({SHA}|c{{40}})/(.+)", path):
            return self._send_bytes(handler, (self._files(asked[1], asked[2]) or {})[asked[3]])
        return self._refuse(handler, 404, "RepoNotFound")

    def _files(self, name: str, revision: str) -> dict[str, bytes] | None:
        if revision in ("refs/convert/parquet", "c" * 40):
            return self.converted.get(name)
        return self.datasets.get(name) if revision in ("main", "v1", SHA) else None

    def _describe(self, handler: BaseHTTPRequestHandler, name: str, revision: str) -> None:
        if name not in self.datasets:
            return self._refuse(handler, 401, "RepoNotFound")
        if name in self.gated:
            return self._refuse(handler, 403, "GatedRepo")
        files = self._files(name, revision)
        if files is None:
            return self._refuse(handler, 404, "RevisionNotFound")
        sha = "c" * 40 if files is self.converted.get(name) else SHA
        siblings = [{"rfilename": path, "size": len(content)} for path, content in files.items()]
        about = {"_id": "1", "id": name, "sha": sha, "siblings": siblings, "private": False, "gated": False}
        return self._send_json(handler, about)

    def _send_bytes(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        if self.failing:
            return self._refuse(handler, self.failing.pop(0), "")
        first, last = 0, len(content) - 1
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", "")):
            first, last = int(asked[1]), min(last, int(asked[2] or last))
        part = content[first : last + 1]
        self.bytes_sent += len(part)
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        handler.send_header("ETag", '"x"')
        handler.send_header("X-Repo-Commit", SHA)
        return self._send(handler, part)

    def _send_json(self, handler: BaseHTTPRequestHandler, value: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        self._send(handler, json.dumps(value).encode())

    def _refuse(self, handler: BaseHTTPRequestHandler, status: int, code: str) -> None:
        handler.send_response(status)
        if code:
            handler.send_header("X-Error-Code", code)
            handler.send_header("X-Error-Message", code)
        self._send(handler, b"{}")

    def _send(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)


def _tree(files: dict[str, bytes], folder: str) -> list[dict[str, Any]]:
    """Return what lies in a folder."""
    prefix = f"{folder}/" if folder else ""
    found: dict[str, dict[str, Any]] = {}
    for path, content in files.items():
        name, slash, _ = path.removeprefix(prefix).partition("/")
        if path.startswith(prefix):
            entry = {"type": "directory" if slash else "file", "path": prefix + name, "oid": "0", "size": len(content)}
            found[name] = entry
    return list(found.values())
