"""Points of edwards25519 (RFC 8032, section 5.1) in plain integers, as fast as Python gives: for public values only.

A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, T = XY/Z. Sums of several multiples are computed together (Straus):
they share the doublings, and each scalar adds from a table of odd multiples where its signed digits are not zero.
The time depends on the scalars, so no secret may ever come here.
"""

from __future__ import annotations

from collections.abc import Sequence

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
SIZE = 32
_D = -121665 * pow(121666, -1, P) % P
_D2 = 2 * _D % P
_SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)
_WIDTH = 5  # of the signed digits: odd, below 16 in size; a table has 8 multiples

Point = tuple[int, int, int, int]
Addend = tuple[int, int, int, int]  # Y - X, Y + X, 2dT, 2Z: what an addition needs of its second point
Table = tuple[dict[int, Addend], ...]
IDENTITY: Point = (0, 1, 1, 0)


def decode(data: bytes) -> Point | None:
    """The point that 32 bytes stand for, or None; y must be below P, and there is no negative zero."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if len(data) != SIZE or y >= P:
        return None
    square = y * y % P
    x = _root((square - 1) % P, (_D * square + 1) % P)
    if x is None or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _root(above: int, below: int) -> int | None:
    """The square root of a fraction mod P, or None (RFC 8032, section 5.1.3)."""
    cubed = below * below % P * below % P
    found = above * cubed % P * pow(above * cubed % P * cubed % P * below % P, (P - 5) // 8, P) % P
    square = below * found % P * found % P
    if square == above:
        return found
    return found * _SQRT_MINUS_ONE % P if square == P - above else None


def encode(point: Point) -> bytes:
    """The 32 bytes that stand for a point."""
    inverse = pow(point[2], -1, P)
    return (point[1] * inverse % P | (point[0] * inverse % P & 1) << 255).to_bytes(SIZE, "little")


def add(point: Point, other: Addend) -> Point:
    """The sum (RFC 8032, section 5.1.4)."""
    x, y, z, t = point
    less, more, t2d, twice = other
    a, b, c, d = (y - x) * less % P, (y + x) * more % P, t * t2d % P, z * twice % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(point: Point) -> Point:
    """Twice the point."""
    x, y, z, _ = point
    a, b, e = x * x % P, y * y % P, -2 * x * y % P
    h, g = a + b, a - b
    f = 2 * z * z % P + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def times_cofactor(point: Point) -> Point:
    """Eight times the point."""
    return double(double(double(point)))


def is_identity(point: Point) -> bool:
    """Whether this is the neutral point."""
    return point[0] % P == 0 and (point[1] - point[2]) % P == 0


def addend(point: Point) -> Addend:
    """A point in the form in which it is added."""
    x, y, z, t = point
    return (y - x) % P, (y + x) % P, t * _D2 % P, 2 * z


def odd_multiples(point: Point) -> dict[int, Addend]:
    """±1, ±3, … ±15 times the point, ready to be added."""
    table, step, current = {}, addend(double(point)), point
    for multiple in range(1, 1 << (_WIDTH - 1), 2):
        less, more, t2d, twice = table[multiple] = addend(current)
        table[-multiple] = (more, less, -t2d, twice)
        current = add(current, step)
    return table


def sum_of(terms: Sequence[tuple[int, dict[int, Addend]]]) -> Point:
    """The sum of multiples: each a scalar from 0 on, and the point's `odd_multiples`."""
    steps: dict[int, list[Addend]] = {}
    for scalar, table in terms:
        for place, digit in _digits(scalar):
            steps.setdefault(place, []).append(table[digit])
    x, y, z, t = IDENTITY
    for place in range(max(steps, default=0), -1, -1):
        # Doubling, as `double`, without T where no addition follows that needs it.
        a, b, e = x * x % P, y * y % P, -2 * x * y % P
        h, g = a + b, a - b
        f = 2 * z * z % P + g
        x, y, z = e * f % P, g * h % P, f * g % P
        if place in steps:
            t = e * h % P
            for other in steps[place]:
                x, y, z, t = add((x, y, z, t), other)
    return x, y, z, t


def _digits(scalar: int) -> list[tuple[int, int]]:
    """The scalar in signed odd digits (w-NAF): pairs of place and digit, the sum of digit * 2^place."""
    found, place = [], 0
    while scalar:
        zeroes = (scalar & -scalar).bit_length() - 1
        scalar >>= zeroes
        place += zeroes
        digit = scalar & ((1 << _WIDTH) - 1)
        if digit >> (_WIDTH - 1):
            digit -= 1 << _WIDTH
        found.append((place, digit))
        scalar -= digit
    return found


BASE: Point = decode((4 * pow(5, -1, P) % P).to_bytes(SIZE, "little")) or IDENTITY
