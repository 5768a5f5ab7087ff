from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import gbimb
from gbimb.model.values import decode, encode
from tests.persistence.archives import refuse, with_state
from tests.persistence.models import saved

if TYPE_CHECKING:
    from pathlib import Path


def array(values: list[Any], dtype: str = "float64", **more: object) -> dict[str, Any]:
    return {"type": "array", "dtype": dtype, "shape": [len(values)], "values": values, **more}


FOUR = [0.1] * 4
BASE64 = {"type": "array", "dtype": "float64", "shape": [4], "base64": "AAAA"}


@pytest.mark.parametrize(
    "value",
    [
        array(FOUR, shape=[10**12]),
        array(FOUR, shape=[-4]),
        array(FOUR, shape=[2.0, 2]),
        array(FOUR, shape=[1, 2, 2]),
        array(FOUR, shape=4),
        array(FOUR, "O,O"),
        array(FOUR, "longdouble"),
        array(FOUR, "datetime64[ns]"),
        array(FOUR, extra=1),
        array([1] * 4),
        array(["0.1"] * 4),
        array([{"type": "x"}] * 4),
        array(["a"] * 4, "str999999999"),
        array(["a"] * 99, "str999999"),
        array(["long"] * 4, "str3"),
        array([300] * 4, "uint8"),
        array([-1] * 4, "uint64"),
        array([True] * 4, "uint8"),
        array([[0.1]] * 4, "object"),
        {**array(FOUR), "values": "AAAA"},
        BASE64,
        {**BASE64, "base64": "!!!!"},
        {**BASE64, "base64": 3},
        {**BASE64, "dtype": "object"},
        {**BASE64, "dtype": "str4"},
        {**BASE64, "values": []},
        {"type": "array", "dtype": "bool", "shape": [3], "base64": "AAEC"},
        {"type": "scalar", "dtype": "float64", "values": []},
        {"type": "scalar", "dtype": "float64", "values": FOUR},
        {"type": "scalar", "dtype": "object", "values": [0.1]},
    ],
    ids=str,
)
def test_arrays_that_are_not_what_they_say_are_refused(value: object, tmp_path: Path) -> None:
    data = with_state(
        saved("lightgbm"), lambda state: state["fitted"].update(feature_importances_=value)
    )
    refuse(data, tmp_path / "x", "feature_importances_ does not have the form")


@pytest.mark.parametrize(
    "value",
    [
        array([0.1] * 3),
        array([{"type": "float", "value": "inf"}] * 4),
        array([1e300] * 4, "float32"),
        array(FOUR, "object"),
        array(FOUR, shape=[2, 2]),
        array([1] * 4, "int64"),
        {"type": "scalar", "dtype": "float64", "values": [0.1]},
        FOUR,
    ],
    ids=str,
)
def test_arrays_of_another_kind_are_refused(value: object, tmp_path: Path) -> None:
    data = with_state(
        saved("lightgbm"), lambda state: state["fitted"].update(feature_importances_=value)
    )
    refuse(data, tmp_path / "x", "feature_importances_ of .* must be a number for each column")


@pytest.mark.parametrize("shape", [[0, 1 << 62], [1 << 62, 0], [0, 1 << 70]], ids=str)
def test_a_shape_beyond_what_numpy_has_is_refused_in_a_sentence(shape: list[int]) -> None:
    array = {"type": "array", "dtype": "float64", "shape": shape, "values": []}
    with pytest.raises(gbimb.exceptions.InvalidDataError, match="does not have the form"):
        decode(array, "threshold_")


KEY = array([1] * 624, "uint32")


def generator(*state: object) -> dict[str, Any]:
    return {"type": "random_state", "state": list(state)}


@pytest.mark.parametrize(
    "state",
    [
        (KEY, 625, 0, 0.0),
        (KEY, 2**31 - 1, 0, 0.0),
        (KEY, -1, 0, 0.0),
        (KEY, 1.0, 0, 0.0),
        (KEY, True, 0, 0.0),
        (KEY, 1, 2, 0.0),
        (KEY, 1, 0, None),
        (KEY, 1, 0),
        (array([1] * 623, "uint32"), 1, 0, 0.0),
        (array([1] * 624, "int64"), 1, 0, 0.0),
        (array([1.0] * 624), 1, 0, 0.0),
        ([1] * 624, 1, 0, 0.0),
    ],
    ids=lambda state: str(state)[-40:],
)
def test_a_generator_that_would_read_beyond_its_state_is_refused(
    state: tuple[Any, ...], tmp_path: Path
) -> None:
    data = with_state(
        saved("lightgbm"), lambda s: s["params"].update(random_state=generator(*state))
    )
    refuse(data, tmp_path / "x", "random_state does not have the form")


def test_a_generator_goes_on_where_it_was() -> None:
    before = np.random.RandomState(3)
    before.normal(size=3)
    after = decode(encode(before, "random_state"), "random_state")
    np.testing.assert_array_equal(after.normal(size=700), before.normal(size=700))
    assert decode(generator(KEY, 624, 0, 0.0), "random_state").randint(9) >= 0
