"""preview: one template as one customer would see it, as an HTML and a text file."""

from __future__ import annotations

from datetime import datetime

from tidings.content.preview import write_preview
from tidings.content.render import render
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.model.counts import PreviewShape
from tidings.planning.sample import sample
from tidings.project import Project


def preview(project: Project, template: str, customer: str, now: datetime) -> PreviewShape:
    """Renders what the plan would: the customer's own language, products and offer; nothing is written but files."""
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        compiled, context = sample(
            project, connection, current_snapshot(connection, project.root), template, customer, now
        )
    rendered = render(compiled, context["locale"], context, extend=project.plugins.prepare_jinja)
    name = f"{template.replace('/', '-')}-{customer}"
    text, html = write_preview(rendered, project.state / "preview", name)
    return PreviewShape(
        template=template,
        locale=rendered.locale,
        subject=rendered.subject,
        html=str(html) if html else None,
        text=str(text),
    )
