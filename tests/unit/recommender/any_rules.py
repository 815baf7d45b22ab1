"""Any business rules on a small catalogue, and the list they make, worked out the slow way."""

import numpy as np
from hypothesis import strategies as st
from scipy import sparse

from python_ml.recommender.rules import Boost, Cap, Hidden, Pin, Recent, Rules

COUNT = 12


@st.composite
def some_rules(draw) -> Rules:
    """Any rules of every type on COUNT items and three users."""
    masks = st.lists(st.booleans(), min_size=COUNT, max_size=COUNT).map(np.array)
    number = iter(range(100))
    hidden = [Hidden(next(number), mask) for mask in draw(st.lists(masks, max_size=2))]
    young = st.lists(st.booleans(), min_size=3, max_size=3).map(np.array)
    hidden += [
        Hidden(next(number), mask, but_for=grown)
        for mask, grown in draw(st.lists(st.tuples(masks, young), max_size=2))
    ]
    recent = [
        Recent(next(number), sparse.csr_matrix(np.stack(rows).astype(float)))
        for rows in draw(st.lists(st.lists(masks, min_size=3, max_size=3), max_size=1))
    ]
    factors = st.sampled_from([0.5, 2.0, 10.0])
    boosts = [
        Boost(next(number), mask, factor)
        for mask, factor in draw(st.lists(st.tuples(masks, factors), max_size=2))
    ]
    places = draw(st.lists(st.integers(1, 8), unique=True, max_size=3))
    pinned = draw(
        st.lists(st.integers(0, COUNT - 1), unique=True, min_size=len(places), max_size=len(places))
    )
    pins = [Pin(next(number), item, place) for item, place in zip(pinned, places, strict=True)]
    groups = st.lists(st.integers(-1, 3), min_size=COUNT, max_size=COUNT).map(np.array)
    caps = [
        Cap(next(number), group, most)
        for group, most in draw(st.lists(st.tuples(groups, st.integers(1, 3)), max_size=2))
    ]
    return Rules(
        rule_ids=tuple(f"r{each}" for each in range(next(number))),
        hidden=tuple(hidden),
        recent=tuple(recent),
        boosts=tuple(boosts),
        pins=tuple(pins),
        caps=tuple(caps),
    )


some_scores = st.lists(
    st.lists(st.integers(-3, 5), min_size=COUNT, max_size=COUNT), min_size=3, max_size=3
).map(lambda rows: np.array(rows, dtype=np.float32))


def may_see(rules: Rules, user: int) -> set[int]:
    """Items no rule hides from the user."""
    out = np.zeros(COUNT, dtype=bool)
    for hidden in rules.hidden:
        if hidden.but_for is None or not hidden.but_for[user]:
            out |= hidden.items
    for recent in rules.recent:
        out |= recent.pairs[user].toarray()[0] > 0
    return set(np.flatnonzero(~out).tolist())


def by_hand(rules: Rules, score: np.ndarray, user: int, k: int, depth: int | None = None) -> list[int]:
    """The list as a person would make it: item by item, place by place; with a depth, going on behind it."""
    depth = k if depth is None else depth
    boosted = score.astype(float)
    for boost in rules.boosts:
        boosted = np.where(
            boost.items, np.where(boosted >= 0, boosted * boost.factor, boosted / boost.factor), boosted
        )
    allowed = may_see(rules, user)
    pins = {pin.place: pin.item for pin in rules.pins if pin.item in allowed and pin.place <= k}
    counted = [list(pins.values()) for _ in rules.caps]
    others = []
    for item in sorted(allowed - set(pins.values()), key=lambda item: (-boosted[item], item)):
        fits = all(
            cap.group[item] < 0 or sum(cap.group[other] == cap.group[item] for other in taken) < cap.most
            for cap, taken in zip(rules.caps, counted, strict=True)
        )
        if fits and len(others) < depth - len(pins):
            others.append(item)
            for taken in counted:
                taken.append(item)
    result = []
    for place in range(1, depth + 1):
        if place in pins:
            result.append(pins[place])
        elif others:
            result.append(others.pop(0))
    return result
