"""The first memory of a table, from the same allocator that the kernel frees it with."""

import ctypes

_LIBRARY = ctypes.CDLL(None)
_LIBRARY.calloc.restype = ctypes.c_void_p
_LIBRARY.calloc.argtypes = (ctypes.c_size_t, ctypes.c_size_t)


def new_slots(count: int) -> int:
    """The address of `count` empty key slots of two words."""
    address: int | None = _LIBRARY.calloc(count, 16)
    if address is None:
        raise MemoryError
    return address
