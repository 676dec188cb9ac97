"""What commands print: tables that read at 80 columns and without colour; the last line says what is next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.table import Table

S = TypeVar("S", bound=BaseModel)


def console() -> Console:
    """Standard output as it is now; colour only where NO_COLOR and the terminal allow it."""
    return Console(highlight=False, soft_wrap=False)


def show(shape: S, view: Callable[[S], None], as_json: bool) -> None:
    """Print a shape: as JSON and nothing else, or by its view."""
    if as_json:
        print(shape.model_dump_json(indent=2))
    else:
        view(shape)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """A spinner on standard error while something takes its time; nothing where that is not a terminal.

    What it gives takes how far it has come, to be shown beside it.
    """
    error = Console(stderr=True)
    if error.is_terminal:
        with error.status(f"{what} …") as status:
            yield lambda so_far: status.update(f"{what} … {escape(so_far)}")
    else:
        yield lambda _: None


def say(text: str) -> None:
    """One line, as it is."""
    console().print(escape(text), soft_wrap=True)


def heading(text: str, detail: str = "") -> None:
    """What the rest is about."""
    console().print(f"[bold]{escape(text)}[/bold]" + (f"  {escape(detail)}" if detail else ""))


def next_step(text: str) -> None:
    """The last line: what to do now. Never wrapped, so that it can be copied."""
    console().print(f"next: {escape(text)}", soft_wrap=True)


def numbers(rows: list[tuple[str, str]], *, strong: frozenset[int] = frozenset()) -> None:
    """Words and figures in two columns; the rows numbered in `strong` in bold."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(overflow="fold", max_width=58)
    table.add_column(justify="right", no_wrap=True)
    for index, (words, figure) in enumerate(rows):
        table.add_row(escape(words), escape(figure), style="bold" if index in strong else None)
    console().print(table)


def columns(headers: list[str], rows: list[list[str]], right: frozenset[int] = frozenset()) -> None:
    """A table with headers; the columns numbered in `right` hold figures."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for index, header in enumerate(headers):
        table.add_column(header, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console().print(table)
