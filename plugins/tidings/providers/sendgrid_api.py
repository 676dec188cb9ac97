"""Calls of SendGrid's v3 API by the official library, a few at once, from threads because the library blocks."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any
from urllib.error import URLError

from pydantic import SecretStr

from tidings.errors import TidingsError

# The library logs every header, the key among them, and every payload at DEBUG (R53).
logging.getLogger("python_http_client").setLevel(logging.INFO)
_UNCONNECTED = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)


class UnsentError(Exception):
    """The request cannot have left: it never began, or there was no connection for it."""


class StoppedError(UnsentError):
    """The request did not begin, because something had happened before its turn came."""


class Api:
    """One account; `connections` calls at once."""

    def __init__(self, api_key: SecretStr, host: str, *, timeout: float, connections: int) -> None:
        self._api_key = api_key
        self._host = host
        self._timeout = timeout
        self._connections = connections
        self._slots = asyncio.Semaphore(connections)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        unless: Sequence[str] = (),
    ) -> Any:
        """The library's response, or its exception for any other status: both have code, headers and body.

        UnsentError where nothing has left, StoppedError where `unless` holds something when its turn comes; any other
        exception means that nobody knows.
        """
        async with self._slots:
            if unless:
                raise StoppedError(unless[0])
            work = self._threads.submit(self._call, method, path, query, body)
            try:
                # Sockets have the same time-out, but for each read: a server that drips would never meet it.
                return await asyncio.wait_for(asyncio.wrap_future(work), self._timeout)
            except Exception as error:
                reason = error.reason if isinstance(error, URLError) else error
                unconnected = isinstance(
                    reason, (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
                )
                if unconnected or work.cancelled():
                    raise UnsentError(str(reason)) from error
                raise

    async def ask(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """The JSON of a control call; TidingsError where the answer is not one, whatever the reason."""
        try:
            reply = await self.call(method, path, query=query, body=body)
            if 200 <= reply.status_code < 300:
                return json.loads(reply.body) if reply.body else None
            said = f"SendGrid answered {reply.status_code}"
        except Exception as error:
            raise TidingsError(
                f"no answer from SendGrid: {type(error).__name__}: {error}", "try again later"
            ) from error
        raise TidingsError(f"{said} to {method.upper()} {path}", "check the API key and its permissions")

    def close(self) -> None:
        """Give the threads back."""
        if "_threads" in self.__dict__:
            self.__dict__.pop("_threads").shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._connections, thread_name_prefix="sendgrid")

    def _call(self, method: str, path: str, query: Mapping[str, Any] | None, body: Any) -> Any:
        from python_http_client.exceptions import HTTPError
        from sendgrid import SendGridAPIClient

        client = SendGridAPIClient(self._api_key.get_secret_value(), host=self._host).client
        try:
            function = getattr(client._(path), method)
            return function(request_body=body, query_params=query, timeout=self._timeout)
        except HTTPError as error:
            return error
