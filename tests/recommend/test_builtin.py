from __future__ import annotations

from tidings.recommend.builtin import register_recommenders


def test_the_built_in_strategies() -> None:
    """What `recommend: {strategy: …}` may name without a plugin."""
    assert [kind.name for kind in register_recommenders()] == ["association_rules", "popular"]
