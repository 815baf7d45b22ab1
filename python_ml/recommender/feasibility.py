"""Whether a history can judge a recommender, list by list, and in plain words why not."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import torch

from python_ml.config import RecommenderConfig
from python_ml.recommender.data import Interactions
from python_ml.recommender.judge import LISTS
from python_ml.recommender.models import MODELS, left_out
from python_ml.recommender.split import (
    HOURS_A_DAY,
    WINDOWS_A_HISTORY,
    SplitData,
    Windows,
    choose_windows,
    duration,
    split_data,
)

WHAT = {"for_you": "bought something", "discover": "bought something new to them"}


@dataclass(frozen=True, slots=True)
class Feasibility:
    """What a history allows.

    Args:
        windows: how it is cut.
        data: the splits by name; empty if the history is too short for them.
        user_counts: by list, users who can be asked in that split of the two which has fewer.
        reasons: by list that cannot be judged, why.
        left_out: by model that cannot compete in this shop or on this machine, why; empty where no list can
            be judged.
    """

    windows: Windows
    data: dict[str, SplitData]
    user_counts: dict[str, int]
    reasons: dict[str, str]
    left_out: dict[str, str]

    @property
    def lists(self) -> tuple[str, ...]:
        """Lists that can be judged."""
        return tuple(name for name in LISTS if name not in self.reasons)

    @property
    def models(self) -> tuple[str, ...]:
        """Models that compete."""
        return tuple(name for name in MODELS if name not in self.left_out)


def look_at_history(
    interactions: Interactions, as_of: date, config: RecommenderConfig, device: torch.device, *, seed: int
) -> Feasibility:
    """Cut the history and count who can be asked.

    A list can be judged when in both windows at least `min_judged_users` users have something to be found.

    Args:
        interactions: all before `as_of`.
        as_of: the as-of date.
        config: for `window_days`, how many users are judged, and the limits of models.
        device: where models are trained.
        seed: of who is judged, where not everybody is.
    """
    windows = choose_windows(interactions.day, as_of, config.window_days)
    if not windows.splits:
        reason = _too_short(windows)
        return Feasibility(windows, {}, dict.fromkeys(LISTS, 0), dict.fromkeys(LISTS, reason), {})
    data = {
        split.name: split_data(interactions, split, max_users=config.max_judged_users, seed=seed)
        for split in windows.splits
    }
    counts, reasons = {}, {}
    for list_name in LISTS:
        users = {name: _users_to_ask(part, list_name) for name, part in data.items()}
        fewest = min(users, key=users.__getitem__)
        counts[list_name] = users[fewest]
        if users[fewest] < config.min_judged_users:
            reasons[list_name] = (
                f"history of {duration(windows.history_hours)}; {users[fewest]:,} users known before the"
                f" {fewest} window of {duration(round(windows.days * HOURS_A_DAY))} {WHAT[list_name]} in it;"
                f" needs {config.min_judged_users:,}"
            )
    unable = {} if reasons.keys() == set(LISTS) else left_out(interactions, windows, config, device)
    return Feasibility(windows, data, counts, reasons, unable)


def _users_to_ask(data: SplitData, list_name: str) -> int:
    truth = data.truth if list_name == "for_you" else data.new()
    return int((np.diff(truth.indptr)[data.users] > 0).sum())


def _too_short(windows: Windows) -> str:
    if windows.history_hours == 0:
        return "no history: nobody known has bought or looked at anything; needs users who buy again"
    return (
        f"history of {duration(windows.history_hours)}; needs {duration(WINDOWS_A_HISTORY)}:"
        " two windows of an hour and as much again before them"
    )
