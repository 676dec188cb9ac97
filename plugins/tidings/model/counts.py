"""The shapes that `--json` prints. Each is a contract: docs/json.md is generated from here."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from tidings.model.base import Shape
from tidings.model.value import ValueFit

Decision = Literal["planned", "withheld", "no"]


class PlanCounts(Shape):
    """considered = planned + withheld + the sum of reasons, always."""

    considered: int
    planned: int
    withheld: int
    reasons: dict[str, int]


class PlanRow(Shape):
    """One considered person at one send step, and what was decided."""

    person: str
    customer: str
    decision: Decision
    reason: str | None = None
    arm: str | None = None
    variant: str | None = None
    channel: str | None = None
    send_at: datetime | None = None


class PlanShape(Shape):
    """`tidings plan --json`; `rows` only with `--rows`."""

    campaign: str
    occasion: str
    snapshot: str
    definition_hash: str
    hash: str = Field(description="plan_hash: the definition and every decision, without the clock")
    counts: PlanCounts
    rows: list[PlanRow] | None = None


class Finding(Shape):
    """One mistake or warning of `tidings check --json`."""

    level: Literal["error", "warning"]
    file: str
    line: int | None = None
    column: int | None = None
    reason: str
    fix: str = ""


class CheckShape(Shape):
    """`tidings check --json`."""

    ok: bool
    campaigns: int
    segments: int
    templates: int
    findings: list[Finding]


class RefreshShape(Shape):
    """`tidings refresh --json`: one snapshot, its sizes and what was left out."""

    snapshot: str
    as_of: datetime
    customers: int
    persons: int
    segments: dict[str, int]
    entered: dict[str, int] = Field(
        description="segment → persons who came into it since the last snapshot; only segments which that had"
    )
    left: dict[str, int] = Field(description="segment → persons who left it since the last snapshot")
    edited: list[str] = Field(
        description="segments whose file, or that of one they read, was edited since: their changes are the edit's"
    )
    unknown: dict[str, int] = Field(
        description="segment → persons for whom the answer hangs on something that is not known of them"
    )
    recommended: int = Field(description="persons with at least one recommendation")
    quarantined: dict[str, int]
    stale: dict[str, datetime | None] = Field(
        default={}, description="sources beyond `warehouse.freshness`, each with its newest moment"
    )
    merged: int = Field(default=0, description="persons who turned out to be another one; the older key stays")
    shared: dict[str, int] = Field(
        default={}, description="customers whose e-mail or phone is one of more than five: it links nobody"
    )
    value: ValueFit = Field(description="what these customers are expected to buy, and by which models")
    drift: list[str] = Field(default=[], description="columns that came, went or have another type since the last")


class ApproveShape(Shape):
    """`tidings approve --json`."""

    campaign: str
    hash: str
    kind: Literal["definition", "plan", "rejected"]
    who: str
    released: list[str] = Field(description="plan ids that this approval released")
    rejected: list[str] = Field(description="plan ids that this no discarded")


class DeliverShape(Shape):
    """`tidings deliver --json`: what one dispatcher call did, by message state."""

    claimed: int
    accepted: int
    refused: int
    later: int
    in_doubt: int
    skipped: dict[str, int]
    put_off: dict[str, int] = Field(description="planned still: quiet hours, a lane's pace, its warm-up or its pause")
    causes: dict[str, int] = Field(description="what was said of messages not accepted, the five most frequent")
    expired: int


class TickShape(Shape):
    """`tidings tick --json`."""

    advanced: int
    finished: int
    planned: int
    settled: int
    tracked: int
    expired: int
    unapproved: int = Field(description="messages that wait for the approval of their plan")
    delivered: DeliverShape


class TrackShape(Shape):
    """`tidings track --json`: events taken, already known, and those that name no message of ours."""

    new: int
    known: int
    unmatched: int


class WhyLine(Shape):
    """One gate for one person."""

    gate: str
    passed: bool
    detail: str = ""


class WhyMessage(Shape):
    """One message of the person's that the ledger holds."""

    occasion: str
    step: str
    channel: str
    state: str
    reason: str | None = None
    at: datetime = Field(description="when it was claimed, or may leave")
    archived: bool = Field(default=False, description="it has left the ledger for the archive")


class WhyShape(Shape):
    """`tidings why --json`: the gates in order, until the first that closed."""

    customer: str
    person: str
    campaign: str
    decision: Decision
    reason: str | None = None
    gates: list[WhyLine]
    messages: list[WhyMessage] = Field(description="what the ledger already holds for this person and campaign")


class PreviewShape(Shape):
    """`tidings preview --json`."""

    template: str
    locale: str
    subject: str
    html: str | None = Field(description="path of the HTML file")
    text: str = Field(description="path of the text file")


class Estimate(Shape):
    """A number never comes without its interval."""

    value: float
    low: float
    high: float


class ArmResult(Shape):
    """One arm from each person's anchor to the end of the goal window; money in minor units."""

    arm: Literal["treated", "control"]
    persons: int
    converted: int
    orders: int
    value: int


class Split(Shape):
    """Whether the arms are as large as their draw makes them; people lost from one arm show here."""

    expected: float = Field(description="persons of the control arm to be expected, by the logged probabilities")
    p_value: float = Field(
        description="how often chance alone strays as far; below 0.001 the lift is not to be trusted"
    )


class MeasureShape(Shape):
    """`tidings measure --json`: what the campaign claims and what it caused."""

    campaign: str
    as_of: datetime
    window_days: float
    matured: int = Field(description="persons whose goal window has closed; only they count below")
    strata: int = Field(description="epochs and probabilities that their arms were drawn with; compared one by one")
    split: Split | None = Field(
        description="the sizes of the arms beside the draw; null where nobody was to be held out"
    )
    arms: list[ArmResult]
    conversion_lift: Estimate | None = Field(
        description="difference of shares, treated minus control; null without a holdout"
    )
    value_lift: Estimate | None = Field(description="difference of mean order value a person, minor units")
    caused_buyers: Estimate | None = Field(description="converting persons caused: conversion lift × treated persons")
    caused_orders: Estimate | None = Field(
        description="orders caused: difference of mean orders a person × treated persons"
    )
    caused_value: Estimate | None = Field(description="value caused, minor units: value lift × treated persons")
    claimed_orders: int = Field(description="orders within the window after a click: last touch")
    claimed_value: int
    confidence: float = 0.95


class ReportShape(Shape):
    """`tidings report --json`."""

    campaign: str
    occasion: str
    html: str
    text: str
    sent_to: str | None
    state: str


class LaneShape(Shape):
    """One provider and group of domains; shares are of what was sent lately, where a day ago counts half."""

    provider: str
    domains: str
    paused_at: datetime | None
    cause: str | None
    today: int
    warm_up_limit: int | None = Field(description="messages of the provider on this day of its warm-up")
    rate_per_hour: float | None
    sent_lately: float
    bounced: float
    complained: float


class LanesShape(Shape):
    """`tidings lanes --json`."""

    lanes: list[LaneShape]


class PauseShape(Shape):
    """`tidings pause --json`, `tidings resume --json`: `*` stands for all."""

    provider: str
    domains: str
    changed: int


class SettleShape(Shape):
    """`tidings settle --json`."""

    settled: int


class LedgerShape(Shape):
    """`tidings ledger --json`: messages and reports by state."""

    environment: str
    messages: dict[str, int]
    campaigns: dict[str, dict[str, int]] = Field(description="campaign → state → messages")
    reports: dict[str, int]
    in_doubt: int
    oldest_in_doubt: datetime | None = Field(description="when the one longest in doubt was claimed")
    unapproved: int = Field(description="planned messages whose plan waits for its approval")
    oldest_planned: datetime | None
    paused: list[str] = Field(description="lanes that stand still, as `provider/domain group`")
    persons: int
    size: int = Field(description="bytes of the database")
    archived: int = Field(description="of the messages, how many are in the archive")
    behind: int = Field(
        description="records of the journal that the ledger does not know; above 0 it was put back and sends nothing"
    )


class HousekeepingShape(Shape):
    """`tidings housekeeping --json`: what `retention` let go."""

    suppressed: int = Field(description="addresses that a provider will not write to, and that were not known as such")
    unread: list[str] = Field(description="providers whose lists could not be read; the log says why")
    messages: int = Field(description="moved from the ledger to the archive")
    attempts: int = Field(description="of these messages")
    events: int = Field(description="of these messages")
    plans: int = Field(description="of which the ledger holds no message any more; now `closed`")
    archive: str = Field(description="folder of the archive, from the workspace")
    snapshots: int = Field(description="folders removed")
    journal: int = Field(description="files removed")


class Breach(Shape):
    """One rule of `tidings ledger verify` that does not hold."""

    rule: str
    sentence: str
    count: int
    ids: list[str] = Field(description="the first ten: ids and names of campaigns, never an address")


class VerifyShape(Shape):
    """`tidings ledger verify --json`."""

    ok: bool
    rules: int
    breaches: list[Breach]


class RecoverShape(Shape):
    """`tidings ledger recover --json`: what a ledger that was put back was told by its journal."""

    behind: int = Field(description="records of the journal that the ledger did not know; 0 where it was not put back")
    doubted: int = Field(description="messages held as not sent yet, now in doubt")
    added: int = Field(description="messages the ledger had forgotten, now in doubt")
    persons: int = Field(description="persons the ledger had forgotten; the next refresh knows them by their address")
    stops: int = Field(description="unsubscribes, complaints and bounces the ledger had forgotten")
    reports: int = Field(description="reports to owners the ledger had forgotten, now in doubt")
    unreadable: int = Field(description="lines without meaning: a process died while it wrote, and sent nothing")


class BackupShape(Shape):
    """`tidings ledger backup --json`."""

    file: str
    size: int = Field(description="bytes")
