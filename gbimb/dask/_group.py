"""The processes of a fit as one of them sees them: sums over all, and losses that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gbimb.engines.xgboost import all_reduce

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gbimb.array_types import Float32Array
    from gbimb.losses import Loss


class Group:
    """Adds up small arrays over the processes, and counts the bytes that this one puts in.

    Attributes
    ----------
    n_bytes, n_calls : int
    """

    def __init__(self) -> None:
        self.n_bytes = 0
        self.n_calls = 0

    def __call__(self, values: NDArray[Any], how: str = "sum") -> NDArray[Any]:
        """Return the "sum", "min" or "max" over the processes, element by element."""
        self.n_bytes += values.nbytes
        self.n_calls += 1
        return all_reduce(values, how)


class GlobalLoss:
    """A loss over the rows of all processes, as a booster in training wants it.

    Pointwise losses are what they are. Those of the whole training set depend on its sums, which
    are added up: their gradients are the exact ones.
    """

    def __init__(self, loss: Loss, group: Group) -> None:
        self._loss = loss
        self._group = group
        self.n_outputs = loss.n_outputs
        self.warm_up = loss.warm_up

    def gradient_curvature(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
        out: tuple[Float32Array, Float32Array] | None = None,
    ) -> tuple[Float32Array, Float32Array]:
        """Return gradient and curvature of the rows of this process."""
        loss: Any = self._loss
        if loss.pointwise:
            return loss.gradient_curvature(y_true, raw_score, sample_weight, out)  # type: ignore[no-any-return]
        own = loss.sums(y_true, raw_score, sample_weight)
        sums = loss.sums_class.from_array(self._group(own.as_array()))
        return loss.gradient_curvature(y_true, raw_score, sample_weight, out, sums=sums)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        """Name the loss."""
        return repr(self._loss)
