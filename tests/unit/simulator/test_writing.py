"""Small parts of the simulator, against values worked out by hand."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.simulator.blemishes import spoil
from python_ml.simulator.frames import money, times_as_text
from python_ml.simulator.texts import ASPECTS, INTENTS, LANGUAGES, PHRASES, give_away, write_opinion


def test_money_is_exact():
    assert money(np.array([12_345, 0, -5, -100])) == ["123.45", "0.00", "-0.05", "-1.00"]


def test_times_are_cut_to_the_second():
    assert times_as_text(np.datetime64("2024-01-01", "us"), np.array([0, 61_999])) == [
        "2024-01-01 00:00:00",
        "2024-01-01 00:01:01",
    ]


@given(st.integers(0, 2**32), st.sampled_from(LANGUAGES))
def test_what_is_given_away_stands_in_the_sentence(seed: int, language: str):
    sentence, kind, value = give_away(np.random.default_rng(seed), language, ("Ann Lee",))
    assert value in sentence
    if kind == "card":
        digits = [int(digit) for digit in value.replace(" ", "")][::-1]
        doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
        assert (len(digits), (sum(digits[::2]) + sum(doubled)) % 10) == (16, 0)


@given(
    st.integers(0, 2**32),
    st.sampled_from(LANGUAGES),
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from([-1, 1])),
        min_size=1,
        max_size=3,
        unique_by=lambda x: x[0],
    ),
)
def test_a_text_says_each_aspect_and_no_other(seed: int, language: str, opinion: list[tuple[int, int]]):
    aspects, polarities = zip(*opinion, strict=True)
    written = write_opinion(np.random.default_rng(seed), language, "vase", list(aspects), list(polarities))
    said = {
        (aspect, polarity)
        for aspect, name in enumerate(ASPECTS)
        for polarity, place in ((-1, 0), (1, 1))
        for phrase in PHRASES[language][name][place]
        if phrase.lstrip("*").lower() in written.body.lower()
    }
    assert said == set(opinion)


def test_every_aspect_and_intent_can_be_said_in_both_languages():
    assert set(PHRASES) == set(LANGUAGES)
    assert all(set(said) == set(ASPECTS) for said in PHRASES.values())
    assert all(set(said) == set(LANGUAGES) for said in INTENTS.values())


def test_a_spoilt_row_is_spoilt_in_one_column():
    rows = pa.table({"a": ["1"] * 500, "b": ["2"] * 500})
    spoilt, count = spoil(np.random.default_rng(0), rows, 0.5, {"a": "x", "b": None})
    pairs = list(zip(*spoilt.to_pydict().values(), strict=True))
    assert set(pairs) == {("1", "2"), ("x", "2"), ("1", None)}
    assert sum(pair != ("1", "2") for pair in pairs) == count == pytest.approx(250, abs=50)
