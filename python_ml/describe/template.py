"""The facts of a cohort as plain sentences, each of which stands for itself."""

import math
from collections.abc import Iterable

from python_ml.describe.facts import CohortFacts, Told
from python_ml.describe.phrases import PHRASES


def write_sentences(facts: CohortFacts) -> list[str]:
    """A description in plain English, a sentence an entry.

    Names of departments, categories and attributes stand as they are, in whatever script. What is unknown is
    not told.

    Args:
        facts: of one cohort.
    """
    sentences = [_size(facts)]
    if facts.always:
        first, *others = facts.always
        said = [_feature(first, "all who have ordered"), *map(_feature, others)]
        sentences.append(f"On average they {_list(said)}.")
    if facts.behaviour:
        sentences.append(f"They also {_list(map(_feature, facts.behaviour))}.")
    elif facts.always:
        sentences.append("In other behaviour they are close to the average.")
    if facts.groups:
        sentences.append(f"They spend more than usual on {_list(map(_group, facts.groups))}.")
    if facts.attributes:
        sentences.append(f"More common among them than usual: {_list(map(_attribute, facts.attributes))}.")
    if facts.rule is not None:
        sentences.append(_rule(facts))
    return sentences


def say_number(value: float) -> str:
    """Three digits at most, more of whole numbers: "1,203", "16.4", "9.1", "0.24", "0"."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{round(value):,}"
    digits = 1 if size >= 1 else 1 - math.floor(math.log10(size))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".")


def say_share(share: float) -> str:
    """A share of 0..1 in per cent: "24 %", "5.9 %", "0.24 %"; near 100 as exact as near 0."""
    percent = 100 * share
    if 10 <= percent <= 99:
        return f"{round(percent)} %"
    return f"{say_number(percent)} %"


def _size(facts: CohortFacts) -> str:
    users = "1 user" if facts.user_count == 1 else f"{facts.user_count:,} users"
    who = f"{users} ({say_share(facts.user_share)} of all)"
    if facts.sales_share is None:
        return f"{who}."
    return f"{who}, who make {say_share(facts.sales_share)} of sales."


def say_feature(name: str, value: float) -> str:
    """The mean of a feature: shares in per cent."""
    return say_share(value) if name.endswith("_share") else say_number(value)


def _feature(told: Told, whose: str = "all") -> str:
    value = say_feature(told.name, told.value)
    # Not `format`: a label may hold braces.
    phrase = PHRASES.get(told.name)
    said = f"have {told.label} of {value}" if phrase is None else phrase.text.replace("{}", value)
    return said if told.usual is None else f"{said} ({whose}: {say_feature(told.name, told.usual)})"


def _group(told: Told) -> str:
    return f"{told.label} ({say_share(told.value)} of spend, {say_number(told.lift)} times the usual share)"


def _attribute(told: Told) -> str:
    usual = "" if told.usual is None else f", all: {say_share(told.usual)}"
    return f"{told.label} ({say_share(told.value)}{usual})"


def _rule(facts: CohortFacts) -> str:
    text = facts.rule.text[:1].lower() + facts.rule.text[1:]
    if facts.rule.precision is None or facts.rule.recall is None:
        return f"The rule: {text}."
    precision, recall = say_share(facts.rule.precision), say_share(facts.rule.recall)
    return f"The rule: {text} ({precision} of whom it selects are of the cohort, of which it finds {recall})."


def _list(parts: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    parts = list(parts)
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
