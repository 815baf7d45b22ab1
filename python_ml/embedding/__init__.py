"""Texts become unit-length vectors with a transformer encoder."""
