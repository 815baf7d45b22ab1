"""Numbers of a text, whatever they are written in, and what passes for the same number."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.describe.numbers import FRACTION, ORDINAL, PERCENT, PLAIN, VAGUE, is_told, read_numbers

THIRD = Fraction(1, 3)


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("1,203 users", 1203, PLAIN),
        ("1 203 users", 1203, PLAIN),
        ("1\N{NARROW NO-BREAK SPACE}203 users", 1203, PLAIN),
        ("1'203'456.5", Fraction("1203456.5"), PLAIN),
        ("9.1 orders", Fraction("9.1"), PLAIN),
        ("9,1 orders", Fraction("9.1"), PLAIN),
        (".24 of all", Fraction("0.24"), PLAIN),
        ("24%", 24, PERCENT),
        ("24 per cent", 24, PERCENT),
        ("twenty-four percent", 24, PERCENT),
        ("5‰", Fraction("0.5"), PERCENT),
        ("３.５％", Fraction("3.5"), PERCENT),
        ("٢٤ users", 24, PLAIN),
        ("24K", 24_000, PLAIN),
        ("1.2 million", 1_200_000, PLAIN),
        ("3x as much", 3, PLAIN),
        ("500g", 500, PLAIN),
        ("B2B", 2, PLAIN),
        ("in 2017", 2017, PLAIN),
        ("the 1990s", 1990, PLAIN),
        ("2nd", 2, ORDINAL),
        ("the second", 2, ORDINAL),
        ("the third", 3, ORDINAL),
        ("a third", THIRD, FRACTION),
        ("two thirds", 2 * THIRD, FRACTION),
        ("three-quarters", Fraction(3, 4), FRACTION),
        ("half of them", Fraction(1, 2), FRACTION),
        ("halved", Fraction(1, 2), FRACTION),
        ("½", Fraction(1, 2), FRACTION),
        ("3/4", Fraction(3, 4), FRACTION),
        ("one in four", Fraction(1, 4), FRACTION),
        ("3 out of every 10", Fraction(3, 10), FRACTION),
        ("two and a half times", Fraction(5, 2), PLAIN),
        ("twice", 2, PLAIN),
        ("threefold", 3, PLAIN),
        ("doubling", 2, PLAIN),
        ("a dozen", 12, PLAIN),
        ("in their thirties", 30, PLAIN),
        ("two hundred and five", 205, PLAIN),
        ("one hundred and twenty-four thousand and three", 124_003, PLAIN),
        ("thousands of users", 0, VAGUE),
        ("三家", 3, PLAIN),
        ("二十四", 24, PLAIN),
        ("三万五千", 35_000, PLAIN),
        ("24万", 240_000, PLAIN),
        ("二〇一七年", 2017, PLAIN),
        ("二点四", Fraction("2.4"), PLAIN),
        ("百分之二十四", 24, PERCENT),
        ("三成", 30, PERCENT),
        ("三分之二", 2 * THIRD, FRACTION),
        ("一半", Fraction(1, 2), FRACTION),
        ("第三", 3, ORDINAL),
    ],
)
def test_one_number(text: str, value: Fraction, kind: str):
    (number,) = read_numbers(text)
    assert (number.value, number.kind) == (value, kind)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("15-24K", [15, 24_000]),
        ("2017-03-01", [2017, 3, 1]),
        ("two and three", [2, 3]),
        ("nineteen ninety", [19, 90]),
        ("twenty and five", [20, 5]),
        ("24 % of 784 users", [24, 784]),
        ("1,203,5", [1203, 5]),
    ],
)
def test_several_numbers(text: str, values: list[int]):
    assert [number.value for number in read_numbers(text)] == values


@pytest.mark.parametrize("text", ["5 to 9 %", "5-9 %", "between 5 and 9 percent", "5 % to 9 %"])
def test_both_ends_of_a_range_have_its_unit(text: str):
    assert [(number.value, number.kind) for number in read_numbers(text)] == [(5, PERCENT), (9, PERCENT)]


@pytest.mark.parametrize(
    "text", ["someone often writes", "the weight on behalf of attendees", "no numbers", "canine", ""]
)
def test_no_number(text: str):
    assert read_numbers(text) == []


@pytest.mark.parametrize(
    ("said", "told", "passes"),
    [
        ("24 %", "24 %", True),
        ("24%", "24 %", True),
        ("24.0 %", "24 %", True),
        ("24.3 %", "24 %", False),  # more exact than was told
        ("0.24", "24 %", True),
        ("0.2", "24 %", True),
        ("0", "24 %", False),
        ("24", "24 %", False),
        ("24 %", "24 users", False),
        ("a quarter", "24 %", False),
        ("a quarter", "25 %", True),
        ("a third", "33 %", True),  # 33.3, rounded as 33 % is
        ("a third", "33.4 %", False),
        ("half", "50 %", True),
        ("half", "0.5 times", True),
        ("half", "1 time", False),
        ("9", "9.1", True),
        ("ten", "9.1", False),
        ("9.15", "9.1", False),
        ("three times", "3.1 times", True),
        ("twice", "2.5 times", True),  # a tie may be rounded either way
        ("thrice", "2.4 times", False),
        ("0", "0.4", False),
        ("1", "0.6", False),
        ("1.2k", "1,203", True),
        ("1,200", "1,203", False),  # says more than it knows
        ("1.203", "1,203", False),
        ("2 thousand", "1,512", True),
        ("first", "1 order", False),
        ("first", "the first order", True),
        ("second", "the first order", False),
        ("dozens", "24", False),
        ("三成", "32 %", True),
        ("三成", "36 %", False),
    ],
)
def test_what_passes_for_a_number_that_was_told(said: str, told: str, passes: bool):
    (number,) = read_numbers(said)
    assert is_told(number, read_numbers(told)) == passes


@given(st.integers(0, 999_999_999))
def test_words_say_what_digits_say(value: int):
    """However a whole number is written, it is read as one number, and the same."""
    for text in (str(value), f"{value:,}", f"{value:,}".replace(",", " "), in_words(value)):
        (number,) = read_numbers(f"about {text} users")
        assert number.value == value, text


SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(value: int) -> str:
    if value < 20:
        return SMALL[value]
    if value < 100:
        rest = f"-{SMALL[value % 10]}" if value % 10 else ""
        return TENS[value // 10 - 2] + rest
    for size, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if value >= size:
            rest = value % size
            joint = " and " if 0 < rest < 100 else " "
            return f"{in_words(value // size)} {name}" + (joint + in_words(rest) if rest else "")
    raise AssertionError(value)


@given(st.integers(1, 10**9), st.integers(0, 3), st.sampled_from(["", " %"]))
def test_a_number_is_told_by_itself_and_by_no_neighbour(digits: int, decimals: int, unit: str):
    told = f"{digits / 10**decimals:,.{decimals}f}{unit}"
    other = f"{(digits + 1) / 10**decimals:,.{decimals}f}{unit}"
    assert is_told(read_numbers(told)[0], read_numbers(told))
    assert not is_told(read_numbers(other)[0], read_numbers(told))
