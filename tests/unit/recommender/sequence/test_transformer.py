"""The network: what a position may depend on, and on what not."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.sequence.sequences import Sequences
from python_ml.recommender.sequence.transformer import (
    Ensemble,
    ItemVectors,
    NextItemTransformer,
    PackedBatch,
    SequenceTransformer,
    TransformerSettings,
)

CPU = torch.device("cpu")
N_ITEMS = 9
SETTINGS = TransformerSettings(dimension=8, heads=2, blocks=2, expansion=2, length=6, dropout=0.5)
HISTORIES = st.lists(st.lists(st.integers(0, N_ITEMS - 1), min_size=1, max_size=6), min_size=1, max_size=4)


def ensemble(members: int = 1, has_days: bool = True) -> Ensemble:
    """Untrained, but with an opinion on distances and days."""
    generator = torch.Generator().manual_seed(1)
    built = Ensemble(N_ITEMS, SETTINGS, members=members, has_days=has_days, generator=generator)
    with torch.no_grad():
        for network in built.members:
            for block in network.blocks:
                block.distance_bias.normal_(generator=generator)
                if has_days:
                    block.gap_bias.normal_(generator=generator)
    return built.eval()


def network() -> SequenceTransformer:
    return ensemble().members[0]


def of_lists(histories: list[list[int]], day_seed: int = 0) -> Sequences:
    user = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    day = np.random.default_rng(day_seed).exponential(9.0, len(user)).cumsum()
    listed = Sequences.listed(user, np.concatenate(histories), n_users=len(histories), n_items=N_ITEMS)
    return Sequences(listed.item, day, listed.offset, N_ITEMS, True)


def outputs(histories: Sequences) -> torch.Tensor:
    with torch.no_grad():
        return network()(PackedBatch.of(histories, CPU))


@given(HISTORIES)
def test_neighbours_in_the_batch_change_nothing(histories):
    together = of_lists(histories)
    alone = [outputs(together.take(np.array([user]))) for user in range(len(together))]
    torch.testing.assert_close(outputs(together), torch.cat(alone), rtol=1e-4, atol=1e-5)


@given(HISTORIES, st.data())
def test_a_later_item_or_day_changes_nothing_before_it(histories, data):
    sequences = of_lists(histories)
    changed = data.draw(st.integers(0, len(sequences.item) - 1))
    item, day = sequences.item.copy(), sequences.day.copy()
    item[changed] = (item[changed] + 1) % N_ITEMS
    ahead = np.arange(len(item)) >= changed
    day[ahead & (sequences.user == sequences.user[changed])] += 100.0
    other = outputs(Sequences(item, day, sequences.offset, N_ITEMS, True))
    before = torch.from_numpy(~ahead | (sequences.user != sequences.user[changed]))
    unchanged = outputs(sequences)
    torch.testing.assert_close(other[before], unchanged[before], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(other[changed], unchanged[changed], atol=1e-3)


def test_order_and_days_matter():
    first, swapped = of_lists([[1, 2, 3]]), of_lists([[2, 1, 3]])
    assert not torch.allclose(outputs(first)[2], outputs(swapped)[2], atol=1e-3)
    later = of_lists([[1, 2, 3]])
    later.day[2] += 400.0
    assert not torch.allclose(outputs(first)[2], outputs(later)[2], atol=1e-3)


def test_a_shift_of_all_days_changes_nothing():
    first, later = of_lists([[1, 2, 3]]), of_lists([[1, 2, 3]])
    first.day[:], later.day[:] = [10.0, 11.0, 15.0], [510.0, 511.0, 515.0]
    assert torch.equal(outputs(first), outputs(later))


@pytest.mark.parametrize("day", [[0.0, 0.0, 1e12], [-1e12, 0.0, 1e-9], [3.0, 3.0, 3.0]])
def test_no_distance_of_days_is_too_far(day):
    sequences = of_lists([[1, 2, 3]])
    sequences.day[:] = day
    assert torch.isfinite(outputs(sequences)).all()


def test_scores_are_those_of_the_last_position():
    sequences = of_lists([[1, 2, 3], [4]])
    hidden = outputs(sequences)
    found = NextItemTransformer(ensemble()).score(sequences)
    torch.testing.assert_close(found, hidden[[2, 3]] @ network().item.own.weight.detach().T)
    nobody = Sequences.listed([], [], n_users=2, n_items=N_ITEMS)
    assert not NextItemTransformer(ensemble(has_days=False)).score(nobody).any()


def test_scores_of_several_networks_are_their_mean():
    sequences = of_lists([[1, 2, 3], [4]])
    together = ensemble(members=3)
    alone = []
    for member in together.members:
        one = ensemble()
        one.members[0] = member
        alone.append(NextItemTransformer(one).score(sequences))
    assert not torch.allclose(alone[0], alone[1], atol=1e-3)
    expected = torch.stack(alone).mean(0)
    torch.testing.assert_close(NextItemTransformer(together).score(sequences), expected)


def test_a_vector_of_an_item_is_its_own_and_its_attributes():
    attributes = ItemAttributes.listed([[0, 2], [], [2], [0, 1, 2, 3]])
    items = ItemVectors(4, 2, attributes)
    with torch.no_grad():
        items.own.weight.copy_(torch.tensor([[0.0, 0.0], [0.5, 0.0], [0.0, 0.0], [0.0, 1.0]]))
        rows = [[9.0, 9.0], [1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [0.0, 1.0]]  # the first is of no attribute
        items.attribute.weight.copy_(torch.tensor(rows))
    # Sums of 2, none, 1 and 4 rows over the root of their number, and what is the item's own.
    half = 0.5**0.5
    expected = torch.tensor([[2 * half, half], [0.5, 0.0], [1.0, 1.0], [1.0, 3.0]])
    torch.testing.assert_close(items.all(), expected)
    torch.testing.assert_close(items(torch.tensor([3, 0, 3])), expected[[3, 0, 3]])


@pytest.mark.parametrize("attributes", [None, ItemAttributes.listed([[]] * 4)])
def test_of_whose_attributes_nothing_is_known_has_its_own_vector_alone(attributes):
    items = ItemVectors(4, 2, attributes)
    assert list(items.state_dict()) == ["own.weight"]
    assert torch.equal(items.all(), items.own.weight)
    assert torch.equal(items(torch.tensor([2])), items.own.weight[[2]])


def test_no_history_between_others_scores_zeros():
    some = Sequences.listed([0, 2], [1, 4], n_users=3, n_items=N_ITEMS)
    scores = NextItemTransformer(ensemble(members=2, has_days=False)).score(some)
    assert scores.any(1).tolist() == [True, False, True]


def test_only_the_latest_items_of_a_long_history_are_read():
    item = np.arange(10_000) % N_ITEMS
    long = Sequences.listed(np.zeros(10_000), item, n_users=1, n_items=N_ITEMS)
    short = Sequences.listed(np.zeros(6), item[-6:], n_users=1, n_items=N_ITEMS)
    model = NextItemTransformer(ensemble(has_days=False))
    assert torch.equal(model.score(long), model.score(short))
