"""Interactions in, recommendations out: split, models, training, evaluation, lists and reasons."""
