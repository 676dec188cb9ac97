"""How each shape looks in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidings.cli.printing import columns, heading, next_step, numbers, say
from tidings.cli.value_views import fit_models, fit_rows
from tidings.errors import Where
from tidings.reports.reasons import in_gate_order, reason_sentence

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tidings.model.campaign import Campaign
    from tidings.model.counts import (
        ApproveShape,
        CheckShape,
        DeliverShape,
        Finding,
        LanesShape,
        PauseShape,
        PlanShape,
        PreviewShape,
        RefreshShape,
        ReportShape,
        SettleShape,
        TickShape,
        TrackShape,
        WhyShape,
    )
    from tidings.plugins import Plugins

LANGUAGE = "en"


def check_view(found: CheckShape) -> None:
    """Mistakes, then warnings, then what was read."""
    errors = [finding for finding in found.findings if finding.level == "error"]
    for finding in errors:
        say(_line(finding))
    for finding in found.findings:
        if finding.level == "warning":
            say(f"warning: {_line(finding)}")
    read = (
        _count(found.campaigns, "campaign"),
        _count(found.segments, "segment"),
        _count(found.templates, "template"),
    )
    say(f"{', '.join(read)}: {_count(len(errors), 'mistake') if errors else 'no mistakes'}")
    next_step("mend them and run `tidings check` again" if errors else "tidings refresh")


def plan_view(shape: PlanShape, campaign: Campaign, state: str | None, not_before: datetime | None = None) -> None:
    """The waterfall: everybody considered, each reason and whom it left, and who would be sent to.

    `not_before` is when an occasion that is still to come falls due.
    """
    counts = shape.counts
    heading(f"{campaign.campaign}: {campaign.title}")
    say(f"occasion {shape.occasion}, snapshot {shape.snapshot}")
    left = counts.considered
    rows = [["considered", "", f"{left:,}"]]
    for code, number in in_gate_order(counts.reasons):
        left -= number
        rows.append([f"  {reason_sentence(code, LANGUAGE)}", f"{number:,}", f"{left:,}"])
    left -= counts.withheld
    rows.append([f"  {reason_sentence('holdout', LANGUAGE)}", f"{counts.withheld:,}", f"{left:,}"])
    rows.append(["planned", "", f"{counts.planned:,}"])
    columns(["", "no", "left"], rows, right=frozenset({1, 2}))
    say(f"definition {shape.definition_hash}")
    say(f"plan       {shape.hash}")
    if not_before:
        say(f"due {not_before:%Y-%m-%d %H:%M} UTC")
    next_step(_after_plan(shape, campaign, state, not_before))


def why_view(told: WhyShape) -> None:
    """Gate by gate, then what was decided, then what the ledger holds already."""
    heading(f"{told.customer} and {told.campaign}")
    rows = [
        [gate.gate, "yes", ""]
        if gate.passed
        else [gate.gate, "no", gate.detail or reason_sentence(gate.gate, LANGUAGE)]
        for gate in told.gates
    ]
    columns(["gate", "open", ""], rows)
    if told.messages:
        headers = ["occasion", "step", "channel", "state", "at"]
        held = [
            [one.occasion, one.step, one.channel, one.state, f"{one.at:%Y-%m-%d %H:%M} UTC"] for one in told.messages
        ]
        columns(headers, held)
    decisions = {
        "planned": "would be sent to",
        "withheld": "would be held out, to measure the effect",
        "no": f"would not be sent to: {reason_sentence(told.reason or '', LANGUAGE)}",
    }
    say(f"{told.customer} {decisions[told.decision]}")
    next_step(f"tidings plan {told.campaign}")


def approve_view(done: ApproveShape) -> None:
    """What is approved, by whom, and what that released; or which plan is discarded."""
    if done.kind == "rejected":
        say(f"{done.who} rejected the plan of {done.campaign}:")
        say(done.hash)
        say("nothing of it is sent" if done.rejected else "it does not wait any more: what was released is not undone")
        next_step(f"tidings plan {done.campaign}")
        return
    say(f"{done.who} approved the {done.kind} of {done.campaign}:")
    say(done.hash)
    say(f"released: {', '.join(done.released) or 'nothing was waiting'}")
    next_step("tidings deliver" if done.released else f"tidings plan {done.campaign} --commit")


def refresh_view(done: RefreshShape, currency: str) -> None:
    """Sizes of the snapshot, segments with who came and went, what is expected, and what was left out."""
    heading(f"snapshot {done.snapshot}", f"as of {done.as_of:%Y-%m-%d %H:%M} UTC")
    numbers(
        [
            ("customers", f"{done.customers:,}"),
            ("persons", f"{done.persons:,}"),
            ("with recommendations", f"{done.recommended:,}"),
            *((f"in {name}", f"{size:,}{_moved(done, name)}") for name, size in sorted(done.segments.items())),
            *fit_rows(done.value, currency),
            *([("merged persons", f"{done.merged:,}")] if done.merged else []),
            *((f"shared {kind}, not used", f"{count:,}") for kind, count in sorted(done.shared.items())),
            *((f"left out: {reason}", f"{rows:,}") for reason, rows in sorted(done.quarantined.items())),
            *((f"too old: {name}", f"{at:%Y-%m-%d %H:%M}" if at else "empty") for name, at in done.stale.items()),
        ]
    )
    fit_models(done.value)
    for change in done.drift:
        say(f"since the last refresh: {change}")
    next_step("tidings plan CAMPAIGN")


def _moved(done: RefreshShape, segment: str) -> str:
    """Who came into a segment and who left it; nothing where the last snapshot did not have it."""
    if segment not in done.entered:
        return ""
    return f" (+{done.entered[segment]:,} -{done.left[segment]:,})"


def tell_progress(told: Callable[[str], None], done: DeliverShape) -> None:
    """How far a delivery has come, in numbers alone."""
    told(f"{done.claimed:,} handed over, {done.accepted:,} accepted, {sum(done.skipped.values()):,} skipped")


def deliver_view(done: DeliverShape) -> None:
    """What one dispatcher call did."""
    _delivered(done)
    if done.in_doubt:
        next_step("doubt is settled by what comes back: tidings track EVENTS, then tidings tick")
    else:
        next_step("tidings track EVENTS" if done.accepted else "tidings ledger")


def tick_view(done: TickShape) -> None:
    """Flows that moved, then the delivery."""
    numbers(
        [
            ("flows advanced", f"{done.advanced:,}"),
            ("flows finished", f"{done.finished:,}"),
            ("messages planned", f"{done.planned:,}"),
            ("doubts settled", f"{done.settled:,}"),
            *([("events fetched", f"{done.tracked:,}")] if done.tracked else []),
            *([("waiting for approval", f"{done.unapproved:,}")] if done.unapproved else []),
        ]
    )
    _delivered(done.delivered)
    next_step("tidings ledger")


def track_view(done: TrackShape) -> None:
    """What the events were to us."""
    numbers(
        [
            ("new", f"{done.new:,}"),
            ("known already", f"{done.known:,}"),
            ("of no message of ours", f"{done.unmatched:,}"),
        ]
    )
    next_step("tidings tick")


def report_view(done: ReportShape) -> None:
    """Where the report is and who got it."""
    say(f"{done.campaign}, {done.occasion}: {done.state}" + (f", to {done.sent_to}" if done.sent_to else ""))
    say(done.html)
    say(done.text)
    if done.state == "later":
        next_step(f"tidings report {done.campaign}: the provider takes nothing now, and nothing was sent")
    elif done.state == "accepted":
        next_step(f"read it in the inbox of {done.sent_to}")
    else:
        next_step("open the HTML file")


def preview_view(done: PreviewShape) -> None:
    """The subject and the files."""
    heading(done.subject or done.template, f"in {done.locale}")
    for path in filter(None, (done.html, done.text)):
        say(path)
    next_step("open the HTML file in a browser" if done.html else "read the text file")


PUT_OFF = {
    "quiet_hours": "waits for the end of the quiet hours",
    "paced": "waits for its turn in the lane",
    "warm_up": "waits for the next day of the warm-up",
    "paused": "waits, for its lane is paused",
}


def pause_view(done: PauseShape) -> None:
    """What has stopped."""
    say(f"{_lane(done.provider, done.domains)}: nothing more leaves")
    next_step("tidings resume" + ("" if done.provider == "*" else f" {done.provider}"))


def resume_view(done: PauseShape) -> None:
    """What goes on."""
    say(f"{_lane(done.provider, done.domains)}: {_count(done.changed, 'pause')} ended")
    next_step("tidings deliver")


def settle_view(done: SettleShape) -> None:
    """How many doubts ended."""
    say(f"{_count(done.settled, 'message')} in doubt settled")
    next_step("tidings ledger")


def lanes_view(shape: LanesShape) -> None:
    """Each lane: today, its limits, what came back, and why it stands still."""
    rows = []
    for lane in shape.lanes:
        limits = [f"{lane.rate_per_hour:,.0f}/h"] if lane.rate_per_hour else []
        limits += [f"{lane.warm_up_limit:,} a day"] if lane.warm_up_limit else []
        came = f"{lane.bounced:.1%} / {lane.complained:.2%}"
        rows.append([_lane(lane.provider, lane.domains), f"{lane.today:,}", ", ".join(limits) or "-", came])
    columns(["lane", "today", "limit", "bounced / complained"], rows)
    for lane in shape.lanes:
        if lane.paused_at:
            say(f"{_lane(lane.provider, lane.domains)} has stopped: {lane.cause}")
    stopped = any(lane.paused_at for lane in shape.lanes)
    next_step("tidings resume, when the cause is mended" if stopped else "tidings ledger")


def _lane(provider: str, domains: str) -> str:
    name = "everything" if provider == "*" else provider
    return name if domains == "*" else f"{name} to {domains}"


def plugins_view(plugins: Plugins) -> None:
    """Each plugin with the hooks it implements."""
    rows = [[name, ", ".join(hooks)] for name, hooks in plugins.implementations()]
    columns(["plugin", "hooks"], rows)
    next_step("docs/hooks.md has the signature of every hook")


def _line(finding: Finding) -> str:
    where = Where(finding.file, finding.line, finding.column)
    return f"{where}: " + "; ".join(part for part in (finding.reason, finding.fix) if part)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _after_plan(shape: PlanShape, campaign: Campaign, state: str | None, not_before: datetime | None) -> str:
    name = campaign.campaign
    if state == "released":
        return "tidings deliver"
    if state is not None:
        return f"tidings approve {name}" + (f" --hash {shape.hash}" if campaign.approval == "plan" else "")
    if campaign.status != "live":
        return f"it is {campaign.status}: write `status: live` in its file when it may send"
    if not_before:
        return f"tidings plan {name} --commit, from then on (nothing has been written)"
    if not shape.counts.planned:
        return f"nobody would be sent to; ask for one customer: tidings why CUSTOMER {name}"
    return f"tidings plan {name} --commit (nothing has been written)"


def _delivered(done: DeliverShape) -> None:
    numbers(
        [
            ("taken up", f"{done.claimed:,}"),
            ("accepted by the provider", f"{done.accepted:,}"),
            ("refused for good", f"{done.refused:,}"),
            ("later", f"{done.later:,}"),
            ("in doubt", f"{done.in_doubt:,}"),
            ("expired", f"{done.expired:,}"),
            *((f"skipped: {reason_sentence(code, LANGUAGE)}", f"{n:,}") for code, n in done.skipped.items()),
            *((PUT_OFF.get(code, code), f"{n:,}") for code, n in done.put_off.items()),
        ]
    )
    for cause, number in done.causes.items():
        say(f"{number:,} × {cause or 'without a word'}")
