"""The language of texts."""

import pytest

from python_ml.config import SentimentConfig
from python_ml.sentiment.language import detect_languages

LANGUAGES = SentimentConfig().languages


def detect(*texts: str | None) -> list[str | None]:
    return detect_languages(texts, LANGUAGES, characters=300)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The quality is very good and it arrived on time", "en"),
        ("质量很好，物流也快", "zh"),
        ("好", "zh"),
        ("O produto chegou antes do prazo, recomendo a todos", "pt"),
        ("El producto llegó muy bien, gracias por el envío", "es"),
        ("とても良い商品でした", "ja"),
        ("아주 좋아요", "ko"),
        ("Отличный товар, рекомендую", "ru"),
        ("😍😍 THE QUALITY IS VERY GOOD!!! 😍😍", "en"),
    ],
)
def test_known_texts(text: str, language: str):
    assert detect(text) == [language]


@pytest.mark.parametrize("text", ["", None, "!!! ... ???", "😍👍", "10/10", " \n "])
def test_without_letters_there_is_no_language(text: str | None):
    assert detect("I like it a lot", text)[1] is None


def test_of_a_mixed_text_the_language_of_most_of_it():
    assert detect("物流太慢了等了一个多星期才收到，但是 quality is good") == ["zh"]
    assert detect("很好 very good quality and fast delivery, I would buy it again") == ["en"]


def test_short_texts_follow_the_shop():
    # "Ok super" alone could be anything.
    portuguese = ["O produto chegou antes do prazo e gostei muito da entrega"] * 5
    portuguese = [f"{text}, {number} dias" for number, text in zip("abcde", portuguese, strict=True)]
    assert detect(*portuguese, "Ótimo")[-1] == "pt"


def test_only_the_beginning_is_read():
    text = "I like it a lot and so does my wife. " + "质量很好" * 1000
    assert detect_languages([text], LANGUAGES, characters=35) == ["en"]
