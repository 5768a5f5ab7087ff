"""gbimb on a Dask cluster: the same estimators where the rows do not fit on one machine.

Only small arrays travel: the histograms of the engines, the sums of a loss, and counts for the
metrics. Needs ``pip install "gbimb[dask]"``.
"""

from __future__ import annotations

from importlib import import_module

from gbimb.exceptions import MissingDependencyError

try:
    for _needed in ("dask.array", "dask.dataframe", "distributed"):
        import_module(_needed)
except ImportError as error:
    _MSG = 'gbimb.dask needs Dask, which is not installed: pip install "gbimb[dask]".'
    raise MissingDependencyError(_MSG) from error

from gbimb.dask._bagging import DaskUnderBaggingClassifier
from gbimb.dask._blend import DaskImbalancedClassifier
from gbimb.dask._classifiers import DaskImbalancedLGBMClassifier, DaskImbalancedXGBClassifier

__all__ = [
    "DaskImbalancedClassifier",
    "DaskImbalancedLGBMClassifier",
    "DaskImbalancedXGBClassifier",
    "DaskUnderBaggingClassifier",
]
