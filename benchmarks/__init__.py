"""Measurements, never part of `make test`: `make bench`, or `make bench NAME=recommender`."""
