"""Gives memory back to the system that large images took."""

from __future__ import annotations

import ctypes
import sys

# From glibc's malloc.h; https://man7.org/linux/man-pages/man3/mallopt.3.html
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# Low enough for the 16 MiB blocks that Pillow decodes into, high enough that the buffers of an ordinary photograph are
# kept: with 2 MiB every call mapped and unmapped them, which cost 3 ms of system time.
_TRIM_BYTES, _MMAP_BYTES = 32 << 20, 8 << 20


def give_back_large_blocks() -> None:
    """Have blocks from 8 MiB on returned when they are freed, where the C library is glibc.

    glibc raises this bound by itself to as much as 32 MiB when a large block is freed; blocks below it then stay with
    the process. After eight images of 100 million pixels at once that made 3 GB of memory at rest instead of 0.2.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library, such as musl, which returns large blocks anyway
    mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)
