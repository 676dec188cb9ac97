"""What `tidings --help` and Dag parsing may cost: CPU, and which libraries they bring in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TIDINGS = Path(sys.executable).parent / "tidings"
HEAVY = {"duckdb", "fastapi", "ibis", "matplotlib", "mlxtend", "pandas", "pyarrow", "scipy", "sklearn"}
REPORT = (
    "import json, sys\n"
    "names = sorted({name.partition('.')[0] for name in sys.modules})\n"
    "print('', json.dumps(names), sep='\\n', file=sys.stderr)"
)


def _top_level_modules(code: str) -> set[str]:
    """The top-level modules loaded in a fresh interpreter after `code` ran."""
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\n{REPORT}"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stderr.splitlines()[-1]))


def _cpu_seconds(*command: str | Path) -> float:
    """User and system time of one run of `command`, from the kernel's account of that very process."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def test_help_imports_nothing_heavy() -> None:
    """Asking for help loads neither Airflow nor any library of data, charts or web pages."""
    loaded = _top_level_modules(
        "import sys\nfrom tidings.cli.main import main\nsys.argv = ['tidings', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    assert "tidings" in loaded
    assert sorted(loaded & (HEAVY | {"airflow"})) == []


def test_help_takes_less_than_half_a_second_of_cpu() -> None:
    """The best of three runs of the installed command stays under 0.5 s of user and system time."""
    assert min(_cpu_seconds(TIDINGS, "--help") for _ in range(3)) < 0.5


def test_parsing_dags_brings_in_nothing_heavy() -> None:
    """Building every Dag of this workspace loads no heavy library that `airflow.sdk` does not load."""
    bare = _top_level_modules("import airflow.sdk")
    dag_file = ROOT / "dags" / "tidings_dags.py"
    built = _top_level_modules(f"from tidings.airflow.dags import build_dags\nassert build_dags({str(dag_file)!r})")
    assert "tidings" in built
    assert sorted((built - bare) & HEAVY) == []
