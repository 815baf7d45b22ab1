"""Who may take over a list, on lists of one place: an NDCG of 1 or 0 a user."""

import numpy as np
import pytest

from python_ml.recommender.bootstrap import Bootstrap
from python_ml.recommender.gate import paired_ndcg, pass_gate
from python_ml.recommender.judge import Ranked


def ranked(*hits: int) -> Ranked:
    count = len(hits)
    return Ranked(
        users=np.arange(count),
        items=np.zeros((count, 1), dtype=np.int64),
        hits=np.array(hits, dtype=bool)[:, None],
        truth_size=np.ones(count, dtype=np.int64),
    )


ALWAYS, NEVER = ranked(*[1] * 20), ranked(*[0] * 20)
# Nine and ten of twenty: one user's difference.
NINE, TEN = ranked(*[1] * 9, *[0] * 11), ranked(*[1] * 10, *[0] * 10)
TESTED = {"always": ALWAYS, "never": NEVER, "nine": NINE, "ten": TEN}


def test_the_first_champion_and_one_that_stays_pass_unasked():
    assert pass_gate("nine", None, TESTED, 1, 0) == ("nine", "best on the validation window")
    assert pass_gate("nine", "nine", TESTED, 1, 0) == ("nine", "best on the validation window")


def test_what_is_clearly_worse_does_not_take_over():
    champion, reason = pass_gate("never", "always", TESTED, 1, 0)
    assert champion == "always"
    # All users differ by one: so does every resample.
    assert reason == (
        "in force before; never, best on validation, is worse"
        " by -1.0000 (-1.0000 to -1.0000) of ndcg@1 on the test window"
    )


def test_what_is_worse_by_chance_takes_over():
    champion, reason = pass_gate("nine", "ten", TESTED, 1, 0)
    assert champion == "nine"
    # One user of twenty; a resample draws that user 0 to some 3 times.
    assert reason.startswith(
        "best on the validation window, and not worse than ten, in force before:"
        " by -0.0500 (-0.1500 to +0.0000)"
    )


def test_a_model_that_no_longer_competes_cannot_be_compared():
    assert pass_gate("nine", "transformer", TESTED, 1, 0) == (
        "nine", "best on the validation window; transformer, in force before, did not compete"
    )  # fmt: skip


def test_the_difference_is_that_of_the_same_users():
    assert paired_ndcg(TEN, NINE, 1, Bootstrap(seed=0))[0] == pytest.approx(1 / 20)
    assert paired_ndcg(ALWAYS, ALWAYS, 1, Bootstrap(seed=0)) == (0.0, 0.0, 0.0)
