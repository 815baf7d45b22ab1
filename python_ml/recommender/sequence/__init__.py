"""Recommenders that read the order of what a user bought: what comes next after this history."""
