"""Every reason code is a sentence in every language."""

import pytest

from tidings.reports.reasons import REASONS, reason_sentence


@pytest.mark.parametrize("language", REASONS)
def test_every_language_has_every_reason(language: str) -> None:
    """The tables hold the same codes, each with words, and the plugin's name has its place."""
    assert set(REASONS[language]) == set(REASONS["en"])
    assert all(sentence.strip() for sentence in REASONS[language].values())
    assert "{name}" in REASONS[language]["plugin"]
    assert len(set(REASONS[language].values())) == len(REASONS[language])


def test_a_plugin_is_named() -> None:
    """`plugin:<name>` says which rule of the company it was."""
    assert reason_sentence("plugin:open_complaint", "en") == "Ruled out by the company rule “open_complaint”"
    assert "open_complaint" in reason_sentence("plugin:open_complaint", "zh")


def test_a_source_that_is_too_old_is_named() -> None:
    """`source_stale:<name>` says which table."""
    assert reason_sentence("source_stale:orders", "en") == "Customer data too old to rely on (orders)"
    assert "(orders)" in reason_sentence("source_stale:orders", "vi")


@pytest.mark.parametrize(
    ("code", "language", "sentence"),
    [
        ("missing_address", "fr", "No address"),
        ("missing_address", "vi", "Không có địa chỉ"),
        ("slot_taken", "vi", "slot_taken"),
        ("slot:taken", "en", "slot:taken"),
    ],
)
def test_unknown_languages_and_codes(code: str, language: str, sentence: str) -> None:
    """An unknown language reads English, an unknown code stays as it is."""
    assert reason_sentence(code, language) == sentence
