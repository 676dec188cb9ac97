"""OpenAPI documents that services publish, as judges of what our tests send and of what our emulators answer.

Prism stands in front of a server that repeats one recorded answer: it objects to a request, or to the answer, that the
document does not allow. It lets unknown fields pass, so those are looked for here.
"""

from __future__ import annotations

import gzip
import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.waiting import wait_until
from tidings.testing.sendgrid_emulator import Exchange, SendGridEmulator

PRISM = Path(__file__).parent.parent / ".venv/prism/node_modules/.bin/prism"
MISSING = "Prism is not installed: make prism (it needs node 18 or newer, with npm)"
DEADLINE = 60  # seconds; a machine with much else to do starts node slowly
# Their documents are not among the reference data.
ELSEWHERE = ("/v3/user/scheduled_sends", "/v3/verified_senders", "/v3/whitelabel/domains")


def can_serve() -> bool:
    """Whether Prism and the node it runs on are there."""
    return PRISM.exists() and shutil.which("node") is not None


class Published:
    """The documents of one service; Prism is started for each of them when first asked."""

    def __init__(self, documents: list[Path], folder: Path) -> None:
        self._documents = {path: json.loads(gzip.decompress(path.read_bytes())) for path in documents}
        self._folder = folder
        self._running: dict[Path, _Judge] = {}

    def objections(self, exchange: Exchange) -> list[str]:
        """What the document has against a request and its answer; empty where all is well.

        Only the request is judged where no answer came, or a failure that the document does not have: 429 is in none of
        them, though SendGrid's pages say it. Of calls whose document is not here, nothing is judged.
        """
        path = exchange.path.partition("?")[0]
        if path.startswith(ELSEWHERE):
            return []
        for file, document in self._documents.items():
            for template, operations in document["paths"].items():
                if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and exchange.method.lower() in operations:
                    judge = self._judge(file)
                    operation = operations[exchange.method.lower()]
                    status = exchange.status
                    known = status is not None and (status < 400 or str(status) in operation["responses"])
                    said = judge.objections(exchange if known else replace(exchange, status=None))
                    return [*_undeclared(document, operation, exchange), *said]
        return [f"{exchange.method} {path} is in no document"]

    def close(self) -> None:
        """Stop every Prism."""
        for judge in self._running.values():
            judge.close()

    def _judge(self, file: Path) -> _Judge:
        if file not in self._running:
            plain = self._folder / file.name.removesuffix(".gz")
            plain.write_text(json.dumps(self._documents[file]), encoding="utf-8")
            self._running[file] = _Judge(plain)
        return self._running[file]


def objections(emulator: SendGridEmulator, published: Published | None) -> list[str]:
    """What the documents say against all that an emulator has seen; nothing where there are no documents."""
    calls = [] if published is None else [one for one in emulator.exchanges if one.path.startswith("/v3/")]
    return [words for one in calls for words in published.objections(one)] if published else []


class _Judge:
    """Prism as a proxy for one document, and the server behind it."""

    def __init__(self, document: Path) -> None:
        self.answer: tuple[int, Mapping[str, str], bytes] = (202, {}, b"")
        judge = self

        class Handler(_Repeat):
            owner = judge

        self._behind = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._behind.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        upstream = f"http://127.0.0.1:{self._behind.server_port}"
        command = [str(PRISM), "proxy", "--errors", "-h", "127.0.0.1", "-p", str(self.port), str(document), upstream]
        self._prism = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._listens, DEADLINE, what="Prism's first answer")

    def objections(self, exchange: Exchange) -> list[str]:
        """Prism's, as sentences with their place; without a status, those against the request."""
        self.answer = (exchange.status, exchange.headers, exchange.answer) if exchange.status else (202, {}, b"")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            headers = {"Authorization": "Bearer SG.any", **exchange.asked}
            connection.request(exchange.method, exchange.path, exchange.body or None, headers)
            response = connection.getresponse()
            text = response.read().decode()
            found = json.loads(response.headers.get("sl-violations") or "[]")
            if response.headers.get("Content-Type", "").startswith("application/problem+json"):
                problem = json.loads(text)
                found = problem.get("validation") or [{"location": [], "message": text}]
        finally:
            connection.close()
        places = [
            one["location"] if one["location"][:1] == ["response"] else ["request", *one["location"]] for one in found
        ]
        said = [f"{'.'.join(map(str, place))}: {one['message']}" for place, one in zip(places, found, strict=True)]
        return [words for words in said if exchange.status or words.startswith("request")]

    def close(self) -> None:
        self._prism.terminate()
        self._prism.wait()
        self._behind.shutdown()
        self._behind.server_close()
        self._thread.join()

    def _listens(self) -> bool:
        assert self._prism.poll() is None, "Prism has ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class _Repeat(BaseHTTPRequestHandler):
    """Gives the recorded answer, whatever is asked."""

    protocol_version = "HTTP/1.1"
    owner: _Judge

    def handle_one_request(self) -> None:
        super().handle_one_request()
        self.close_connection = True

    def _repeat(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, body = self.owner.answer
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_PATCH = _repeat  # noqa: N815 - the base class names them so

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


def _undeclared(document: Mapping[str, Any], operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
    """Fields of a request that the document does not name, where it names any."""
    if exchange.body and "requestBody" in operation:
        content = _resolved(document, operation["requestBody"])["content"]
        yield from _unknown(document, content["application/json"]["schema"], json.loads(exchange.body), "request.body")


def _unknown(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    schema = _resolved(document, schema)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unknown(document, schema.get("items", {}), item, f"{place}.{number}")
    elif isinstance(value, dict) and "properties" in schema:
        for name, item in value.items():
            if name in schema["properties"]:
                yield from _unknown(document, schema["properties"][name], item, f"{place}.{name}")
            else:
                yield f"{place}.{name}: the document knows no such field"


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema
