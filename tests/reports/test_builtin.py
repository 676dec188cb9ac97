"""The built-in sections come in through the hook."""

import subprocess
import sys

import pluggy

from tidings import hookspecs
from tidings.reports import builtin


def test_sections_come_through_the_hook() -> None:
    """The four sections are registered by the same hook as a plugin's, in the order of the report."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(builtin)
    manager.check_pending()
    (sections,) = manager.hook.register_report_sections()
    assert [section.name for section in sections] == ["result", "waterfall", "messages", "left_out"]
    assert sections == sorted(sections, key=lambda section: section.order)


def test_registration_is_light() -> None:
    """Loading the plugin, and asking for its sections, imports no drawing, no statistics, no formats."""
    code = (
        "import sys; from tidings.reports.builtin import register_report_sections as r; r();"
        "print({'matplotlib', 'scipy', 'pandas', 'numpy', 'babel', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
