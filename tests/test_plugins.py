"""The plugin manager: load order, names used once, and a plugin's mistakes that stay its own."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import ModuleType

import pluggy
import pytest

from tidings import hookspecs
from tidings.errors import ProjectErrors, TidingsError
from tidings.plugins import BUILTINS, Plugins, contained, secret_name

HEAD = "from tidings.hookspecs import hookimpl\n\n\n"
RULE = (
    "from tidings.hookspecs import hookimpl\n"
    "from tidings.model.seams import Eligibility\n\n\n"
    "class Rule(Eligibility):\n    name = {name!r}\n    columns = ()\n\n"
    "    def allowed(self, people):\n        return people\n\n\n"
    "@hookimpl\ndef register_eligibility():\n    return [Rule]\n"
)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A workspace with an empty folder of company plugins."""
    (tmp_path / "plugins").mkdir()
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    """Put a plugin into the company's folder."""
    (root / "plugins" / f"{name}.py").write_text(text)


def said(root: Path) -> list[str]:
    """What stops the manager of a workspace."""
    with pytest.raises(ProjectErrors) as caught:
        Plugins(root)
    return str(caught.value).splitlines()


def test_a_file_is_a_plugin(company: Path) -> None:
    """It is loaded after the built-ins, under a name that hides no other module."""
    write(company, "email", RULE.format(name="mine"))
    plugins = Plugins(company)
    assert list(plugins.eligibility) == ["mine"]
    assert plugins.eligibility["mine"].__module__ == "tidings_plugins.email"
    assert sys.modules["email"].__file__ != str(company / "plugins" / "email.py")
    assert [name for name, _ in plugins.implementations()][-1] == "plugins/email.py"


def test_the_built_ins_come_in_through_the_same_hooks() -> None:
    """Every built-in module implements at least one hook, and every hook has a built-in."""
    listed = dict(Plugins().implementations())
    assert list(listed)[: len(BUILTINS)] == list(BUILTINS)
    assert all(hooks for hooks in listed.values())
    used = {hook for hooks in listed.values() for hook in hooks}
    assert used | {"register_eligibility"} == set(hookspecs.members())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import nowhere\n", "plugins/bad.py:1:1: the plugin does not load: ModuleNotFoundError: No module named"),
        ("x = 1\ny = 1 / 0\n", "plugins/bad.py:2:1: the plugin does not load: ZeroDivisionError: division by zero"),
        ("def f(:\n", "plugins/bad.py:1:1: the plugin does not load: SyntaxError: invalid syntax"),
        ("x = 1\n", "plugins/bad.py:1:1: the plugin implements no hook; decorate its functions with `@hookimpl`"),
        (
            f"{HEAD}@hookimpl\ndef register_provider():\n    return []\n",
            "plugins/bad.py:4:1: there is no hook 'register_provider'; did you mean 'register_providers'?",
        ),
        (
            f"{HEAD}@hookimpl\ndef resolve_secret(nmae):\n    return None\n",
            "plugins/bad.py:1:1: the plugin plugins/bad.py does not fit its hook:",
        ),
    ],
)
def test_a_file_that_is_wrong_is_named_and_the_others_load(company: Path, text: str, expected: str) -> None:
    """The mistake has file and line; what the other files register is there (R55)."""  # R55
    write(company, "bad", text)
    write(company, "good", RULE.format(name="mine"))
    errors: list[TidingsError] = []
    plugins = Plugins(company, errors)
    assert len(errors) == 1
    assert str(errors[0]).startswith(expected)
    assert list(plugins.eligibility) == ["mine"]
    assert said(company) == [str(errors[0])]
    assert "tidings_plugins.bad" not in sys.modules or "no hook" in str(errors[0]) or "fit" in str(errors[0])


ODD = "from tidings.model.base import Noun\nfrom tidings.model.seams import {kind}\n\n\nclass Odd({kind}):\n{body}\n\n"
TAKEN = "from tidings.segments.conditions import Bought\n\n\n"
REGISTER = "@hookimpl\ndef register_conditions():\n    "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"{HEAD}{REGISTER}raise OSError('disk')\n",
            ":4:1: plugins/bad.py fails in register_conditions: OSError: disk; mend the plugin",
        ),
        (
            f"{HEAD}{REGISTER}return [int]\n",
            ":4:1: plugins/bad.py registers <class 'int'>, no condition; return classes that subclass Condition",
        ),
        (
            f"{HEAD}{TAKEN}{REGISTER}return [Bought]\n",
            f":7:1: two plugins register the condition 'bought': {BUILTINS[1]} and plugins/bad.py; rename one of them",
        ),
    ],
)
def test_what_a_plugin_registers_is_checked(company: Path, text: str, expected: str) -> None:
    """A registry refuses what is not its kind, has no name, or has a name that is taken."""
    write(company, "bad", text)
    plugins = Plugins(company)
    with pytest.raises(TidingsError) as caught:
        _ = plugins.conditions
    assert str(caught.value) == f"plugins/bad.py{expected}"


@pytest.mark.parametrize(
    ("kind", "hook", "body", "expected"),
    [
        (
            "Condition",
            "conditions",
            "    pass",
            [
                "condition Odd has no name; give the class a `name`",
                "condition Odd has no Config; give the class a `Config`",
                "condition Odd lacks sql; write what its interface asks for",
            ],
        ),
        (
            "Condition",
            "conditions",
            "    name, Config, sql, ledger = ['x'], int, str, 'yes'",
            [
                "condition Odd has the ledger 'yes'; write one such as False",
                "condition Odd has the name ['x']; write it as text",
                "condition Odd has a Config that is no Noun; subclass Noun of tidings.model.base",
            ],
        ),
        (
            "Provider",
            "providers",
            "    name, channel, Config, send, max_batch = 'odd', 'sms', Noun, str, 0",
            ["provider Odd has the max_batch 0; write 1 or more"],
        ),
        (
            "Provider",
            "providers",
            "    name, channel, Config, send, cancels, cancel = 'odd', 'sms', Noun, str, 30, str",
            [
                "provider Odd has the cancels 30; write one such as timedelta(minutes=30)",
                "provider Odd has cancels and lacks schedule, send_scheduled; write them, or leave out `cancels`",
            ],
        ),
        (
            "Provider",
            "providers",
            "    name, send = 'odd', str",
            [
                "provider Odd has no channel; give the class a `channel`",
                "provider Odd has no Config; give the class a `Config`",
            ],
        ),
        (
            "Eligibility",
            "eligibility",
            "    name, allowed = 'odd', str",
            ["eligibility rule Odd has no columns; give the class a `columns`"],
        ),
        ("Recommender", "recommenders", "    name = 'odd'", ["recommender Odd lacks recommend; write what its"]),
        (
            "ReportSection",
            "report_sections",
            "    name, build, order = 'odd', str, 'last'",
            ["report section Odd has the order 'last'; write one such as 50"],
        ),
    ],
)
def test_a_class_that_does_not_fit_its_interface_is_refused(
    company: Path, kind: str, hook: str, body: str, expected: list[str]
) -> None:
    """Everything it lacks is said; it is left out, and what else the plugin registers is there (R55)."""  # R55
    text = f"{HEAD}{ODD.format(kind=kind, body=body)}@hookimpl\ndef register_{hook}():\n    return [Odd]\n"
    write(company, "bad", text)
    write(company, "good", RULE.format(name="mine"))
    errors: list[TidingsError] = []
    plugins = Plugins(company, errors)
    assert [
        str(error).split(": the ")[1][: len(want)] for error, want in zip(errors, expected, strict=True)
    ] == expected
    assert {str(error.where).split(":")[0] for error in errors} == {"plugins/bad.py"}
    assert list(plugins.eligibility) == ["mine"]
    assert list(plugins.conditions) == list(Plugins().conditions)


def test_what_a_plugin_raises_is_its_mistake() -> None:
    """Named, with what mends it; a mistake that is one already keeps its own words (R55)."""  # R55
    fails = r"^the rule 'x' fails: KeyError: 'a'; mend the plugin that registers it$"
    with pytest.raises(TidingsError, match=fails), contained("the rule 'x'"):
        raise KeyError("a")
    with pytest.raises(TidingsError, match=r"^no such table$"), contained("the rule 'x'"):
        raise TidingsError("no such table")


def test_a_package_that_does_not_load_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point of the group `tidings` is contained like a file."""

    class Broken:
        name, value = "theirs", "their.module"

        def load(self) -> ModuleType:
            raise ImportError("no module")

    monkeypatch.setattr("tidings.plugins._installed", lambda _path: (Broken(),))
    errors: list[TidingsError] = []
    Plugins(None, errors)
    assert [str(error) for error in errors] == [
        "the plugin 'theirs' does not load: ImportError: no module; mend or remove the package of their.module"
    ]


def test_sections_are_in_the_order_they_are_printed() -> None:
    """By their `order`, whoever registered them."""
    orders = [section.order for section in Plugins().sections.values()]
    assert orders == sorted(orders)
    assert orders


def test_a_secret_is_asked_of_every_plugin(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that holds it answers; nobody: the message says how to set it."""
    monkeypatch.setenv("TIDINGS_SECRET_MAIL_KEY", "k-123")
    assert Plugins(company).secret("mail_key") == "k-123"
    with pytest.raises(TidingsError, match="the secret 'other' is not set; set TIDINGS_SECRET_OTHER or an Airflow"):
        Plugins(company).secret("other")
    write(
        company, "vault", f"{HEAD}@hookimpl\ndef resolve_secret(name):\n    return 'v-9' if name == 'other' else None\n"
    )
    assert Plugins(company).secret("other") == "v-9"


def test_a_secret_is_in_no_message(company: Path) -> None:
    """A plugin that fails while it holds a secret does not get its words into ours (R54)."""  # R54
    write(company, "vault", f"{HEAD}@hookimpl\ndef resolve_secret(name):\n    raise ValueError('hunter2 is wrong')\n")
    with pytest.raises(TidingsError) as caught:
        Plugins(company).secret("mail_key")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("value", "name"),
    [({"secret": "mail_key"}, "mail_key"), ({"secret": 3}, None), ({"secret": "a", "b": 1}, None), ("mail_key", None)],
)
def test_a_secret_is_named_by_a_mapping_of_one_key(value: object, name: str | None) -> None:
    """`{secret: name}` and nothing else."""
    assert secret_name(value) == name


def test_filters_of_plugins_reach_templates(company: Path) -> None:
    """`prepare_jinja_environment` gets the environment that templates are compiled in."""
    import jinja2

    write(
        company,
        "shout",
        f"{HEAD}@hookimpl\ndef prepare_jinja_environment(env):\n    env.filters['shout'] = str.upper\n",
    )
    env = jinja2.Environment(autoescape=True)
    Plugins(company).prepare_jinja(env)
    assert env.from_string("{{ 'tea' | shout }}").render() == "TEA"


def test_what_was_read_of_templates_is_shared_where_nobody_adds_to_them(company: Path, tmp_path: Path) -> None:
    """Two workspaces whose plugins leave templates alone; one whose plugin does not, until it changes."""
    other = tmp_path / "other"
    (other / "plugins").mkdir(parents=True)
    write(other, "quiet", RULE.format(name="quiet"))
    assert Plugins(company).prepare_jinja == Plugins(other).prepare_jinja
    adds = f"{HEAD}@hookimpl\ndef prepare_jinja_environment(env):\n    env.filters['shout'] = str.{{}}\n"
    write(other, "loud", adds.format("upper"))
    before = Plugins(other).prepare_jinja
    assert before != Plugins(company).prepare_jinja
    assert before == Plugins(other).prepare_jinja
    write(other, "loud", adds.format("casefold"))
    assert before != Plugins(other).prepare_jinja


def test_every_hook_is_in_the_docs_with_its_exact_signature(root: Path) -> None:
    """docs/hooks.md has each hook of hookspecs.py as it stands there, and no other."""
    text = (root / "docs" / "hooks.md").read_text(encoding="utf-8")
    for name in hookspecs.members():
        signature = str(inspect.signature(getattr(hookspecs, name))).replace("'", "")
        assert f"\n## `{name}`\n" in text
        assert f"def {name}{signature}" in text
    headings = {line.strip("# `") for line in text.splitlines() if line.startswith("## `")}
    assert headings == set(hookspecs.members())


def test_hooks_are_made_for_pluggy() -> None:
    """Each hook is a specification of the project `tidings`, typed and documented in one sentence."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for name in hookspecs.members():
        hook = getattr(hookspecs, name)
        assert getattr(manager.hook, name).has_spec()
        assert hook.__doc__.count("\n") == 0
        assert "return" in hook.__annotations__
