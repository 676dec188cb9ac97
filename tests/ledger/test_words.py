from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidings.ledger.keys import is_key, random_key
from tidings.ledger.words import plain


@given(st.text(st.characters(exclude_categories=())), st.integers(0, 20))
def test_text_fits_every_database(text: str, size: int) -> None:
    """Whatever comes in, what is stored is valid UTF-8, without NUL and no longer than its column."""
    found = plain(text, size)
    assert len(found) <= size
    assert "\x00" not in found
    assert found == found.encode().decode()


def test_ordinary_text_stays() -> None:
    """Words in any script are left as they are."""
    assert "Hộp thư đầy 邮箱已满" == plain("Hộp thư đầy 邮箱已满", 500)


def test_keys_are_random_and_known() -> None:
    """A key has 128 random bits as 32 hexadecimal digits (R13); nothing else passes for one."""
    keys = {random_key() for _ in range(1000)}
    assert 1000 == len(keys)
    assert all(map(is_key, keys))
    assert not any(map(is_key, ["", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 32 + "\n", "٣" * 32]))
