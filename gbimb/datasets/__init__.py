"""Real imbalanced tables that come with gbimb.

``names()`` lists them and ``load(name)`` reads one. They are small enough to try things on and
varied enough to show where a method fails: from 1,484 to 100,000 rows, from 0.5 % to 10 %
positives, with categories and missing values. Nothing is downloaded.
"""

from gbimb.datasets._registry import load, names
from gbimb.datasets._table import Table

__all__ = ["Table", "load", "names"]
