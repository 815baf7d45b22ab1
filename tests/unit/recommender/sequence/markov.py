"""A planted chain for models to find."""

import numpy as np

from python_ml.recommender.sequence.sequences import Sequences

FOLLOWS = 0.8


def planted(users: int, length: int, n_items: int, seed: int) -> Sequences:
    """Histories in which item i is followed by i + 1 with probability FOLLOWS, else by any item."""
    generator = np.random.default_rng(seed)
    item = generator.integers(n_items, size=(users, length))
    for step in range(1, length):
        follows = generator.random(users) < FOLLOWS
        item[:, step] = np.where(follows, (item[:, step - 1] + 1) % n_items, item[:, step])
    user = np.repeat(np.arange(users), length)
    return Sequences.listed(user, item.ravel(), n_users=users, n_items=n_items)
