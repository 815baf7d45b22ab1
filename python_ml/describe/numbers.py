"""The numbers of a text, however they are written, and whether one is another, rounded.

Read are digits of every script with their separators ("1,203", "1 203", "9.1", "１２"), what is glued to them
("24%", "15-24K", "3x"), fractions ("1/4", "three in four"), number words ("twenty-four", "twice", "two
thirds", "a third", "second") and Han numerals ("三", "二十四", "百分之五", "三成", "24万"). Number words of
other languages are not read. A sign is passed over.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

PLAIN, PERCENT, FRACTION, ORDINAL, VAGUE = "plain", "percent", "fraction", "ordinal", "vague"

_SMALL = {
    word: value
    for value, word in enumerate(
        (
            *(
                "zero",
                "one",
                "two",
                "three",
                "four",
                "five",
                "six",
                "seven",
                "eight",
                "nine",
                "ten",
                "eleven",
            ),
            *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
        )
    )
} | {"nil": 0, "nought": 0}
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_MULTIPLES = {
    **{"once": 1, "twice": 2, "thrice": 3, "dozen": 12, "couple of": 2, "pair of": 2},
    **{f"doubl{ending}": 2 for ending in ("e", "es", "ed", "ing")},
    **{f"tripl{ending}": 3 for ending in ("e", "es", "ed", "ing")},
    **{f"quadrupl{ending}": 4 for ending in ("e", "es", "ed", "ing")},
    **{f"{word}fold": value for word, value in (_SMALL | _TENS).items()},
    **{f"{word}-fold": value for word, value in (_SMALL | _TENS).items()},
    **{f"{word[:-1]}ies": value for word, value in _TENS.items()},  # in their thirties
}
_VAGUE_WORDS = ("dozens", *(f"{word}s" for word in _SCALES))
_HALVES = {"half": 2, "halves": 2, "halve": 2, "halved": 2, "halving": 2, "quarter": 4, "quarters": 4}
_ORDINALS = {
    word: value
    for value, word in enumerate(
        (
            *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
            *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
            *("eighteenth", "nineteenth", "twentieth"),
        ),
        start=1,
    )
} | {"hundredth": 100, "thousandth": 1000}
_HAN_DIGITS = {
    **{sign: value for value, sign in enumerate("零一二三四五六七八九")},
    **{sign: value for value, sign in enumerate("零壹贰叁肆伍陆柒捌玖")},
    **{"〇": 0, "两": 2, "兩": 2, "貳": 2, "參": 3, "陸": 6},
}
_HAN_SCALES = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_HAN_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_SUFFIXES = {"k": 1000, "K": 1000, "M": 10**6, "bn": 10**9} | _HAN_SCALES | _HAN_MYRIADS


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_CARDINAL = f"(?:{_any_of([*_SMALL, *_TENS, *_SCALES])})"
_PIECES = re.compile(
    rf"""
    (?P<digits> \d{{1,3}} (?: [,'’\ ] \d{{3}} )+ (?!\d) (?: \.\d+ )? | \d+ (?: [.,]\d+ )? | \.\d+ )
        (?: (?P<suffix> (?-i: [kKM] | bn ) (?![^\W\d_]) | [{"".join(_HAN_SCALES | _HAN_MYRIADS)}] )
          | \s+ (?P<scale> {_any_of(_SCALES)} ) \b
          | (?P<nth> st | nd | rd | th ) \b )?
  | \b (?P<vague> {_any_of(_VAGUE_WORDS)} ) \b
  | \b (?P<multiple> {_any_of(_MULTIPLES)} ) \b
  | \b (?P<cardinal> {_CARDINAL} (?: (?: [\s-]+ | \s+and\s+ ) {_CARDINAL} )* ) \b
  | \b (?P<one_of> an? [\s-]+ )? (?: (?P<halves> {_any_of(_HALVES)} )
                                   | (?P<ordinal> {_any_of(_ORDINALS)} ) (?P<plural> s? ) ) \b
  | (?P<rank> 第? ) (?P<han> [{"".join(_HAN_DIGITS | _HAN_SCALES | _HAN_MYRIADS)}]+ )
  | (?P<han_half> 半 )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PERCENT = re.compile(r"\s*(?:%|٪|per\s?cent\b|pct\b|percentage points?\b)", re.IGNORECASE)
_PER_MILLE = re.compile(r"\s*‰")
_TENTHS = re.compile(r"\s*[成割]")
_OUT_OF = re.compile(r"\s*[/⁄]\s*|\s+(?:in|out\s+of|of)(?:\s+every)?\s+", re.IGNORECASE)
_RANGE = re.compile(r"\s*[-–—~至到]\s*|\s+(?:to|or)\s+", re.IGNORECASE)
_BETWEEN = re.compile(r"\bbetween\s+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands in a text.

    Args:
        text: its characters.
        value: what it says; "24 %" is 24.
        step: what its last digit counts: 1/10 of "9.1", 1 of "twelve", 1,000 of "24K".
        kind: plain, percent, fraction (exact, such as "half"), ordinal, or vague ("hundreds").
        start, end: where it stands.
    """

    text: str
    value: Fraction
    step: Fraction
    kind: str
    start: int
    end: int


def normalise(text: str) -> str:
    """The text with one form of every digit, letter, space and fraction (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", text)


def read_numbers(text: str) -> list[Number]:
    """All numbers of a text, in the order they stand in.

    Args:
        text: any; read after `normalise`, to which start and end refer.
    """
    text = normalise(text)
    numbers = [number for piece in _PIECES.finditer(text) for number in _read_piece(piece)]
    numbers = _join(text, numbers, _with_denominator)
    numbers = _join(text, numbers, _with_decimals)
    numbers = [_with_unit(text, number) for number in numbers]
    numbers = _join(text, numbers, _with_whole)
    for place in range(len(numbers) - 2, -1, -1):
        numbers[place] = _with_unit_of_the_next(text, numbers[place], numbers[place + 1])
    return [
        replace(number, text=text[number.start : number.end].strip())
        for number in _join(text, numbers, _as_share)
    ]


def is_told(number: Number, told: Iterable[Number]) -> bool:
    """Whether a number is one of those told, after the rounding in which it is given.

    A percentage may be given as a share (0.24 of 24 %) or, where that is what it rounds to, as a fraction
    (a third of 33 %, but a quarter of 25 % alone). One digit that is not 0 must be left: 0.4 is not 0.
    Nothing is told more exactly than it was: of 24 %, 24.0 % is and 24.3 % is not.
    """
    return any(_is_same(number, other) for other in told)


def _is_same(number: Number, told: Number) -> bool:
    kinds = (number.kind, told.kind)
    if VAGUE in kinds:
        return False
    if ORDINAL in kinds:
        return number.kind == told.kind and number.value == told.value
    if kinds == (PERCENT, PLAIN):
        return False
    if kinds == (PERCENT, FRACTION):
        return _rounds_to(100 * told.value, number.value, number.step)
    if kinds == (FRACTION, PERCENT):
        return _rounds_to(100 * number.value, told.value, told.step)
    if kinds == (FRACTION, PLAIN):
        return _rounds_to(number.value, told.value, told.step)
    if kinds == (PLAIN, PERCENT):
        return _rounds_to(told.value / 100, number.value, number.step)
    return _rounds_to(told.value, number.value, number.step)


def _rounds_to(exact: Fraction, rounded: Fraction, step: Fraction) -> bool:
    """Whether `exact`, rounded to multiples of `step` (0: not at all), is `rounded`; ties go either way."""
    if exact == rounded:
        return True
    return rounded != 0 and step <= exact and abs(exact - rounded) <= step / 2


def _read_piece(piece: re.Match[str]) -> list[Number]:
    start, end = piece.span()
    found = {name: text for name, text in piece.groupdict().items() if text}
    if "digits" in found:
        value, step = _read_digits(found["digits"])
        times = _SUFFIXES.get(found.get("suffix", ""), 1) * _SCALES.get(found.get("scale", "").lower(), 1)
        kind = ORDINAL if "nth" in found else PLAIN
        return [Number("", value * times, step * times, kind, start, end)]
    if "vague" in found:
        return [Number("", Fraction(0), Fraction(1), VAGUE, start, end)]
    if "multiple" in found:
        return [Number("", Fraction(_MULTIPLES[found["multiple"].lower()]), Fraction(1), PLAIN, start, end)]
    if "cardinal" in found:
        return _read_cardinals(found["cardinal"], start)
    if "halves" in found:
        return [Number("", Fraction(1, _HALVES[found["halves"].lower()]), Fraction(0), FRACTION, start, end)]
    if "ordinal" in found:
        value = _ORDINALS[found["ordinal"].lower()]
        if value > 2 and ("one_of" in found or "plural" in found):
            return [Number("", Fraction(1, value), Fraction(0), FRACTION, start, end)]
        return [Number("", Fraction(value), Fraction(1), ORDINAL, piece.start("ordinal"), end)]
    if "han" in found:
        kind = ORDINAL if "rank" in found else PLAIN
        return [Number("", Fraction(_read_han(found["han"])), Fraction(1), kind, start, end)]
    return [Number("", Fraction(1, 2), Fraction(0), FRACTION, start, end)]


def _read_digits(text: str) -> tuple[Fraction, Fraction]:
    """Value and step of "1,203", "1 203.50", "9,1" or ".5"."""
    plain = re.sub(r"[,'’ ](?=\d{3}(?:\D|$))", "", text).replace(",", ".")
    decimals = len(plain.partition(".")[2])
    whole, _, part = plain.partition(".")
    return Fraction(int(whole + part or "0"), 10**decimals), Fraction(1, 10**decimals)


def _read_cardinals(text: str, start: int) -> list[Number]:
    """ "two hundred and five" is one number, "four five" and "nineteen ninety" are two."""
    numbers: list[Number] = []
    done, current, last = 0, None, 0  # what thousands make, what is below them, the size of the last word
    begin, end = 0, 0

    def close() -> None:
        value = done + (current or 0)
        numbers.append(Number("", Fraction(value), Fraction(1), PLAIN, start + begin, start + end))

    for word in re.finditer(r"[a-z]+", text.lower()):
        name = word.group()
        if name == "and":
            continue
        has_and = bool(re.search(r"and\s+$", text[: word.start()], re.IGNORECASE))
        size = _SCALES.get(name) or (10 if name in _TENS else 1)
        value = _SMALL.get(name, _TENS.get(name, 0))
        if name in _SCALES:
            goes_on = current is not None and not has_and and (size > last or last >= 100)
        else:
            room = last >= 100 or (last == 10 and size == 1 and 0 < value < 10 and not has_and)
            goes_on = bool(numbers or done or current is not None) and room
        if not goes_on and (current is not None or done):
            close()
            done, current = 0, None
        if current is None and not done:
            begin = word.start()
        if name in _SCALES:
            current = (1 if current is None else current) * size
            if size >= 1000:
                done, current = done + current, 0
        else:
            current = (current or 0) + value
        last, end = size, word.end()
    close()
    return numbers


def _read_han(text: str) -> int:
    """ "二十四" is 24; signs without a scale are digits in a row: "二〇一七" is 2017."""
    if len(text) > 1 and all(sign in _HAN_DIGITS for sign in text):
        return int("".join(str(_HAN_DIGITS[sign]) for sign in text))
    total, section, digit = 0, 0, None
    for sign in text:
        if sign in _HAN_DIGITS:
            digit = _HAN_DIGITS[sign]
        elif sign in _HAN_SCALES:
            section, digit = section + (1 if digit is None else digit) * _HAN_SCALES[sign], None
        else:
            total = (total + section + (digit or 0) or 1) * _HAN_MYRIADS[sign]
            section, digit = 0, None
    return total + section + (digit or 0)


def _join(
    text: str, numbers: list[Number], rule: Callable[[str, Number, str, Number], Number | None]
) -> list[Number]:
    """Put neighbours together where `rule(text, left, between, right)` gives one number for the two."""
    joined: list[Number] = []
    for number in numbers:
        both = rule(text, joined[-1], text[joined[-1].end : number.start], number) if joined else None
        if both is None:
            joined.append(number)
        else:
            joined[-1] = both
    return joined


def _with_denominator(text: str, left: Number, between: str, right: Number) -> Number | None:
    """Two thirds, three-quarters, 一半; 三分之二 and 百分之五."""
    if left.kind != PLAIN:
        return None
    if between == "分之" and right.kind == PLAIN and left.value:
        if left.value == 100:
            return replace(right, kind=PERCENT, start=left.start)
        return replace(
            right, value=right.value / left.value, step=Fraction(0), kind=FRACTION, start=left.start
        )
    is_near = bool(re.fullmatch(r"[\s-]+", between)) or (not between and text[right.start] == "半")
    if not is_near or text[right.start :].lower().startswith(("a ", "an ", "a-", "an-")):
        return None
    if right.kind == FRACTION:
        return replace(right, value=left.value * right.value, start=left.start)
    if right.kind == ORDINAL and right.value > 2 and left.value == 1:
        return replace(right, value=1 / right.value, step=Fraction(0), kind=FRACTION, start=left.start)
    return None


def _with_decimals(text: str, left: Number, between: str, right: Number) -> Number | None:
    """ "二点四": digits after 点."""
    digits = text[right.start : right.end]
    if between not in ("点", "點") or (left.kind, right.kind) != (PLAIN, PLAIN):
        return None
    if not all(sign in _HAN_DIGITS for sign in digits):
        return None
    step = Fraction(1, 10 ** len(digits))
    return replace(right, value=left.value + right.value * step, step=step, start=left.start)


def _with_unit(text: str, number: Number) -> Number:
    """Per cent, per mille, tenths (三成)."""
    if number.kind != PLAIN:
        return number
    for unit, times in ((_PERCENT, Fraction(1)), (_PER_MILLE, Fraction(1, 10)), (_TENTHS, Fraction(10))):
        if found := unit.match(text, number.end):
            return replace(
                number, value=number.value * times, step=number.step * times, kind=PERCENT, end=found.end()
            )
    return number


def _with_whole(text: str, left: Number, between: str, right: Number) -> Number | None:
    """ "two and a half": a whole and a fraction, here as exact as a tenth."""
    if (left.kind, right.kind) != (PLAIN, FRACTION) or not re.fullmatch(r"\s+and\s+", between):
        return None
    return replace(left, value=left.value + right.value, step=Fraction(1, 10), end=right.end)


def _with_unit_of_the_next(text: str, number: Number, after: Number) -> Number:
    """5 to 9 %, between 5 and 9 %: both are per cent."""
    between = text[number.end : after.start]
    is_range = _RANGE.fullmatch(between) or (
        re.fullmatch(r"\s+and\s+", between) and _BETWEEN.search(text[: number.start])
    )
    return (
        replace(number, kind=PERCENT)
        if is_range and (number.kind, after.kind) == (PLAIN, PERCENT)
        else number
    )


def _as_share(text: str, left: Number, between: str, right: Number) -> Number | None:
    """One in four, 3 out of 10, 1/4: a fraction."""
    if (left.kind, right.kind) != (PLAIN, PLAIN) or not right.value or not _OUT_OF.fullmatch(between):
        return None
    return replace(right, value=left.value / right.value, step=Fraction(0), kind=FRACTION, start=left.start)
