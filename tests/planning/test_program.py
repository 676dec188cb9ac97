from __future__ import annotations

from tests.planning.campaigns import campaign
from tidings.planning.program import Program, compile_flow

EMAIL = {"send": "email", "template": "letter/hello"}


def _wait(name: str) -> dict[str, str]:
    return {"id": name, "wait": "5d"}


def _send(name: str) -> dict[str, str]:
    return {"id": name, **EMAIL}


def _ways(program: Program) -> dict[str, tuple[str | None, ...]]:
    return {
        name: (node.after,) if node.step.kind != "if" else (node.after, node.then, node.otherwise)
        for name, node in program.nodes.items()
    }


def test_a_broadcast_is_one_step() -> None:
    """A single step without an id is called send, and nothing comes after it."""
    program = compile_flow(campaign(steps=[EMAIL]))
    assert ("send", {"send": (None,)}) == (program.first, _ways(program))


def test_steps_in_a_row() -> None:
    """Each step leads to the next, the last to the end."""
    program = compile_flow(campaign(steps=[_send("a"), _wait("b"), _send("c")]))
    assert ("a", {"a": ("b",), "b": ("c",), "c": (None,)}) == (program.first, _ways(program))


def test_nested_branches_rejoin() -> None:
    """Every way through nested branches comes out after the outer one; an empty branch goes there at once."""
    inner = {"id": "inner", "if": "loyal", "then": [_send("d")], "else": [_wait("e"), _send("f")]}
    outer = {"id": "outer", "if": "readers", "then": [_send("b"), inner, _wait("g")]}
    last = {
        "id": "last",
        "if": "lapsed",
        "then": [_send("i")],
        "else": [{"id": "deep", "if": "x", "then": [_wait("j")]}],
    }
    program = compile_flow(campaign(steps=[_send("a"), outer, _wait("h"), last]))
    assert "a" == program.first
    assert {
        "a": ("outer",),
        "outer": ("h", "b", "h"),
        "b": ("inner",),
        "inner": ("g", "d", "e"),
        "d": ("g",),
        "e": ("f",),
        "f": ("g",),
        "g": ("h",),
        "h": ("last",),
        "last": (None, "i", "deep"),
        "i": (None,),
        "deep": (None, "j", None),
        "j": (None,),
    } == _ways(program)


def test_a_flow_may_begin_with_a_branch() -> None:
    """The first step is the first in the file, whatever its kind."""
    steps = [{"id": "if", "if": "readers", "then": [_send("a")]}, _wait("b")]
    program = compile_flow(campaign(steps=steps))
    assert ("if", ("b", "a", "b")) == (program.first, _ways(program)["if"])
