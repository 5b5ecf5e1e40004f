# pyright: basic
# numba intrinsics are typed by LLVM, not by Python
"""Raw memory for the compiled kernel: words by address, from the C allocator."""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_WORD = ir.IntType(64)
_REAL = ir.DoubleType()
_HALF = ir.IntType(32)
_BYTE = ir.IntType(8)

allocate = types.ExternalFunction("malloc", types.int64(types.int64))
resize = types.ExternalFunction("realloc", types.int64(types.int64, types.int64))
release = types.ExternalFunction("free", types.void(types.int64))
move = types.ExternalFunction("memmove", types.int64(types.int64, types.int64, types.int64))
fill = types.ExternalFunction("memset", types.int64(types.int64, types.int32, types.int64))


def _pointer(builder, address, index, kind, size=8):
    offset = builder.mul(index, ir.Constant(_WORD, size))
    return builder.inttoptr(builder.add(address, offset), kind.as_pointer())


@intrinsic
def get(_context, address, index):
    """The integer word `index` words after `address`."""

    def generate(_target, builder, _signature, args):
        return builder.load(_pointer(builder, args[0], args[1], _WORD), typ=_WORD)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def put(_context, address, index, word):
    """Store an integer word."""

    def generate(target, builder, _signature, args):
        builder.store(args[2], _pointer(builder, args[0], args[1], _WORD))
        return target.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def get_half(_context, address, index):
    """The unsigned 32-bit half-word `index` half-words after `address`."""

    def generate(_target, builder, _signature, args):
        half = builder.load(_pointer(builder, args[0], args[1], _HALF, 4), typ=_HALF)
        return builder.zext(half, _WORD)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def put_half(_context, address, index, word):
    """Store the lower half of a word."""

    def generate(target, builder, _signature, args):
        pointer = _pointer(builder, args[0], args[1], _HALF, 4)
        builder.store(builder.trunc(args[2], _HALF), pointer)
        return target.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def get_byte(_context, address, index):
    """The unsigned byte `index` bytes after `address`."""

    def generate(_target, builder, _signature, args):
        byte = builder.load(_pointer(builder, args[0], args[1], _BYTE, 1), typ=_BYTE)
        return builder.zext(byte, _WORD)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def get_real(_context, address, index):
    """The float word `index` words after `address`."""

    def generate(_target, builder, _signature, args):
        return builder.load(_pointer(builder, args[0], args[1], _REAL), typ=_REAL)

    return types.float64(types.int64, types.int64), generate


@intrinsic
def put_real(_context, address, index, value):
    """Store a float word."""

    def generate(target, builder, _signature, args):
        builder.store(args[2], _pointer(builder, args[0], args[1], _REAL))
        return target.get_dummy_value()

    return types.void(types.int64, types.int64, types.float64), generate


@intrinsic
def prefetch(_context, address):
    """Ask for the cache line at `address`, so that several misses are waited for at once."""

    def generate(target, builder, _signature, args):
        pointer = builder.inttoptr(args[0], _BYTE.as_pointer())
        flag = _HALF
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, *(ir.Constant(flag, n) for n in (0, 3, 1))])
        return target.get_dummy_value()

    return types.void(types.int64), generate
