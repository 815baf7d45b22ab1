"""Clauses and what they are about."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.sentiment.aspects import match_lexicon, nearest_aspects
from python_ml.sentiment.clauses import split_clauses
from python_ml.sentiment.lexicon import ASPECTS, BAD, GOOD, SEEDS, SPACED, UNSPACED
from python_ml.simulator import texts as simulator


def clauses(text: str) -> list[str]:
    return split_clauses([text])["clause"].to_list()


def test_clauses_end_at_marks_and_before_contrasts():
    assert clauses("Nice title\nFast delivery, but the box was torn. Great!") == [
        "Nice title",
        "Fast delivery",
        "but the box was torn",
        "Great",
    ]
    assert clauses("Looks good however it broke") == ["Looks good", "however it broke"]
    assert clauses("物流很快，但是质量太差了。不好！") == ["物流很快", "但是质量太差了", "不好"]


def test_marks_within_numbers_end_nothing():
    assert clauses("I paid $1,299.50 at 10:30, too much") == ["I paid $1,299.50 at 10:30", "too much"]


@pytest.mark.parametrize("text", ["", "!!! ...", "，。", "\n"])
def test_without_letters_there_is_no_clause(text: str):
    assert clauses(text) == []


def test_clauses_know_their_text():
    assert split_clauses(["a, b", "", "c"])["text_row"].to_list() == [0, 0, 2]


@given(st.lists(st.text(max_size=40), max_size=4))
def test_cutting_loses_no_letter(texts: list[str]):
    found = "".join(split_clauses(texts)["clause"])
    assert [letter for letter in found if letter.isalnum()] == [
        letter for text in texts for letter in text if letter.isalnum()
    ]


@pytest.mark.parametrize(
    ("clause", "aspects"),
    [
        ("too expensive for me", ["price"]),
        ("性价比很高", ["price"]),
        ("The quality is not good", ["quality"]),
        ("做工粗糙", ["quality"]),
        ("chegou antes do prazo", ["delivery"]),
        ("快递等了很久", ["delivery"]),
        ("it runs small", ["fit"]),
        ("尺码偏大", ["fit"]),
        ("they never answered", ["service"]),
        ("客服态度很差", ["service"]),
        ("La caja estaba rota", ["quality", "packaging"]),
        ("包装很精美", ["packaging"]),
        ("I bought it for my wife", []),
        ("the latest outfit", []),  # neither late nor fit
        ("", []),
    ],
)
def test_words_of_the_lexicon(clause: str, aspects: list[str]):
    assert match_lexicon(pl.Series([clause])).to_list() == [aspects]


def test_aspects_are_the_simulators():
    assert simulator.ASPECTS == ASPECTS
    assert set(SPACED) == set(UNSPACED) == set(SEEDS) - {""} == set(ASPECTS)


def test_the_lexicon_knows_nearly_all_phrases_of_the_simulator():
    said = [
        (aspect, phrase.lstrip("*"))
        for by_aspect in simulator.PHRASES.values()
        for aspect, by_polarity in by_aspect.items()
        for phrases in by_polarity
        for phrase in phrases
    ]
    found = match_lexicon(pl.Series([phrase for _, phrase in said])).to_list()
    right = sum(aspect in aspects for (aspect, _), aspects in zip(said, found, strict=True))
    assert right / len(said) >= 0.9


def test_no_phrase_is_both_good_and_bad():
    assert not set(GOOD) & set(BAD)


def test_the_nearest_seed_decides_if_it_is_near():
    seeds = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    clauses = np.array([[0.8, 0.6, 0], [0, 0.6, 0.8], [-1, 0, 0]], dtype=np.float32)
    found = nearest_aspects(clauses, seeds, ["price", "fit", ""], 0.3)
    # Nearest the first; nearest the one about nothing; opposite of all.
    assert found == ["price", "", ""]
    assert nearest_aspects(clauses, seeds, ["price", "fit", ""], 1.01) == ["", "", ""]
    assert nearest_aspects(clauses[:0], seeds, ["price", "fit", ""], 0.3) == []
