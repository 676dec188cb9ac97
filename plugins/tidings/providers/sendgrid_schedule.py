"""Sending that can be taken back (R10): a batch id and a time ahead, and the cancelling of what is in doubt.

SendGrid cancels a batch until ten minutes before its time, and ten batches at once. What is cancelled is discarded at
its time, also when the request that was in doubt arrives later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

from tidings.errors import TidingsError
from tidings.model.delivery import Schedule
from tidings.providers.sendgrid_api import Api

AHEAD = timedelta(minutes=20)
LONGEST_AHEAD = timedelta(hours=72)
CANCEL_AHEAD = timedelta(minutes=10)
MAX_CANCELS = 10
_CANCELS = "user/scheduled_sends"


async def create_schedule(api: Api, send_at: datetime, now: datetime) -> Schedule:
    """A new batch id for that time; TidingsError where what is sent with it could not be taken back."""
    if not AHEAD <= send_at - now <= LONGEST_AHEAD:
        raise TidingsError("a send that can be cancelled is 20 minutes to 72 hours ahead", "choose another time")
    if len(await open_cancels(api)) >= MAX_CANCELS:
        raise TidingsError(f"{MAX_CANCELS} cancelled batches are open at SendGrid", "wait until their time has passed")
    made = await api.ask("post", "mail/batch")
    try:
        return Schedule(str(made["batch_id"]), send_at)
    except (TypeError, KeyError) as error:
        raise TidingsError("SendGrid gave no batch id", "try again later") from error


async def cancel(api: Api, schedule: Schedule, now: datetime) -> bool:
    """Whether SendGrid has confirmed that nothing of the batch will leave; where it has not, doubt stays doubt.

    Not even asked later than ten minutes ahead, when it would promise nothing, nor with ten cancelled batches open.
    """
    if schedule.send_at - now < CANCEL_AHEAD:
        return False
    try:
        known = await open_cancels(api)
        if schedule.batch_id in known:
            return True
        if len(known) >= MAX_CANCELS:
            return False
        try:
            made = await api.ask("post", _CANCELS, body={"batch_id": schedule.batch_id, "status": "cancel"})
            return [schedule.batch_id] == _cancelled([made])
        except TidingsError:
            # The call may have been heard and its answer lost.
            return schedule.batch_id in _cancelled(await api.ask("get", f"{_CANCELS}/{quote(schedule.batch_id, '')}"))
    except TidingsError:
        return False


async def open_cancels(api: Api) -> list[str]:
    """The ids of all batches that are cancelled and whose time has not passed; TidingsError where it cannot be told."""
    return _cancelled(await api.ask("get", _CANCELS))


def _cancelled(entries: object) -> list[str]:
    try:
        return [str(one["batch_id"]) for one in entries if one["status"] == "cancel"]  # type: ignore[attr-defined]
    except (TypeError, KeyError) as error:
        raise TidingsError("SendGrid's list of cancelled batches cannot be read", "try again later") from error
