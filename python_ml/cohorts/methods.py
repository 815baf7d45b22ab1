"""How a cohort comes about: the words of column cohort_method."""

METHOD_CLUSTERED = "k-means on behaviour, departments and text"
METHOD_NO_ORDER = "rule: no order yet"
METHOD_NONE = "none"  # cohort_selection says why
