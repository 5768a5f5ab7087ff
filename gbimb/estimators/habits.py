"""Parameters by the names that other packages give them, and those of a loss inside."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any, Final

from gbimb.exceptions import InvalidParameterError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HABITS: Final = {
    "base_estimator": "estimator",
    "class_weight": "scale_pos_weight",
    "is_unbalance": "scale_pos_weight",
    "iterations": "n_estimators",
    "max_iter": "n_estimators",
    "metric": "eval_metric",
    "nthread": "n_jobs",
    "num_boost_round": "n_estimators",
    "num_iterations": "n_estimators",
    "num_threads": "n_jobs",
    "objective": "loss",
    "seed": "random_state",
    "verbosity": "verbose",
}
OF_LOSS: Final = "loss__"


def unknown_parameter(kind: Any, given: Iterable[str]) -> str | None:  # a class
    """Return what to say of a name that is no parameter of the estimator ``kind``, if one is."""
    own = _own(kind)
    for name in given:
        if name not in own and not _hands_on(kind):
            return f"{name} is not a parameter of {kind.__name__}. {_remedy(name, own)}"
    return None


@cache
def _own(kind: Any) -> list[str]:  # a class
    names: list[str] = kind._get_param_names()  # noqa: SLF001  scikit-learn's
    return names


def _hands_on(kind: Any) -> bool:  # a class
    """Whether a subclass takes any name, to give it to the constructor of its parent."""
    return any(p.kind is p.VAR_KEYWORD for p in signature(kind.__init__).parameters.values())


def _remedy(name: str, own: list[str]) -> str:
    usual = HABITS.get(name, name)
    if usual in own:
        form = ", a number, 'balanced' or a dict of label to weight" * (usual == "scale_pos_weight")
        return f"Use {usual}{form}."
    if near := get_close_matches(name, own, n=1, cutoff=0.7):
        return f"Did you mean {near[0]!r}?"
    if usual == "scale_pos_weight":
        inner = "Give scale_pos_weight to the classifier in estimator."
        return inner if "estimator" in own else "The search tries weights of classes by itself."
    if "engine_params" in own:
        return "A parameter of the engine goes into engine_params."
    return f"It has {', '.join(own)}."


def loss_params(loss: object) -> dict[str, Any]:
    """Return the parameters of a loss as ``loss__<name>``; none of the name of one."""
    if not is_dataclass(loss) or isinstance(loss, type):
        return {}
    return {f"{OF_LOSS}{f.name}": getattr(loss, f.name) for f in fields(loss) if f.init}


def with_loss_params(loss: Any, changed: Mapping[str, Any]) -> Any:  # a loss
    """Return ``loss``, which is never changed itself, with other parameters."""
    known = loss_params(loss)
    for name in changed.keys() - known.keys():
        if known:
            raise unknown_name(name, name, known)
        msg = (
            f"{name} must belong to a loss such as FocalLoss(), got loss={loss!r}. "
            f"Set loss=FocalLoss(), or use {name.removeprefix(OF_LOSS)}."
        )
        raise InvalidParameterError(msg)
    return replace(loss, **{k.removeprefix(OF_LOSS): v for k, v in changed.items()})
