"""Windows over long texts, prefixes."""

import dataclasses

import numpy as np
import pytest

from python_ml.config import EmbeddingConfig
from python_ml.embedding.tokens import tokenise
from python_ml.errors import SettingError

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def words(count: int) -> str:
    return " ".join(NUMBERS[place % 10] for place in range(count))


def test_windows_by_hand(exact_encoder):
    """Ten words in windows of six tokens, two of them marks, two shared: 0-3, 2-5, 4-7, 6-9."""
    tokens = tokenise(["ten", words(10)], exact_encoder.tokenizer, max_tokens=6, window_overlap=2)
    assert tokens.text_of.tolist() == [0, 1, 1, 1, 1]
    assert tokens.text_count == 2
    spelt = [exact_encoder.tokenizer.decode(ids, skip_special_tokens=True) for ids in tokens.windows]
    assert spelt == [
        "ten",
        "one two three four",
        "three four five six",
        "five six seven eight",
        "seven eight nine ten",
    ]
    assert tokens.token_count == 3 + 4 * 6


def test_a_cut_text_has_one_window(exact_encoder):
    tokens = tokenise([words(10)], exact_encoder.tokenizer, max_tokens=6, window_overlap=None)
    assert [len(ids) for ids in tokens.windows] == [6]


def test_the_end_of_a_long_text_counts_in_windows_only(exact_encoder):
    """What a customer says last is read, unless settings say that long texts are cut."""
    start = words(400)
    happy, angry = start + " i love it, wonderful", start + " broken, i want my money back"
    windows = exact_encoder.encode([happy, angry])
    assert windows[0] @ windows[1] < 0.999
    cut = dataclasses.replace(
        exact_encoder, config=dataclasses.replace(exact_encoder.config, long_texts="cut")
    ).encode([happy, angry])
    np.testing.assert_allclose(cut[0], cut[1], atol=1e-6)


def test_prefixes_are_part_of_the_text(exact_encoder):
    config = dataclasses.replace(exact_encoder.config, passage_prefix="passage: ", query_prefix="query: ")
    with_prefix = dataclasses.replace(exact_encoder, config=config)
    kept, asked = with_prefix.encode(["rye bread"]), with_prefix.encode(["rye bread"], as_query=True)
    plain = exact_encoder.encode(["passage: rye bread", "query: rye bread"])
    np.testing.assert_allclose(np.vstack([kept, asked]), plain, atol=2e-6)


def test_an_overlap_that_leaves_no_room_is_refused():
    with pytest.raises(SettingError, match="window_overlap"):
        EmbeddingConfig(max_tokens=10, window_overlap=8)
    assert EmbeddingConfig(max_tokens=10, window_overlap=7).window_overlap == 7
