"""How a cohort comes about: the words of column cohort_method. They may change, but not those of rules."""

METHOD_NO_ORDER = "rule: no order yet"
METHOD_NONE = "none"  # cohort_selection says why
RULES = (METHOD_NO_ORDER, METHOD_NONE)


def clustered_by(method: str) -> str:
    """Cohorts found by one of `python_ml.config.cohorts.METHODS`."""
    return f"{method} on behaviour, spend, texts and looks"
