"""Pictures of a polarity model. Figures are made directly, as `python_ml.cohorts.plots` does."""

import numpy as np
from matplotlib.figure import Figure

from python_ml.sentiment.calibrate import expected_calibration_error, reliability


def plot_reliability(held_out: dict[str, np.ndarray], is_positive_N: np.ndarray, chosen: str) -> Figure:
    """What was said against what was, per bin of P(positive); below it, how often each was said.

    Args:
        held_out: by candidate, P(positive) of texts it was not fitted on.
        is_positive_N: bool.
        chosen: drawn in colour, the others grey.
    """
    figure = Figure(figsize=(6, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot((0, 1), (0, 1), color="0.4", linestyle=":", linewidth=1)
    for name in sorted(held_out, key=lambda name: name == chosen):
        said, was, _ = reliability(held_out[name], is_positive_N)
        error = expected_calibration_error(held_out[name], is_positive_N)
        colour = "tab:blue" if name == chosen else "0.7"
        upper.plot(said, was, marker="o", color=colour, label=f"{name}, error {error:.3f}")
    lower.hist(held_out[chosen], bins=15, range=(0, 1), color="tab:blue")
    upper.set_ylabel("share that were positive")
    upper.legend(frameon=False)
    lower.set_ylabel("texts")
    lower.set_xlabel("probability of being positive, held-out texts")
    upper.set_title(f"Can {chosen} be believed? {len(is_positive_N):,} texts", loc="left")
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
