"""The gates of one campaign, with what the ledger and the snapshot know, asked of a frame of people."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from tidings.clock import zone
from tidings.errors import TidingsError
from tidings.ledger import assignments, consents, contacts, enrolments, messages, plans
from tidings.ledger.snapshots import snapshot as load_snapshot
from tidings.model.campaign import Campaign
from tidings.model.seams import Gate, Snapshot
from tidings.model.steps import Send
from tidings.planning import arms
from tidings.planning.freshness import stale_source
from tidings.planning.gates import Address, FirstOfAddress, Flag, Known, Room, Rule, first_closed
from tidings.planning.people import address_columns, answers, load_profiles, members
from tidings.planning.products import Picks, pick_products
from tidings.planning.program import enrols
from tidings.planning.sendtime import send_time
from tidings.project import Project
from tidings.warehouse.freshness import Stale

if TYPE_CHECKING:
    import pandas as pd

PROBLEMS = ("missing", "invalid", "shared")


class Decider:
    """Answers, for one campaign at one moment: may this person enter, and may this step be sent to them.

    One is made for each plan: what is `left` of the run's limit and the `picks` are counted over all its steps.
    """

    def __init__(self, project: Project, campaign: Campaign, snapshot: Snapshot, connection: Connection, now: datetime):
        self.project = project
        self.campaign = campaign
        self.snapshot = snapshot
        self.connection = connection
        self.now = now
        self.marketing = campaign.purpose == "marketing"
        self.picks: dict[str, Picks] = {}
        self.left = campaign.limits.per_run

    def entry_gates(self) -> list[Gate]:
        """Who may enter; the frame has the columns that `prepare_entry` adds."""
        gates: list[Gate] = [Flag("not_in_audience", "in_audience"), Flag("excluded", "not_excluded")]
        code = f"source_stale:{self.stale.source}" if self.stale else "source_stale"
        gates.append(Flag(code, "source_fresh"))
        if enrols(self.campaign):
            gates += [Flag("already_inside", "outside"), Flag("reentry", "may_return"), Flag("backlog", "came_in")]
        return gates

    def prepare_entry(self, people: pd.DataFrame) -> pd.DataFrame:
        """Add what the entry gates ask: source_fresh, not_excluded, and for flows outside, may_return and came_in."""
        people = people.assign(not_excluded=~people["excluded"], source_fresh=self.stale is None)
        if not enrols(self.campaign):
            return people
        inside, barred = set(), set()
        reentry = self.campaign.audience.reentry
        for row in enrolments.past(self.connection, self.campaign.campaign):
            if row["state"] == enrolments.ACTIVE:
                inside.add(row["person_key"])
            elif self.campaign.audience.enter == "on_entry" or reentry is not None:
                back = None if reentry is None or row["exited_at"] is None else row["exited_at"] + reentry
                if back is None or back > self.now:
                    barred.add(row["person_key"])
        keys = people["person_key"]
        return people.assign(
            outside=~keys.isin(inside), may_return=~keys.isin(barred), came_in=~keys.isin(self._already)
        )

    @cached_property
    def stale(self) -> Stale | None:
        """A source that the campaign depends on and that is too old to rely on."""
        return stale_source(self.project, self.campaign, self.snapshot, self.now)

    @cached_property
    def _already(self) -> set[str]:
        """Who was in the audience before, where only those who come in may enter.

        Where the last plan's snapshot cannot say, because the audience or a segment behind it was edited or the
        snapshot is gone, everybody was: an edit is no entry.
        """
        audience = self.campaign.audience
        if audience.enter != "on_entry" or audience.backlog == "all":
            return set()
        before = plans.last_plan(self.connection, self.campaign.campaign, "entry:%")
        source = load_snapshot(self.connection, self.project.root, before.snapshot_id) if before else self.snapshot
        known = source if answers(self.project, source, audience.include) else self.snapshot
        return members(self.project, known, audience.include)

    def send_gates(self, step: Send, occasion: str) -> list[Gate]:
        """Who may be sent this step, in DESIGN's order; arms come after allocation."""
        gates: list[Gate] = [Flag("excluded", "not_excluded")]
        gates += [Address(f"{problem}_address", problem) for problem in PROBLEMS]
        persons, addresses = messages.taken(self.connection, self.campaign.campaign, occasion)
        gates += [
            Known("already_planned", frozenset(persons), ("person_key", "step"), wanted=False),
            Known("address_in_plan", frozenset(addresses), ("address_key", "step"), wanted=False),
            Known("suppressed", self._suppressed, ("channel", "address_key"), wanted=False),
        ]
        if self.marketing:
            gates.append(Known("no_consent", self._granted, ("person_key", "channel"), wanted=True))
        gates += self._rules
        if step.recommend is not None:
            gates.append(Flag("too_few_recommendations", "enough_products"))
        if self.marketing:
            gates.append(Room(*self._caps))
        gates.append(FirstOfAddress())
        return gates

    def prepare_send(self, step: Send, people: pd.DataFrame) -> pd.DataFrame:
        """Choose each person's channel and products: step, channel, address_key, address_problem, enough_products."""
        people = people.assign(step=step.name, not_excluded=~people["excluded"])
        people = self._choose_channel(step, people)
        if step.recommend is not None:
            picks = pick_products(self, step.recommend, people["person_key"])
            # People who entered on different days reach a step together, one occasion after the other.
            self.picks[step.name] = picks.joined(self.picks.get(step.name))
            people = people.assign(enough_products=people["person_key"].isin(picks.enough))
        return people

    def send(self, step: Send, people: pd.DataFrame, occasion: str) -> pd.DataFrame:
        """One decision a row of `people`: decision, reason, arm, probability, variant, channel, times."""
        import pandas as pd

        people = self.prepare_send(step, people)
        reasons = first_closed(people, self.send_gates(step, occasion))
        open_rows = people[reasons.isna()]
        if self.left is not None:
            if len(open_rows) > self.left:
                order = arms.uniform(self.project.settings.salt, f"limit|{occasion}", list(open_rows["person_key"]))
                ranked = pd.Series(order, index=open_rows.index).sort_values()
                reasons.loc[ranked.index[self.left :]] = "limit"
                open_rows = people[reasons.isna()]
            self.left -= len(open_rows)
        rows = people.assign(reason=reasons, decision="no", arm=None, probability=None, epoch=None, variant=None)
        rows = self._draw(step, rows, open_rows.index)
        return self._times(step, rows)

    def _draw(self, step: Send, rows: pd.DataFrame, index: pd.Index[int]) -> pd.DataFrame:
        """Variant and arm of those who would be sent to; a person keeps the arm of the epoch, or of the enrolment."""
        salt, name, holdout = self.project.settings.salt, self.campaign.campaign, self.campaign.holdout
        keys = list(rows.loc[index, "person_key"])
        rows.loc[index, "decision"] = "planned"
        rows.loc[index, "variant"] = arms.choose(salt, name, step.name, step.variants, keys)
        if not self.marketing:
            return rows
        if share := self.project.settings.control_group:
            kept = arms.uniform(salt, "control group", keys) < share
            rows.loc[index[kept], ["decision", "reason"]] = ["withheld", "control_group"]
            index = index[~kept]
            keys = list(rows.loc[index, "person_key"])
        share = holdout.share if holdout else 0.0
        drawn = arms.draw(salt, name, holdout, self.now, keys) if holdout else [arms.TREATED] * len(keys)
        since = rows.loc[index, "entered_at"] if "entered_at" in rows else [None] * len(keys)
        settled = [
            self._anchor(key, entered) or (arm, share if arm == arms.CONTROL else 1 - share, self.epoch)
            for key, arm, entered in zip(keys, drawn, since, strict=True)
        ]
        for column, values in zip(("arm", "probability", "epoch"), zip(*settled, strict=True), strict=False):
            rows.loc[index, column] = list(values)
        held = index[[arm == arms.CONTROL for arm, _, _ in settled]]
        rows.loc[held, ["decision", "reason"]] = ["withheld", "holdout"]
        return rows

    def _anchor(self, key: str, entered: datetime | None) -> tuple[str, float, str] | None:
        """The arm that was drawn for a person in this enrolment, whatever changed since, or else in this epoch."""
        for row in reversed(self._anchors.get(key, [])):
            if row["epoch"] == self.epoch or (entered is not None and row["anchored_at"] >= entered):
                return row["arm"], row["probability"], row["epoch"]
        return None

    @cached_property
    def _anchors(self) -> dict[str, list[dict[str, Any]]]:
        """person_key → arms drawn so far, oldest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in assignments.load(self.connection, self.campaign.campaign):
            found.setdefault(row["person_key"], []).append(row)
        return found

    @property
    def epoch(self) -> str:
        """The draw in force; `0` for a campaign without a holdout."""
        return arms.epoch(self.campaign.holdout, self.now) if self.campaign.holdout else "0"

    def _times(self, step: Send, rows: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        default = self.project.settings.timezone
        quiet = self.project.settings.quiet_hours if self.marketing else None
        moments = {}
        for name in rows["zone"].dropna().unique():
            try:
                moments[name] = send_time(step.send_at, quiet, zone(name), self.now)
            except TidingsError:
                continue
        fallback = send_time(step.send_at, quiet, zone(default), self.now)
        when = pd.to_datetime(rows["zone"].map(moments), utc=True).fillna(pd.Timestamp(fallback))
        expires = when + (step.expires or timedelta(days=7))
        chosen = rows["decision"] != "no"
        rows = rows.assign(not_before=when.where(chosen), expires_at=expires.where(chosen))
        return rows.assign(channel=rows["channel"].where(chosen))

    def _choose_channel(self, step: Send, people: pd.DataFrame) -> pd.DataFrame:
        """The first channel in the step's order that reaches the person; where none does, the first channel."""
        chosen = people.assign(channel=None, address_key=None, address_problem=None, found=False)
        for channel in reversed(step.channels):
            key, problem = address_columns(channel)
            usable = people[problem].isna() & ~people[key].isin(
                {address for by, address in self._suppressed if by == channel}
            )
            if self.marketing:
                usable &= people["person_key"].isin({person for person, by in self._granted if by == channel})
            take = usable | ~chosen["found"]
            values = {"channel": channel, "address_key": people[key], "address_problem": people[problem]}
            for name, value in values.items():
                chosen[name] = chosen[name].mask(take, value)
            chosen["found"] |= usable
        return chosen

    @cached_property
    def _suppressed(self) -> frozenset[tuple[str, str]]:
        return frozenset(contacts.suppressed(self.connection))

    @cached_property
    def _granted(self) -> frozenset[tuple[str, str]]:
        return frozenset(consents.granted(self.connection, self.campaign.purpose, self.now))

    @cached_property
    def _rules(self) -> list[Gate]:
        rules = self.project.plugins.eligibility.values()
        asked = [rule() for rule in rules if rule.campaigns is None or self.campaign.campaign in rule.campaigns]
        return [Rule(rule, load_profiles(self.snapshot, rule.columns)) for rule in asked]

    @cached_property
    def _caps(self) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
        caps = self.project.settings.caps
        if not caps:
            return {}, {}
        longest = max(cap.within for cap in caps.values())
        sent: Counter[tuple[str, str]] = Counter()
        for row in messages.moments(self.connection, self.now - longest):
            cap = caps.get(row["channel"])
            if cap is not None and row["at"] > self.now - cap.within:
                sent[(row["person_key"], row["channel"])] += 1
        return {channel: cap.max for channel, cap in caps.items()}, dict(sent)
