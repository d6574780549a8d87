"""Pseudo-random numbers that Python and Swift (TestSupport/Formula.swift) compute identically, so that inputs need not be stored."""
import numpy as np


def salt_of(name):
    """Returns the 32-bit FNV-1a hash of a name."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def formula(name, count):
    """Returns `count` numbers in [-1, 1), exact in single precision."""
    index = np.arange(count, dtype=np.uint64)
    h = (index * 2654435761 + salt_of(name)) & 0xFFFFFFFF
    for _ in range(2):
        h = h ^ (h >> 16)
        h = (h * 0x045D9F3B) & 0xFFFFFFFF
    h = h ^ (h >> 16)
    return (h >> 8).astype(np.float64) / 2**23 - 1


def shaped(name, *shape):
    return formula(name, int(np.prod(shape))).reshape(shape)
