"""The workspace: where it is and what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tidings.clock import parse_at, wall_clock
from tidings.errors import TidingsError
from tidings.model.campaign import Campaign, Offer, Segment
from tidings.model.portfolio import Portfolio
from tidings.plugins import Plugins
from tidings.settings import MARKER, Settings
from tidings.yamlfile import YamlDocument


@dataclass(frozen=True)
class Project:
    """Everything the files of a workspace say; `documents` by file name, relative to `root`."""

    root: Path
    environment: str
    settings: Settings
    plugins: Plugins
    campaigns: dict[str, Campaign]
    segments: dict[str, Segment]
    offers: dict[str, Offer]
    documents: dict[str, YamlDocument]
    portfolio: Portfolio | None = None

    @property
    def state(self) -> Path:
        """The folder of what the machine writes: ledger, snapshots, plans, outbox, reports."""
        return self.root / ".tidings"

    @property
    def warehouse_folder(self) -> Path:
        """The folder of the source tables, where they are files."""
        return self.root / self.settings.warehouse.folder

    def now(self, at: str | None = None) -> datetime:
        """Business time, UTC: `at` as typed, else the setting `clock.at`, else the machine's clock."""
        if at is not None:
            return parse_at(at, self.settings.timezone)
        fixed = self.settings.clock.at
        return fixed.astimezone(UTC) if fixed else wall_clock()


def find_root(start: Path) -> Path:
    """The workspace that `start` lies in: the nearest folder above with config/tidings.yaml; TidingsError for none."""
    try:
        here = start.resolve()
    except FileNotFoundError as error:
        raise TidingsError("the current folder is gone", "cd into one that is there") from error
    for folder in (here, *here.parents):
        if (folder / MARKER).is_file():
            return folder
    raise TidingsError(
        f"no {MARKER} in {here} or above",
        "run `tidings init FOLDER`, or say where the workspace is with --root",
    )
