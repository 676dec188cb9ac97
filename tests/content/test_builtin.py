"""What the content room brings in through the hooks."""

from __future__ import annotations

import pytest

from tidings.content.builtin import prepare_jinja_environment, unaccented
from tidings.content.environment import make_environment


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Đã lâu chưa gặp, đường về nhà", "Da lau chua gap, duong ve nha"),
        ("Tiếng Việt: ỷ ỗ ằ", "Tieng Viet: y o a"),
        ("café 牛奶 10%", "cafe 牛奶 10%"),
        ("", ""),
    ],
)
def test_diacritics_go_and_letters_stay(text: str, bare: str) -> None:
    """Vietnamese turns into plain letters, other scripts stay."""
    assert bare == unaccented(text)


def test_hook_prepare_jinja_environment() -> None:
    """The filter is there once the hook has run, and not before."""
    environment = make_environment("vi", currency="VND")
    assert "unaccented" not in environment.filters
    prepare_jinja_environment(environment)
    assert "Giam gia" == environment.from_string("{{ 'Giảm giá' | unaccented }}").render()
