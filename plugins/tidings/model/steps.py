"""The steps of a campaign, each told apart by the key that names what it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from tidings.model.base import Noun
from tidings.model.mistakes import Place
from tidings.model.scalars import Clause, Clock, Duration, Name, Share, Span, Whole, form

KINDS = ("send", "wait", "if")


class Recommend(Noun):
    """Products for each person; fewer than `at_least` closes the gate."""

    strategy: Name
    count: Annotated[Whole, Field(ge=1, le=12)] = 3
    at_least: Annotated[Whole, Field(ge=1, le=12)] = 1
    not_again: Duration | None = None
    otherwise: Annotated[Literal["skip"], Field(alias="else")] = "skip"


class Variant(Noun):
    """One arm of a test inside a send step; shares add up to 100 %."""

    id: Name
    share: Share
    subject: str | None = None
    template: str | None = None


class AnyOf(Noun):
    """Several channels for one message: the first reachable one in the order given."""

    any_of: Annotated[list[Name], Field(min_length=1)]
    by: Literal["order"] = "order"


class SendAt(Noun):
    """The recipient's own time of day, today if it is still to come, else tomorrow."""

    local: Clock


class Send(Noun):
    """One message to each person who reaches the step."""

    id: Name | None = None
    send: Annotated[Annotated[Name, Tag("<plain>")] | Annotated[AnyOf, Tag("<mapping>")], Discriminator(form)]
    template: str
    recommend: Recommend | None = None
    offer: Name | None = None
    variants: list[Variant] = Field(default=[])
    send_at: SendAt | None = None
    expires: Span | None = None
    kind: ClassVar[Literal["send"]] = "send"

    @property
    def channels(self) -> list[str]:
        """Allowed channels in order of preference."""
        return [self.send] if isinstance(self.send, str) else list(self.send.any_of)

    @property
    def name(self) -> str:
        """The step's part of a message's unique key; a broadcast's single step may go without an id."""
        return self.id or "send"


class UntilGoal(Noun):
    """Wait for the goal, at most `timeout`; each refresh looks whether it has been reached."""

    until: Literal["goal"]
    timeout: Span


class Wait(Noun):
    """Let time pass, or wait for the goal."""

    id: Name | None = None
    wait: Annotated[Annotated[Span, Tag("<plain>")] | Annotated[UntilGoal, Tag("<mapping>")], Discriminator(form)]
    kind: ClassVar[Literal["wait"]] = "wait"


class If(Noun):
    """A branch; conditions about events mean *since this person entered*."""

    id: Name | None = None
    condition: Annotated[Clause, Field(alias="if")]
    then: Annotated[list[Step], Field(min_length=1)]
    otherwise: Annotated[list[Step], Field(alias="else", default=[])]
    kind: ClassVar[Literal["if"]] = "if"


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((f"<{kind}>" for kind in KINDS if kind in value), None)
    kind = getattr(value, "kind", None)
    return f"<{kind}>" if kind else None


Step = Annotated[
    Annotated[Send, Tag("<send>")] | Annotated[Wait, Tag("<wait>")] | Annotated[If, Tag("<if>")],
    Discriminator(
        _kind,
        custom_error_type="choice",
        custom_error_message="a step needs one of the keys send, wait or if",
        custom_error_context={"known": " ".join(KINDS)},
    ),
]

If.model_rebuild()


def walk(steps: Sequence[Step]) -> Iterator[Step]:
    """Every step in reading order, branches included."""
    return (step for _, step in walk_places(steps))


def walk_places(steps: Sequence[Step], below: Place = ("steps",)) -> Iterator[tuple[Place, Step]]:
    """As `walk`, each step with its place in the campaign's file."""
    for index, step in enumerate(steps):
        place = (*below, index)
        yield place, step
        if isinstance(step, If):
            yield from walk_places(step.then, (*place, "then"))
            yield from walk_places(step.otherwise, (*place, "else"))
