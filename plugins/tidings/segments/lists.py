"""The condition about a list of customers kept outside git."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tidings.errors import TidingsError, did_you_mean
from tidings.model.base import Noun
from tidings.model.mistakes import Mistake
from tidings.model.seams import Condition
from tidings.segments.columns import digest
from tidings.warehouse.addresses import normalise_email

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t"


class Listed(Condition):
    """Stands in a column of a CSV file, by customer_id or e-mail address; the file lies in the folder `data`."""

    name: ClassVar[str] = "list"

    class Config(Noun):
        """What YAML may say of it."""

        file: str
        column: str = "customer_id"

    config: Config

    @property
    def path(self) -> Path:
        """The file; a relative path counts from the folder of the source tables."""
        return self.around.data / self.config.file

    @property
    def column(self) -> str:
        return f"list__{digest([self.config.file, self.config.column])}"

    def mistakes(self) -> Iterator[Mistake]:
        try:
            rows = read_list(self.path)
        except TidingsError as error:
            yield Mistake(("file",), error.reason, error.fix)
            return
        if rows and self.config.column not in rows[0]:
            fix = did_you_mean(self.config.column, rows[0])
            yield Mistake(("column",), f"{self.config.file} has no column {self.config.column!r}", fix)
        if any(normalise_email(cell) for row in rows[1:] for cell in row if "@" in cell) and tracked(self.path):
            fix = "keep it in the folder data, outside git: git rm --cached, and a line in .gitignore"
            yield Mistake(("file",), f"git tracks {self.config.file}, which holds e-mail addresses", fix)

    def answers(self, profiles: pd.DataFrame) -> Mapping[str, pd.Series[Any]]:
        rows = read_list(self.path)
        index = rows[0].index(self.config.column) if rows else 0
        values = {row[index] for row in rows[1:] if index < len(row)} - {""}
        addresses = {normalise_email(value) for value in values if "@" in value} - {None}
        return {self.column: profiles["customer_id"].isin(values) | profiles["email"].isin(addresses)}

    def sql(self, now: datetime) -> str:
        return f'"{self.column}"'


def read_list(path: Path) -> list[list[str]]:
    """The rows of a CSV file, its header first; TidingsError where it is not there or no text in UTF-8."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TidingsError(f"the list {path} cannot be read", "put the file there, or mend `file`") from error
    except UnicodeDecodeError as error:
        raise TidingsError(f"the list {path} is not in UTF-8", "save it as CSV in UTF-8") from error
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return [[cell.strip() for cell in row] for row in rows if row]


def tracked(path: Path) -> bool:
    """Whether git keeps the file; it does not where there is no repository, or no git."""
    asked = ["git", "ls-files", "--error-unmatch", "--", path.name]
    try:
        done = subprocess.run(asked, cwd=path.parent, capture_output=True, check=False)  # noqa: S603 - no shell
    except OSError:
        return False
    return done.returncode == 0
