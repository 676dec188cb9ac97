"""The plugin manager: built-ins by name, then entry points, then the workspace's one-file plugins.

A plugin that breaks is named and its mistake collected; it never takes the others with it (R55).
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from tidings import hookspecs
from tidings.errors import ProjectErrors, TidingsError, Where, did_you_mean
from tidings.model.base import Noun
from tidings.model.mistakes import Place
from tidings.model.seams import Condition, CostDriver, Eligibility, Provider, Recommender, ReportSection

if TYPE_CHECKING:
    import jinja2

REGISTRIES = ("providers", "conditions", "eligibility", "recommenders", "drivers", "sections")
BUILTINS = (
    "tidings.providers.builtin",
    "tidings.segments.builtin",
    "tidings.recommend.builtin",
    "tidings.insight.builtin",
    "tidings.content.builtin",
    "tidings.reports.builtin",
    "tidings.delivery.builtin",
)
FOLDER = "plugins"
# What a provider that has `cancels` is asked for.
CANCELS = frozenset({"schedule", "send_scheduled", "cancel"})


@dataclass(frozen=True)
class JinjaExtension:
    """What plugins add to templates; two are equal where the same files add it."""

    stamp: tuple[tuple[str, int], ...]
    hook: Any = field(compare=False, repr=False)

    def __call__(self, env: jinja2.Environment) -> None:
        """Add it to an environment."""
        self.hook.prepare_jinja_environment(env=env)


class Plugins:
    """Who implements what in one workspace; registries refuse a name used twice and what does not fit its interface.

    Where `errors` is given the mistakes of plugins go there, and registries hold what is without. Otherwise they raise
    ProjectErrors, those of a registry on its first use.
    """

    def __init__(self, root: Path | None = None, errors: list[TidingsError] | None = None) -> None:
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self._root = root
        self._errors = errors
        found: list[TidingsError] = []
        for name in BUILTINS:
            self.manager.register(importlib.import_module(name), name=name)
        for entry in _installed(tuple(sys.path)):
            try:
                self._register(entry.load(), f"{entry.name} ({entry.value})")
            except TidingsError as error:
                found.append(error)
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises is its mistake, not ours
                reason = f"the plugin {entry.name!r} does not load: {type(error).__name__}: {error}"
                found.append(TidingsError(reason, f"mend or remove the package of {entry.value}"))
        for path in sorted((root / FOLDER).glob("*.py")) if root else []:
            try:
                self._register(_load_file(path), f"{FOLDER}/{path.name}")
            except TidingsError as error:
                found.append(error)
        found += self._unknown_hooks()
        self._say(found)
        if errors is not None:
            for name in REGISTRIES:
                getattr(self, name)

    @property
    def hook(self) -> Any:
        """The caller of pluggy: `plugins.hook.resolve_secret(name=...)`."""
        return self.manager.hook

    @cached_property
    def providers(self) -> dict[str, type[Provider]]:
        """Providers by name."""
        return self._registry("provider", "register_providers", Provider)

    @cached_property
    def conditions(self) -> dict[str, type[Condition]]:
        """Named conditions by name."""
        return self._registry("condition", "register_conditions", Condition)

    @cached_property
    def eligibility(self) -> dict[str, type[Eligibility]]:
        """Eligibility rules by name."""
        return self._registry("eligibility rule", "register_eligibility", Eligibility)

    @cached_property
    def recommenders(self) -> dict[str, type[Recommender]]:
        """Recommenders by name."""
        return self._registry("recommender", "register_recommenders", Recommender)

    @cached_property
    def drivers(self) -> dict[str, type[CostDriver]]:
        """Cost drivers by name."""
        return self._registry("cost driver", "register_cost_drivers", CostDriver)

    @cached_property
    def sections(self) -> dict[str, type[ReportSection]]:
        """Report sections by name, in the order they are printed."""
        sections = self._registry("report section", "register_report_sections", ReportSection)
        return dict(sorted(sections.items(), key=lambda item: item[1].order))

    @cached_property
    def prepare_jinja(self) -> JinjaExtension:
        """Lets every plugin add its filters and globals; equal where the same ones add them, so that work is shared."""
        stamp = []
        for each in self.hook.prepare_jinja_environment.get_hookimpls():
            if self._root is None or not each.plugin_name.startswith(f"{FOLDER}/"):
                stamp.append((each.plugin_name, id(each.function)))
                continue
            # The workspace's own are loaded anew each time, and are the same while their folder is.
            files = sorted((self._root / FOLDER).glob("*.py"))
            stamp += [(str(path), path.stat().st_mtime_ns) for path in files]
        return JinjaExtension(tuple(stamp), self.hook)

    def secret(self, name: str) -> str:
        """The secret of that name; TidingsError where nobody holds it. Never logged."""
        value = self.find_secret(name)
        if value is None:
            variable = f"TIDINGS_SECRET_{name.upper()}"
            raise TidingsError(f"the secret {name!r} is not set", f"set {variable} or an Airflow connection")
        return value

    def find_secret(self, name: str) -> str | None:
        """The secret of that name, or None where nobody holds it; TidingsError where a plugin fails. Never logged."""
        try:
            value = self.hook.resolve_secret(name=name)
        except Exception as error:  # noqa: BLE001 - a plugin's
            # The cause is cut off: its message may hold the secret (R54).
            reason = f"the secret {name!r} cannot be read: {type(error).__name__} in resolve_secret"
            raise TidingsError(reason, "mend the plugin or its connection") from None
        return None if value is None else str(value)

    def implementations(self) -> list[tuple[str, list[str]]]:
        """Each plugin with the hooks it implements, in load order."""
        plugins = self.manager.list_name_plugin()
        callers = ((name, self.manager.get_hookcallers(plugin) or []) for name, plugin in plugins)
        return [(name, sorted(caller.name for caller in found)) for name, found in callers]

    def _register(self, plugin: object, name: str) -> None:
        try:
            self.manager.register(plugin, name=name)
        except pluggy.PluginValidationError as error:
            reason = f"the plugin {name} does not fit its hook: {str(error).replace(chr(10), ' ')}"
            raise TidingsError(reason, "take the signature from docs/hooks.md", Where(name, 1, 1)) from error
        if not self.manager.get_hookcallers(plugin):
            fix = "decorate its functions with `@hookimpl` from tidings.hookspecs, or remove it"
            raise TidingsError("the plugin implements no hook", fix, Where(name, 1, 1))

    def _unknown_hooks(self) -> list[TidingsError]:
        known = hookspecs.members()
        callers = [caller for name, caller in vars(self.hook).items() if name[0] != "_"]
        return [
            TidingsError(f"there is no hook {caller.name!r}", did_you_mean(caller.name, known), self._place(impl))
            for caller in callers
            if not caller.has_spec()
            for impl in caller.get_hookimpls()
        ]

    def _say(self, found: list[TidingsError]) -> None:
        if found and self._errors is None:
            raise ProjectErrors(found)
        if self._errors is not None:
            self._errors += found

    def _registry(self, noun: str, hook: str, kind: type) -> dict[str, Any]:
        found: dict[str, Any] = {}
        owners: dict[str, str] = {}
        wrong: list[TidingsError] = []
        for impl in getattr(self.hook, hook).get_hookimpls():
            owner = str(impl.plugin_name)
            faults: list[tuple[str, str]] = []
            try:
                entries = list(impl.function())
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises is its mistake, not ours
                entries = []
                faults.append((f"{owner} fails in {hook}: {type(error).__name__}: {error}", "mend the plugin"))
            for entry in entries:
                if not (inspect.isclass(entry) and issubclass(entry, kind)):
                    fix = f"return classes that subclass {kind.__name__}"
                    faults.append((f"{owner} registers {entry!r}, no {noun}", fix))
                elif misfits := _misfits(entry, kind):
                    faults += [(f"the {noun} {entry.__name__} {reason}", fix) for reason, fix in misfits]
                elif (name := getattr(entry, "name", "")) in found:
                    both = f"{owners[name]} and {owner}"
                    faults.append((f"two plugins register the {noun} {name!r}: {both}", "rename one of them"))
                else:
                    found[name], owners[name] = entry, owner
            wrong += [TidingsError(reason, fix, self._place(impl)) for reason, fix in faults]
        self._say(wrong)
        return found

    def _place(self, impl: Any) -> Where:
        code = inspect.unwrap(impl.function).__code__
        return Where(_relative(Path(code.co_filename), self._root), code.co_firstlineno, 1)


@cache
def _installed(_path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """The entry points of the packages on the path: finding them reads a file of every package, so it is done once."""
    return tuple(entry_points(group=hookspecs.PROJECT))


@contextmanager
def contained(who: str) -> Iterator[None]:
    """Turn whatever a plugin raises into a TidingsError that names it (R55)."""
    try:
        yield
    except TidingsError:
        raise
    except Exception as error:
        reason = f"{who} fails: {type(error).__name__}: {error}"
        raise TidingsError(reason, "mend the plugin that registers it") from error


def _misfits(entry: Any, kind: type) -> list[tuple[str, str]]:
    """What keeps a class from standing in for its interface, each with what mends it."""
    found = []
    for attribute in inspect.get_annotations(kind):
        usual, own = getattr(kind, attribute, None), getattr(entry, attribute, None)
        if not hasattr(entry, attribute):
            found.append((f"has no {attribute}", f"give the class a `{attribute}`"))
        elif usual is not None and not isinstance(own, type(usual)):
            found.append((f"has the {attribute} {own!r}", f"write one such as {usual!r}"))
    if not isinstance(getattr(entry, "name", ""), str):
        found.append((f"has the name {entry.name!r}", "write it as text"))
    config = getattr(entry, "Config", Noun)
    if not (inspect.isclass(config) and issubclass(config, Noun)):
        found.append(("has a Config that is no Noun", "subclass Noun of tidings.model.base"))
    if lacking := sorted(entry.__abstractmethods__):
        found.append((f"lacks {', '.join(lacking)}", "write what its interface asks for"))
    batch = getattr(entry, "max_batch", 1)
    if isinstance(batch, int) and batch < 1:
        found.append((f"has the max_batch {batch}", "write 1 or more"))
    if (ahead := getattr(entry, "cancels", None)) is not None:
        if not isinstance(ahead, timedelta) or ahead <= timedelta():
            found.append((f"has the cancels {ahead!r}", "write one such as timedelta(minutes=30)"))
        own = [name for name in CANCELS if getattr(entry, name) is not getattr(Provider, name)]
        if lacking := sorted(CANCELS - set(own)):
            found.append((f"has cancels and lacks {', '.join(lacking)}", "write them, or leave out `cancels`"))
    return found


def secret_name(value: Any) -> str | None:
    """The name in `{secret: name}`; None for any other value."""
    if isinstance(value, dict) and list(value) == ["secret"] and isinstance(value["secret"], str):
        return value["secret"]
    return None


def with_secrets(value: Any, find: Callable[[Place, str], Any], place: Place = ()) -> Any:
    """The value with each `{secret: name}` in it, however deep, replaced by what `find` has for its place and name."""
    if (name := secret_name(value)) is not None:
        return find(place, name)
    if isinstance(value, dict):
        return {key: with_secrets(each, find, (*place, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [with_secrets(each, find, (*place, index)) for index, each in enumerate(value)]
    return value


def _load_file(path: Path) -> ModuleType:
    """The company's file as `tidings_plugins.<stem>`, so that its name never hides another module."""
    package = sys.modules.setdefault("tidings_plugins", ModuleType("tidings_plugins"))
    package.__path__ = []
    name = f"tidings_plugins.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TidingsError("not a Python file", "name it something.py", Where(str(path)))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = error.lineno if isinstance(error, SyntaxError) else (lines or [1])[-1]
        reason = f"the plugin does not load: {type(error).__name__}: {error}"
        raise TidingsError(reason, "mend the file", Where(f"{FOLDER}/{path.name}", line, 1)) from error
    return module


def _relative(path: Path, root: Path | None) -> str:
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else str(path)
