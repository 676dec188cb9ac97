"""The first section: caused beside claimed, or why there is no causal figure."""

import re

import pytest

from tests.reports.conftest import Known, campaign, measure
from tidings.model.counts import Estimate, MeasureShape, Split
from tidings.reports.result import ResultSection, subject, why_no_figure


def test_caused_stands_beside_claimed(known: Known) -> None:
    """Both figures are in one table, and what was caused has its interval."""
    text = ResultSection().build(known()).text
    assert "  Caused (treated minus held out): 60 orders (13 to 107); Order value $2,040 ($431 to $3,660)" in text
    assert "  Claimed (orders after a click): 143 orders; Order value $5,123.45" in text


def test_the_title_is_the_finding(known: Known) -> None:
    """Who reads one line only has the number and its interval, in the subject as in the heading."""
    assert ResultSection().build(known()).title == "The campaign caused 60 buyers (9 to 104)"
    assert subject(known()) == "Bring lapsed milk subscribers home: 60 buyers caused (9 to 104)"


@pytest.mark.parametrize(
    ("treated", "control", "title", "state"),
    [
        ((120, 1852), (40, 617), "An effect cannot be told from chance: 0 buyers (-45 to 38)", "◆"),
        ((60, 1852), (60, 617), "The campaign cost buyers: -120 (-170 to -78)", "▼"),
        ((30, 400), (1, 100), "The campaign caused 26 buyers (6 to 38)", "▲"),
    ],
)
def test_verdicts(known: Known, treated: tuple[int, int], control: tuple[int, int], title: str, state: str) -> None:
    """Chance, harm and effect are told apart in words and in shape."""
    section = ResultSection().build(known(measure=measure(treated, control)))
    assert section.title == title
    assert section.text.startswith(state)


def test_an_unclear_result_says_what_could_be_seen(known: Known) -> None:
    """Where the interval holds zero the reader learns how small an effect these groups can show; else not."""
    unclear = ResultSection().build(known(measure=measure((120, 1852), (40, 617))))
    assert "a true effect below 3.66 points would usually go unseen" in unclear.text
    assert "would usually go unseen" not in ResultSection().build(known()).text


def test_everybody_bought(known: Known) -> None:
    """Groups in which all bought are compared too; no rise above everybody can be promised."""
    section = ResultSection().build(known(measure=measure((400, 400), (100, 100))))
    assert section.title.startswith("An effect cannot be told from chance: 0 buyers")
    assert "unseen" not in section.text


@pytest.mark.parametrize(("true_effect", "words"), [(0.04, "holds it"), (0.20, "misses it")])
def test_the_true_effect_of_the_demo(known: Known, true_effect: float, words: str) -> None:
    """A true effect stands beside the estimate and says whether the interval holds it."""
    section = ResultSection().build(known(true_effect=true_effect))
    assert f"a true effect of {true_effect * 100:.1f}" in section.text.replace("4.00", "4.0")
    assert words in section.text
    assert "True effect" in section.charts[0].alt


def test_no_true_effect_in_real_life(known: Known) -> None:
    """Without a demo there is no word of a true effect."""
    for facts in (known(), known(true_effect=None)):
        assert "true effect" not in ResultSection().build(facts).html.lower()


def test_a_wrong_split_is_pointed_out(known: Known) -> None:
    """Arms of other sizes than drawn make the reader suspicious; arms as drawn do not."""
    split = Split(expected=246.9, p_value=1e-9)
    wrong = ResultSection().build(known(measure=measure().model_copy(update={"split": split})))
    assert "617 of 2,469 people are held out where 247 were to be" in wrong.text
    assert "(p < 0.001)" in wrong.text
    assert "were to be" not in ResultSection().build(known()).text
    assert "were to be" not in ResultSection().build(known(measure=measure().model_copy(update={"split": None}))).text


def test_the_split_is_the_logged_one(known: Known) -> None:
    """What the campaign asks for today says nothing about how its people were drawn."""
    assert "were to be" not in ResultSection().build(known(campaign=campaign(holdout={"share": "10%"}))).text


@pytest.mark.parametrize("locale", ["en", "vi", "zh"])
def test_several_draws_are_mentioned(known: Known, locale: str) -> None:
    """Where the share changed, the difference is not the difference of the two shares in the text."""
    several = measure().model_copy(update={"strata": 2})
    said = known(locale)["reader"].say("strata", n="2")
    assert said in ResultSection().build(known(locale, measure=several)).text
    assert said not in ResultSection().build(known(locale)).text


def no_causal(**changes: object) -> MeasureShape:
    """A measure without any causal figure."""
    return measure((204, 1852), (0, 0)).model_copy(update=changes)


@pytest.mark.parametrize(
    ("settings", "shape", "code", "title"),
    [
        ({"holdout": None}, no_causal(), "no_holdout", "No causal figure is possible"),
        ({"holdout": None}, no_causal(matured=0), "no_holdout", "No causal figure is possible"),
        ({}, no_causal(matured=0), "early", "Too early for a result"),
        ({}, no_causal(), "empty_arm", "No causal figure yet"),
    ],
)
def test_no_causal_figure(known: Known, settings: dict[str, None], shape: MeasureShape, code: str, title: str) -> None:
    """What is missing is a sentence that says what to do, with no chart and no causal number."""
    facts = known(campaign=campaign(**settings), measure=shape)
    assert why_no_figure(facts["campaign"], shape) == code
    section = ResultSection().build(facts)
    assert section.title == title
    assert section.charts == ()
    assert ("Claimed" in section.text) == (shape.matured > 0)
    assert subject(facts).endswith("too early for a result" if code == "early" else "no causal figure")


def test_without_a_goal_there_is_no_result(known: Known) -> None:
    """Nothing was counted, and the reader learns what to add."""
    facts = known(campaign=campaign(goal=None), measure=None)
    section = ResultSection().build(facts)
    assert ("No result: the campaign has no goal", ()) == (section.title, section.charts)
    assert "Add `goal:` to the campaign" in section.text
    assert subject(facts) == "Bring lapsed milk subscribers home: no causal figure"


def test_without_a_holdout_caused_is_not_known(known: Known) -> None:
    """The table still shows what is claimed, and says of the caused figure that nobody knows it."""
    section = ResultSection().build(known(campaign=campaign(holdout=None), measure=no_causal()))
    assert "  Caused (treated minus held out): not known; Order value not known" in section.text
    assert "Held out " not in section.text


@pytest.mark.parametrize("locale", ["en", "vi", "zh"])
def test_no_estimate_without_its_interval(known: Known, locale: str) -> None:
    """In each language, wherever the caused buyers or the lift are printed, the interval follows."""
    more = measure().model_copy(update={"caused_orders": Estimate(value=97, low=41, high=153)})
    facts = known(locale, true_effect=0.04, measure=more)
    section = ResultSection().build(facts)
    reader = facts["reader"]
    for estimate in (
        reader.spoken_number(facts["measure"].caused_buyers),
        reader.spoken_number(facts["measure"].caused_orders),
        reader.spoken_points(facts["measure"].conversion_lift),
        reader.spoken_money(facts["measure"].caused_value),
    ):
        paragraphs = [section.title, *section.text.split("\n")]
        places = [p for p in paragraphs if re.search(rf"(?<![\d.,]){re.escape(estimate.value)}(?![\d.,])", p)]
        assert places
        assert [place for place in places if estimate.interval not in place] == []
