"""A made-up shop whose hidden truth is known, so that what Shoal finds can be held against it."""
