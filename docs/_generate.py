"""The generated parts of the pages: cog calls these functions and writes down what they return.

`make docs` writes them anew, `make lint` fails where a page is not what the code says. The outputs of commands in
README and tour are files in docs/output, recorded in a workspace on which the demo has been played:

    python docs/_generate.py outputs WORKSPACE
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import _kinds
import _outputs
import _soak
import _words
import typer
from pydantic import BaseModel
from sqlalchemy import Index, Table, UniqueConstraint, create_engine
from typer.core import TyperArgument, TyperGroup
from typer.main import get_command

from tidings.cli.main import app
from tidings.ledger.tables import metadata
from tidings.ledger.verify import rules
from tidings.model import costing, counts, cube, portfolio, segment_counts, value
from tidings.model.base import Shape
from tidings.model.seams import Gate, Snapshot
from tidings.project import Project, load_project
from tidings.project.definition import SETTINGS
from tidings.reports.reasons import reason_sentence
from tidings.settings import Settings
from tidings.verbs.verify import JOURNAL, KNOWN

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent

AFTER_GATES = ("limit", "control_group", "holdout")
"""What Decider.send decides of those who passed every gate, in its order."""


def shapes() -> str:
    """Every shape that a command prints, with its fields."""
    found = all_shapes()
    links = {shape.__name__: f"[{shape.__name__}](#{shape.__name__.lower()})" for shape in found}
    return "\n".join(_shape(shape, links) for shape in found)


def all_shapes() -> list[type[Any]]:
    """The shapes of every module that has some."""
    modules = (counts, segment_counts, value, costing, portfolio, cube)
    return [shape for module in modules for shape in members(module, Shape)]


def members(module: Any, base: type) -> list[type[Any]]:
    """The classes of a module that derive from `base`, in the order they are written."""
    classes = (value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, base))
    return [each for each in classes if each.__module__ == module.__name__ and each is not base]


def _shape(shape: type[BaseModel], links: dict[str, str]) -> str:
    hints = get_type_hints(shape, include_extras=True)
    rows = []
    for name, field in shape.model_fields.items():
        words = _kinds.kind(hints[name], links) + (" or null" if _kinds.nullable(hints[name]) else "")
        rows.append((f"`{name}`", words, field.description or _words.SHAPES[f"{shape.__name__}.{name}"]))
    return f"## {shape.__name__}\n\n{_doc(shape)}\n{_table(('field', 'type', 'meaning'), rows)}"


def keys(*models: type[BaseModel], words: dict[str, str], titles: dict[str, str] | None = None) -> str:
    """What a file may say: each model under a heading, its keys with what they take and their defaults.

    `titles` gives the heading of a model; one without is called by its name in lower case.
    """
    names = {model.__name__: (titles or {}).get(model.__name__, model.__name__.lower()) for model in models}
    links = {name: f"[{title}](#{title.replace(' ', '-')})" for name, title in names.items()}
    return "\n".join(f"### {names[model.__name__]}\n\n{_keys(model, links, words)}" for model in models)


def _keys(model: type[BaseModel], links: dict[str, str], words: dict[str, str]) -> str:
    hints = get_type_hints(model, include_extras=True)
    rows = []
    for name, field in model.model_fields.items():
        path = f"{model.__name__}.{name}"
        takes = ", ".join(filter(None, (_kinds.kind(hints[name], links), _kinds.bounds(hints[name]))))
        takes = _words.TAKES.get(path, takes)
        rows.append((f"`{field.alias or name}`", takes, _kinds.default(field), words[path]))
    return f"{_doc(model)}\n{_table(('key', 'takes', 'default', 'meaning'), rows)}"


def ledger() -> str:
    """Every table with its columns and keys."""
    return "\n".join(_ledger_table(table) for table in metadata.tables.values())


def ledger_rules() -> str:
    """What `tidings ledger verify` asks."""
    rows = [(f"`{rule.code}`", rule.sentence) for rule in rules()]
    return _table(("rule", "what holds"), [*rows, (f"`{JOURNAL}`", KNOWN)])


def _ledger_table(table: Table) -> str:
    rows = []
    for column in table.columns:
        needed = "" if column.nullable else "yes"
        rows.append((f"`{column.name}`", _kinds.column_kind(column), needed, column_words(table.name, column)))
    keys_ = "".join(f"- {line}\n" for line in _ledger_keys(table))
    head = ("column", "type", "always", "meaning")
    return f"### {table.name}\n\n{_words.TABLES[table.name]}\n{_table(head, rows)}\n{keys_}"


def column_words(table: str, column: Any) -> str:
    """What a column means: its comment in the code, else the words of this table, else those of its name."""
    return str(column.comment or _words.COLUMNS.get(f"{table}.{column.name}") or _words.COLUMNS[column.name])


def _ledger_keys(table: Table) -> Iterator[str]:
    yield f"primary key: {_columns(table.primary_key.columns)}"
    unique = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    for constraint in sorted(unique, key=lambda one: [column.name for column in one.columns]):
        yield f"unique: {_columns(constraint.columns)}"
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        yield from _index(index)


def _index(index: Index) -> Iterator[str]:
    where = index.dialect_options["sqlite"]["where"]
    if index.unique:
        yield f"unique: {_columns(index.columns)}" + (f" where `{where}`" if where is not None else "")


def _columns(columns: Iterable[Any]) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)


def commands() -> str:
    """Every command with its arguments and options, as `--help` has them."""
    group = get_command(app)
    if not isinstance(group, TyperGroup):
        raise TypeError("the command line is not a group of commands")
    context = typer.Context(group, info_name="tidings")
    return "\n".join(_commands(group, context, ""))


def _commands(group: TyperGroup, context: typer.Context, before: str) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.commands[name]
        yield _command(before + name, command, context)
        if isinstance(command, TyperGroup):
            inner = typer.Context(command, info_name=name, parent=context)
            yield from _commands(command, inner, f"{before}{name} ")


def _command(name: str, command: Any, parent: typer.Context) -> str:
    context = typer.Context(command, info_name=name, parent=parent)
    usage = " ".join(["tidings", name, *command.collect_usage_pieces(context)])
    options = [option for option in command.get_params(context) if option.name != "help"]
    rows = [(f"`{_spelt(option)}`", _option_default(option), option.help or "") for option in options]
    table = _table(("argument", "default", "meaning"), rows) if rows else ""
    return f"## {name}\n\n{inspect.cleandoc(command.help or '')}\n\n    {usage}\n{table}"


def _spelt(option: Any) -> str:
    if isinstance(option, TyperArgument):
        return str(option.metavar)
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.opts[0].strip('-').upper()}"


def _option_default(option: Any) -> str:
    if option.required:
        return "required"
    if option.default in (None, False, ""):
        return ""
    return "yes" if option.default is True else f"`{option.default}`"


def gates(name: str) -> str:
    """The reasons that a plan of the workspace's campaign may give, in the order in which they are asked."""
    entry, send = _gates(load_project(ROOT), name)
    rows = [("entering", code) for code in entry] + [("each send step", code) for code in send]
    rows += [("who is left", code) for code in AFTER_GATES]
    lines = [
        (str(number), asked, f"`{code}`", reason_sentence(code, "en")) for number, (asked, code) in enumerate(rows, 1)
    ]
    return _table(("", "asked", "code", "sentence"), lines)


def _gates(project: Project, name: str) -> tuple[list[str], list[str]]:
    """The codes of a campaign's entry gates and of its first send step's, over a snapshot without people."""
    import duckdb

    from tidings.planning.decide import Decider

    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    now, campaign = datetime(2026, 11, 20, tzinfo=UTC), project.campaigns[name]
    columns = {column for rule in project.plugins.eligibility.values() for column in rule.columns}
    with tempfile.TemporaryDirectory() as folder, engine.connect() as connection:
        snapshot = Snapshot("", now, Path(folder))
        empty = ", ".join(f'NULL AS "{column}"' for column in sorted({"person_key", "customer_id", *columns}))
        nobody = duckdb.sql(f"SELECT {empty} WHERE false")
        nobody.write_parquet(str(snapshot.people))
        decider = Decider(project, campaign, snapshot, connection, now)
        return _codes(decider.entry_gates()), _codes(decider.send_gates(campaign.send_steps[0], "once"))


def _codes(found: Sequence[Gate]) -> list[str]:
    return [gate.code for gate in found]


def hashed_settings() -> str:
    """The settings that a campaign's definition holds, as a sentence."""
    return f"\n{', '.join(f'`{name}`' for name in Settings.model_fields if name in SETTINGS)}.\n\n"


def conditions() -> str:
    """The conditions that the workspace's plugins register, with their arguments."""
    rows = []
    for name, condition in load_project(ROOT).plugins.conditions.items():
        hints = get_type_hints(condition.Config, include_extras=True)
        arguments = [
            f"`{field.alias or key}`: {_kinds.kind(hints[key], {})}" + (", required" if field.is_required() else "")
            for key, field in condition.Config.model_fields.items()
        ]
        rows.append((f"`{name}`", "<br>".join(arguments), _doc(condition)))
    return _table(("condition", "arguments", "holds for whoever"), rows)


def verbs(*names: str) -> str:
    """Each verb with its file and the sentence that opens it."""
    rows = []
    for name in names:
        path = f"plugins/tidings/verbs/{name}.py"
        opening = " ".join((ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or "").split())
        verb, _, sentence = opening.partition(": ")
        if verb != name:
            raise ValueError(f"{path} does not open with `{name}: …`")
        rows.append((f"[`{name}`]({path})", sentence))
    return _table(("verb", "what it does"), rows)


def layers() -> str:
    """The layers of pyproject.toml, upper ones first."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {one["id"]: one for one in pyproject["tool"]["importlinter"]["contracts"]}
    lines = [line.replace("(", "").replace(")", "") for line in contracts["layers"]["layers"]]
    return "\n```text\n" + "".join(f"{line}\n" for line in lines) + "```\n\n"


def output(name: str) -> str:
    """What a command printed when it was last recorded; nothing before that."""
    file = DOCS / "output" / f"{name}.txt"
    return f"\n```console\n{file.read_text(encoding='utf-8')}```\n\n" if file.exists() else "\n"


def soak() -> str:
    """The recorded soak: what it was, where it killed, and what became of the messages."""
    run = _soak.read(DOCS / "output" / "soak.json")
    tables = "".join(_table(*rows(run)) for rows in (_soak.points, _soak.faults, _soak.outcomes))
    return f"\n{_soak.sentence(run)}\n{tables}\n"


def outputs_in_short() -> str:
    """The commands besides `plan`, each with the lines that answer its question, in one block."""
    texts = ((DOCS / "output" / f"{name}.txt").read_text(encoding="utf-8") for name in _outputs.IN_SHORT)
    told = "".join(_outputs.in_short(name, text) for name, text in zip(_outputs.IN_SHORT, texts, strict=True))
    return f"\n```console\n{told}```\n\n"


def _doc(thing: type) -> str:
    """A docstring as a paragraph, without the numbers of requirements."""
    return re.sub(r" \(R\d+\)", "", " ".join((inspect.getdoc(thing) or "").split()))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *cells))


def main() -> None:
    """`outputs WORKSPACE` records what the commands of README, tour and other pages print and draw there.

    `pages WORKSPACE` leaves out README and tour.
    """
    parser = argparse.ArgumentParser(description=inspect.getdoc(main))
    parser.add_argument("what", choices=["outputs", "pages"])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--customer", help="for why and preview; by default the first whom win_back wrote to")
    asked = parser.parse_args()
    folder = DOCS / "output"
    folder.mkdir(exist_ok=True)
    root = asked.workspace.resolve()
    told = [*_outputs.record_pages(root, folder)]
    told += _outputs.record(root, asked.customer) if asked.what == "outputs" else []
    for name, text in told:
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/output/{name}.txt\n")


if __name__ == "__main__":
    main()
