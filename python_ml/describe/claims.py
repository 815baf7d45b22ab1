"""The numbers a description may hold, and what each is a number of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from python_ml.describe.facts import CohortFacts, Told
from python_ml.describe.phrases import PHRASES
from python_ml.describe.template import say_feature, say_number, say_share

_USERS = "user|customer|shopper|buyer|household|people|member|client|group|cohort"
_SALES = "sale|revenue|turnover"
_LIMITS = r"\brule\b|at least|at most|more than|less than|between|under|over|up to"
_FOUND = r"\brule\b|select|find|match|identif|captur"


@dataclass(frozen=True, slots=True)
class Claim:
    """A number, or numbers, that may be said.

    Args:
        numbers: as the facts say them, such as "24 %".
        topic: words (a regular expression) one of which the sentence must have; empty for none.
        name: the department, category or attribute it is of; to quote it does as well.
        is_usual: it is of all who have ordered, and not of the cohort.
    """

    numbers: str
    topic: str = ""
    name: str | None = None
    is_usual: bool = False


def claims_of(facts: CohortFacts) -> list[Claim]:
    """Every number the template could say of these facts."""
    claims = [Claim(f"{facts.user_count:,}", _USERS), Claim(say_share(facts.user_share), _USERS)]
    if facts.sales_share is not None:
        claims.append(Claim(say_share(facts.sales_share), _SALES))
    for told in (*facts.always, *facts.behaviour):
        claims += _of_feature(told)
    for told in facts.groups:
        said = (told.label, say_share(told.value), say_number(told.lift))
        claims += [Claim(numbers, name=told.label) for numbers in said]
    for told in facts.attributes:
        claims += _of_attribute(told)
    if facts.rule is not None:
        claims.append(Claim(facts.rule.text, _LIMITS))
        known = (share for share in (facts.rule.precision, facts.rule.recall) if share is not None)
        claims += [Claim(say_share(share), _FOUND) for share in known]
    return claims


def names_in(facts: CohortFacts) -> list[str]:
    """Names a description quotes, in which digits are no numbers: the cohort's, and what sets it apart."""
    return [facts.cohort_name, *(told.label for told in (*facts.groups, *facts.attributes))]


def _of_feature(told: Told) -> Iterator[Claim]:
    phrase = PHRASES.get(told.name)
    topic = _words_of(told.label) if phrase is None else phrase.topic
    yield Claim(say_feature(told.name, told.value), topic)
    if told.usual is not None:
        yield Claim(say_feature(told.name, told.usual), topic, is_usual=True)


def _of_attribute(told: Told) -> Iterator[Claim]:
    topic = _words_of(told.label)
    # Of "age 65+" the 65 may be said too: "65 and over".
    yield Claim(told.label, topic, told.label)
    yield Claim(say_share(told.value), topic, told.label)
    if told.usual is not None:
        yield Claim(say_share(told.usual), topic, told.label, is_usual=True)


def _words_of(label: str) -> str:
    """The beginnings of the words of a label; the whole of it where it has none."""
    words = re.findall(r"[^\W\d_]{3,}", label) or [label]
    return "|".join(re.escape(word[:5]) for word in words)
