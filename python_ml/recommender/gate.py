"""Whether the model that did best on validation may take over from the one that writes a list now."""

from collections.abc import Mapping

from python_ml.recommender.bootstrap import Bootstrap
from python_ml.recommender.judge import Ranked


def pass_gate(
    challenger: str, in_force: str | None, tested: Mapping[str, Ranked], cutoff: int, seed: int
) -> tuple[str, str]:
    """The champion of a list, and why it is.

    The challenger takes over unless it is worse than the model in force on the test window, which neither it
    nor anything else was chosen on: the 95 % interval of the difference of their NDCG, on the same users,
    lies below zero.

    Args:
        challenger: the best on validation.
        in_force: the champion of the run before; None if there was none.
        tested: lists of the test window, by model.
        cutoff: of the NDCG.
        seed: of the bootstrap.
    """
    if in_force is None or in_force == challenger:
        return challenger, "best on the validation window"
    if in_force not in tested:
        return challenger, f"best on the validation window; {in_force}, in force before, did not compete"
    difference, low, high = paired_ndcg(tested[challenger], tested[in_force], cutoff, Bootstrap(seed))
    said = f"by {difference:+.4f} ({low:+.4f} to {high:+.4f}) of ndcg@{cutoff} on the test window"
    if high < 0.0:
        return in_force, f"in force before; {challenger}, best on validation, is worse {said}"
    return (
        challenger,
        f"best on the validation window, and not worse than {in_force}, in force before: {said}",
    )


def paired_ndcg(one: Ranked, other: Ranked, cutoff: int, bootstrap: Bootstrap) -> tuple[float, float, float]:
    """Mean difference of two models' NDCG on the same users, and its 95 % interval."""
    return bootstrap.difference(one.per_user("ndcg", cutoff), other.per_user("ndcg", cutoff))
