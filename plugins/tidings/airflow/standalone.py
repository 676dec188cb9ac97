"""Airflow itself on a laptop: API server, scheduler and Dag processor as child processes, on loopback only.

Not `airflow standalone`: in 3.3 that opens two log servers on every network interface, and leaves the API server behind
when it is told to stop. Nor is its triggerer needed: no task here defers.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from tidings.airflow.home import HOME, airflow_environment
from tidings.airflow.rest import FINISHED, Airflow
from tidings.errors import TidingsError

COMPONENTS = {
    "api-server": ("api-server", "--workers", "1"),
    # Logs are read from the folder; a server for them would listen on every interface.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}
USER = "admin"
PASSWORDS = "simple_auth_manager_passwords.json"
SECONDS_TO_STOP = 15


class Standalone:
    """`with Standalone(root) as airflow: airflow.run("tidings__refresh")`; it is up when the block begins.

    `port` 0 takes a free one; `variables` are added to the environment of every component. What they print is in
    <root>/.airflow/<component>.log. TidingsError where Airflow is not up after `deadline` seconds.
    """

    def __init__(
        self, root: Path, *, port: int = 0, variables: Mapping[str, str] | None = None, deadline: float = 180
    ) -> None:
        self.root = root
        self.home = root / HOME
        self.port = port or _free_port()
        self.deadline = deadline
        self._variables = dict(variables or {})
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def address(self) -> str:
        """Where the UI is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        """The password of the user `admin`."""
        return str(json.loads((self.home / PASSWORDS).read_text(encoding="utf-8"))[USER])

    @cached_property
    def api(self) -> Airflow:
        """Airflow's REST API, logged in once."""
        return Airflow(self.address, USER, self.password)

    def __enter__(self) -> Standalone:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Migrate the database, start the components and wait until they are up."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)  # Airflow writes its password and its keys there for all to read
        refuse_taken_port(self.port)
        environment = self._environment()
        self._run_once(environment)
        try:
            for name, arguments in COMPONENTS.items():
                self._children[name] = self._spawn(name, arguments, environment)
            self.wait(self._is_up, self.deadline, "Airflow is not up")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every component and whatever they have started."""
        for child in self._children.values():
            _signal_session(child.pid, signal.SIGTERM)
        give_up = time.monotonic() + SECONDS_TO_STOP
        for child in self._children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(give_up - time.monotonic(), 0.1))
        for child in self._children.values():
            _signal_session(child.pid, signal.SIGKILL)
            child.wait()
        self._children.clear()

    def wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Until the condition holds; TidingsError `what` after `seconds`, or as soon as a component has died."""
        give_up = time.monotonic() + seconds
        while True:
            dead = [name for name, child in self._children.items() if child.poll() is not None]
            if dead:
                raise TidingsError(f"Airflow's {dead[0]} has stopped", f"look into {self.home / dead[0]}.log")
            if condition():
                return
            if time.monotonic() > give_up:
                raise TidingsError(f"{what} after {seconds:.0f} seconds", f"look into {self.home}/*.log")
            time.sleep(0.5)

    def run(self, dag_id: str, *, seconds: float = 600) -> str:
        """Run a Dag by hand, in the scheduler, and wait for its end: its run id. TidingsError where it fails.

        A paused Dag is let run for that long and paused again.
        """
        api = self.api
        self.wait(lambda: api.knows(dag_id), self.deadline, f"Airflow has not read the Dag {dag_id}")
        paused = api.paused(dag_id)
        api.pause(dag_id, paused=False)
        try:
            run_id = api.trigger(dag_id)
            self.wait(lambda: api.state(dag_id, run_id) in FINISHED, seconds, f"{dag_id} has not finished")
        finally:
            if paused:
                api.pause(dag_id, paused=True)
        if (state := api.state(dag_id, run_id)) != "success":
            raise TidingsError(f"the run {run_id} of {dag_id} {state}", f"its log is under {self.home / 'logs'}")
        return run_id

    def _environment(self) -> dict[str, str]:
        """What every component is started with."""
        scripts = str(Path(sys.executable).parent)
        return {
            **airflow_environment(self.root, os.environ),
            "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")]),
            "PYTHONUNBUFFERED": "1",
            # Tasks speak to the API server; a proxy in the environment would lead them elsewhere.
            "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"])),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            # Tasks would look for the API server on its default port otherwise.
            "AIRFLOW__API__BASE_URL": self.address,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / PASSWORDS),
            **self._variables,
        }

    def _run_once(self, environment: Mapping[str, str]) -> None:
        """Migrate before anything starts: this also writes the keys that the components have to share."""
        command = [*_airflow(), "db", "migrate"]
        with (self.home / "migrate.log").open("wb") as log:
            ran = subprocess.run(  # noqa: S603 - Airflow's own command
                command, env=environment, cwd=self.root, stdout=log, stderr=log, check=False
            )
        if ran.returncode:
            raise TidingsError("Airflow's database cannot be migrated", f"look into {self.home / 'migrate.log'}")

    def _spawn(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with (self.home / f"{name}.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - Airflow's own command
                [*_airflow(), *arguments],
                env=environment,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that all it starts can be found again and stopped
            )

    def _is_up(self) -> bool:
        return (self.home / PASSWORDS).exists() and self.api.healthy()


def run_standalone(
    root: Path,
    wait_for: Sequence[str] | None = None,
    *,
    port: int = 0,
    variables: Mapping[str, str] | None = None,
    ready: Callable[[Standalone], None] = lambda _: None,
) -> dict[str, str]:
    """Start Airflow on the workspace, run the Dags `wait_for` one after another, stop it; their run ids by Dag.

    Without `wait_for` it stays, until Ctrl-C or SIGTERM. `ready` is called once it is up: it has address and password.
    """
    with _terminated_as_interrupted(), Standalone(root, port=port, variables=variables) as airflow:
        if wait_for is not None:
            ready(airflow)
            return {dag_id: airflow.run(dag_id) for dag_id in wait_for}
        with suppress(KeyboardInterrupt):
            ready(airflow)
            airflow.wait(lambda: False, float("inf"), "stopped")
    return {}


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM becomes KeyboardInterrupt, so that the components are stopped and not left behind."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _airflow() -> list[str]:
    """Airflow's command with this very Python, whatever the path says."""
    return [sys.executable, "-m", "airflow"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refuse_taken_port(port: int) -> None:
    """TidingsError where something listens on the port already; 0 is always free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise TidingsError(
                f"the port {port} is taken", "name another one with --port, or stop what listens there"
            ) from error


def _signal_session(session: int, number: int) -> None:
    """Signal every process of a session: Airflow puts some of its children into groups of their own."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(ProcessLookupError, PermissionError):
                if os.getsid(int(entry.name)) == session:
                    os.kill(int(entry.name), number)
