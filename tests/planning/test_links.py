from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.ledger.rows import NOW
from tests.workspace import bare_project
from tidings.errors import TidingsError
from tidings.planning.links import read_unsubscribe, signer, unsubscribe_url

KEY = "a" * 32


def _token(url: str) -> str:
    return url.rsplit("/", 1)[1]


def test_a_link_leads_back_to_its_message(tmp_path: Path) -> None:
    """The link is ours, names the message and nothing else of the person, and never grows too old (R13)."""
    project = bare_project(tmp_path)
    url = unsubscribe_url(project, KEY, NOW - timedelta(days=3000))
    assert url.startswith("https://crm.example.com/u/")
    assert KEY == read_unsubscribe(project, _token(url))


@pytest.mark.parametrize("change", ["first", "last", "cut", "other", "kind"])
def test_a_forged_link_is_refused(tmp_path: Path, change: str) -> None:
    """One letter changed, the end cut, another workspace's or another kind of token: none of them is ours."""
    project = bare_project(tmp_path)
    token = _token(unsubscribe_url(project, KEY, NOW))
    forged = {
        "first": ("A" if token[0] != "A" else "B") + token[1:],
        "last": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "cut": token[:-4],
        "other": _token(unsubscribe_url(bare_project(tmp_path, salt="other-0123456789abcdef"), KEY, NOW)),
        "kind": signer(project).sign("click", {"k": KEY}, now=NOW),
    }[change]
    with pytest.raises(TidingsError, match="this link is not one of ours"):
        read_unsubscribe(project, forged)


def test_a_secret_signs_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the secret set, links that the salt alone would sign are refused: the salt is in git."""
    project = bare_project(tmp_path)
    development = _token(unsubscribe_url(project, KEY, NOW))
    monkeypatch.setenv("TIDINGS_SECRET_LINK_KEY", "a long secret of production")
    assert KEY == read_unsubscribe(project, _token(unsubscribe_url(project, KEY, NOW)))
    with pytest.raises(TidingsError, match="not one of ours"):
        read_unsubscribe(project, development)


def test_production_needs_the_secret(tmp_path: Path) -> None:
    """In production a link is never signed with what stands in git."""
    with pytest.raises(TidingsError, match="the secret 'link_key' is not set; set TIDINGS_SECRET_LINK_KEY"):
        unsubscribe_url(bare_project(tmp_path, environment="production"), KEY, NOW)
