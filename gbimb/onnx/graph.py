"""A graph while it is written: nodes, constants and names that do not collide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx
    from numpy.typing import NDArray

# TreeEnsemble is of the fifth version of ONNX's operators for machine learning. What else is used
# is older than opset 18, with which every runtime that has it can start.
OPSET: Final = 18
ML_OPSET: Final = 5
IR_VERSION: Final = 10
ML: Final = "ai.onnx.ml"
DOUBLE: Final[int] = TensorProto.DOUBLE
FLOAT: Final[int] = TensorProto.FLOAT
INT64: Final[int] = TensorProto.INT64
STRING: Final[int] = TensorProto.STRING
BOOL: Final[int] = TensorProto.BOOL


class Graph:
    """Nodes and constants in the order in which they were added.

    Parameters
    ----------
    taken : sequence of str
        Names of inputs and outputs, which no other value may have.
    """

    def __init__(self, taken: Sequence[str]) -> None:
        self._taken = set(taken)
        self._nodes: list[onnx.NodeProto] = []
        self._same: dict[bytes, str] = {}  # nodes without their outputs
        self._begins: dict[str, tuple[str, int]] = {}  # matrices by those that they begin with
        self._constants: dict[tuple[Any, ...], str] = {}
        self._initializers: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node with one output, if there is none like it, and return the name of that."""
        domain = ML if operator in {"LabelEncoder", "TreeEnsemble"} else ""
        node = helper.make_node(operator, list(inputs), [], domain=domain, **attributes)
        key = node.SerializeToString(deterministic=True)
        if output is None and key in self._same:
            return self._same[key]
        name = output or self._new(operator.lower())
        node.output.append(name)
        self._nodes.append(node)
        return self._same.setdefault(key, name)

    def split(self, value: str, parts: int, axis: int = 1) -> list[str]:
        """Return parts of equal length along an axis."""
        if parts == 1:
            return [value]
        names = [self._new("part") for _ in range(parts)]
        node = helper.make_node("Split", [value], names, axis=axis, num_outputs=parts)
        self._nodes.append(node)
        return names

    def constant(self, value: Any, dtype: Any = np.float64) -> str:
        """Return the name of a constant; texts are an object array."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, tensor(array).SerializeToString())
        if key not in self._constants:
            name = self._new("constant")
            self._initializers.append(tensor(array, name))
            self._constants[key] = name
        return self._constants[key]

    def _new(self, base: str) -> str:
        number = len(self._nodes) + len(self._initializers)
        name = f"{base}_{number}"
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    # Arithmetic in double precision; numbers are constants.

    def _operand(self, value: str | float | NDArray[Any]) -> str:
        return value if isinstance(value, str) else self.constant(value)

    def mul(self, a: Any, b: Any) -> str:
        """Return ``a * b``."""
        return self.add("Mul", self._operand(a), self._operand(b))

    def sum(self, a: Any, b: Any) -> str:
        """Return ``a + b``."""
        return self.add("Add", self._operand(a), self._operand(b))

    def sub(self, a: Any, b: Any) -> str:
        """Return ``a - b``."""
        return self.add("Sub", self._operand(a), self._operand(b))

    def div(self, a: Any, b: Any) -> str:
        """Return ``a / b``."""
        return self.add("Div", self._operand(a), self._operand(b))

    def clip(self, value: str, low: float, high: float) -> str:
        """Return ``value`` in [low, high]."""
        return self.add("Clip", value, self.constant(low), self.constant(high))

    def at_least(self, a: Any, b: Any) -> str:
        """Return ``a >= b``."""
        return self.add("GreaterOrEqual", self._operand(a), self._operand(b))

    def where(self, condition: str, a: Any, b: Any) -> str:
        """Return ``a`` where the condition holds, else ``b``."""
        return self.add("Where", condition, self._operand(a), self._operand(b))

    def columns(self, value: str, places: Sequence[int]) -> str:
        """Return some columns, in that order."""
        return self.add("Gather", value, self.constant(places, np.int64), axis=1)

    def column(self, matrix: str, place: int) -> str:
        """Return one column, shape (n,), of the narrowest matrix that has it."""
        while matrix in self._begins and place < self._begins[matrix][1]:
            matrix = self._begins[matrix][0]
        return self.add("Gather", matrix, self.constant(place, np.int64), axis=1)

    def wider(self, matrix: str, width: int, *more: str) -> str:
        """Return a matrix of ``width`` columns with more to its right."""
        name = self.add("Concat", matrix, *more, axis=1)
        self._begins[name] = matrix, width
        return name

    def side_by_side(self, parts: Sequence[str]) -> str:
        """Return the columns of several matrices as one."""
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=1)

    def cast(self, value: str, dtype: Any) -> str:
        """Return ``value`` as floats of another precision."""
        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def flat(self, value: str, output: str | None = None) -> str:
        """Return shape (n,) of shape (n, 1)."""
        return self.add("Squeeze", value, self.constant([1], np.int64), output=output)

    def over_last(self, operator: str, value: str) -> str:
        """Reduce the last axis, which is kept with length 1."""
        return self.add(operator, value, self.constant([-1], np.int64), keepdims=1)

    def finish(
        self,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
        version: str,
    ) -> onnx.ModelProto:
        """Return the whole as a model, checked by ONNX's own checker."""
        from onnx import checker

        graph = helper.make_graph(
            self._nodes, "gbimb", inputs, outputs, initializer=self._initializers
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=IR_VERSION,
            producer_name="gbimb",
            producer_version=version,
        )
        checker.check_model(model)
        return model


def tensor(array: NDArray[Any], name: str = "values") -> onnx.TensorProto:
    """Return an array as ONNX has it; an object array holds texts."""
    if array.dtype == object:
        texts = [str(text).encode() for text in array.ravel()]
        return helper.make_tensor(name, STRING, array.shape, texts)
    return numpy_helper.from_array(np.asarray(array, order="C"), name)


def value(name: str, kind: int, *shape: str | int) -> onnx.ValueInfoProto:
    """Describe an input or output."""
    return helper.make_tensor_value_info(name, kind, shape)
