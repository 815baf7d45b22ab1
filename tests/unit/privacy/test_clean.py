"""Clean text: each step on a text of its own."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.privacy.clean import clean_texts


def clean(text: str | None) -> str | None:
    return clean_texts(pa.array([text], pa.string()))[0].as_py()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  a  b\t\nc ", "a b c"),
        ("a\u00a0b\u3000c\u2028d", "a b c d"),
        ("a\x00b\x1fc", "a b c"),
        ("Ａｐｐｌｅ　１２", "Apple 12"),
        ("ﬁne ① café", "fine 1 café"),
        ("cafe\u0301", "café"),
        ("Salt &amp; pepper", "Salt & pepper"),
        ("5&nbsp;&lt;&nbsp;6 &#65; &#x42;", "5 < 6 A B"),
        ("AT&T & co", "AT&T & co"),
        ("one<br />two<BR>three", "one two three"),
        ('<p class="x">Hi <b>there</b></p>', "Hi there"),
        ("&lt;br&gt;line", "line"),
        ("<script>alert('x')</script>text<style>p {}</style>", "text"),
        ("a<!-- note\nto self -->b", "a b"),
        ("I <3 it", "I <3 it"),
        ("x <b and c> y", "x <b and c> y"),
        ("<jane@example.org>", "<jane@example.org>"),
        ("soft\u00adhyphen zero\u200bwidth\ufeff", "softhyphen zerowidth"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("很好，　喜欢", "很好, 喜欢"),
        ("   ", None),
        ("<br>", None),
        ("", None),
        (None, None),
    ],
)
def test_each_step(text: str | None, cleaned: str | None):
    assert clean(text) == cleaned


@given(st.lists(st.none() | st.text(), max_size=20))
def test_as_many_as_came_and_each_by_itself(texts: list[str | None]):
    texts = [text.encode("utf-8", "ignore").decode() if text else text for text in texts]
    together = clean_texts(pa.array(texts, pa.string())).to_pylist()
    assert together == [clean(text) for text in texts]
    assert all(text is None or text == text.strip() != "" for text in together)


@given(st.text(alphabet=st.characters(exclude_characters="&<>", exclude_categories=["Cs"])))
def test_clean_text_without_markup_stays_as_it_is(text: str):
    once = clean(text)
    assert clean(once) == once
