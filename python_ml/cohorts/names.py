"""A readable, true and unique name for each cohort, from its profile."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, count, islice

from python_ml.cohorts.labels import feature_label, short_group_label
from python_ml.cohorts.traits import REGULAR, TRAITS, VAGUE_GROUPS, Trait

NOT_YET_BUYING = "Not yet buying"
# Names of the one cohort that stands where users could not be told apart: without and with others who have
# not ordered.
ALL_USERS = "All users"
ALL_BUYERS = "All buyers"
# Those who are like no group of others.
UNCLUSTERED = "Unclustered shoppers"
# Of a cohort about which nothing may be said.
UNTOLD = "Other shoppers"
_MOST_TRAITS = 6  # beyond these a claim is too weak to be worth a word
_LONGEST_GROUP_WORDS = 3
_NAMES_LOOKED_AT = 500  # of those that are true of a cohort, when the one it had is looked for
# A cohort keeps the name it would get if the limits were this many times what they are: else a number that
# wavers about a limit would rename it every month.
_KEPT_WITHIN = (1.0, 0.75, 0.5, 1.5)


@dataclass(frozen=True, slots=True)
class CohortFacts:
    """What may be said about one cohort.

    Args:
        z_scores: feature -> (cohort mean - mean) / standard deviation.
        departments: department -> (share of the cohort's spend, that share / share of all spend).

    Both are empty of a cohort of too few users for a profile.
    """

    z_scores: dict[str, float]
    departments: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class CohortName:
    """A name with the claims it makes, so that each can be checked.

    Args:
        text: the name.
        traits: claimed traits.
        department: the department it names, None if none.
        feature: (feature, sign) the name falls back on, None if it does not.
    """

    text: str
    traits: tuple[Trait, ...] = ()
    department: str | None = None
    feature: tuple[str, int] | None = None


def name_cohorts(
    facts: Sequence[CohortFacts],
    previous: Sequence[str | None] = (),
    *,
    min_sd: float,
    min_lift: float,
    min_share: float,
) -> list[CohortName]:
    """Name every cohort.

    The name is made of up to two traits (the strongest of different families), one department the cohort buys
    much more of, and a noun: "Big-spending fuel regulars". A cohort keeps the name it had for as long as that
    is about true of it: were the limits half or half again what they are, it could have the name. The others
    are named in the order given; one whose best name is taken gets its next best.
    A cohort without facts is named without a claim.

    Args:
        facts: one per cohort, the largest first.
        previous: the name each had before, None of a new one; empty if all are new.
        min_sd: standard deviations off the mean that each claim needs.
        min_lift: lift a department needs to be named.
        min_share: share of the cohort's spend it needs.

    Returns:
        Names in the order of `facts`, all different.
    """

    def candidates(cohort: CohortFacts, times: float = 1.0) -> Iterator[CohortName]:
        lift = 1.0 + times * (min_lift - 1.0)
        departments = _departments_to_name(cohort.departments, lift, times * min_share)
        return _candidate_names(cohort.z_scores, departments, times * min_sd)

    def find(cohort: CohortFacts, text: str | None) -> CohortName | None:
        if text is None:
            return None
        looked_at = (islice(candidates(cohort, times), _NAMES_LOOKED_AT) for times in _KEPT_WITHIN)
        return next((name for name in chain.from_iterable(looked_at) if name.text == text), None)

    kept = [find(cohort, text) for cohort, text in zip(facts, previous or [None] * len(facts), strict=True)]
    taken = {NOT_YET_BUYING, *(name.text for name in kept if name is not None)}
    found = []
    for cohort, name in zip(facts, kept, strict=True):
        found.append(name or next(other for other in candidates(cohort) if other.text not in taken))
        taken.add(found[-1].text)
    return found


def true_traits(z_scores: dict[str, float], min_sd: float) -> list[Trait]:
    """Traits that hold, the most telling first, one a family.

    Args:
        z_scores: feature -> z.
        min_sd: the trait's features, those in the data, must all be this far off on the trait's side.
    """
    scored = []
    for order, trait in enumerate(TRAITS):
        sided = [trait.sign * z_scores[name] for name in trait.features if name in z_scores]
        if sided and min(sided) >= min_sd:
            scored.append((-trait.appeal * sum(sided) / len(sided), order, trait))
    best: dict[str, Trait] = {}
    for _, _, trait in sorted(scored, key=lambda entry: entry[:2]):
        best.setdefault(trait.family, trait)
    return list(best.values())


def _candidate_names(
    z_scores: dict[str, float], departments: list[str], min_sd: float
) -> Iterator[CohortName]:
    """Names that are true of a cohort, best first; never ends."""
    if not z_scores and not departments:
        yield CohortName(UNTOLD)
        yield from (CohortName(f"{UNTOLD} ({number})") for number in count(2))
    traits = true_traits(z_scores, min_sd)[:_MOST_TRAITS]
    is_regular = REGULAR in traits
    words = [trait for trait in traits if trait is not REGULAR]
    # A department makes a name concrete, so one word is enough beside it; without one, two.
    for department in departments:
        yield from (_compose((trait,), department, is_regular) for trait in words)
        yield from (_compose(pair, department, is_regular) for pair in combinations(words, 2))
    yield from (_compose(pair, None, is_regular) for pair in combinations(words, 2))
    yield from (_compose((), department, is_regular) for department in departments)
    yield from (_compose((trait,), None, is_regular) for trait in words)
    plain = _feature_names(z_scores, min_sd)
    yield from plain
    if not traits and not plain:
        yield CohortName("Typical shoppers")
    base = _compose(tuple(words[:1]), None, is_regular)
    yield from (CohortName(f"{base.text} ({number})", base.traits) for number in count(2))


def _compose(words: tuple[Trait, ...], department: str | None, is_regular: bool) -> CohortName:
    """Put a name together: words, department, noun."""
    said = " ".join(trait.word if place == 0 else trait.word.lower() for place, trait in enumerate(words))
    middle = "" if department is None else short_group_label(department)
    noun = REGULAR.word if is_regular else "shoppers"
    text = " ".join(part for part in (said, middle, noun) if part)
    traits = (*words, REGULAR) if is_regular else words
    return CohortName(text[0].upper() + text[1:], traits, department)


def _departments_to_name(
    departments: dict[str, tuple[float, float]], min_lift: float, min_share: float
) -> list[str]:
    """Departments worth a word, the most telling first.

    Ranked by share x log(lift), a department's part in the (Kullback-Leibler) divergence of the cohort's
    spend from all spend. By lift alone the smallest win: "Spirits shoppers" who spend 0.4 % on spirits.
    """
    worth = []
    for name, (share, lift) in departments.items():
        words = short_group_label(name).split()
        is_plain = len(words) <= _LONGEST_GROUP_WORDS and not VAGUE_GROUPS.intersection(words)
        if share >= min_share and lift >= min_lift and is_plain:
            worth.append((-share * math.log(lift), name))
    return [name for _, name in sorted(worth)]


def _feature_names(z_scores: dict[str, float], min_sd: float) -> list[CohortName]:
    """Plain names from features without a word of their own: "Shoppers with high page views"."""
    far = sorted(
        (-abs(z), name) for name, z in z_scores.items() if math.isfinite(z) and abs(z) >= max(min_sd, 1e-9)
    )
    names = []
    for _, name in far:
        sign = 1 if z_scores[name] > 0 else -1
        level = "high" if sign > 0 else "low"
        names.append(CohortName(f"Shoppers with {level} {feature_label(name)}", feature=(name, sign)))
    return names
