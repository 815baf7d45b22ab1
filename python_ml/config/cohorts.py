"""Settings: how users are grouped."""

from dataclasses import dataclass

from python_ml.config.checks import check_names, check_range

METHODS = ("k-means", "mini-batch k-means", "bisecting k-means", "Gaussian mixture", "HDBSCAN")
FINDS_THE_NUMBER = "HDBSCAN"


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortConfig:
    """How users become cohorts.

    Args:
        min_users: with fewer users who have ordered, no number of cohorts is tried.
        methods: ways to find cohorts that are tried, of `METHODS`. HDBSCAN finds their number itself: groups
            of at least min_cohort_share of users; who is in none is in the cohort "Unclustered shoppers".
        min_cohorts, max_cohorts: the numbers of cohorts that are tried.
        min_cohort_share, max_cohort_share: a clustering with a cohort below or above this share of users is
            not eligible.
        min_stability: nor one whose mean adjusted Rand index over resamples is below this.
        silhouette_tolerance: of those whose silhouette is at most this far below the best, the candidate wins
            whose like explained most, at the last fit, of what users then spent in judged_days; as long as
            that is not known, the one of most cohorts.
        usefulness_gain: the number of the last fit stays for as long as it is among those, unless another
            explained more by this much: a share of the variance that groups drawn by lot leave.
        resamples: how many resamples stability is measured on.
        resample_share: share of users in each resample.
        bootstraps: how many bootstraps of the users the number about to be chosen must come back in: where
            its mean adjusted Rand index is below min_stability, it is not.
        restarts: starts of a method, the best of which is kept.
        share_prior_orders: a share of few orders is noise; it is drawn towards the mean of all users as
            if it stood on this many more orders.
        skew_limit: non-negative features more skewed than this are put on a logarithmic scale.
        clip_sd: standardised values are cut to this many standard deviations.
        collinear_correlation: features correlated above this say one thing, and count once.
        behaviour_variance: share of variance kept of behaviour, and of spend by category.
        spend_categories: spend on so many categories is told apart, on those that most users bought.
        text_dimensions: dimensions kept of the mean item embedding.
        interest_variance: share of variance kept of what users look at, by category. More than of the rest:
            it is counted in dozens of acts a user, and its small directions are tastes and not chance.
        spend_weight, text_weight, interest_weight: weight of these blocks against 1 for behaviour. Where a
            shop logs what users look at, that outweighs the rest: a handful of orders tells a user's taste
            badly, and in simulated shops, whose groups are known, it is what they are found by.
        refit_days: users are put into the cohorts of a fitted model until it is this many days old,
        refit_growth: or there are this many times as many users as it was fitted on; then it is fitted anew.
        judged_days: cohorts are judged by what users spent in this many days after they were found.
        match_overlap: a cohort keeps its id if it shares at least this much of its users with the cohort it
            was before, as a share of the users of both.
        profile_top: attributes of each type listed for each cohort; of behaviour features all are.
        min_support: share of a cohort's users that must buy a department, category or item for it to be
            listed, or a department to be named in a rule; or, of those of whom it is known, live in a place,
            have come through a channel or have another attribute.
        min_profile_users: no number is told that fewer users of a cohort stand behind: a clustering with a
            cohort of fewer is not eligible, one that has come to have fewer since the fit has no profile, no
            rule and a name that claims nothing, and the profile of a larger one lists only what is true, or
            for features known, of so many. What two or three people do is nobody's business.
        name_min_sd: a new name claims only what is at least this many standard deviations off the mean,
        name_min_lift: or a department whose share of spend is at least this many times that of all users,
        name_min_share: and at least this share of the cohort's own spend. A name once given
            stays at half of that.
        drift_psi: a feature has drifted if its population stability index, against the users the cohorts
            were fitted on, is above this (a major shift in Siddiqi, Credit Risk Scorecards, 2006),
        drift_wasserstein: or its distance from them, in standard deviations. A normal distribution moved by
            d of them has an index of d squared: 0.5 and 0.25 are the same shift.
        drift_cohort_psi: a cohort has drifted if the index of being in it or not is above this. Two bins
            have less to add up than ten: at 0.1 a cohort of 20 % of users has become one of 34 %, one of 5 %
            one of 14 %.
        rule_precision: a cohort's rule is told only if at least this share of the users it selects are of the
            cohort,
        rule_recall: and it selects at least this share of the cohort; both of users it was not made from.
        rule_conditions: conditions a rule may have at most.
    """

    min_users: int = 30
    methods: tuple[str, ...] = ("k-means",)
    min_cohorts: int = 3
    max_cohorts: int = 12
    min_cohort_share: float = 0.02
    max_cohort_share: float = 0.6
    min_stability: float = 0.75
    silhouette_tolerance: float = 0.02
    usefulness_gain: float = 0.02
    resamples: int = 5
    resample_share: float = 0.8
    bootstraps: int = 50
    restarts: int = 10
    share_prior_orders: float = 10.0
    skew_limit: float = 1.0
    clip_sd: float = 3.0
    collinear_correlation: float = 0.7
    behaviour_variance: float = 0.6
    text_dimensions: int = 8
    interest_variance: float = 0.9
    spend_categories: int = 256
    spend_weight: float = 1.0
    text_weight: float = 0.7
    interest_weight: float = 2.0
    refit_days: int = 91
    refit_growth: float = 1.5
    judged_days: int = 91
    match_overlap: float = 0.3
    profile_top: int = 10
    min_support: float = 0.1
    min_profile_users: int = 20
    name_min_sd: float = 0.3
    name_min_lift: float = 1.25
    name_min_share: float = 0.02
    drift_psi: float = 0.25
    drift_wasserstein: float = 0.5
    drift_cohort_psi: float = 0.1
    rule_precision: float = 0.8
    rule_recall: float = 0.6
    rule_conditions: int = 3

    def __post_init__(self) -> None:
        check_range("cohorts", self, ("min_users", "min_profile_users"), 1, 1e9)
        check_names("cohorts", self, "methods", self.methods, METHODS)
        check_range("cohorts", self, ("min_cohorts",), 2, 1000)
        check_range("cohorts", self, ("max_cohorts",), self.min_cohorts, 1000)
        check_range("cohorts", self, ("resamples", "bootstraps", "restarts"), 1, 10_000)
        check_range("cohorts", self, ("text_dimensions", "spend_categories", "profile_top"), 1, 10_000)
        check_range("cohorts", self, ("refit_days", "judged_days"), 1, 36_500)
        check_range("cohorts", self, ("refit_growth",), 1.0, 1e6)
        check_range(
            "cohorts", self, ("min_cohort_share", "min_stability", "min_support", "name_min_share"), 0.0, 1.0
        )
        check_range("cohorts", self, ("max_cohort_share",), self.min_cohort_share, 1.0)
        check_range("cohorts", self, ("match_overlap",), 0.01, 1.0)
        check_range("cohorts", self, ("silhouette_tolerance", "usefulness_gain"), 0.0, 1.0)
        check_range("cohorts", self, ("collinear_correlation",), 0.0, 1.0)
        check_range("cohorts", self, ("resample_share", "behaviour_variance", "interest_variance"), 0.01, 1.0)
        check_range("cohorts", self, ("share_prior_orders", "spend_weight", "text_weight"), 0.0, 1e6)
        check_range("cohorts", self, ("interest_weight",), 0.0, 1e6)
        check_range("cohorts", self, ("skew_limit", "clip_sd", "name_min_sd"), 0.0, 1e6)
        check_range("cohorts", self, ("name_min_lift",), 1.0, 1e6)
        check_range("cohorts", self, ("drift_psi", "drift_wasserstein", "drift_cohort_psi"), 0.0, 1e6)
        check_range("cohorts", self, ("rule_precision", "rule_recall"), 0.0, 1.0)
        check_range("cohorts", self, ("rule_conditions",), 1, 10)
