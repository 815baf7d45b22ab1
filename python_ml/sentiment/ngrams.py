"""Hashed n-grams of characters and words, counted for all texts at once.

Every n-gram is a number made from its code points and counted in one of a fixed number of buckets, so that no
word of a customer is kept in the model. Everything is arithmetic on one long array of code points: a Python
loop over the n-grams of 60,000 reviews takes minutes, this takes seconds.

Shapes: T texts, P code points of all texts, W words of all texts, B buckets.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from scipy import sparse

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_BLOCK_CODE_POINTS = 2_000_000  # what is hashed at a time: bounds memory at about 200 MB
_CODE_POINTS = 0x110000
# Scripts written without spaces: each character is a word, else a whole sentence would be one.
_NO_SPACES = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_SPACE = 32


def count_ngrams(texts: Sequence[str], *, characters: int, words: int, buckets: int) -> sparse.csr_matrix:
    """Count hashed n-grams of 1 to `characters` characters and of 1 to `words` words in each text.

    Case does not count, nor how much space there is between words. A word is a run of letters, digits and
    apostrophes; in scripts without spaces, each character.

    Args:
        texts: any strings.
        characters, words: the longest n-gram of each kind; 0 for none.
        buckets: B, a power of two.

    Returns:
        float32 (T, 2 B): occurrences of character n-grams, then of word n-grams.
    """
    blocks = [
        sparse.hstack(
            [
                _count(_character_ngrams(*block, characters), buckets),
                _count(_word_ngrams(*block, words), buckets),
            ],
            format="csr",
        )
        for block in _blocks(texts)
    ]
    return (
        sparse.vstack(blocks, format="csr")
        if blocks
        else sparse.csr_matrix((0, 2 * buckets), dtype=np.float32)
    )


def _blocks(texts: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Code points, the text each belongs to, and the number of texts, of consecutive texts."""
    tidy = [f" {' '.join(text.lower().split())} " for text in texts]
    ends = np.cumsum([len(text) for text in tidy], dtype=np.int64)
    first = 0
    while first < len(tidy):
        before = ends[first - 1] if first else 0
        last = max(int(np.searchsorted(ends, before + _BLOCK_CODE_POINTS, side="right")), first + 1)
        lengths = np.diff(ends[first:last], prepend=before)
        joined = "".join(tidy[first:last]).encode("utf-32-le", errors="surrogatepass")
        yield (
            np.frombuffer(joined, dtype=np.uint32),
            np.repeat(np.arange(last - first), lengths),
            last - first,
        )
        first = last


def _character_ngrams(
    codes_P: np.ndarray, text_P: np.ndarray, texts: int, longest: int
) -> tuple[int, list[tuple[np.ndarray, np.ndarray]]]:
    """Text and hash of every n-gram of characters, a pair a length."""
    return texts, list(_windows(_scramble(codes_P.astype(np.uint64)), text_P, longest))


def _word_ngrams(
    codes_P: np.ndarray, text_P: np.ndarray, texts: int, longest: int
) -> tuple[int, list[tuple[np.ndarray, np.ndarray]]]:
    """Text and hash of every n-gram of words, a pair a length."""
    kind_P = _kinds()[codes_P]
    begins_P = (kind_P == 2) | ((kind_P == 1) & (np.concatenate([[0], kind_P[:-1]]) != 1))
    inside = np.flatnonzero(kind_P > 0)
    if not inside.size or not longest:
        return texts, []
    starts = np.flatnonzero(begins_P[inside])
    lengths = np.diff(starts, append=len(inside))
    place = np.arange(len(inside)) - np.repeat(starts, lengths)
    values = _scramble(codes_P[inside].astype(np.uint64)) * _powers(int(place.max()) + 1)[place]
    hash_W = _scramble(np.add.reduceat(values, starts))
    return texts, list(_windows(hash_W, text_P[inside][starts], longest))


def _windows(
    value_P: np.ndarray, text_P: np.ndarray, longest: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Text and hash of every run of 1 to `longest` neighbours that lie in one text."""
    hash_P = np.zeros(len(value_P), dtype=np.uint64)
    for length in range(1, longest + 1):
        count = len(value_P) - length + 1
        if count <= 0:
            return
        hash_P = hash_P[:count] * _MULTIPLIER + value_P[length - 1 :]
        whole = text_P[:count] == text_P[length - 1 :]
        yield text_P[:count][whole], _scramble(hash_P[whole] + np.uint64(length))


def _count(found: tuple[int, list[tuple[np.ndarray, np.ndarray]]], buckets: int) -> sparse.csr_matrix:
    texts, pairs = found
    if not pairs:
        return sparse.csr_matrix((texts, buckets), dtype=np.float32)
    rows = np.concatenate([text for text, _ in pairs])
    columns = np.concatenate([hashed for _, hashed in pairs]) & np.uint64(buckets - 1)
    ones = np.ones(len(rows), dtype=np.float32)
    shape = (texts, buckets)
    return sparse.coo_matrix((ones, (rows.astype(np.int32), columns.astype(np.int32))), shape=shape).tocsr()


def _scramble(values: np.ndarray) -> np.ndarray:
    """Spread numbers over all 64 bits; wraps around on purpose.

    Source: the finaliser of SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014.
    """
    values = (values ^ (values >> np.uint64(30))) * _MIX
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _powers(count: int) -> np.ndarray:
    return np.multiply.accumulate(np.full(count, _MULTIPLIER, dtype=np.uint64))


@cache
def _kinds() -> np.ndarray:
    """By code point: 0 between words, 1 inside a word, 2 a word of its own."""
    kinds = np.zeros(_CODE_POINTS, dtype=np.uint8)
    letters = [code for code in range(_CODE_POINTS) if chr(code).isalnum() or code in (0x27, 0x2019)]
    kinds[letters] = 1
    for low, high in _NO_SPACES:
        kinds[low : high + 1] *= 2
    return kinds
