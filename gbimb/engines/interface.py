"""What an engine must offer, as types: a package under ``gbimb.engines`` is one that offers it.

``BoosterInTraining`` is one booster of a fit while it trains, ``Bins`` a table cut into bins once
from which such boosters are made, and ``Engine`` the module with both and with what is done to a
trained booster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from gbimb.array_types import Matrix
    from gbimb.engines.defaults import Pace
    from gbimb.engines.trees import Trees
    from gbimb.losses import Loss


class BoosterInTraining(Protocol):
    """One booster, and the raw scores of the rows that are held out from it."""

    def update(self) -> None:
        """Add the trees of one round."""

    def held_out(self) -> NDArray[Any]:
        """Return the raw scores of the held-out rows, in rising order of row."""

    def go_on(self, loss: Loss, n_rounds: int) -> None:
        """Keep the first ``n_rounds`` rounds only, and train further ones with ``loss``."""

    def model(self, n_rounds: int) -> Any:  # text or bytes
        """Return the first ``n_rounds`` rounds in the engine's own form."""


class Bins(Protocol):
    """A table binned once, from which boosters on parts of its rows are made."""

    def external(self, X: Matrix, y: NDArray[Any], weight: NDArray[Any] | None) -> Any:
        """Return further rows, cut with the same bins, to be watched."""

    def member(
        self,
        loss: Loss,
        start: NDArray[np.float64],
        train: NDArray[np.intp] | None,
        held_out: Any,  # row numbers, or what ``external`` returned
        params: Mapping[str, Any],
    ) -> BoosterInTraining:
        """Return a booster for the rows ``train`` (None: all), watched on ``held_out``."""

    def restored(
        self,
        loss: Loss,
        start: NDArray[np.float64],
        train: NDArray[np.intp] | None,
        held_out: Any,
        params: Mapping[str, Any],
        *,
        model: str,
        rounds: int,
        held_out_matrix: Matrix | None,
    ) -> BoosterInTraining:
        """Return the booster whose first ``rounds`` rounds are ``model``, from a checkpoint."""

    def member_on(  # noqa: PLR0917  joblib passes them by position
        self,
        loss: Loss,
        start: NDArray[np.float64],
        X: Matrix,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        held_out: Any,
        params: Mapping[str, Any],
    ) -> BoosterInTraining:
        """Return a booster for other rows than those that the bins were cut from."""


class Engine(Protocol):
    """A module that trains boosters with gbimb's losses, and handles trained ones.

    Attributes
    ----------
    Bins, StreamedBins : types of :class:`Bins`
        Of a table in memory, and of a stream of rows.
    EngineError : exception
        What the library raises.
    SUFFIX : str
        Of a booster in a model file.
    MODELS_ARE_BYTES : bool
        Whether ``BoosterInTraining.model`` returns bytes rather than text.
    RANDOM_BY_TREE : set of str
        Parameters under which random numbers depend on the trees grown: no checkpoint can go on.
    MONOTONE_FORMS : dict
        Types of monotone constraints that the library takes, with an example of each.
    LISTENS : bool
        Whether a distributed booster needs a port on each machine.
    SAMPLE_ROWS : int
        Rows that are enough to cut bins from, where not all are in one place.
    NAME : str
        What people call it.
    DROPS_ZEROS : bool
        Whether it takes zeros that a sparse matrix does not store for missing values.
    MANY_CLASSES : dict
        Parameters of trees on small tables of more than two classes, if their size is left open.
    SMALL_MEMBERS : dict of dict
        Parameters of each member of the blend on small tables of two classes, likewise.
    """

    Bins: Any  # a class
    StreamedBins: Any  # a class
    EngineError: type[Exception]
    SUFFIX: str
    MODELS_ARE_BYTES: bool
    RANDOM_BY_TREE: set[str]
    MONOTONE_FORMS: dict[type, str]
    LISTENS: bool
    SAMPLE_ROWS: int
    NAME: str
    DROPS_ZEROS: bool
    MANY_CLASSES: Mapping[str, Any]
    SMALL_MEMBERS: Mapping[str, Mapping[str, Any]]

    def size_is_open(self, parameters: Any) -> bool:
        """Return whether an estimator leaves the size of its trees to the package."""

    def tree_params(
        self,
        parameters: Any,
        rows: int,
        pace: Pace,
        seed: int,
        threads: int,
    ) -> dict[str, Any]:
        """Return the library's parameters for an estimator's, checked."""

    def version(self) -> str:
        """Return the version of the library."""

    def dump(self, booster: Any) -> bytes:
        """Return a booster as it stands in a model file."""

    def load(self, data: bytes, n_outputs: int, categories: Sequence[int | None]) -> Any:
        """Return the booster in a model file, checked before the library reads it."""

    def merge(
        self,
        models: Sequence[Any],
        slope: float,
        start: NDArray[np.float64],
        weights: Sequence[float] | None = None,
    ) -> Any:
        """Return one booster with the raw score ``slope * weighted mean + start``."""

    def raw_score(self, booster: Any, X: Matrix, n_threads: int) -> NDArray[np.float64]:
        """Return the raw scores of ``X``, shape (n,) or (n, K)."""

    def trees(self, booster: Any) -> Trees:
        """Return the trees in the form that all engines share.

        Raises
        ------
        InvalidDataError
            If the booster holds what has no such form.
        """

    def feature_gains(self, booster: Any) -> NDArray[np.float64]:
        """Return the total gain of each feature."""

    def training_bytes(self, n_rows: int, n_features: int, n_outputs: int) -> int:
        """Estimate the memory that training on a stream takes at its peak."""

    def prepare_thread(self) -> None:
        """Prepare a thread that will train."""

    def synonyms(self, name: str) -> set[str]:
        """Return all names that the library has for a parameter; none if it does not know it."""

    def check_resumable(self, params: Mapping[str, Any]) -> None:
        """Raise for parameters with which a checkpoint could not go on."""

    def fit_plain_classifier(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        categorical: Sequence[int],
        **params: Any,
    ) -> tuple[Any, int]:
        """Return the library's own fitted classifier and its rounds, to compare with."""
