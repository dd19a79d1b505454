"""Vectors of float32 for the numba kernels of dynamic time warping: the width, and what is done with them.

Numba has no vector type, and its loop vectoriser cannot see through the diagonal dependency of the recurrence. These
map one to one on LLVM's vector instructions, which exist on every processor (in several registers where they must).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
from llvmlite import ir
from numba import extending, types  # noqa: TID253 (a kernel file, imported inside functions only)
from numba.core import cgutils  # noqa: TID253
from numba.core.datamodel import models  # noqa: TID253

# Sixteen lanes fill an AVX-512 register, eight an AVX one or two of NEON; twice as many would spill.
LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f", False) else 8
intrinsic: Any = extending.intrinsic  # its own annotations take the typing context for an argument
_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_INDEX = ir.VectorType(ir.IntType(32), LANES)


class Vector(types.Type):
    """The numba type of `LANES` float32 in a register."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


@extending.register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, _VECTOR)


vector = Vector()


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [index])


def _lanes(numbers: list[int]) -> ir.Constant:
    return ir.Constant(_INDEX, numbers)


def _splat(builder: Any, scalar: Any, kind: ir.VectorType) -> Any:
    only = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(only, ir.Constant(kind, ir.Undefined), _lanes([0] * LANES))


@intrinsic
def load(_typing: Any, array: Any, index: Any) -> tuple[Any, Callable]:
    """array[index : index + LANES] of a flat float32 array, unchecked."""

    def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = builder.bitcast(_address(context, builder, array, *arguments), _VECTOR.as_pointer())
        return builder.load(pointer, align=4)

    return vector(array, types.intp), emit


@intrinsic
def store(_typing: Any, array: Any, index: Any, value: Any) -> tuple[Any, Callable]:
    """Write array[index : index + LANES] of a flat float32 array, unchecked."""

    def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = builder.bitcast(_address(context, builder, array, *arguments[:2]), _VECTOR.as_pointer())
        builder.store(arguments[2], pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), emit


@intrinsic
def spread(_typing: Any, array: Any, index: Any) -> tuple[Any, Callable]:
    """array[index] in every lane, unchecked."""

    def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _splat(builder, builder.load(_address(context, builder, array, *arguments)), _VECTOR)

    return vector(array, types.intp), emit


@intrinsic
def splat(_typing: Any, value: Any) -> tuple[Any, Callable]:
    """A float32 in every lane."""
    return vector(types.float32), lambda _context, builder, _signature, arguments: _splat(
        builder, arguments[0], _VECTOR
    )


@intrinsic
def add(_typing: Any, a: Any, b: Any) -> tuple[Any, Callable]:
    """a + b."""
    return vector(vector, vector), lambda _context, builder, _signature, arguments: builder.fadd(*arguments)


def _call(name: str, arity: int) -> Callable:
    def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * arity)
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32")
        return builder.call(function, arguments)

    return emit


@intrinsic
def multiply_add(_typing: Any, a: Any, b: Any, c: Any) -> tuple[Any, Callable]:
    """a b + c, fused where the processor can."""
    return vector(vector, vector, vector), _call("fmuladd", 3)


@intrinsic
def root(_typing: Any, a: Any) -> tuple[Any, Callable]:
    """The square root."""
    return vector(vector), _call("sqrt", 1)


def _choose(relation: str) -> Callable:
    def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered(relation, *arguments), *arguments)

    return emit


@intrinsic
def smaller(_typing: Any, a: Any, b: Any) -> tuple[Any, Callable]:
    """The smaller of a and b."""
    return vector(vector, vector), _choose("<")


@intrinsic
def larger(_typing: Any, a: Any, b: Any) -> tuple[Any, Callable]:
    """The larger of a and b."""
    return vector(vector, vector), _choose(">")


@intrinsic
def select_below(_typing: Any, a: Any, b: Any, yes: Any, no: Any) -> tuple[Any, Callable]:
    """`yes` in the lanes where a < b, `no` in the others."""

    def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", *arguments[:2]), *arguments[2:])

    return vector(vector, vector, vector, vector), emit


@intrinsic
def slide(_typing: Any, value: Any, incoming: Any) -> tuple[Any, Callable]:
    """value[1:], then incoming[0]."""

    def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.shuffle_vector(*arguments, _lanes(list(range(1, LANES + 1))))

    return vector(vector, vector), emit


@intrinsic(prefer_literal=True)
def delay(_typing: Any, new: Any, old: Any, steps: Any) -> tuple[Any, Callable]:
    """`old` in the lanes whose distance to the last lane has the bit `steps`, `new` in the others."""
    bit = steps.literal_value

    def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        chosen = [lane + LANES if (LANES - 1 - lane) & bit else lane for lane in range(LANES)]
        return builder.shuffle_vector(arguments[0], arguments[1], _lanes(chosen))

    return vector(vector, vector, steps), emit
