"""Whether a text that a language model wrote may stand: its numbers must be those of the facts."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from python_ml.describe.claims import Claim
from python_ml.describe.numbers import Number, is_told, normalise, read_numbers

_URL = re.compile(r"https?:|www\.|\w@\w|\S\.(?:com|org|net|io|html?|php)\b", re.IGNORECASE)
_MARKUP = re.compile(r"[<>*#`|\[\]{}\\_~]|&\w+;|^\s*[-•–]\s|:\s*\n", re.MULTILINE)
_LAST = re.compile(r"[.!?。！？…][\"'”’」』)）]*$")
_SENTENCE_END = re.compile(r"[.!?](?!\d)|[。！？…]")
_CLAUSE_END = re.compile(r"[.!?,](?!\d)|[;()。！？…，；、]")
# What is said of all who have ordered says so; "in all" and "on average" are of the cohort.
_OF_ALL = re.compile(
    r"(?<!in )\ball\b|\busual|\bthan\b|\bcompar|\bversus\b|\bvs\b|\bagainst\b|\bothers?\b|\boverall\b"
    r"|\bthe average\b|\btypical",
    re.IGNORECASE,
)
# A sign of a script without spaces is a word of its own.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_LOOP_WORDS = 12  # so many words in a row twice: the model goes in circles
_FIRST_MARK = 0xE000  # signs of private use stand for names


def reason_to_refuse(
    text: str,
    claims: Sequence[Claim],
    *,
    names: Sequence[str],
    other_cohorts: Iterable[str],
    max_characters: int,
) -> str | None:
    """Why a text may not stand, None if it may.

    Every number of it must be one of the claims (see `is_told`) and stand in a sentence that speaks of what
    it is a number of; one of all users, in a clause that says so. Two numbers of one sentence may still have
    changed places.

    Args:
        text: what was written.
        claims: the numbers of the facts it was given.
        names: names the facts quote, that of the cohort first; digits in a name are no numbers.
        other_cohorts: names of the other cohorts, none of which may stand in the text.
        max_characters: longest text.

    Returns:
        The first reason found, with the words it is about.
    """
    said = normalise(text).strip()
    if not said:
        return "the text is empty"
    if len(said) > max_characters:
        return f"the text has {len(said)} characters, more than {max_characters}"
    if not _LAST.search(said):
        return f'the text is cut: it ends in "{said[-20:]}"'
    bare = _quote(said, dict.fromkeys(names, " "))
    if sign := next((sign for sign in bare if unicodedata.category(sign)[0] == "C" and sign != "\n"), None):
        return f"the text has a sign that cannot be printed: U+{ord(sign):04X}"
    marks = {name: chr(_FIRST_MARK + place) for place, name in enumerate(dict.fromkeys(names))}
    plain = _quote(said, marks)
    if found := _URL.search(plain):
        return f'the text has an address: "{found.group()}"'
    if found := _MARKUP.search(plain):
        return f'the text has markup: "{found.group().strip()}"'
    if repeated := _repeated(said):
        return f'the text repeats itself: "{repeated}"'
    if other := _other_cohort(said, names[0], sorted(other_cohorts)):
        return f'the text names another cohort: "{other}"'
    return _check_numbers(plain, [_Allowed.of(claim, marks) for claim in claims])


@dataclass(frozen=True, slots=True)
class _Allowed:
    """A claim with its numbers read, and the signs that stand for names."""

    claim: Claim
    numbers: list[Number]
    marks: dict[str, str]

    @classmethod
    def of(cls, claim: Claim, marks: dict[str, str]) -> "_Allowed":
        # The digits of "age 65+" are numbers that may be said of it; those of a department are none.
        quoted = {name: mark for name, mark in marks.items() if name != claim.name or not claim.topic}
        return cls(claim, read_numbers(_quote(claim.numbers, quoted)), marks)

    def fits(self, sentence: str, clause: str) -> bool:
        """Whether a sentence is on the claim's topic, and a clause of its users."""
        words = sentence
        for name, mark in self.marks.items():
            words = words.replace(mark, normalise(name))
        name, topic = self.claim.name, self.claim.topic
        is_on_topic = (name is not None and (self.marks[name] in sentence or _stands_in(name, words))) or (
            bool(topic) and re.search(topic, words, re.IGNORECASE) is not None
        )
        return is_on_topic and (not self.claim.is_usual or _OF_ALL.search(clause) is not None)


def _other_cohort(said: str, own: str, others: Sequence[str]) -> str | None:
    """The first other cohort that is named; "Fuel shoppers" is not where "Small-basket fuel shoppers" is."""
    marks = {name: chr(_FIRST_MARK + place) for place, name in enumerate([own, *others])}
    quoted = _quote(said, marks)
    return next((name for name in others if marks[name] in quoted), None)


def _check_numbers(plain: str, allowed: list[_Allowed]) -> str | None:
    for number in read_numbers(plain):
        claims = [each for each in allowed if is_told(number, each.numbers)]
        if not claims:
            return f'the text says "{number.text}", which is no number of the profile'
        sentence, clause = (_around(plain, number, ends) for ends in (_SENTENCE_END, _CLAUSE_END))
        if not any(each.fits(sentence, clause) for each in claims):
            return f'the text says "{number.text}" of something else than the profile does'
    return None


def _around(text: str, number: Number, ends: re.Pattern[str]) -> str:
    """The sentence, or clause, a number stands in."""
    places = [found.end() for found in ends.finditer(text)]
    start = max((place for place in places if place <= number.start), default=0)
    return text[start : min((place for place in places if place >= number.end), default=len(text))]


def _quote(text: str, marks: dict[str, str]) -> str:
    """The text with a sign in the place of each name; a name that is itself a number stays."""
    text = normalise(text)
    for name in sorted(marks, key=lambda name: (-len(name), name)):
        if name.strip() and not _is_a_number(name):
            text = _pattern(name).sub(marks[name], text)
    return text


def _is_a_number(name: str) -> bool:
    name = normalise(name)
    return not any(sign.isalpha() for sign in name) or [number.text for number in read_numbers(name)] == [
        name.strip()
    ]


def _stands_in(name: str, text: str) -> bool:
    return bool(name.strip()) and _pattern(name).search(text) is not None


def _pattern(name: str) -> re.Pattern[str]:
    """The name, not as a part of a longer word or number."""
    words = r"\s+".join(re.escape(word) for word in normalise(name).split())
    return re.compile(rf"(?<![0-9A-Za-z])(?<!\d[.,]){words}(?![0-9A-Za-z])(?![.,]\d)", re.IGNORECASE)


def _repeated(text: str) -> str | None:
    sentences = [" ".join(_WORD.findall(part.casefold())) for part in _SENTENCE_END.split(text)]
    words = _WORD.findall(text.casefold())
    runs = [" ".join(words[place : place + _LOOP_WORDS]) for place in range(len(words) - _LOOP_WORDS + 1)]
    for parts in (filter(None, sentences), runs):
        seen: set[str] = set()
        for part in parts:
            if part in seen:
                return part
            seen.add(part)
    return None
