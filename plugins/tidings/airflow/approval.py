"""The task that asks a person: shown under Required Actions in Airflow's UI, with counts and hashes only."""

from __future__ import annotations

from typing import Any

from tidings.airflow import tasks
from tidings.airflow.compat import AirflowSkipException, ApprovalOperator, HITLOperator

PLAN = "plan"


class ApprovePlan(ApprovalOperator):
    """Passes at once where the plan is released already; otherwise waits, without a worker, for a yes or no.

    A yes is recorded by the verb `approve` under the name of who gave it; a no, or no answer in time, discards the
    plan and skips the rest of the run.
    """

    def __init__(self, *, root: str, campaign: str, **kwargs: Any) -> None:
        super().__init__(subject=f"Send {campaign}?", body="", **kwargs)
        self.root = root

    def execute(self, context: Any) -> Any:
        plan = context["ti"].xcom_pull(task_ids=PLAN)
        if tasks.released(self.root, plan):
            return {"asked": False}
        self.subject = f"Send {plan['planned']} messages of {plan['campaign']}, occasion {plan['occasion']}?"
        self.body = _body(plan)
        return super().execute(context)

    def execute_complete(self, context: Any, event: Any) -> Any:
        # Not the parent's: on a no it skips only the first of the mapped deliver tasks.
        answer = HITLOperator.execute_complete(self, context, event)
        by = answer["responded_by_user"]
        plan = context["ti"].xcom_pull(task_ids=PLAN)
        if self.APPROVE in answer["chosen_options"]:
            return tasks.approve(self.root, plan, who=str(by["name"] or by["id"]))
        who = str(by["name"] or by["id"]) if by else "nobody in time"
        if tasks.reject(self.root, plan, who=who):
            raise AirflowSkipException(f"rejected by {who}; nothing of this plan is sent")
        raise AirflowSkipException("the plan was released in the meantime; its messages leave with the tick")


def _body(plan: dict[str, Any]) -> str:
    """Markdown: what the plan does, in numbers, and where to look closer."""
    lines = [f"| {name} | {plan[name]} |" for name in ("considered", "planned", "withheld")]
    lines += [f"| no: {reason} | {count} |" for reason, count in sorted(plan["reasons"].items())]
    hashes = f"Plan `{plan['hash'][:12]}` of definition `{plan['definition_hash'][:12]}`."
    closer = f"To see every row: `tidings plan {plan['campaign']} --json --rows`"
    return "\n".join(["| | persons |", "|---|---:|", *lines, "", hashes, closer])
