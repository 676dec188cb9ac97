"""plan, why, approve: who would get what, and why everyone else would not."""

from __future__ import annotations

from typing import Annotated

import typer

from tidings.cli.options import At, Json, Root, load

commands = typer.Typer()

Campaign = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's name.", show_default=False)]


@commands.command()
def plan(
    campaign: Campaign,
    at: At = None,
    json: Json = False,
    rows: Annotated[bool, typer.Option("--rows", help="With --json: every person considered.")] = False,
    commit: Annotated[bool, typer.Option("--commit", help="Write the plan record; deliver sends from it.")] = False,
    occasion: Annotated[str | None, typer.Option(help="Instead of the last one due.", show_default=False)] = None,
    root: Root = None,
) -> None:
    """Show whom a campaign would send to, and why not.

    Everybody considered, with a reason for every no. Without --commit nothing is written.
    """
    from tidings.cli import printing, views
    from tidings.verbs.plan import plan as run_plan

    project = load(root)
    with printing.working(f"planning {campaign}"):
        made = run_plan(project, campaign, project.now(at), commit=commit, occasion=occasion)
    early = made.due_at if made.due_at and made.due_at > made.now else None
    printing.show(made.shape(rows), lambda shape: views.plan_view(shape, made.campaign, made.state, early), json)


@commands.command()
def why(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer_id.", show_default=False)],
    campaign: Campaign,
    at: At = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Show one customer's way through the gates.

    And what the ledger already holds for this customer and campaign.
    """
    from tidings.cli import printing, views
    from tidings.verbs.why import why as run_why

    project = load(root)
    with printing.working(f"asking about {customer}"):
        told = run_why(project, customer, campaign, project.now(at))
    printing.show(told, views.why_view, json)


@commands.command()
def approve(
    campaign: Campaign,
    at: At = None,
    hash_: Annotated[
        str | None,
        typer.Option("--hash", help="What `plan` printed; by default the definition.", show_default=False),
    ] = None,
    who: Annotated[str | None, typer.Option(help="Who approves; by default you.", show_default=False)] = None,
    comment: Annotated[str, typer.Option(help="Kept with the approval.", show_default=False)] = "",
    reject: Annotated[bool, typer.Option("--reject", help="Discard the plan of that hash instead.")] = False,
    json: Json = False,
    root: Root = None,
) -> None:
    """Approve a campaign's definition or one plan.

    What waits for the approval is released. With --reject nothing of the plan is sent.
    """
    from getpass import getuser

    from tidings.cli import printing, views
    from tidings.verbs.approve import approve as run_approve

    project = load(root)
    by = who or getuser()
    done = run_approve(project, campaign, project.now(at), hash_=hash_, who=by, comment=comment, reject=reject)
    printing.show(done, views.approve_view, json)
