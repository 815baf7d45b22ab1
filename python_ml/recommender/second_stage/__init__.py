"""Ranks what the other models suggest, by what became of their suggestions in the window before."""
