"""Conditions as files have them: `any`, `all`, `not`, a plugin's name with its arguments, or a string."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tidings.errors import did_you_mean
from tidings.model.base import Noun
from tidings.model.mistakes import Mistake, Place, in_plain_words, shown
from tidings.model.scalars import NAME
from tidings.model.seams import Condition

LISTS = ("any", "all")
NOT = "not"
SQL = "sql"
SINCE_ENTRY = ("ordered", "bought", "received", "opened", "clicked")
"""What an `if` asks of the time since entry, when it is reached; all else it asks of the snapshot."""


@dataclass(frozen=True)
class Leaf:
    """One question of a clause: a string (`text`), or a named condition (`name`, `config`).

    A string under `sql:` is an `expression` and no segment's name, even where it is one bare word.
    Arguments called `segment`, `campaign` and `step` name what these words say, in any plugin's condition.
    """

    place: Place
    text: str | None = None
    name: str | None = None
    config: Noun | None = None
    expression: bool = False

    @property
    def segment(self) -> str | None:
        """The segment that is named."""
        return getattr(self.config, "segment", None)

    @property
    def campaign(self) -> str | None:
        """The campaign that is named."""
        return getattr(self.config, "campaign", None)

    @property
    def step(self) -> str | None:
        """The send step that is named."""
        return getattr(self.config, "step", None)

    @property
    def bare(self) -> str | None:
        """The string where it is one bare word: outside segments that is a segment's name, no expression."""
        word = self.text.strip() if self.text and not self.expression else ""
        return word if NAME.fullmatch(word) else None

    @property
    def asked(self) -> str | None:
        """The segment it asks about, by a condition or as a bare word; inside segments that may be a column as well."""
        return self.segment or self.bare


@dataclass(frozen=True)
class Clauses:
    """Reads clauses against the conditions that plugins register."""

    conditions: Mapping[str, type[Condition]]

    def read(self, clause: Any, place: Place = ()) -> tuple[list[Leaf], list[Mistake]]:
        """The leaves of a clause and what is wrong in it; `place` is where it stands in its file."""
        found = list(self._walk(clause, place))
        leaves = [each for each in found if isinstance(each, Leaf)]
        return leaves, [each for each in found if isinstance(each, Mistake)]

    def _walk(self, clause: Any, place: Place) -> Iterator[Leaf | Mistake]:
        if isinstance(clause, str) and clause.strip():
            yield Leaf(place, text=clause)
        elif not isinstance(clause, dict):
            fix = "write a name, or a mapping such as any: [...]"
            yield Mistake(place, f"{shown(clause)} is not a condition", fix)
        elif len(clause) != 1:
            names = ", ".join(clause) or "none"
            yield Mistake(place, f"a condition has one name; here: {names}", "make each an item of its own under all:")
        else:
            [(name, value)] = clause.items()
            yield from self._named(name, value, (*place, name))

    def _named(self, name: str, value: Any, place: Place) -> Iterator[Leaf | Mistake]:
        if name in LISTS:
            if not isinstance(value, list) or not value:
                yield Mistake(place, f"`{name}` needs a list of conditions", f"write {name}: [one, another]")
                return
            for index, item in enumerate(value):
                yield from self._walk(item, (*place, index))
        elif name == NOT:
            if isinstance(value, list):
                yield Mistake(place, "`not` takes one condition, not a list", "write not: {any: [...]}")
            else:
                yield from self._walk(value, place)
        elif name == SQL:
            if isinstance(value, str) and value.strip():
                yield Leaf(place, text=value, expression=True)
            else:
                fix = 'write such as sql: "orders >= 3"'
                yield Mistake(place, f"`sql` takes an expression, not {shown(value)}", fix)
        elif name not in self.conditions:
            known = [*self.conditions, *LISTS, NOT, SQL]
            yield Mistake(place, f"there is no condition {name!r}", did_you_mean(name, known), at_key=True)
        else:
            yield from self._condition(name, value, place)

    def _condition(self, name: str, value: Any, place: Place) -> Iterator[Leaf | Mistake]:
        model = self.conditions[name].Config
        arguments = value if isinstance(value, dict) else {}
        found: list[Mistake] = []
        try:
            config = condition_config(model, value)
        except ValidationError as error:
            found += in_plain_words(error, model)
        except Exception as error:  # noqa: BLE001 - a plugin's own validator
            reason = f"the condition {name!r} fails: {type(error).__name__}: {error}"
            yield Mistake(place, reason, "mend the plugin that registers it")
            return
        said = {each.place for each in found}
        empty = [key for key, each in arguments.items() if each is None and (key,) not in said]
        found += [Mistake((key,), f"`{key}` is empty", "write a value, or remove the key") for key in empty]
        for each in found:
            inside = each.place if arguments else ()
            yield Mistake((*place, *inside), f"in `{name}`: {each.reason}", each.fix, each.at_key)
        if not found:
            yield Leaf(place, name=name, config=config)


def condition_config(model: type[Noun], value: Any) -> Noun:
    """The arguments of a condition; a plain value (`clicked: miss_you`) is the first of them."""
    if value is None:
        value = {}
    elif not isinstance(value, dict) and model.model_fields:
        name, field = next(iter(model.model_fields.items()))
        value = {field.alias or name: value}
    return model.model_validate(value)
