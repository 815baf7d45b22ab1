"""Names of interests, from the categories that say most of each."""

import re
from collections.abc import Iterator, Sequence
from itertools import count

from python_ml.cohorts.labels import group_label
from python_ml.cohorts.traits import VAGUE_GROUPS

UNTOLD = "Other purchases"  # of an interest of which nothing may be said
_NAMED_FIRST = 5  # a new name is of two of the first so many
# Alone they say how something is sold, not what.
_STATES = frozenset(
    {"baked", "canned", "chilled", "dry", "fresh", "frozen", "organic", "packaged", "refrigerated"}
)
_EMPTY_ENDS = re.compile(r" (products|items)$")


def name_interests(categories: Sequence[Sequence[str]], previous: Sequence[str | None]) -> list[str]:
    """A name for each interest, all different: "Baby foods & diapers".

    A name is of two categories, the most telling first. An interest keeps the name it had for as long as both
    are among those listed of it; of the others the one given first has the first choice.

    Args:
        categories: for each interest those listed of it, the most telling first.
        previous: the name each had before, None of a new one.
    """
    names = [
        name if name is not None and _is_true(name, own) else None
        for own, name in zip(categories, previous, strict=True)
    ]
    # Two that had one name cannot be: names were different then.
    taken = {name for name in names if name is not None}
    for number, own in enumerate(categories):
        if names[number] is None:
            names[number] = next(name for name in _all_names(own) if name not in taken)
            taken.add(names[number])
    return names


def category_words(category: str) -> str | None:
    """A category in the few words that fit into a name, None of one that says nothing.

    The first of several things it lists stands for it: "baked bread" for "BAKED BREAD/BUNS/ROLLS".

    Args:
        category: as it stands in the shop's data.
    """
    for part in re.split(r"/|:| - |,|;| > |\|", group_label(category)):
        words = _EMPTY_ENDS.sub("", re.sub(r"[_\s]+", " ", part).strip(" -&."))
        if words and words not in _STATES and not VAGUE_GROUPS.intersection(words.split()):
            return words
    return None


def _is_true(name: str, categories: Sequence[str]) -> bool:
    """Whether a name is of categories listed, in any order: places change from run to run."""
    both_ways = (*_names(categories, len(categories)), *_names(categories[::-1], len(categories)))
    return name in both_ways


def _all_names(categories: Sequence[str]) -> Iterator[str]:
    yield from _names(categories, _NAMED_FIRST)
    yield from _names(categories, len(categories))
    first = next(iter(_names(categories, len(categories))), UNTOLD)
    yield first
    yield from (f"{first} ({number})" for number in count(2))


def _names(categories: Sequence[str], most: int) -> Iterator[str]:
    """Names of two of the first so many categories, the most telling first; of one if there is one."""
    words = [said for said in map(category_words, categories) if said is not None]
    different = list(dict.fromkeys(words))[:most]
    if len(different) == 1:
        yield _as_name(different)
    pairs = [(one, other) for other in range(len(different)) for one in range(other)]
    yield from (_as_name([different[one], different[other]]) for one, other in sorted(pairs, key=sum))


def _as_name(words: Sequence[str]) -> str:
    said = " & ".join(words)
    return said[0].upper() + said[1:]
