"""Where a worker stops to be killed, and what mutants change in it: both by wrapping the product from outside.

This runs in a forked process that ends here, so nothing is put back.
"""

from __future__ import annotations

import os
import signal
from asyncio import selector_events
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import tidings.verbs.tick as tick_verb
from tests.delivery.crash.cells import Stop
from tidings.delivery import dispatch
from tidings.ledger import messages
from tidings.providers.sendgrid import SendGrid
from tidings.providers.smtp import Smtp

END_OF_MESSAGE = b"\r\n.\r\n"


class Stopper:
    """Says on a pipe that the worker has come to its point for the so-manyeth time, and freezes it there."""

    def __init__(self, point: Stop, nth: int, say: Callable[[], None]) -> None:
        self.point = point
        self.left = nth
        self.say = say

    def reached(self, point: Stop, counts: object = True) -> None:
        """Called at every point; SIGSTOP holds all threads until the killer comes."""
        if point is self.point and counts:
            self.left -= 1
            if not self.left:
                self.say()
                os.kill(os.getpid(), signal.SIGSTOP)

    def install(self) -> None:
        """Wrap what is called at each point."""
        after = self._after
        after(messages, "recover", Stop.RECOVERY_WRITTEN, bool)
        self._before(tick_verb, "dispatch", Stop.RECOVERED)
        after(dispatch, "claim", Stop.CLAIM_WRITTEN, lambda claimed: claimed.sending)
        after(dispatch.Dispatcher, "_claim", Stop.CLAIMED, lambda claimed: claimed.sending)
        for provider, one in ((Smtp, "_send_one"), (SendGrid, "_send_request")):
            self._around_send(provider)
            self._after_each_answer(provider, one)
        self._before(HTTPConnection, "getresponse", Stop.UNREAD)
        self._after_content()
        after(messages, "finish_attempts", Stop.SETTLE_WRITTEN)
        after(dispatch.Dispatcher, "_settle", Stop.SETTLED)

    def _after(self, owner: Any, name: str, point: Stop, counts: Callable[[Any], object] = lambda _: True) -> None:
        original = getattr(owner, name)

        def wrapped(*args: Any, **options: Any) -> Any:
            result = original(*args, **options)
            self.reached(point, counts(result))
            return result

        setattr(owner, name, wrapped)

    def _before(self, owner: Any, name: str, point: Stop) -> None:
        original = getattr(owner, name)

        def wrapped(*args: Any, **options: Any) -> Any:
            self.reached(point)
            return original(*args, **options)

        setattr(owner, name, wrapped)

    def _around_send(self, provider: Any) -> None:
        original = provider.send

        async def send(this: Any, *args: Any) -> Any:
            self.reached(Stop.RENDERED)
            answers = await original(this, *args)
            self.reached(Stop.ANSWERED)
            return answers

        provider.send = send

    def _after_each_answer(self, provider: Any, name: str) -> None:
        """SMTP answers message by message, SendGrid request by request."""
        original = getattr(provider, name)

        async def send_one(*args: Any, **options: Any) -> Any:
            answer = await original(*args, **options)
            self.reached(Stop.MIDDLE)
            return answer

        setattr(provider, name, send_one)

    def _after_content(self) -> None:
        """SMTP: the final dot has been given to the socket, whichever library speaks the protocol."""
        transport: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined] # asyncio's own
        original = transport.write

        def write(this: Any, data: Any) -> None:
            original(this, data)
            self.reached(Stop.UNREAD, bytes(data[-len(END_OF_MESSAGE) :]) == END_OF_MESSAGE)

        transport.write = write
