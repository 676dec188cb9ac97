"""What a campaign says, as one hash: approvals name it, and a plan keeps the templates it was made with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tidings.content.compile import CompiledTemplate, compile_template
from tidings.content.sources import template_sources
from tidings.content.variables import compiled_variables
from tidings.model.campaign import Campaign
from tidings.model.steps import Send
from tidings.project import Project, definition_hash

LOCALES = ("en", "vi", "zh")


def definition_of(project: Project, campaign: Campaign) -> str:
    """The definition hash over the campaign's files, its templates and the settings that matter."""
    files: set[Path] = set()
    for step in campaign.send_steps:
        for name in _template_names(step):
            files.update(template_sources(project.root, name))
    return definition_hash(project, campaign, sorted(files))


def compile_campaign(project: Project, campaign: Campaign) -> list[dict[str, Any]]:
    """Every template of the campaign, compiled: step, variant (None without), channel, offer, compiled (JSON).

    Deliver renders from these alone: an edit in the middle of a send changes nothing.
    """
    return [
        stored
        for step in campaign.send_steps
        for variant, template, subject in _variants(step)
        for channel in step.channels
        for stored in [_stored(project, campaign, step, variant, template, subject, channel)]
    ]


def compile_step(project: Project, campaign: Campaign, step: Send, template: str) -> dict[str, Any]:
    """One template of a step on its first channel, in the form `compile_campaign` gives."""
    return _stored(project, campaign, step, None, template, None, step.channels[0])


def _stored(
    project: Project,
    campaign: Campaign,
    step: Send,
    variant: str | None,
    template: str,
    subject: str | None,
    channel: str,
) -> dict[str, Any]:
    compiled = _compile(project, template, channel, subject).model_dump(mode="json")
    same = {"step": step.name, "variant": variant, "channel": channel, "title": campaign.title}
    return same | {"offer": _offer(project, step), "compiled": compiled}


def _compile(project: Project, template: str, channel: str, subject: str | None) -> CompiledTemplate:
    default = project.settings.locale
    return compile_template(
        project.root,
        template,
        channel=channel,
        locales=LOCALES,
        default_locale=default,
        subject=subject,
        extend=project.plugins.prepare_jinja,
    )


def _offer(project: Project, step: Send) -> dict[str, Any] | None:
    return project.offers[step.offer].model_dump(mode="json") if step.offer else None


def _variants(step: Send) -> Iterator[tuple[str | None, str, str | None]]:
    if not step.variants:
        yield None, step.template, None
    for variant in step.variants:
        yield variant.id, variant.template or step.template, variant.subject


def _template_names(step: Send) -> set[str]:
    return {template for _, template, _ in _variants(step)}


def customer_columns(templates: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns of the snapshot that compiled templates name as `customer.<column>`."""
    compiled = [CompiledTemplate.model_validate(template["compiled"]) for template in templates]
    paths = {variable.path for one in compiled for variable in compiled_variables(one)}
    return sorted(path.split(".")[1] for path in paths if path.startswith("customer."))
