"""A flow as a table of steps: what comes after what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidings.model.campaign import Campaign
from tidings.model.steps import If, Step


@dataclass(frozen=True)
class Node:
    """One step; `after` is the next one, `then` and `otherwise` where a branch leads. None is the end."""

    step: Step
    after: str | None
    then: str | None = None
    otherwise: str | None = None


@dataclass(frozen=True)
class Program:
    """All steps by id."""

    first: str
    nodes: dict[str, Node]


def enrols(campaign: Campaign) -> bool:
    """Whether people are inside for a while: in a flow, and wherever it matters who was here before.

    Without that, a message on entering a segment would go to everybody in it on every day.
    """
    audience = campaign.audience
    return not campaign.broadcast or audience.enter == "on_entry" or audience.reentry is not None


def compile_flow(campaign: Campaign) -> Program:
    """The campaign's steps linked; a single step without an id is called `send`."""
    nodes: dict[str, Node] = {}
    first = _link(campaign.steps, None, nodes)
    return Program(first or "send", nodes)


def _id(step: Step) -> str:
    """The step's id; compulsory in a campaign of more than one step."""
    return step.id or "send"


def _link(steps: Sequence[Step], end: str | None, nodes: dict[str, Node]) -> str | None:
    after = end
    for step in reversed(steps):
        name = _id(step)
        if isinstance(step, If):
            then, otherwise = _link(step.then, after, nodes), _link(step.otherwise, after, nodes)
            nodes[name] = Node(step, after, then, otherwise)
        else:
            nodes[name] = Node(step, after)
        after = name
    return after
