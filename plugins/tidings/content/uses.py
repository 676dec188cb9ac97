"""Templates as campaigns use them: what `check` finds in them before anybody is mailed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path

from tidings.content.compile import EMAIL, CompiledTemplate, TemplateErrors, compile_template
from tidings.content.lint import lint, unknown_variables
from tidings.content.sources import list_templates, string_files, text_files
from tidings.content.variables import unconditional
from tidings.errors import TidingsError, Where, did_you_mean
from tidings.model.campaign import Campaign
from tidings.model.counts import Finding
from tidings.model.mistakes import Place
from tidings.model.steps import Send, walk_places
from tidings.project import Project

TEXT = "sms"


class TemplateCheck:
    """Looks at every template of a workspace.

    `columns` are the customer columns a template may print; None where the warehouse cannot be read.
    """

    def __init__(self, project: Project, columns: Collection[str] | None) -> None:
        self.project = project
        self.columns = columns
        self.known = list_templates(project.root)
        self._extend = project.plugins.prepare_jinja

    def findings(self) -> list[Finding]:
        """Mistakes and warnings: templates in the form each step sends them, then those nobody uses."""
        used: set[tuple[str, str]] = set()
        found: dict[Finding, None] = {}
        for name, campaign in self.project.campaigns.items():
            document = self.project.documents[f"config/campaigns/{name}.yaml"]
            sends = ((place, step) for place, step in walk_places(campaign.steps) if isinstance(step, Send))
            for step, template, subject, at in (asked for each in sends for asked in _asked(*each)):
                for channel in step.channels:
                    used.add((template, EMAIL if channel == EMAIL else TEXT))
                    where = document.where(at)
                    found |= dict.fromkeys(self._use(campaign, step, template, channel, subject, where))
        for template, kinds in self.known.items():
            for kind in kinds:
                found |= dict.fromkeys(self._languages(template, kind))
                if (template, kind) not in used:
                    _, broken = self._compiled(template, kind, None, Where(f"templates/{template}"))
                    found |= dict.fromkeys(broken)
        return list(found)

    def _use(
        self, campaign: Campaign, step: Send, template: str, channel: str, subject: str | None, where: Where
    ) -> Iterator[Finding]:
        if template not in self.known:
            hint = did_you_mean(template, list(self.known))
            yield _finding(TidingsError(f"there is no template {template!r}", hint, where))
            return
        compiled, broken = self._compiled(template, channel, subject, where)
        if broken or compiled is None:
            yield from broken
            yield from unknown_variables(compiled, self.columns, extend=self._extend) if compiled else ()
            return
        yield from lint(compiled, purpose=campaign.purpose, customer_columns=self.columns, extend=self._extend)
        if step.offer is None and any(path.startswith("offer.") for path in self._printed(compiled)):
            fix = "add `offer:` to the step, or ask {% if offer %} in the template"
            yield _finding(TidingsError(f"{template} prints an offer, and the step has none", fix, where))

    def _compiled(
        self, template: str, channel: str, subject: str | None, where: Where
    ) -> tuple[CompiledTemplate | None, list[Finding]]:
        """The template, as far as it can be made, and what is wrong with it."""
        try:
            compiled = compile_template(
                self.project.root,
                template,
                channel=channel,
                locales=self._locales,
                default_locale=self.project.settings.locale,
                subject=subject,
                subject_where=where,
                extend=self._extend,
            )
        except TemplateErrors as error:
            return error.rest, [_finding(one) for one in error.errors]
        except TidingsError as error:
            return None, [_finding(TidingsError(error.reason, error.fix, error.where or where))]
        except Exception as error:  # noqa: BLE001 - a plugin's filter; it is named, and the check goes on
            reason = f"{template} does not compile: {type(error).__name__}: {error}"
            return None, [_finding(TidingsError(reason, "mend the plugin that adds to Jinja", where))]
        return compiled, []

    def _printed(self, compiled: CompiledTemplate) -> set[str]:
        """What the template prints to everybody, whatever their values are."""
        sources = [source for part in compiled.parts.values() for source in (part.html, part.text) if source]
        return {path for source in sources for path in unconditional(source, extend=self._extend)}

    def _languages(self, template: str, kind: str) -> Iterator[Finding]:
        """A warning where a template lacks a language that others of the workspace have."""
        files = self._files(template, kind)
        missing = sorted(set(self._locales) - set(files))
        if files and missing:
            place = next(iter(files.values())).relative_to(self.project.root).as_posix()
            reason = f"{template} has no texts in {', '.join(missing)}, as other templates have"
            fix = f"write them beside it; until then their readers get {self.project.settings.locale}"
            yield _finding(TidingsError(reason, fix, Where(place, 1, 1)), warning=True)

    @cached_property
    def _locales(self) -> list[str]:
        """Every language that some template has."""
        return sorted({one for name, kinds in self.known.items() for kind in kinds for one in self._files(name, kind)})

    def _files(self, template: str, kind: str) -> dict[str, Path]:
        read = string_files if kind == EMAIL else text_files
        return read(self.project.root, template)


def _asked(place: Place, step: Send) -> Iterator[tuple[Send, str, str | None, Place]]:
    """The step with template, subject and their place: its own, or those of each variant."""
    if not step.variants:
        yield step, step.template, None, (*place, "template")
    for index, variant in enumerate(step.variants):
        own = (*place, "variants", index)
        if variant.template:
            yield step, variant.template, variant.subject, (*own, "template")
        else:
            at = (*own, "subject") if variant.subject else (*place, "template")
            yield step, step.template, variant.subject, at


def _finding(error: TidingsError, *, warning: bool = False) -> Finding:
    where = error.where or Where("templates")
    return Finding(
        level="warning" if warning else "error",
        file=where.file,
        line=where.line,
        column=where.column,
        reason=error.reason,
        fix=error.fix,
    )
