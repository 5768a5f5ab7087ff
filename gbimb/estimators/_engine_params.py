"""Further engine parameters, with those refused that would do nothing or contradict ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from gbimb._validation import check_number
from gbimb.exceptions import InvalidParameterError, InvalidTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@contextmanager
def engine_sentences(estimator: Any) -> Iterator[None]:  # noqa: ANN401  either estimator
    """Turn what an engine raises into one sentence."""
    engine = estimator._engine  # noqa: SLF001  same package
    try:
        yield
    except engine.EngineError as error:
        name = engine.__name__.rpartition(".")[2]
        # The first line, without the place in the engine's source.
        reason = str(error).partition("\n")[0].rpartition("Check failed: ")[2].strip(" .")
        msg = f"engine_params must be what {name} allows, got {estimator.engine_params}: {reason}."
        if not estimator.engine_params:
            msg = f"{name} cannot train with these parameters or on this table: {reason}."
        raise InvalidParameterError(msg) from None


def check_tree_numbers(estimator: Any) -> None:  # noqa: ANN401  either estimator
    """Refuse numbers outside the range that both engines allow."""
    if estimator.learning_rate is not None:
        check_number("learning_rate", estimator.learning_rate, low=0, low_open=True, high_open=True)
    for name in ("min_child_weight", "reg_alpha", "reg_lambda"):
        check_number(name, getattr(estimator, name), low=0, high_open=True)
    for name in ("subsample", "colsample_bytree"):
        if getattr(estimator, name) is not None:
            check_number(name, getattr(estimator, name), low=0, high=1, low_open=True)


def check_engine_params(
    engine_params: dict[str, Any] | None,
    ignored: Mapping[str, str],
    taken: Mapping[str, str | None],
    synonyms: Callable[[str], set[str]],
) -> dict[str, Any]:
    """Return a copy of ``engine_params``, or raise with what to use instead.

    Parameters
    ----------
    engine_params : dict or None
    ignored : mapping
        Names that the engine ignores under a custom objective, with the remedy.
    taken : mapping
        Names that the estimator sets, with its own name for them (None: it decides).
    synonyms : callable
        From a name to all names that the engine has for it; none if it does not know it.
    """
    if engine_params is None:
        return {}
    if not isinstance(engine_params, dict):
        msg = f"engine_params must be a dict or None, got {engine_params!r}."
        raise InvalidTypeError(msg)
    for name, value in cast("dict[Any, Any]", engine_params).items():
        if not isinstance(name, str) or value is None:
            msg = f"engine_params must hold values by name, got {name!r}: {value!r}. Leave it out."
            raise InvalidTypeError(msg)
        names = synonyms(name)
        for main in taken.keys() & {name, *names}:
            own = taken[main]
            remedy = f"use {own}=..." if own else "the estimator sets it itself"
            msg = f"engine_params must not hold {name!r}: {remedy}."
            raise InvalidParameterError(msg)
        for main in ignored.keys() & {name, *names}:
            msg = (
                f"engine_params must not hold {name!r}: the engine ignores it under a custom "
                f"objective. Instead, {ignored[main]}."
            )
            raise InvalidParameterError(msg)
        if not names:
            msg = f"engine_params must hold parameters of the engine, which has no {name!r}."
            raise InvalidParameterError(msg)
    return dict(engine_params)
