from __future__ import annotations

import pytest

from tidings.delivery.builtin import resolve_secret


def test_a_secret_is_a_variable_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """TIDINGS_SECRET_ and the name in capitals; None leaves the question to the next plugin."""
    monkeypatch.setenv("TIDINGS_SECRET_API_KEY", "value")
    assert "value" == resolve_secret("api_key")
    assert resolve_secret("other_key") is None
