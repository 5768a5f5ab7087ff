"""Classifiers over many members: a fixed portfolio, and a search."""
