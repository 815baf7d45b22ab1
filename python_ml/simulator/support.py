"""The inbox of customer service: messages with a true intent, mostly about an order, and first answers."""

import numpy as np
import pyarrow as pa

from python_ml.simulator.behaviour import DAY_MILLISECONDS
from python_ml.simulator.catalogue import ITEM_TYPES, Catalogue
from python_ml.simulator.config import SimulatorConfig
from python_ml.simulator.frames import table_of, times_as_text
from python_ml.simulator.orders import Orders
from python_ml.simulator.population import Shoppers, user_ids
from python_ml.simulator.reviews import NAMES, Personal
from python_ml.simulator.texts import INTENT_SENTIMENT, give_away, write_answer, write_request

# Probability that an order leads to a message of each intent; the first ones depend on what happened to it.
LATE, RETURNED, DEFECTIVE_IN_CRISIS, CANCELLED = 0.3, 0.25, 0.35, 0.5
OTHER = {
    "defective_item": 0.006, "wrong_size": 0.006, "invoice": 0.008, "payment_problem": 0.006,
    "product_question": 0.012, "praise": 0.006,
}  # fmt: skip
ANSWERED_SHARE = 0.8
LINKED_SHARE = 0.8  # messages the platform ties to their order
CHANNELS = ("mail", "chat", "form")

_TEXT = pa.string()
MESSAGE_COLUMNS = dict.fromkeys(
    (
        "message_id", "conversation_id", "user_id", "order_id", "item_id", "channel", "subject", "body",
        "language", "direction", "sent_at",
    ),
    _TEXT,
)  # fmt: skip
TRUE_MESSAGE_COLUMNS = {
    "message_id": _TEXT, "intent": _TEXT, "sentiment": pa.int8(), "language": _TEXT, "order_id": _TEXT,
    "is_from_user": pa.bool_(),
}  # fmt: skip


def make_messages(
    config: SimulatorConfig, catalogue: Catalogue, shoppers: Shoppers, orders: Orders, personal: Personal
) -> tuple[pa.Table, pa.Table]:
    """Raw messages and what is true of them; what writers give away is added to `personal`."""
    random = config.stream("support", shoppers.block)
    rows, truths, sent = [], [], []
    users = user_ids(shoppers)
    for number, (intent, line, at) in enumerate(_requests(random, catalogue, orders)):
        answered_after = int(random.exponential(0.4) * DAY_MILLISECONDS) + 60_000
        is_answered = random.random() < ANSWERED_SHARE
        if at + answered_after >= config.days * DAY_MILLISECONDS:
            continue
        order = orders.order[line]
        language = "zh" if shoppers.is_chinese[orders.shopper[order]] else "en"
        item = ITEM_TYPES[catalogue.item_type[orders.item[line]]]
        noun = item[2] if language == "zh" else item[1].lower()
        order_id = str(orders.order_id[order])
        message_id = f"M{shoppers.block:05d}{2 * number:07d}"
        body = write_request(random, intent, language, noun, order_id)
        if random.random() < config.personal_data_share:
            sentence, kind, value = give_away(random, language, NAMES[language])
            body += sentence
            personal.rows.append(("support_messages", message_id, "body", kind, value))
        linked = random.random() < LINKED_SHARE
        user = None if shoppers.is_guest else users[orders.shopper[order]]
        channel = CHANNELS[int(random.integers(0, len(CHANNELS)))]
        common = (
            f"T{message_id[1:]}", user, order_id if linked else None,
            str(catalogue.item_id[orders.item[line]]) if linked else None, channel,
        )  # fmt: skip
        subject = f"{'Order' if language == 'en' else '订单'} {order_id}"
        rows.append((message_id, *common, subject, body, language, "in"))
        truths.append((message_id, intent, INTENT_SENTIMENT.get(intent, -1), language, order_id, True))
        sent.append(at)
        if is_answered:
            answer_id = f"M{shoppers.block:05d}{2 * number + 1:07d}"
            rows.append((answer_id, *common, f"Re: {subject}", write_answer(random, language), language, "out"))
            truths.append((answer_id, intent, 0, language, order_id, False))
            sent.append(at + answered_after)
    columns = {
        name: [row[place] for row in rows] for place, name in enumerate(MESSAGE_COLUMNS) if name != "sent_at"
    }
    columns["sent_at"] = times_as_text(config.start, np.array(sent, np.int64))
    true = {name: [row[place] for row in truths] for place, name in enumerate(TRUE_MESSAGE_COLUMNS)}
    return table_of(columns, MESSAGE_COLUMNS), table_of(true, TRUE_MESSAGE_COLUMNS)


def _requests(
    random: np.random.Generator, catalogue: Catalogue, orders: Orders
) -> list[tuple[str, int, int]]:
    """Intent, line and millisecond of every request, by order and then intent."""
    first = np.searchsorted(orders.order, np.arange(len(orders.visit)))
    returned = orders.returned[first]
    defective = np.bincount(orders.order, orders.in_crisis, len(orders.visit)) > 0
    # The line a complaint is about: the first of the brand in crisis where there is one.
    about = first.copy()
    broken = np.flatnonzero(orders.in_crisis)[::-1]
    about[orders.order[broken]] = broken
    arrived = orders.delivered
    late = orders.delivered > orders.promised
    wishes = [
        ("where_is_my_order", first, late * orders.is_kept * LATE, orders.promised),
        ("return_item", first, (returned >= 0) * RETURNED, returned - 2 * DAY_MILLISECONDS),
        ("refund_status", first, (returned >= 0) * RETURNED / 2, returned + 10 * DAY_MILLISECONDS),
        ("defective_item", about, defective * orders.is_kept * DEFECTIVE_IN_CRISIS, arrived),
        ("cancel_order", first, orders.is_cancelled * CANCELLED, orders.ordered),
    ]
    wishes += [(intent, first, orders.is_kept * share, arrived) for intent, share in OTHER.items()]
    requests = []
    for intent, line, share, begins in wishes:
        asks = np.flatnonzero(random.random(len(first)) < share)
        at = begins[asks] + (random.exponential(0.6, len(asks)) * DAY_MILLISECONDS).astype(np.int64) + 60_000
        requests += [
            (int(order), intent, int(line[order]), int(moment)) for order, moment in zip(asks, at, strict=True)
        ]
    return [request[1:] for request in sorted(requests)]
