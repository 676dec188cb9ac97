"""refresh, deliver, tick, track: the machinery, as Airflow runs it; pause, resume, lanes: a hand on it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tidings.cli.options import At, Json, Root, load

commands = typer.Typer()


@commands.command()
def refresh(at: At = None, json: Json = False, root: Root = None) -> None:
    """Read the warehouse and write a snapshot.

    Persons, features, segments and recommendations, as plans read them.
    """
    from tidings.cli import printing, views
    from tidings.verbs.refresh import refresh as run_refresh

    project = load(root)
    with printing.working("refreshing"):
        done = run_refresh(project, project.now(at))
    printing.show(done, lambda shape: views.refresh_view(shape, project.settings.base_currency), json)


@commands.command()
def deliver(
    at: At = None,
    plan: Annotated[str | None, typer.Option(help="Only this plan's messages.", show_default=False)] = None,
    shard: Annotated[str | None, typer.Option(help="One part of the persons: 2/4.", show_default=False)] = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Send what is planned, due and released.

    Nothing is sent twice.
    """
    from tidings.cli import printing, views
    from tidings.verbs.deliver import deliver as run_deliver

    part = _shard(shard)
    project = load(root)
    with printing.working("delivering") as told:
        tell = partial(views.tell_progress, told)
        done = run_deliver(project, project.now(at), plan_id=plan, shard=part, tell=tell)
    printing.show(done, views.deliver_view, json)


@commands.command()
def tick(at: At = None, json: Json = False, root: Root = None) -> None:
    """Advance flows, deliver, settle and expire.

    Does nothing when nothing is due.
    """
    from tidings.cli import printing, views
    from tidings.verbs.tick import tick as run_tick

    project = load(root)
    with printing.working("one round") as told:
        done = run_tick(project, project.now(at), tell=partial(views.tell_progress, told))
    printing.show(done, views.tick_view, json)


@commands.command()
def track(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Events, a JSON object a line; - reads standard input.")],
    at: At = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Take the events that came back.

    Opens, clicks, bounces, complaints, unsubscribes; each counts once.
    """
    from tidings.cli import printing, views
    from tidings.cli.events import read_events
    from tidings.verbs.track import track as run_track

    project = load(root)
    done = run_track(project, read_events(file), project.now(at))
    printing.show(done, views.track_view, json)


Provider = Annotated[str, typer.Argument(metavar="[PROVIDER]", help="By default all.", show_default=False)]
Domains = Annotated[str, typer.Option(help="One group of its domains only.", show_default=False)]


@commands.command()
def pause(
    provider: Provider = "*",
    domains: Domains = "*",
    because: Annotated[str, typer.Option(help="Why, for whoever looks.", show_default=False)] = "",
    at: At = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Stop all sending, or that of one provider, at once."""
    from tidings.cli import printing, views
    from tidings.verbs.pause import pause as run_pause

    project = load(root)
    done = run_pause(project, project.now(at), provider, domains, because)
    printing.show(done, views.pause_view, json)


@commands.command()
def resume(provider: Provider = "*", domains: Domains = "*", json: Json = False, root: Root = None) -> None:
    """Let go on what was paused."""
    from tidings.cli import printing, views
    from tidings.verbs.resume import resume as run_resume

    printing.show(run_resume(load(root), provider, domains), views.resume_view, json)


@commands.command()
def settle(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's name.", show_default=False)],
    sent: Annotated[bool, typer.Option("--sent/--again", help="They were sent; or they were not: send once more.")],
    at: At = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Say what became of messages in doubt.

    Look into the provider's own log first.
    """
    from tidings.cli import printing, views
    from tidings.verbs.settle import settle as run_settle

    project = load(root)
    printing.show(run_settle(project, campaign, project.now(at), sent=sent), views.settle_view, json)


@commands.command()
def lanes(at: At = None, json: Json = False, root: Root = None) -> None:
    """Show how fast messages leave, and what has stopped."""
    from tidings.cli import printing, views
    from tidings.verbs.lanes import lanes as run_lanes

    project = load(root)
    printing.show(run_lanes(project, project.now(at)), views.lanes_view, json)


def _shard(text: str | None) -> tuple[int, int] | None:
    """`2/4` as (1, 4): counted from 1 by people, from 0 inside."""
    if text is None:
        return None
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise typer.BadParameter(f"{text!r} is not a part of a whole; write 2/4", param_hint="--shard")
    return int(part) - 1, int(parts)
