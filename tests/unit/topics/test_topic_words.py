import polars as pl
import pytest

from python_ml.topics.words import count_known_words, count_words, find_languages, split_words, stop_words


def split(*texts: str | None) -> list[list[str]]:
    return split_words(pl.Series("text", texts, dtype=pl.String)).to_list()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don’t buy, DON'T!", ["don't", "buy", "don't"]),
        ("三个火龙果，有两个都是坏的", ["三个", "火龙果", "有", "两个", "都", "是", "坏", "的"]),
        ("这个iPhone 6s不错", ["这个", "iphone", "6s", "不错"]),
        ("não é bom", ["não", "é", "bom"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("100 % ... 5 stars ★★★ 👍", ["stars"]),
        ("mail [email] or [phone], see https://example.com/a", ["mail", "or", "see"]),
        ("", []),
        (None, []),
        ("！！！", []),
    ],
)
def test_words_of_any_script_and_nothing_else(text, words):
    assert split(text) == [words]


def test_every_text_keeps_its_row():
    assert split("", "one two", None, "...", "三") == [[], ["one", "two"], [], [], ["三"]]


def test_no_texts():
    assert split() == []
    assert find_languages(split_words(pl.Series("text", [], dtype=pl.String))) == []


def test_lists_are_chosen_by_what_the_texts_are_full_of():
    english = ["this is the dress that i wanted to have for all of the summer"] * 3
    chinese = ["我觉得这个酒店的房间是不错的，但是他们的服务不好"] * 3
    portuguese = ["o produto não é o que eu pedi e a loja não me deu uma resposta"] * 3
    for texts, language in ((english, "en"), (chinese, "zh"), (portuguese, "pt")):
        assert find_languages(split_words(pl.Series(texts)))[0] == language
    assert set(find_languages(split_words(pl.Series(english + chinese)))) == {"en", "zh"}


def test_stop_words_of_a_language_without_a_list_are_none():
    assert stop_words(["xx"]) == frozenset()
    assert {"the", "的"} <= stop_words(["en", "zh"])


def test_counted_are_words_neither_rare_nor_everywhere():
    words = pl.Series(
        [
            ["the", "dress", "fits", "well", "s", "甜"],
            ["dress", "dress", "well", "s", "甜"],
            ["well", "shoe"],
            ["well", "fits"],
        ]
    )
    found = count_words(words, stop=frozenset({"the"}), min_texts=2, max_share=0.5)
    # "shoe" is in one text, "well" in all, "s" is a letter, and "甜" a word.
    assert found.vocabulary == ["dress", "fits", "甜"]
    assert found.counts.toarray().tolist() == [[1, 1, 1], [2, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_known_words_keep_their_columns():
    found = count_known_words(pl.Series([["b", "c", "b"], [], ["a"]]), ["b", "a"])
    assert found.counts.toarray().tolist() == [[2, 0], [0, 0], [0, 1]]
