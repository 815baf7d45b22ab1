"""Sentences in English and Chinese from a small grammar: aspects, negation, connectives, emoji.

A clause speaks of one aspect with one polarity; a text joins one to three of them. What was meant is known
for every text, because it is written from the meaning.
"""

from dataclasses import dataclass

import numpy as np

ASPECTS = ("price", "quality", "delivery", "fit", "service", "packaging")
LANGUAGES = ("en", "zh")
# By language, aspect and polarity (bad, good). A phrase marked with * is negated: its words alone point the
# other way.
PHRASES: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "en": {
        "price": (
            ("far too expensive", "*not worth the money", "overpriced for what you get", "*I would not call it cheap"),
            ("great value for money", "very good price", "*not expensive at all", "a real bargain"),
        ),
        "quality": (
            ("poor quality", "it broke after two days", "*the quality is not good", "feels flimsy and cheaply made"),
            ("excellent quality", "very well made", "*no complaints about the quality", "solid and sturdy"),
        ),
        "delivery": (
            ("delivery took ages", "it arrived a week late", "*did not arrive on time", "the courier was slow"),
            ("fast delivery", "it arrived earlier than promised", "*no delay at all", "shipping was quick"),
        ),
        "fit": (
            ("the size is completely wrong", "much too small", "*it does not fit", "the measurements are off"),
            ("fits perfectly", "the size is just right", "*not too big and not too small", "true to size"),
        ),
        "service": (
            ("rude customer service", "*nobody answered my mails", "support was useless", "*they did not help"),
            ("friendly customer service", "support solved it quickly", "*I never had to wait for an answer",
             "very helpful staff"),
        ),
        "packaging": (
            ("the box was crushed", "sloppy packaging", "*not packed well", "it came in a torn bag"),
            ("beautifully packed", "careful packaging", "*not a scratch on the box", "nice gift box"),
        ),
    },
    "zh": {
        "price": (
            ("价格太贵了", "*一点也不便宜", "性价比很低", "*不值这个价"),
            ("价格很实惠", "性价比很高", "*一点都不贵", "物超所值"),
        ),
        "quality": (
            ("质量太差了", "用了两天就坏了", "*质量并不好", "做工粗糙"),
            ("质量非常好", "做工精细", "*质量没得挑", "很结实耐用"),
        ),
        "delivery": (
            ("物流太慢了", "晚了一个星期才到", "*没有按时送到", "快递等了很久"),
            ("物流很快", "比预计提前到了", "*一点都没耽误", "第二天就收到了"),
        ),
        "fit": (
            ("尺寸完全不对", "太小了", "*穿着不合适", "尺码偏差很大"),
            ("大小刚刚好", "尺寸很合适", "*不大也不小", "尺码很准"),
        ),
        "service": (
            ("客服态度很差", "*没有人回复我", "售后很糟糕", "*客服根本不解决问题"),
            ("客服很热情", "售后处理得很快", "*从来没让我等过", "服务态度很好"),
        ),
        "packaging": (
            ("盒子都压坏了", "包装很随便", "*包装不严实", "袋子是破的"),
            ("包装很精美", "包装很用心", "*盒子没有一点破损", "礼盒很漂亮"),
        ),
    },
}  # fmt: skip
OPENINGS = {
    "en": ("Bought the {item} last month: ", "About this {item}: ", "My second {item} from here, ", "", ""),
    "zh": ("买的{item}，", "关于这个{item}：", "第二次买{item}了，", "", ""),
}
AND, BUT, END = {"en": ", and ", "zh": "，"}, {"en": ", but ", "zh": "，但是"}, {"en": ".", "zh": "。"}
EMOJI = (("😡", "👎", "😞", "💔"), ("😍", "👍", "🎉", "😊"))
MIXED_WORDS = {"en": (" 真的不骗你", " 哈哈"), "zh": (" to be honest", " OMG")}
TITLES = {
    "en": (("Disappointed", "Never again", "Not what I hoped"), ("So-so", "It is OK", "Mixed feelings"),
           ("Very happy", "Recommended", "Love it")),
    "zh": (("很失望", "不会再买", "不推荐"), ("一般般", "还可以", "凑合"), ("非常满意", "推荐购买", "很喜欢")),
}  # fmt: skip

# What a writer may give away, by kind; the values are made up and point at nobody.
GIVEN_AWAY = {
    "en": {
        "email": " You can reach me at {value}.",
        "phone": " Call me on {value}.",
        "card": " I paid with card {value}.",
        "name": " Regards, {value}.",
    },
    "zh": {
        "email": "我的邮箱是{value}。",
        "phone": "请打我电话{value}。",
        "card": "我的卡号是{value}。",
        "name": "我叫{value}。",
    },
}


@dataclass(frozen=True, slots=True)
class Written:
    """One text and what is true of it."""

    body: str
    has_negation: bool
    has_emoji: bool
    is_mixed: bool


def write_opinion(
    random: np.random.Generator, language: str, item: str, aspects: list[int], polarities: list[int]
) -> Written:
    """A text that says each aspect's polarity (-1 or 1), in order."""
    picks = random.random(len(aspects) + 4)
    clauses, negated = [], False
    for aspect, polarity, pick in zip(aspects, polarities, picks, strict=False):
        phrase = _pick(PHRASES[language][ASPECTS[aspect]][polarity > 0], pick)
        negated |= phrase.startswith("*")
        clauses.append(phrase.lstrip("*"))
    body = _pick(OPENINGS[language], picks[-4]).format(item=item) + clauses[0]
    for before, after, clause in zip(polarities, polarities[1:], clauses[1:], strict=False):
        body += (AND if before == after else BUT)[language] + clause
    total = sum(polarities)
    mixed, emoji = bool(picks[-3] < 0.06), bool(picks[-2] < 0.25 and total != 0)
    if mixed:
        body += _pick(MIXED_WORDS[language], picks[-1])
    body += END[language]
    if emoji:
        body += _pick(EMOJI[total > 0], picks[-1])
    return Written(body[0].upper() + body[1:], negated, emoji, mixed)


def write_title(random: np.random.Generator, language: str, sentiment: int) -> str:
    """A headline for a sentiment of -1, 0 or 1."""
    return _pick(TITLES[language][sentiment + 1], random.random())


def _pick(values: tuple[str, ...], chance: float) -> str:
    return values[int(chance * len(values))]


def give_away(random: np.random.Generator, language: str, names: tuple[str, ...]) -> tuple[str, str, str]:
    """A sentence with a made-up personal value in it: sentence, kind, value."""
    kind = ("email", "phone", "card", "name")[random.integers(0, 4)]
    name = _pick(names, random.random())
    number = int(random.integers(0, 10**7))
    if kind == "email":
        value = f"shopper{number}@example.{('com', 'org', 'net')[number % 3]}"
    elif kind == "phone" and language == "zh":
        value = f"138{number:08d}"
    elif kind == "phone":
        value = f"+1 202-555-01{number % 100:02d}"
    elif kind == "card":
        value = _card(number)
    else:
        value = name
    return GIVEN_AWAY[language][kind].format(value=value), kind, value


def _card(number: int) -> str:
    """Sixteen digits in fours whose last is right by Luhn's rule, from a range that issues no cards."""
    digits = f"99990000{number:07d}"
    total = sum(
        int(digit) if place % 2 else sum(divmod(2 * int(digit), 10)) for place, digit in enumerate(digits)
    )
    whole = f"{digits}{-total % 10}"
    return " ".join(whole[first : first + 4] for first in range(0, 16, 4))


# What is asked of customer service, by intent and language.
INTENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "where_is_my_order": {
        "en": ("Where is my order {order}? It should have been here by now.",
               "My parcel {order} has not arrived. Can you check the tracking?",
               "Still waiting for order {order}, when will it come?"),
        "zh": ("我的订单{order}到哪里了？早就该到了。", "包裹{order}一直没收到，能查一下物流吗？", "订单{order}什么时候能送到？"),
    },
    "return_item": {
        "en": ("I would like to send back the {item} from order {order}. How do I do that?",
               "Please send me a return label for the {item}, order {order}.",
               "I want to return the {item}, can you tell me the steps?"),
        "zh": ("我想退掉订单{order}里的{item}，怎么操作？", "请给我{item}的退货单，订单号{order}。", "想退货，{item}，请告诉我流程。"),
    },
    "refund_status": {
        "en": ("I sent the {item} back two weeks ago and still have no refund for {order}.",
               "When do I get my money back for order {order}?",
               "The refund for {order} is missing on my account."),
        "zh": ("{item}已经退回两周了，订单{order}的钱还没退。", "订单{order}什么时候退款？", "订单{order}的退款还没到账。"),
    },
    "defective_item": {
        "en": ("The {item} from order {order} is broken, it stopped working at once.",
               "I received a faulty {item}. Order {order}. Please replace it.",
               "The {item} fell apart after one day!"),
        "zh": ("订单{order}的{item}是坏的，一用就不行了。", "收到的{item}有质量问题，订单{order}，请换一个。", "{item}用了一天就坏了！"),
    },
    "wrong_size": {
        "en": ("The {item} does not fit, can I exchange it for another size? Order {order}.",
               "The {item} in order {order} is too small, please swap it."),
        "zh": ("{item}尺码不合适，可以换一个吗？订单{order}。", "订单{order}的{item}太小了，想换大一号。"),
    },
    "cancel_order": {
        "en": ("Please cancel order {order}, I ordered by mistake.", "I changed my mind, can you stop order {order}?"),
        "zh": ("请取消订单{order}，我下错单了。", "我不想要了，能取消订单{order}吗？"),
    },
    "invoice": {
        "en": ("Could you send me the invoice for order {order}?", "I need a receipt for {order} for my company."),
        "zh": ("能给我开订单{order}的发票吗？", "订单{order}需要公司发票。"),
    },
    "payment_problem": {
        "en": ("I was charged twice for order {order}.", "My payment for {order} failed but the money is gone."),
        "zh": ("订单{order}被扣了两次款。", "订单{order}付款失败，但是钱已经扣了。"),
    },
    "product_question": {
        "en": ("Does the {item} come with a warranty?", "What is the {item} made of?",
               "Will the {item} be back in stock soon?"),
        "zh": ("{item}有保修吗？", "{item}是什么材质的？", "{item}什么时候补货？"),
    },
    "praise": {
        "en": ("Just wanted to say thank you, the {item} is wonderful!", "Great shop, order {order} was perfect."),
        "zh": ("谢谢你们，{item}特别好！", "店铺很棒，订单{order}非常满意。"),
    },
}  # fmt: skip
INTENT_SENTIMENT = {"praise": 1, "invoice": 0, "product_question": 0, "return_item": 0, "cancel_order": 0}
ANSWERS = {
    "en": ("Thank you for your message, we are looking into it.", "Hello, we will get back to you within a day."),
    "zh": ("您好，我们正在为您处理。", "感谢您的来信，我们会在一天内回复。"),
}


def write_request(random: np.random.Generator, intent: str, language: str, item: str, order: str) -> str:
    """A message to customer service with that intent."""
    return _pick(INTENTS[intent][language], random.random()).format(item=item, order=order)


def write_answer(random: np.random.Generator, language: str) -> str:
    """The shop's first answer, which promises nothing."""
    return _pick(ANSWERS[language], random.random())
