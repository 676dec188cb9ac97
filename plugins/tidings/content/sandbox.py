"""The part of Jinja that templates may use (R47).

Jinja's sandbox keeps a template from the interpreter; it does not keep it from filling the memory or running
for ever. Here every value, every loop and the whole output has a limit (limits.py), and statements that could
grow without one (macros, blocks, includes) are not part of the language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context, StrictUndefined, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tidings.content.limits import MAX_BITS, MAX_VALUE, LimitError, concat_output, text_of, within
from tidings.errors import did_you_mean

LOOP = "loop within its limit"
"""Name of the filter put around what a loop runs over; its spaces keep templates from naming it."""

METHODS = frozenset(
    "upper lower title capitalize strip lstrip rstrip split startswith endswith"
    " get items keys values cycle changed".split()
)
_NODES: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.Name,
    nodes.Const, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.CondExpr, nodes.Filter,
    nodes.Test, nodes.Call, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Concat, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv,
    nodes.Mod, nodes.Neg, nodes.Pos,
)  # fmt: skip
_INSTEAD = {
    "Include": "use <mj-include path=.../>",
    "Import": "use <mj-include path=.../>",
    "FromImport": "use <mj-include path=.../>",
    "Extends": "use <mj-include path=.../>",
    "Macro": "use <mj-include path=.../>",
    "AssignBlock": "use {% set name = value %}",
}


class Missing(StrictUndefined):
    """A value that is not there: any use of it is an error that names it."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"there is no value {self._undefined_name!r}"


class BoundedContext(Context):
    """The variables of one rendering, and how many loop steps it has taken."""

    steps = 0


class BoundedCodeGenerator(CodeGenerator):
    """Refuses what is outside the language and puts a limit around loops and `~`."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802 - Jinja's name
        check_language(node, self.environment, self.fail)
        for loop in node.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, LOOP, [], [], None, None, lineno=loop.iter.lineno)
        super().visit_Template(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.concatenate(context, (")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox with limits; see `make_environment` for what a template finds in it."""

    code_generator_class = BoundedCodeGenerator
    context_class = BoundedContext
    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)
    concat = staticmethod(concat_output)

    def is_safe_callable(self, obj: Any) -> bool:
        """A global of the environment, or one of the harmless methods of a value."""
        if any(obj is known for known in self.globals.values()):
            return super().is_safe_callable(obj)
        owner = getattr(obj, "__self__", None)
        return owner is not None and not isinstance(owner, type) and getattr(obj, "__name__", "") in METHODS

    def getattr(self, obj: Any, attribute: str) -> Any:
        """An entry of a mapping before its methods, so that a column may be called `items`."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The operator's result; LimitError where it would be larger than `MAX_VALUE` or `MAX_BITS`."""
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "*" and not numbers:
            raise LimitError("only numbers can be multiplied")
        if operator == "%" and not numbers:
            raise LimitError("% works on numbers only; use ~ to join text")
        if operator == "*" and isinstance(left, int) and isinstance(right, int):
            within(left.bit_length() + right.bit_length(), MAX_BITS, "the product has {} bits")
        if operator == "+" and not numbers and hasattr(left, "__len__") and hasattr(right, "__len__"):
            within(len(left) + len(right), MAX_VALUE, "the sum has {} parts")
        return super().call_binop(context, operator, left, right)

    def concatenate(self, context: Context, parts: Iterable[Any]) -> str:
        """What `~` gives; LimitError beyond `MAX_VALUE`."""
        texts = [text_of(part) for part in parts]
        within(sum(map(len, texts)), MAX_VALUE, "the joined text has {} characters")
        return markup_join(texts) if context.eval_ctx.autoescape else str_join(texts)


def check_language(tree: nodes.Template, environment: Any, fail: Callable[[str, int], NoReturn]) -> None:
    """Call `fail(message, line)` at the first statement, filter, test or call that templates may not use."""
    line = 1
    for node in _walk(tree):
        line = node.lineno or line  # what Jinja makes of `{% autoescape %}` has no line
        problem = _problem(node, environment)
        if problem is not None:
            fail(problem, line)


def _problem(node: nodes.Node, environment: Any) -> str | None:
    if not isinstance(node, _NODES) or (isinstance(node, nodes.For) and node.recursive):
        name = type(node).__name__
        instead = f"; {_INSTEAD[name]}" if name in _INSTEAD else ""
        return f"{name.lower()!r} is not part of the template language{instead}"
    if isinstance(node, nodes.Filter) and node.name not in environment.filters:
        near = did_you_mean(node.name, [name for name in environment.filters if name != LOOP])
        return f"there is no filter {node.name!r}; {near}"
    if isinstance(node, nodes.Test) and node.name not in environment.tests:
        return f"there is no test {node.name!r}; {did_you_mean(node.name, list(environment.tests))}"
    literal = isinstance(node, nodes.List | nodes.Dict) or (isinstance(node, nodes.Tuple) and node.ctx == "load")
    if literal and not _constant(node):
        # Lists inside lists by name would let a short template describe an endless value.
        return "a list written in a template holds plain values only"
    if isinstance(node, nodes.Call) and not _callable(node.node, environment.globals):
        return "this cannot be called in a template; use a filter: {{ value | filter }}"
    return None


def _walk(node: nodes.Node) -> Iterable[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _callable(target: nodes.Node, known: Mapping[str, Any]) -> bool:
    if isinstance(target, nodes.Name):
        return target.name in known
    return isinstance(target, nodes.Getattr) and target.attr in METHODS


def _constant(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) or all(
        isinstance(child, nodes.Const | nodes.List | nodes.Tuple | nodes.Pair) and _constant(child)
        for child in node.iter_child_nodes()
    )
