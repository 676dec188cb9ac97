from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.errors import TidingsError
from tidings.tokens import TokenSigner

OLD, NEW = "old-key-0123456789abcdef", "new-key-0123456789abcdef"
KEY = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(
    st.dictionaries(st.sampled_from(["k", "p", "to"]), st.one_of(st.integers(), st.booleans(), st.none(), st.just(KEY)))
)
def test_what_is_signed_is_read(payload: dict[str, Any]) -> None:
    """The payload comes back as it was, from a token that fits into any link."""
    signer = TokenSigner([NEW])
    token = signer.sign("unsubscribe", payload, now=NOW)
    assert set(token) <= {*BASE64, "."}
    assert payload == signer.read("unsubscribe", token, now=NOW)


def test_it_is_short() -> None:
    """A token of one key stays under 90 characters."""
    assert len(TokenSigner([NEW]).sign("unsubscribe", {"k": KEY})) < 90


def test_every_character_counts() -> None:
    """A token with any character changed, cut or added is not one of ours (R46)."""
    signer = TokenSigner([NEW])
    token = signer.sign("unsubscribe", {"k": KEY})
    changed = [
        token[:at] + other + token[at + 1 :] for at in range(len(token)) for other in BASE64 + "." if other != token[at]
    ]
    cut = [token[:at] for at in range(len(token))] + [token[at:] for at in range(1, len(token))]
    for forged in [
        *changed,
        *cut,
        token + "A",
        token + "=",
        " " + token,
        token + "\n",
        "",
        "é",
        "a.b",
        "..",
        "\ud800",
    ]:
        with pytest.raises(TidingsError, match="not one of ours"):
            signer.read("unsubscribe", forged)


def test_a_kind_is_not_another() -> None:
    """A click token does not unsubscribe."""
    signer = TokenSigner([NEW])
    with pytest.raises(TidingsError, match="not one of ours"):
        signer.read("unsubscribe", signer.sign("click", {"k": KEY}))


def test_two_keys() -> None:
    """The newest key signs, both read, and a retired key reads nothing (R42)."""
    before, during, after = TokenSigner([OLD]), TokenSigner([NEW, OLD]), TokenSigner([NEW])
    old, new = before.sign("click", {"k": KEY}), during.sign("click", {"k": KEY})
    assert {"k": KEY} == during.read("click", old) == during.read("click", new) == after.read("click", new)
    for signer, token in ((after, old), (before, new)):
        with pytest.raises(TidingsError, match="not one of ours"):
            signer.read("click", token)


def test_age() -> None:
    """A token is good until its age is over, on the clock it is given; without a limit it does not age."""
    signer = TokenSigner([NEW])
    token = signer.sign("confirm", {"k": KEY}, now=NOW)
    day = timedelta(days=1)
    assert {"k": KEY} == signer.read("confirm", token, day, now=NOW + day)
    assert {"k": KEY} == signer.read("confirm", token, now=NOW + 3000 * day)
    with pytest.raises(TidingsError, match="too old"):
        signer.read("confirm", token, day, now=NOW + day + timedelta(seconds=1))
    with pytest.raises(TidingsError, match="too old"):
        signer.read("confirm", token, timedelta(0))


def test_the_same_message_has_the_same_token() -> None:
    """At one moment a message's links are the same each time it is rendered."""
    tokens = {TokenSigner([NEW]).sign("click", {"k": KEY, "n": 3}, now=NOW) for _ in range(3)}
    assert 1 == len(tokens)


@pytest.mark.parametrize("value", ["lan@example.com", "+84901234567", "Lan Nguyễn", "Lan Nguyen", "", "x" * 65, "a\n"])
def test_nothing_personal(value: str) -> None:
    """Anybody can read a token, so addresses, numbers and names stay out of it (R13)."""
    with pytest.raises(TidingsError, match="could be personal data"):
        TokenSigner([NEW]).sign("click", {"k": value})


@pytest.mark.parametrize("keys", [[], [OLD, NEW, "x" * 20], ["tiny"], [NEW, ""]])
def test_keys_are_checked(keys: list[str]) -> None:
    """One key or two, long enough to be a secret; none of them shows in the error or in repr (R54)."""
    with pytest.raises(TidingsError) as error:
        TokenSigner(keys)
    assert not [key for key in keys if key and key in str(error.value)]
    assert "TokenSigner(2 keys)" == repr(TokenSigner([NEW, OLD]))


def test_kinds_are_names() -> None:
    """A kind is written by us, so a bad one is a mistake in the code."""
    with pytest.raises(TidingsError, match="not a kind of token"):
        TokenSigner([NEW]).sign("Un subscribe", {})
