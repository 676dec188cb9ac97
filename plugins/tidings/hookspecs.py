"""Every seam of tidings. A plugin implements any of these; the built-ins come in through the same ones.

Each hook's exact signature is in docs/hooks.md; a test keeps the two alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

from tidings.model.seams import Condition, CostDriver, Eligibility, Provider, Recommender, ReportSection

if TYPE_CHECKING:
    import jinja2

PROJECT = "tidings"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_providers() -> list[type[Provider]]:  # type: ignore[empty-body]  # a hook is a signature
    """Providers that carry a channel."""


@hookspec
def register_conditions() -> list[type[Condition]]:  # type: ignore[empty-body]  # a hook is a signature
    """Named conditions for segments, audiences and branches."""


@hookspec
def register_eligibility() -> list[type[Eligibility]]:  # type: ignore[empty-body]  # a hook is a signature
    """Rules that may keep a message from a person, asked in every plan."""


@hookspec
def register_recommenders() -> list[type[Recommender]]:  # type: ignore[empty-body]  # a hook is a signature
    """Strategies that `recommend:` may name."""


@hookspec
def register_cost_drivers() -> list[type[CostDriver]]:  # type: ignore[empty-body]  # a hook is a signature
    """Drivers that `activity_costs` may name."""


@hookspec
def register_report_sections() -> list[type[ReportSection]]:  # type: ignore[empty-body]  # a hook is a signature
    """Sections of a campaign's report."""


@hookspec
def prepare_jinja_environment(env: jinja2.Environment) -> None:
    """Add filters or globals that templates may use."""


@hookspec(firstresult=True)
def resolve_secret(name: str) -> str | None:
    """The secret of that name, or None where this plugin does not hold it."""


def members() -> list[str]:
    """The names of all hooks."""
    return sorted(name for name, value in globals().items() if hasattr(value, f"{PROJECT}_spec"))


__all__ = ["Any", "hookimpl", "hookspec", "members"]
