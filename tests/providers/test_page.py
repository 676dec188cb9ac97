"""What docs/providers.md says is so."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tidings.providers.sendgrid import SendGridConfig
from tidings.providers.smtp import SmtpConfig
from tidings.testing.provider_contract import ProviderContract

PAGE = (Path(__file__).parents[2] / "docs/providers.md").read_text("utf-8")
TESTS = [test for name, test in vars(ProviderContract).items() if name.startswith("test_")]


@pytest.mark.parametrize(("heading", "model"), [("smtp", SmtpConfig), ("sendgrid", SendGridConfig)])
def test_settings_are_listed(heading: str, model: type[BaseModel]) -> None:
    """Every setting of a provider stands on the page, in its order, with its default."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| ?(.*?) ?\|", section, re.MULTILINE))
    assert {name: _default(field.default) for name, field in model.model_fields.items()} == listed


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    return f"`{value}`" if value not in (None, ()) else ""


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_the_example_is_a_provider(test: Callable[[Any, Any], None], tmp_path: Path) -> None:
    """The provider on the page, run beside the bench on the page, keeps the contract."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    assert [names["CallList"]] == names["register_providers"]()
    test(names["TestCallList"](), names["CallListBench"](tmp_path))
