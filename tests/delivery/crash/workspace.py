"""The workspace that is delivered under kills: the same in the process that judges and in the one that works."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from tests.planning.campaigns import SEND, campaign
from tests.workspace import bare_project
from tidings.project import Project

BATCH = 4
API_KEY = "SG.crash"
TIMEOUT = 0.4  # seconds a worker waits for an answer: longer than a slow one takes, shorter than silence
CAMPAIGNS = ("letter", "other")


class Place(NamedTuple):
    """What a worker has to know to find its workspace; each part survives JSON."""

    root: str
    ledger: str
    provider: str
    endpoint: str
    cap: int = 100_000

    def project(self) -> Project:
        """Two live campaigns for everybody, no quiet hours, the provider on loopback."""
        made = bare_project(
            Path(self.root),
            ledger={"url": self.ledger},
            allow=["*"],
            channels={"email": {"providers": [self.provider]}},
            providers={self.provider: self._provider()},
            caps={"email": {"max": self.cap, "within": "1d"}},
            quiet_hours=None,
            delivery={"batch": BATCH},
        )
        steps = [SEND | {"expires": "7d"}]
        live = {name: campaign(campaign=name, approval="none", steps=steps) for name in CAMPAIGNS}
        return replace(made, campaigns=live)

    def _provider(self) -> dict[str, Any]:
        if self.provider == "smtp":
            return {"host": "127.0.0.1", "port": int(self.endpoint), "timeout": TIMEOUT}
        return {"host": self.endpoint, "api_key": {"secret": "crash"}, "timeout": TIMEOUT}
