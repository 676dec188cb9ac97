"""The signed links that messages carry, written by delivery and read by tracking."""

from __future__ import annotations

from datetime import datetime

from tidings.project import Project
from tidings.settings import PRODUCTION
from tidings.tokens import TokenSigner

UNSUBSCRIBE = "unsubscribe"
LINK_KEY = "link_key"


def signer(project: Project) -> TokenSigner:
    """Signs tokens with the secret `link_key`; development may do with a key derived from the salt."""
    if project.environment == PRODUCTION:
        return TokenSigner([project.plugins.secret(LINK_KEY)])
    return TokenSigner([project.plugins.find_secret(LINK_KEY) or f"development only: {project.settings.salt}"])


def unsubscribe_url(project: Project, send_key: str, now: datetime, signed_by: TokenSigner | None = None) -> str:
    """The person's own link to leave; the token says which message it came with, and no more (R13).

    `signed_by` is the workspace's `signer`, where many links are made.
    """
    token = (signed_by or signer(project)).sign(UNSUBSCRIBE, {"k": send_key}, now=now)
    return f"{project.settings.public_url}/u/{token}"


def read_unsubscribe(project: Project, token: str) -> str:
    """The send_key of an unsubscribe token; TidingsError for a forged one. Such a link never grows too old."""
    return str(signer(project).read(UNSUBSCRIBE, token)["k"])
