"""Searching what may be searched, by words and by meaning; the rest is not even in the index."""

from projections.search.asking import By
from projections.search.view import Hit, Search

__all__ = ["By", "Hit", "Search"]
