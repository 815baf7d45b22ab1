"""The language of each text, told offline."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

_ROUNDS = 3
_FLOOR = 1e-3  # the least share any language is taken to have


def detect_languages(
    texts: Sequence[str | None], languages: tuple[str, ...], *, characters: int
) -> list[str | None]:
    """Tell the language of each text; of a mixed one, the language of most of it.

    Short texts could be of many languages ("Ok, super"), but the texts of one shop are of few: how common
    each language is among the texts is estimated with the answers, and shifts the doubtful ones.

    Args:
        texts: any strings.
        languages: ISO 639-1 codes to choose from.
        characters: only so many first ones are looked at.

    Returns:
        A code each; None for a text without a letter.

    Source: the shares are fitted by expectation maximisation as in Saerens, Latinne and Decaestecker,
    "Adjusting the outputs of a classifier to new a priori probabilities", 2002.
    """
    starts = [_letters(text[:characters]) if text else "" for text in texts]
    distinct = sorted({start for start in starts if start})
    if not distinct:
        return [None] * len(starts)
    identifier = _identifier(languages)
    codes = sorted(identifier.labels)
    chance = np.empty((len(distinct), len(codes)))
    for place, start in enumerate(distinct):
        ranked = dict(identifier.rank(start))
        chance[place] = [ranked[code] for code in codes]
    found = [codes[best] for best in _with_shares(chance).argmax(axis=1)]
    by_start = dict(zip(distinct, found, strict=True))
    return [by_start.get(start) for start in starts]


def _with_shares(chance_TL: np.ndarray) -> np.ndarray:
    share_L = np.full(chance_TL.shape[1], 1 / chance_TL.shape[1])
    after_TL = chance_TL
    for _ in range(_ROUNDS):
        share_L = np.maximum(after_TL.mean(axis=0), _FLOOR)
        after_TL = chance_TL * share_L
        after_TL /= after_TL.sum(axis=1, keepdims=True)
    return after_TL


def _letters(text: str) -> str:
    """The text without signs and emoji, which the detector takes for far-off scripts; "" if no letter."""
    kept = "".join(
        letter if unicodedata.category(letter)[0] in "LM" or letter in "'’" else " " for letter in text
    )
    tidy = " ".join(kept.split())
    return tidy if any(letter.isalpha() for letter in tidy) else ""


@lru_cache(maxsize=4)
def _identifier(languages: tuple[str, ...]) -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(languages)
    return identifier
