"""The little of Airflow's REST API that a laptop needs: unpause, trigger, look."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError

if TYPE_CHECKING:
    import httpx

FINISHED = ("success", "failed")
PAUSES = (1, 3, 9)


class Airflow:
    """A logged-in client; every call is one request, TidingsError where Airflow refuses it.

    A question that is answered 5xx is asked again, thrice at most; whatever changes something is not.
    """

    def __init__(self, address: str, user: str, password: str) -> None:
        self._address = address
        self._login = {"username": user, "password": password}
        self._token: str | None = None

    def healthy(self) -> bool:
        """Whether the API server answers, and the scheduler and the Dag processor have reported to it."""
        import httpx

        try:
            with self._client(10) as client:
                found = client.get("/api/v2/monitor/health").json()
        except (httpx.HTTPError, ValueError):
            return False
        return all(found[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))

    def knows(self, dag_id: str) -> bool:
        """Whether the Dag has been read."""
        return self._call("GET", f"dags/{dag_id}", missing_ok=True) is not None

    def paused(self, dag_id: str) -> bool:
        """Whether the Dag is paused, as each is when Airflow first reads it."""
        return bool(self._call("GET", f"dags/{dag_id}")["is_paused"])

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Pause a Dag, or let it run; one that is let run for the first time waits for its next tick."""
        self._call("PATCH", f"dags/{dag_id}", json={"is_paused": paused})

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run by hand; its id."""
        made = self._call("POST", f"dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf or {}})
        return str(made["dag_run_id"])

    def state(self, dag_id: str, run_id: str) -> str:
        """queued, running, success or failed."""
        return str(self._call("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Each task of a run, mapped ones one by one: task_id, map_index, state, try_number, pid, …."""
        found = self._call("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances")
        return list(found["task_instances"])

    def call(self, method: str, path: str, *, json: Any = None) -> Any:
        """Any other request under /api/v2; its JSON."""
        return self._call(method, path, json=json)

    def _call(self, method: str, path: str, *, json: Any = None, missing_ok: bool = False) -> Any:
        import httpx

        try:
            with self._client(60) as client:
                if self._token is None:
                    answer = client.post("/auth/token", json=self._login).raise_for_status()
                    self._token = str(answer.json()["access_token"])
                headers = {"Authorization": f"Bearer {self._token}"}
                answer = client.request(method, f"/api/v2/{path}", json=json, headers=headers)
                for pause in PAUSES if method == "GET" else ():
                    if answer.is_server_error:  # its database on SQLite is locked while another process writes
                        time.sleep(pause)
                        answer = client.request(method, f"/api/v2/{path}", headers=headers)
        except httpx.HTTPError as error:
            reason = f"Airflow's API does not answer {method} {path}: {type(error).__name__}"
            raise TidingsError(reason, "look into .airflow/api-server.log") from error
        if answer.status_code == httpx.codes.NOT_FOUND and missing_ok:
            return None
        if answer.is_error:
            raise TidingsError(f"Airflow answers {answer.status_code} to {method} {path}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    def _client(self, seconds: float) -> httpx.Client:
        import httpx

        # This server is on loopback: a proxy in the environment leads elsewhere, and no certificate need be read.
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.Client(base_url=self._address, timeout=seconds, trust_env=False, verify=nobody)
