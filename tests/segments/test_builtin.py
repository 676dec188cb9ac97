from __future__ import annotations

import subprocess
import sys

from tidings.segments.builtin import register_conditions


def test_the_built_in_conditions() -> None:
    """What docs/segments.md describes, registered by the same hook as a plugin's."""
    assert sorted(kind.name for kind in register_conditions()) == [
        "birthday", "bought", "clicked", "did", "due", "in_segment", "joined", "left", "list", "opened", "ordered",
        "received", "rfm", "top", "viewed",
    ]  # fmt: skip


def test_registering_imports_nothing_heavy() -> None:
    """Project loading and Dag parsing stay fast."""
    code = "import sys, tidings.segments.builtin, tidings.recommend.builtin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"pandas", "numpy", "ibis", "duckdb", "sqlglot", "mlxtend", "scipy", "pyarrow"} & set(
        done.stdout.split()
    ) == set()
