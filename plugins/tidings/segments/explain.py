"""Why a customer is in a segment or not: its tree, each condition with its answer and the values it looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidings.errors import TidingsError
from tidings.model.seams import Snapshot
from tidings.project import Project
from tidings.segments.columns import quoted
from tidings.segments.compile import CompiledCondition, Compiler, scope_of
from tidings.segments.expressions import Kind
from tidings.segments.stored import stored_columns
from tidings.warehouse.scratch import scratch

Truth = bool | None


@dataclass(frozen=True)
class Node:
    """A part of a segment: `words` as its file has them; `children` of a group, a `not`, or a segment it reads.

    Only a part without children is asked (`asked`); `group` is all, any or not.
    """

    words: str
    group: str = ""
    children: tuple[Node, ...] = ()
    asked: CompiledCondition | None = None


@dataclass(frozen=True)
class Line:
    """A node with its answer for one customer; `failed` where it keeps the customer out."""

    depth: int
    words: str
    answer: Truth
    failed: bool
    negated: bool
    values: dict[str, tuple[Kind, Any]]


@dataclass(frozen=True)
class Explained:
    """`lines` in reading order, and whether the customer meets the segment by them."""

    lines: list[Line]
    inside: bool

    @property
    def failed(self) -> list[str]:
        """The conditions that keep the customer out, as the file has them, each once."""
        words = [f"not: {line.words}" if line.negated else line.words for line in self.lines if line.failed]
        return list(dict.fromkeys(words))


def explain_segment(project: Project, snapshot: Snapshot, segment: str, customers: Sequence[str]) -> list[Explained]:
    """The way of each of these customers through a segment, by the values of the snapshot.

    All are asked about in one query. TidingsError for a customer that the snapshot has not.
    """
    columns = stored_columns(snapshot)
    node = _Trees(project, snapshot, columns).segment(segment, negated=False)
    leaves = [leaf for leaf in _leaves(node) if leaf.asked]
    asked = [leaf.asked for leaf in leaves if leaf.asked]
    told = []
    for answers, values in _ask(snapshot, asked, customers, columns):
        by_leaf = {id(leaf): pair for leaf, pair in zip(leaves, zip(answers, values, strict=True), strict=True)}
        lines = list(_lines(node, by_leaf))
        told.append(Explained(lines, inside=lines[0].answer is True))
    return told


class _Trees:
    """Builds trees with the compiler that the refresh used."""

    def __init__(self, project: Project, snapshot: Snapshot, columns: Mapping[str, Kind]) -> None:
        self.project = project
        self.compiler = Compiler(project, snapshot.as_of, scope_of(project, columns))

    def segment(self, name: str, *, negated: bool) -> Node:
        """A segment's own tree; what `not` means for its conditions is its own business, not its reader's."""
        where = self.project.segments[name].where
        return Node(name, "all", tuple(self.node(each, negated=negated) for each in where))

    def node(self, condition: Any, *, negated: bool) -> Node:
        if isinstance(condition, dict) and len(condition) == 1:
            [(word, value)] = condition.items()
            if word in ("all", "any") and isinstance(value, list):
                return Node(word, word, tuple(self.node(each, negated=negated) for each in value))
            if word == "not":
                return Node(word, word, (self.node(value, negated=not negated),))
        leaves, _ = self.compiler.clauses.read(condition)
        [leaf] = leaves
        name = leaf.asked if leaf.name == "in_segment" or leaf.bare in self.project.segments else None
        if name is not None:
            return self.segment(name, negated=False)
        return Node(_words(condition), asked=self.compiler.compile(condition, negated=negated))


def _leaves(node: Node) -> Iterator[Node]:
    if node.asked:
        yield node
    for child in node.children:
        yield from _leaves(child)


def _ask(
    snapshot: Snapshot, asked: list[CompiledCondition], customers: Sequence[str], kinds: Mapping[str, Kind]
) -> Iterator[tuple[list[Truth], list[dict[str, tuple[Kind, Any]]]]]:
    """For each customer the answer of each condition, and the columns it reads with what they hold."""
    reads = [_columns(each.known) for each in asked]
    wanted = list(dict.fromkeys(column for columns in reads for column in columns))
    selected = [*(each.known for each in asked), *(quoted(column) for column in wanted)]
    named = ", ".join(f"{sql} AS c{n}" for n, sql in enumerate(selected)) or "NULL AS c0"
    parameters = {name: value for each in asked for name, value in each.parameters.items()}
    # A condition may look at everybody, as a rank does, so that all are read before some are taken.
    asking = f"SELECT customer_id AS who, {named} FROM people"
    with scratch() as connection:
        connection.read_parquet(str(snapshot.people)).create_view("people")
        found = connection.execute(
            f"SELECT * FROM ({asking}) WHERE who IN (SELECT unnest($customers))",
            {**parameters, "customers": list(customers)},
        )
        rows = {row["who"]: list(row.values())[1:] for row in found.to_arrow_table().to_pylist()}
    for customer in customers:
        if customer not in rows:
            raise TidingsError(f"there is no customer {customer!r}", "use a customer_id of the last refresh")
        row = rows[customer]
        held = dict(zip(wanted, row[len(asked) :], strict=False))
        values = [{name: (kinds.get(name) or _kind(held[name]), held[name]) for name in columns} for columns in reads]
        yield row[: len(asked)], values


def _lines(node: Node, answers: Mapping[int, tuple[Truth, dict[str, tuple[Kind, Any]]]]) -> Iterator[Line]:
    def value(node: Node) -> Truth:
        """The answer; of what is made of others two-valued, since for them unknown is false."""
        if node.asked:
            return answers[id(node)][0]
        found = [value(child) is True for child in node.children]
        return not found[0] if node.group == "not" else all(found) if node.group == "all" else any(found)

    def walk(node: Node, depth: int, negated: bool, blamed: bool) -> Iterator[Line]:
        answer = value(node)
        blamed = blamed and (answer is True) == negated
        values = answers[id(node)][1] if node.asked else {}
        yield Line(depth, node.words, answer, blamed and node.asked is not None, negated, values)
        for child in node.children:
            yield from walk(child, depth + 1, negated != (node.group == "not"), blamed)

    return walk(node, 0, negated=False, blamed=True)


def _columns(sql: str) -> list[str]:
    """The columns that an expression reads, in order; none where the parser does not know what a plugin wrote."""
    import sqlglot

    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return []
    return list(dict.fromkeys(c.name for c in tree.find_all(sqlglot.exp.Column) if c.name != "person_key"))


def _words(condition: Any) -> str:
    """A condition on one line, as YAML's short form has it."""
    if isinstance(condition, dict):
        return ", ".join(f"{key}: {_flow(value)}" for key, value in condition.items())
    return str(condition).strip()


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(each)}' for key, each in value.items())}}}"
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(_flow(each) for each in value)}]" if isinstance(value, list) else str(value)


def _kind(value: Any) -> Kind:
    """The kind of what a named condition counted: a moment, a yes or no, or a number."""
    kinds: dict[str, Kind] = {"datetime": "time", "bool": "boolean", "str": "text", "date": "date", "NoneType": "time"}
    return kinds.get(type(value).__name__, "number")
