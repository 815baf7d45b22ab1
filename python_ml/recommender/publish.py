"""Arrays of lists, reasons and neighbours to the frames that are written."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import torch

from python_ml.config import RecommenderConfig
from python_ml.recommender.arrange import Arrangement
from python_ml.recommender.audience import ExpectedPurchases, find_audiences
from python_ml.recommender.best_sellers import BestSellers, serve_best_sellers
from python_ml.recommender.diversify import Diversity, candidate_count
from python_ml.recommender.explain import Reason, explain, explainer_of
from python_ml.recommender.explore import Exploration, draw_label
from python_ml.recommender.frames import Inputs, days_of, number
from python_ml.recommender.judge import Explainer, Scorer, SparseScorer
from python_ml.recommender.models import Settings
from python_ml.recommender.rules import Rules
from python_ml.recommender.sequence.sequences import Sequences
from python_ml.recommender.sequence.sequential_knn import SequentialKnnSettings
from python_ml.recommender.serve import Lists, filler_of, serve
from python_ml.recommender.session import recommend_for_sessions
from python_ml.recommender.similar import similar_items, vectors_of_likeness
from python_ml.recommender.split import day_of
from python_ml.recommender.two_tower_recommender import TwoTowerRecommender, expected_new_items
from python_ml.recommender.workshop import Workshop

NOT_RECOMMENDABLE_REMOVED = "not_recommendable_removed"
PINNED = "business_rule"
USERS_A_PART = 20_000  # their rows, 20 to a list, are what is in memory of the table at once
POPULAR = (Reason.POPULAR_IN_COHORT, Reason.POPULAR_OVERALL)


class Publisher:
    """Writes one list for every user.

    Args:
        inputs: the feature tables as arrays.
        workshop: fits the champions on everything before the as-of date.
        config: lengths.
        rules: business rules by list.
        weights: how much the items of a list should differ, by list; 0 = not at all.
        as_of: the as-of date.
        progress: called with (lists done, lists); there are `list_count` lists of every user.
        list_count: how often `publish` will be called.
    """

    def __init__(
        self,
        inputs: Inputs,
        workshop: Workshop,
        config: RecommenderConfig,
        rules: Mapping[str, Rules],
        weights: Mapping[str, float],
        *,
        as_of: date,
        list_count: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.inputs = inputs
        self.workshop = workshop
        self.config = config
        self.as_of = as_of
        self.plans = {name: self._plan(name, of, weights[name]) for name, of in rules.items()}
        self.owned = workshop.past.pairs()
        self.seen = workshop.past.matrix()
        self.sellers = BestSellers.count(
            workshop.past,
            inputs.cohort,
            len(inputs.cohort_ids),
            now=workshop.now,
            window_days=config.best_seller_days,
        )
        self.filler = filler_of(self.sellers.scores())
        self._progress = progress
        self._done = 0
        self._total = list_count * len(inputs.user_ids)

    def publish(self, list_name: str, model_name: str, settings: Settings) -> Iterator[pl.DataFrame]:
        """`ml.recommendations` of one list, without model_version and as_of_date, in parts.

        Args:
            list_name: "for_you" or "discover".
            model_name: the champion.
            settings: its settings.

        Returns:
            Frames of up to USERS_A_PART users, ordered by user and rank, users of a later one after those of
            an earlier one; one without rows where there is no user.
        """
        model = self.workshop.fit(settings)
        explainer = explainer_of(model)
        has_history = np.diff(self.seen.indptr) > 0
        for start in range(0, max(len(has_history), 1), USERS_A_PART):
            users = np.arange(start, min(start + USERS_A_PART, len(has_history)))
            known, cold = users[has_history[users]], users[~has_history[users]]
            warm = self._warm(list_name, model_name, known, model, explainer)
            yield pl.concat([warm, self._cold(list_name, cold)]).sort("user_id", "rank")

    def _warm(
        self,
        list_name: str,
        model_name: str,
        users: np.ndarray,
        model: Scorer,
        explainer: Explainer | None,
    ) -> pl.DataFrame:
        known = serve(
            model,
            users,
            self.owned,
            self.inputs.is_recommendable,
            list_name=list_name,
            plan=self.plans[list_name],
            block_users=self.config.block_users,
            filler=self.filler,
            progress=self._count,
        )
        reason, reason_item = explain(
            explainer, known, self.owned, self.seen, self.sellers, self.inputs.cohort
        )
        # What such a model knows for a user is known by something in the history.
        is_filler = np.isin(reason, POPULAR) & isinstance(model, SparseScorer)
        sources = np.where(is_filler, "best_sellers", model_name)
        return self._frame(list_name, known, sources, reason, reason_item)

    def _plan(self, list_name: str, rules: Rules, weight: float) -> Arrangement:
        config = self.config
        diversity = Diversity(
            weight=weight,
            candidates=candidate_count(config),
            texts=self.inputs.texts,
            category=self.inputs.category,
        )
        exploration = Exploration(
            slots=config.exploration_slots,
            pool=config.exploration_pool,
            user_ids=self.inputs.user_ids,
            label=draw_label(self.workshop.seed, list_name, self.as_of.isoformat()),
        )
        return Arrangement(
            length=config.list_length,
            rules=rules,
            diversity=diversity if weight > 0 else None,
            exploration=exploration,
        )

    def _cold(self, list_name: str, users: np.ndarray) -> pl.DataFrame:
        cold, from_cohort = serve_best_sellers(
            self.sellers,
            users,
            self.inputs.cohort,
            self.inputs.is_recommendable,
            # What a weight costs was measured on users with history alone.
            plan=replace(self.plans[list_name], diversity=None),
            min_cohort_buyers=self.config.min_cohort_buyers,
        )
        self._count(len(cold.users))
        sources = np.where(from_cohort, "cohort_best_sellers", "best_sellers")
        reason = np.where(from_cohort, int(Reason.POPULAR_IN_COHORT), int(Reason.POPULAR_OVERALL))
        return self._frame(list_name, cold, sources, reason, np.full(cold.items.shape, -1))

    def _frame(
        self, list_name: str, lists: Lists, sources: np.ndarray, reason: np.ndarray, reason_item: np.ndarray
    ) -> pl.DataFrame:
        row, place = np.nonzero(lists.items >= 0)
        codes = np.array([code.name.lower() for code in Reason])
        rules = self.plans[list_name].rules
        touched = lists.rules(len(rules.rule_ids))
        is_pinned = touched[:, :, [pin.rule for pin in rules.pins]].any(axis=2)
        sources = np.where(is_pinned, PINNED, sources)
        reason = np.where(is_pinned & np.isin(reason, POPULAR), Reason.CHOSEN_BY_SHOP, reason)
        frame = pl.DataFrame(
            {
                "list_name": pl.Series([list_name] * len(row), dtype=pl.String),
                "user_id": self.inputs.user_ids.gather(lists.users[row]),
                "item_id": self.inputs.item_ids.gather(lists.items[row, place]),
                "rank": pl.Series(place + 1, dtype=pl.Int32),
                "score": pl.Series(lists.scores[row, place], dtype=pl.Float64),
                "candidate_source": pl.Series(sources[row, place].tolist(), dtype=pl.String),
                "reason_code": pl.Series(codes[reason[row, place]].tolist(), dtype=pl.String),
                "reason_item_id": _gather_or_null(self.inputs.item_ids, reason_item[row, place]),
                "propensity": pl.Series(lists.propensity()[row, place], dtype=pl.Float64),
                "is_exploration": pl.Series(lists.is_exploration()[row, place], dtype=pl.Boolean),
                "rules_applied": _names_of_rules(lists.removed[row], touched[row, place], rules),
            }
        )
        ids = [
            recommendation_id(list_name, *values, self.as_of)
            for values in frame.select("user_id", "item_id", "rank").iter_rows()
        ]
        return frame.insert_column(0, pl.Series("recommendation_id", ids, dtype=pl.String))

    def _count(self, users: int) -> None:
        self._done += users
        if self._progress:
            self._progress(self._done, self._total)


def recommendation_id(list_name: str, user_id: str, item_id: str, rank: int, as_of: date) -> str:
    """32 hex digits that are the same whenever the same thing is recommended on the same date."""
    # A control character separates: ids do not hold it, so no two tuples read alike.
    text = "\x1f".join((list_name, user_id, item_id, str(rank), as_of.isoformat()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def similar_frame(
    inputs: Inputs, towers: TwoTowerRecommender | None, config: RecommenderConfig, *, as_of: date
) -> pl.DataFrame:
    """`ml.similar_items` of the whole catalogue, without model_version and as_of_date.

    Args:
        inputs: the feature tables as arrays.
        towers: fitted on everything before `as_of`; without, items are compared by their texts alone.
        config: number of neighbours, and how lately a neighbour must have been sold.
        as_of: the as-of date.
    """
    now = day_of(as_of)
    lately = inputs.interactions.between(now - config.similar_sold_days, now)
    buyers = np.asarray(lately.strongest().sum(axis=0)).ravel()
    offered = np.flatnonzero((buyers > 0) & inputs.is_recommendable)
    candidates = offered[np.argsort(-buyers[offered], kind="stable")]
    if towers is None:
        vectors, has_own = torch.zeros((len(buyers), 1)), np.zeros(len(buyers), dtype=bool)
    else:
        vectors = vectors_of_likeness(towers)
        has_own = towers.tower.slot_of_item.cpu().numpy() > 0
    items, scores = similar_items(vectors, has_own, inputs.texts, candidates, config.similar_length)
    row, place = np.nonzero(items >= 0)
    source = pl.Series(["text", "behaviour_and_text"], dtype=pl.String)
    return pl.DataFrame(
        {
            "item_id": inputs.item_ids.gather(row),
            "similar_item_id": inputs.item_ids.gather(items[row, place]),
            "rank": pl.Series(place + 1, dtype=pl.Int32),
            "score": pl.Series(scores[row, place], dtype=pl.Float64),
            "similarity_source": source.gather(has_own[row].astype(np.int64)),
        }
    )


def audience_frame(
    inputs: Inputs,
    workshop: Workshop,
    champion: tuple[str, Settings],
    audience_items: pl.DataFrame,
    contactable_users: pl.DataFrame,
    config: RecommenderConfig,
    progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """`ml.item_audiences` without model_version and as_of_date.

    Users without history are all alike to a model, and in no audience; nor are those who are not expected to
    want the item at all, such as everybody where a model does not know it.

    Args:
        inputs: the feature tables as arrays.
        workshop: fits the champion on everything before the as-of date.
        champion: name and settings of the model that scores.
        audience_items: item_id, chosen_as.
        contactable_users: user_id of those who may be written to.
        config: length of an audience, users scored at once, and the window that purchases are expected in.
        progress: called with (users scored, users).
    """
    asked = audience_items.sort("item_id")
    items = number(asked["item_id"], inputs.item_ids, "audience_items_chosen.item_id")
    may = number(contactable_users["user_id"], inputs.user_ids, "contactable_users.user_id")
    users = may[np.diff(workshop.past.matrix().indptr)[may] > 0]
    name, settings = champion
    owned = workshop.past.pairs()
    expected_new = expected_new_items(workshop.past, workshop.now, config.window_days)
    found = find_audiences(
        ExpectedPurchases(workshop.fit(settings), owned, expected_new),
        users,
        items,
        length=config.audience_length,
        block_users=config.block_users,
        progress=progress,
    )
    row, place = np.nonzero((found.users >= 0) & (found.scores > 0))
    user = found.users[row, place]
    buyer, bought = owned.nonzero()
    pairs = buyer.astype(np.int64) * len(inputs.item_ids) + bought
    has_bought = np.isin(user * len(inputs.item_ids) + items[row], pairs)
    return pl.DataFrame(
        {
            "item_id": asked["item_id"].gather(row),
            "user_id": inputs.user_ids.gather(user),
            "chosen_as": asked["chosen_as"].gather(row),
            "candidate_source": pl.Series([name] * len(row), dtype=pl.String),
            "rank": pl.Series(place + 1, dtype=pl.Int32),
            "score": pl.Series(found.scores[row, place], dtype=pl.Float64),
            "top_share": pl.Series((place + 1) / max(len(users), 1), dtype=pl.Float64),
            "has_bought": pl.Series(has_bought, dtype=pl.Boolean),
        }
    )


def session_frame(
    inputs: Inputs,
    workshop: Workshop,
    settings: SequentialKnnSettings,
    acts: pl.DataFrame,
    rules: Rules,
    config: RecommenderConfig,
) -> pl.DataFrame:
    """`ml.session_recommendations`, without model_version and as_of_date.

    Args:
        inputs: the feature tables as arrays.
        workshop: fits the sequential kNN on everything users did before the as-of date.
        settings: of the sequential kNN.
        acts: session_id, item_id, occurred_at; the order of rows does not matter.
        rules: business rules of users' lists.
        config: length of a list, sessions scored at once, and the window best-sellers are counted in.
    """
    session_ids = acts["session_id"].unique().sort()
    sessions = Sequences.of(
        number(acts["session_id"], session_ids, "anonymous_session_acts.session_id"),
        number(acts["item_id"], inputs.item_ids, "anonymous_session_acts.item_id"),
        days_of(acts["occurred_at"]),
        n_users=len(session_ids),
        n_items=len(inputs.item_ids),
    )
    sellers = BestSellers.of_shop(workshop.past, now=workshop.now, window_days=config.best_seller_days)
    found = recommend_for_sessions(
        workshop.fit(settings).model,
        sessions,
        sellers.scores(),
        inputs.is_recommendable,
        rules,
        length=config.session_length,
        block_sessions=config.block_users,
    )
    row, place = np.nonzero(found.items >= 0)
    reason_item = found.reason_items[row, place]
    sources = np.where(reason_item >= 0, "sequential_knn", "best_sellers")
    sources = np.where(found.is_pinned[row, place], PINNED, sources)
    return pl.DataFrame(
        {
            "session_id": session_ids.gather(row),
            "item_id": inputs.item_ids.gather(found.items[row, place]),
            "reason_item_id": _gather_or_null(inputs.item_ids, reason_item),
            "candidate_source": pl.Series(sources.tolist(), dtype=pl.String),
            "rank": pl.Series(place + 1, dtype=pl.Int32),
            "score": pl.Series(found.scores[row, place], dtype=pl.Float64),
        }
    )


def _names_of_rules(removed: np.ndarray, touched: np.ndarray, rules: Rules) -> pl.Series:
    """What stands in rules_applied of each row, the rules separated by commas.

    Args:
        removed: (M,) bool, whether something not recommendable was taken out of the list.
        touched: (M, R) bool, the business rules that shaped the row.
        rules: of the list.
    """
    ids = (NOT_RECOMMENDABLE_REMOVED, *rules.rule_ids)
    kinds, kind = np.unique(np.column_stack([removed, touched]), axis=0, return_inverse=True)
    names = [",".join(id for id, is_named in zip(ids, each, strict=True) if is_named) for each in kinds]
    return pl.Series([names[each] for each in kind.reshape(-1)], dtype=pl.String)


def _gather_or_null(ids: pl.Series, index: np.ndarray) -> pl.Series:
    return ids.gather(pl.Series(np.where(index < 0, None, index).tolist(), dtype=pl.UInt32))
