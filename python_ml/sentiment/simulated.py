"""Texts whose opinion is known because they are written from it, for shops with too few ratings."""

import numpy as np

from python_ml.sentiment.lexicon import BAD, GOOD
from python_ml.simulator.texts import ASPECTS, LANGUAGES, write_opinion, write_title

_ITEMS = {"en": ("jacket", "lamp", "kettle", "phone", "book"), "zh": ("外套", "台灯", "水壶", "手机", "书")}
# Ratings that say the opposite of the text. Without them no simulated text would leave a doubt, and the model
# would claim to be as sure of real ones.
_CARELESS_SHARE = 0.04
_SHORT_SHARE = 0.5  # of texts are one to three short opinions, the others as the simulator's shoppers write


def write_texts(count: int, *, seed: int) -> tuple[list[str], np.ndarray]:
    """Write texts in English and Chinese, and short ones in Portuguese and Spanish, half of them pleased.

    Args:
        count: how many.
        seed: of the random choices.

    Returns:
        The texts, and bool (count,): which are rated well. A few ratings are careless.
    """
    random = np.random.default_rng(seed)
    is_positive = random.random(count) < 0.5
    texts = [
        _short(random, bool(good)) if random.random() < _SHORT_SHARE else _long(random, bool(good))
        for good in is_positive
    ]
    return texts, is_positive ^ (random.random(count) < _CARELESS_SHARE)


def _short(random: np.random.Generator, is_positive: bool) -> str:
    phrases = GOOD if is_positive else BAD
    picked = random.choice(len(phrases), size=int(random.integers(1, 4)), replace=False)
    return ", ".join(phrases[place] for place in picked)


def _long(random: np.random.Generator, is_positive: bool) -> str:
    """An opinion of one to three aspects; of three, one may be of the other polarity."""
    language = LANGUAGES[int(random.integers(len(LANGUAGES)))]
    aspects = random.permutation(len(ASPECTS))[: int(random.integers(1, 4))].tolist()
    polarity = 1 if is_positive else -1
    polarities = [polarity] * len(aspects)
    if len(aspects) == 3 and random.random() < 0.3:
        polarities[int(random.integers(3))] = -polarity
    item = _ITEMS[language][int(random.integers(len(_ITEMS[language])))]
    body = write_opinion(random, language, item, aspects, polarities).body
    return f"{write_title(random, language, polarity)}\n{body}" if random.random() < 0.5 else body
