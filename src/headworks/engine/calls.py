"""Calls of machine code by its address, for compiled drivers.

What is called is made by :mod:`headworks.engine.codegen`: a C function of whole numbers and pointers, so a call costs what it
costs in C and the driver need not be compiled anew for another block.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _call_of(kinds: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return signature and code of a call whose first argument is the address; arrays go as the pointer to their data."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = []
        for kind, argument in zip(kinds[1:], arguments[1:], strict=True):
            if isinstance(kind, types.Array):
                proxy: Any = cgutils.create_struct_proxy
                argument = proxy(kind)(context, builder, value=argument).data
            given.append(argument)
        function = ir.FunctionType(ir.VoidType(), [a.type for a in given])
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(*kinds), code


@intrinsic
def call_live(
    typing: Any, address: Any, first: Any, last: Any, instant: Any, tab: Any, blocks: Any,
    params: Any, floats: Any, ints: Any, rings: Any, tables: Any, value: Any, status: Any,
) -> Any:  # fmt: skip
    """Run the blocks first … last of a group over the tick of `instant` [µs]."""
    return _call_of((address, first, last, instant, tab, blocks, params, floats, ints, rings, tables, value, status))


@intrinsic
def call_history(
    typing: Any, address: Any, k: Any, ticks: Any, stride: Any, instant: Any, tick: Any, tab: Any, blocks: Any, lin: Any,
    params: Any, floats: Any, ints: Any, rings: Any, tables: Any, value: Any, status: Any,
) -> Any:  # fmt: skip
    """Run block k over `ticks` ticks from `instant` [µs] on; a signal is `stride` places long."""
    return _call_of(
        (address, k, ticks, stride, instant, tick, tab, blocks, lin, params, floats, ints, rings, tables, value, status)
    )
