"""Texts into words, in any script, and which of them say nothing.

Words of scripts that write spaces are runs of letters, marks and digits. Chinese writes none: it is cut by
rjieba, a binding of jieba's Rust port with jieba's own dictionary inside.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import rjieba
import stopwordsiso
from scipy.sparse import csr_array

# Masks that stand for what named a person, such as "[email]", are no words of the customer's.
_MASK = r"\[[a-z_]+\]"
# Links, also those that a space or a following Chinese word runs into: "http:// t.cn/zYu好".
_LINK = r"https?\s*:?\s*/*\s*[!-~]*|\b(?:[a-z0-9-]+\.)+(?:com|cn|net|org|br|uk)\b(?:/[!-~]*)?"
# A run of Han characters, or a word of another script: "don't", "6s", "não", "नमस्ते".
_RUN = r"\p{Han}+|[[\p{L}\p{N}]--[\p{Han}]][[\p{L}\p{M}\p{N}]--[\p{Han}]]*(?:'[[\p{L}\p{M}]--[\p{Han}]]+)*"
_LETTER = r"\p{L}"
# One Chinese character may be a word ("甜", sweet); one letter of another script is none.
_SAYING = r"\p{Han}|.."
_HAN = r"^\p{Han}"
# Other languages' lists overlap by chance ("die", "come"); one must explain at least this share of all words.
_LANGUAGE_MIN_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class WordCounts:
    """Which text has which word, N texts and V words.

    Args:
        vocabulary: V words, sorted.
        counts: integer csr (N, V), how often the text has the word.
    """

    vocabulary: list[str]
    counts: csr_array


def split_words(texts: pl.Series) -> pl.Series:
    """Words of each text, in order, in lower case, without numbers, masks and links; stop words are still in.

    Args:
        texts: string, N; null is a text without words.

    Returns:
        List of strings, N.
    """
    plain = (
        texts.fill_null("")
        .str.to_lowercase()
        .str.replace_all("’", "'", literal=True)
        .str.replace_all(f"{_MASK}|{_LINK}", " ")
    )
    runs = pl.DataFrame({"text": plain.str.extract_all(_RUN)}).with_row_index("row").explode("text")
    distinct = runs.select(pl.col("text").drop_nulls().unique(maintain_order=True))["text"]
    cut = pl.DataFrame(
        {"text": distinct, "word": _cut(distinct)}, schema={"text": pl.String, "word": pl.List(pl.String)}
    ).with_columns(pl.col("word").list.eval(pl.element().filter(pl.element().str.contains(_LETTER))))
    found = (
        runs.drop_nulls()
        .join(cut, on="text", maintain_order="left")
        .explode("word")
        .drop_nulls()
        .group_by("row", maintain_order=True)
        .agg("word")
    )
    rows = pl.DataFrame({"row": pl.int_range(len(texts), dtype=found.schema["row"], eager=True)})
    every = rows.join(found, on="row", how="left", maintain_order="left")["word"]
    return every.fill_null(pl.Series([[]], dtype=pl.List(pl.String))).rename(texts.name)


def _cut(runs: pl.Series) -> list[list[str]]:
    is_han = runs.str.contains(_HAN)
    return [rjieba.cut(run, True) if han else [run] for run, han in zip(runs, is_han, strict=True)]


def find_languages(words: pl.Series) -> list[str]:
    """Languages whose stop words these texts are full of, most telling first.

    Not a language detector: it picks lists. The list that explains most words is taken, then the one that
    explains most of the rest, while that is a twentieth of all words or more.

    Args:
        words: from `split_words`.

    Returns:
        ISO 639-1 codes; none for texts without a stop word.
    """
    frequency = Counter(dict(words.explode().drop_nulls().value_counts().iter_rows()))
    lists = {language: stopwordsiso.stopwords(language) for language in sorted(stopwordsiso.langs())}
    total, found = frequency.total(), []
    while total:
        explained = {code: sum(frequency[word] for word in known) for code, known in lists.items()}
        best = max(explained, key=explained.__getitem__)
        if explained[best] < _LANGUAGE_MIN_SHARE * total:
            break
        found.append(best)
        for word in lists.pop(best):
            del frequency[word]
    return found


def stop_words(languages: Sequence[str]) -> frozenset[str]:
    """The stop words of these languages (the Stopwords ISO collection).

    Args:
        languages: ISO 639-1 codes; one without a list adds nothing.
    """
    return frozenset().union(
        *(stopwordsiso.stopwords(code) for code in languages if code in stopwordsiso.langs())
    )


def count_words(words: pl.Series, *, stop: frozenset[str], min_texts: int, max_share: float) -> WordCounts:
    """Count the words worth counting: no stop word or single letter, not too rare, not in most texts.

    Args:
        words: from `split_words`, N texts.
        stop: words to leave out.
        min_texts: a word must occur in this many texts.
        max_share: and in at most this share of them. It is not applied to fewer than `min_texts` texts.

    Returns:
        Counts, columns in alphabetical order.
    """
    long = (
        pl.DataFrame({"word": words})
        .with_row_index("row")
        .explode("word")
        .drop_nulls()
        .filter(~pl.col("word").is_in(list(stop)), pl.col("word").str.contains(_SAYING))
        .group_by("row", "word")
        .len("count")
    )
    most = max(max_share * len(words), min_texts)
    kept = (
        long.group_by("word")
        .len("texts")
        .filter(pl.col("texts").is_between(min_texts, most))
        .select("word")
        .sort("word")
        .with_row_index("column")
    )
    cells = long.join(kept, on="word").sort("row", "column")
    counts = csr_array(
        (cells["count"].to_numpy().astype(np.int32), (cells["row"].to_numpy(), cells["column"].to_numpy())),
        shape=(len(words), len(kept)),
    )
    return WordCounts(kept["word"].to_list(), counts)


def count_known_words(words: pl.Series, vocabulary: Sequence[str]) -> WordCounts:
    """Count the words of a vocabulary in other texts.

    Args:
        words: from `split_words`, N texts.
        vocabulary: V distinct words; the columns, in this order.
    """
    columns = pl.DataFrame({"word": vocabulary}, schema={"word": pl.String}).with_row_index("column")
    cells = (
        pl.DataFrame({"word": words})
        .with_row_index("row")
        .explode("word")
        .join(columns, on="word")
        .group_by("row", "column")
        .len("count")
        .sort("row", "column")
    )
    counts = csr_array(
        (cells["count"].to_numpy().astype(np.int32), (cells["row"].to_numpy(), cells["column"].to_numpy())),
        shape=(len(words), len(vocabulary)),
    )
    return WordCounts(list(vocabulary), counts)
