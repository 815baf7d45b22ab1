"""Settings: how a user's purchases become a mixture of interests."""

from dataclasses import dataclass

from python_ml.config.checks import check_grid, check_range


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestConfig:
    """How interests are found in what users buy, and how many.

    Args:
        interest_counts: numbers of interests that are tried; one (all users alike) always is.
        held_out_days: the purchases of this many last days are held out to judge them by.
        min_users: with fewer users who bought both before and in those days, no number is tried.
        min_support: a category counts if this share of users has bought it,
        min_profile_users: and this many have. Nor is an interest told that fewer users have, nor of it a
            category that fewer of those bought: what two or three people do is nobody's business.
        min_user_orders: a user with fewer orders has the mean mixture of all others: one basket is no taste.
        fit_users: interests are found on at most so many users, picked by a hash of their id; all get theirs.
        user_prior: purchases of each interest that every user is taken to have made beforehand.
        category_prior: purchases of each category that every interest is taken to have seen beforehand.
        resamples: how many resamples of the users stability is measured on.
        resample_share: share of users in each.
        min_stability: a number is not eligible where interests of the resamples, matched with those of all
            users, are on average less alike than this (cosine, seen from what all users buy).
        refit_days: users are put into the interests that were found until they are this many days old; then
            their number is chosen anew, and they are found anew.
        backing_share: a user has an interest if it is at least this share of the user's mixture.
        match_similarity: an interest goes on from one of the run before if they are at least this alike.
        relevance_weight: of a category's probability against its lift, where those that say most of an
            interest are picked (lambda in Sievert and Shirley, LDAvis, 2014, who found 0.6 to be read best).
        profile_top: categories listed of each interest.
    """

    interest_counts: tuple[int, ...] = (2, 3, 4, 5, 6, 8, 10, 12, 14, 16)
    held_out_days: int = 91
    min_users: int = 50
    min_support: float = 0.005
    min_profile_users: int = 20
    min_user_orders: int = 3
    fit_users: int = 20_000
    user_prior: float = 1.0
    category_prior: float = 0.1
    resamples: int = 3
    resample_share: float = 0.8
    min_stability: float = 0.7
    refit_days: int = 91
    backing_share: float = 0.1
    match_similarity: float = 0.5
    relevance_weight: float = 0.6
    profile_top: int = 10

    def __post_init__(self) -> None:
        check_grid("interests", self, ("interest_counts",), 2, 1000)
        check_range("interests", self, ("held_out_days", "refit_days"), 1, 36_500)
        check_range("interests", self, ("min_users", "min_profile_users", "fit_users"), 1, 1e9)
        check_range("interests", self, ("min_user_orders", "profile_top", "resamples"), 1, 10_000)
        check_range("interests", self, ("min_support", "min_stability", "relevance_weight"), 0.0, 1.0)
        check_range("interests", self, ("resample_share", "backing_share", "match_similarity"), 0.01, 1.0)
        check_range("interests", self, ("user_prior", "category_prior"), 1e-6, 1e6)
