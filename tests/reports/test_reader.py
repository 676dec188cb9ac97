"""Words and numbers are those of the reader."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.errors import TidingsError
from tidings.model.counts import Estimate
from tidings.reports.reader import FOLDER, Reader, Spoken, load_reader
from tidings.yamlfile import read_yaml


def words(root: Path, language: str) -> dict[str, str]:
    """One language's file."""
    data: dict[str, str] = read_yaml(root / FOLDER / f"words.{language}.yaml").data
    return data


def blanks(sentence: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.fixture
def workspace(root: Path, tmp_path: Path) -> Path:
    """A workspace with a copy of the report's words."""
    shutil.copytree(root / FOLDER, tmp_path / FOLDER)
    return tmp_path


@pytest.mark.parametrize("language", ["vi", "zh"])
def test_translations_are_complete(root: Path, language: str) -> None:
    """Every English sentence has its translation with the same blanks; only English has forms for one."""
    english, other = words(root, "en"), words(root, language)
    assert {key for key in english if not key.endswith("_one")} == set(other)
    assert {key: blanks(other[key]) for key in other} == {key: blanks(english[key]) for key in other}


def test_forms_for_one(root: Path, english: Reader) -> None:
    """A form for one has the blanks of its sentence, and is used for one only."""
    table = words(root, "en")
    ones = [key for key in table if key.endswith("_one")]
    assert [blanks(table[key]) for key in ones] == [blanks(table[key.removesuffix("_one")]) for key in ones]
    assert english.say("orders", number=1, n="1") == "1 order"
    assert english.say("orders", number=2, n="2") == "2 orders"


@pytest.mark.parametrize(
    ("locale", "currency", "count", "share", "money", "points"),
    [
        ("en", "USD", "12,345", "12.5%", "$1,234.50", "3.21"),
        ("vi-VN", "VND", "12.345", "12,5%", "123.450 ₫", "3,21"),
        ("zh_Hans_CN", "CNY", "12,345", "12.5%", "¥1,234.50", "3.21"),
        ("fr", "EUR", "12,345", "12.5%", "€1,234.50", "3.21"),
    ],
)
def test_formats(root: Path, locale: str, currency: str, count: str, share: str, money: str, points: str) -> None:
    """Numbers are written as the language writes them; a language without words reads all-English."""
    reader = load_reader(root, locale, currency)
    said = (reader.count(12345), reader.share(1, 8), reader.money(123_450), reader.points(0.0321))
    assert tuple(text.replace("\xa0", " ") for text in said) == (count, share, money, points)


@pytest.mark.parametrize(
    ("estimate", "spoken"),
    [
        (Estimate(value=0.0321, low=0.0110, high=0.0532), Spoken("3.21", "1.10", "5.32", "1.10 to 5.32")),
        (Estimate(value=-0.0004, low=-0.1, high=0.02), Spoken("0.0", "-10.0", "2.0", "-10.0 to 2.0")),
        (Estimate(value=0.05, low=0.00004, high=0.1), Spoken("5.0", "0.004", "10.0", "0.004 to 10.0")),
        (Estimate(value=0, low=0, high=0), Spoken("0", "0", "0", "0 to 0")),
    ],
)
def test_spoken_points(english: Reader, estimate: Estimate, spoken: Spoken) -> None:
    """All three numbers have the places of the largest; a limit that is not zero is never printed as zero."""
    assert english.spoken_points(estimate) == spoken


def test_spoken_number_and_money(english: Reader) -> None:
    """People are whole, money has cents or none, and both keep three significant digits."""
    people = Estimate(value=12345.6, low=-98.7, high=23456)
    assert english.spoken_number(people).value == "12,300"
    assert english.spoken_number(people).interval == "-99 to 23,500"
    small, large = Estimate(value=1234, low=-56, high=2345), Estimate(value=123_456, low=-5_678, high=234_567)
    assert english.spoken_money(small) == Spoken("$12.34", "-$0.56", "$23.45", "-$0.56 to $23.45")
    assert english.spoken_money(large) == Spoken("$1,230", "-$57", "$2,350", "-$57 to $2,350")


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_spoken_sign_is_kept(english_reader: Reader, value: float, below: float, above: float) -> None:
    """Whatever the numbers, a limit's sign in print is its sign: the reader sees whether zero is inside."""
    estimate = Estimate(value=value, low=value - below, high=value + above)
    spoken = english_reader.spoken_points(estimate)
    for number, text in ((estimate.low, spoken.low), (estimate.high, spoken.high)):
        printed = float(text.replace(",", ""))
        # Three digits of the largest number, and never more than six places.
        largest = max(abs(estimate.low), abs(estimate.high), abs(value)) * 100
        assert printed == pytest.approx(number * 100, abs=0.0051 * largest + 1e-6)
        if abs(number) > 1e-7:
            assert (printed > 0) == (number > 0)


@pytest.fixture(scope="module")
def english_reader(root: Path) -> Reader:
    """One reader for all of a property's examples."""
    return load_reader(root, "en", "USD")


def test_moment_names_its_zone(root: Path) -> None:
    """A time of day stands with the zone it is in."""
    when = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)
    english = load_reader(root, "en", "USD", "Asia/Ho_Chi_Minh")
    chinese = load_reader(root, "zh", "CNY", "Asia/Shanghai")
    assert english.moment(when) == "November 22, 2026, 01:05 (Asia/Ho_Chi_Minh)"
    assert chinese.moment(when) == "2026年11月22日, 02:05 (Asia/Shanghai)"


def test_a_missing_sentence_is_english(workspace: Path) -> None:
    """A sentence that a translation lacks is taken from the English file."""
    (workspace / FOLDER / "words.vi.yaml").write_text('report: "Báo cáo"\n', encoding="utf-8")
    reader = load_reader(workspace, "vi", "VND")
    assert reader.say("report") == "Báo cáo"
    assert reader.say("claimed") == "Claimed"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("report: 3", r"words\.en\.yaml:1:9: 'report' is not a sentence; write text in quotes"),
        ("- report", r"words\.en\.yaml:1:1: the words are not a mapping; write `key: sentence` lines"),
    ],
)
def test_words_that_are_none(workspace: Path, text: str, message: str) -> None:
    """A words file of another shape is refused with its place and what to do."""
    (workspace / FOLDER / "words.en.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(TidingsError, match=message):
        load_reader(workspace, "en", "USD")


def test_no_words_at_all(tmp_path: Path) -> None:
    """A workspace without the words says which file is missing."""
    with pytest.raises(TidingsError, match=r"words\.en\.yaml: the words of the report are missing"):
        load_reader(tmp_path, "en", "USD")


@pytest.mark.parametrize("sentence", ['"{nobody}"', '"{"', '"{0}"', '"{title.secret}"'])
def test_a_sentence_with_a_wrong_blank(workspace: Path, sentence: str) -> None:
    """A blank that nobody fills is an error naming the file and the sentence."""
    file = workspace / FOLDER / "words.vi.yaml"
    file.write_text(f"subject_early: {sentence}\n", encoding="utf-8")
    reader = load_reader(workspace, "vi", "VND")
    with pytest.raises(TidingsError, match=r"words\.vi\.yaml: the sentence 'subject_early' cannot be written"):
        reader.say("subject_early", title="x")
