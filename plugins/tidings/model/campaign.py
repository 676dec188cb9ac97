"""A campaign as a marketer writes it: audience, goal, steps, schedule."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from tidings.model.base import Noun
from tidings.model.scalars import Address, Clause, Code, Duration, Name, Share, Span, Whole, Zone
from tidings.model.steps import Send, Step, walk

Aim = Literal["acquire", "build", "care", "win_back"]


class Audience(Noun):
    """Who may enter: segment names and conditions; `exclude` is asked again before every send."""

    include: Clause
    exclude: list[Clause] = Field(default=[])
    enter: Literal["every_run", "on_entry"] = "every_run"
    backlog: Literal["none", "all"] = "none"
    reentry: Duration | None = None


class Goal(Noun):
    """What the campaign is for: an order, perhaps of a category, within a time from the anchor."""

    event: Literal["order"]
    where: dict[Literal["category", "product"], str] = Field(default={})
    within: Span


class Holdout(Noun):
    """The share of people who would have been sent to and are not, so that the effect can be measured."""

    share: Share
    rotate: Span | None = None


class Limits(Noun):
    """Envelopes of one run; `per_run` is a number of messages."""

    per_run: Annotated[Whole, Field(gt=0)] | None = None


class Once(Noun):
    """A campaign that runs one time, at a local date and time."""

    once: str


class After(Noun):
    """A campaign that runs whenever a refresh has finished."""

    after: Literal["refresh"]


def _schedule_form(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((f"<{key}>" for key in ("once", "after") if key in value), None)
    return f"<{type(value).__name__.lower()}>" if isinstance(value, (Once, After)) else "<cron>"


class Campaign(Noun):
    """One file of config/campaigns/."""

    campaign: Name
    title: str
    aim: Aim
    status: Literal["draft", "live", "paused", "retired"] = "draft"
    owner: Address
    purpose: Literal["marketing", "service"] = "marketing"
    topic: Name | None = None
    schedule: Annotated[
        Annotated[str, Tag("<cron>")] | Annotated[Once, Tag("<once>")] | Annotated[After, Tag("<after>")],
        Discriminator(
            _schedule_form,
            custom_error_type="choice",
            custom_error_message="a schedule is a cron expression, {once: …} or {after: refresh}",
            custom_error_context={"known": "once after"},
        ),
    ]
    timezone: Zone | None = None
    late_by: Duration = timedelta(hours=12)
    audience: Audience
    goal: Goal | None = None
    exit: list[Literal["goal", "excluded"]] = Field(default=["goal", "excluded"])
    holdout: Holdout | None = None
    priority: Annotated[Whole, Field(ge=0, le=100)] = 50
    limits: Limits = Limits()
    approval: Literal["none", "definition", "plan"] = "definition"
    guarantee: Literal["at_most_once", "cancel_in_doubt", "at_least_once", "ask"] = "at_most_once"
    steps: Annotated[list[Step], Field(min_length=1)]

    @property
    def broadcast(self) -> bool:
        """Whether the campaign is one send step: entry and send gates then run at once."""
        return len(self.steps) == 1 and self.steps[0].kind == "send"

    @property
    def send_steps(self) -> list[Send]:
        """Every send step, in reading order, those inside branches too."""
        return [step for step in walk(self.steps) if isinstance(step, Send)]


class Offer(Noun):
    """One file of config/offers/: a public code that every recipient may use."""

    offer: Name
    title: str
    code: Code
    value: Share
    valid_for: Duration

    def terms(self, at: datetime) -> dict[str, Any]:
        """What a template shows of the offer to somebody who gets it at `at`."""
        return {"code": self.code, "title": self.title, "value": self.value, "expires": (at + self.valid_for).date()}


class Segment(Noun):
    """One file of segments/: a named question about customers; the list under `where` means *and*."""

    segment: Name
    title: str
    where: Annotated[list[Clause], Field(min_length=1)]
