"""The providers that come with tidings, registered through the same hook as anybody's."""

from __future__ import annotations

from tidings.hookspecs import hookimpl
from tidings.model.seams import Provider
from tidings.providers.outbox import Outbox
from tidings.providers.sendgrid import SendGrid
from tidings.providers.smtp import Smtp


@hookimpl
def register_providers() -> list[type[Provider]]:
    """outbox for any channel; smtp and sendgrid for e-mail."""
    return [Outbox, Smtp, SendGrid]
