"""Points of edwards25519 (RFC 8032, section 5.1), as the VRF needs them.

Two kinds of scalar multiplication stand here. `multiply` is plain Python and takes a time that depends on the
scalar: it is for public values only, that is for verifying. `SecretScalar` is for secret ones: it hands the
work to OpenSSL's X25519, which runs in constant time, and translates between the curves. X25519 gives only
the u-coordinate and takes only scalars 8t with 2^251 <= t < 2^252, so:

* a multiple by k of a point of prime order L is found by a t with t = +-k/8 (mod L) in that range (there is
one
  for all but a 2^-125 part of the scalars), the sign being applied at the end;
* the v-coordinate follows from a second call with t + 1, whose result is the first one's plus 8P, by the
formula
  of Okeya and Sakurai for the point where u(Q), u(Q + D) and D are known.

What is left to Python on secrets is a handful of operations on 256-bit integers, whose time may vary by
nanoseconds with their leading digits.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from candid.ledger.errors import VrfError

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, P) % P
_SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)
_A = 486662  # of curve25519: v^2 = u^3 + A u^2 + u
_INVERSE_OF_8 = pow(8, -1, L)
_LOW, _HIGH = 1 << 251, 1 << 252
POINT_SIZE = 32


def _root(numerator: int, denominator: int) -> int | None:
    """The square root of a fraction mod P, or None where it has none (RFC 8032, section 5.1.3)."""
    cubed = denominator * denominator % P * denominator % P
    seventh = cubed * cubed % P * denominator % P
    found = numerator * cubed % P * pow(numerator * seventh % P, (P - 5) // 8, P) % P
    square = denominator * found % P * found % P
    if square == numerator % P:
        return found
    if square == -numerator % P:
        return found * _SQRT_MINUS_ONE % P
    return None


# Edwards (x, y) and Montgomery (u, v) belong together by u = (1 + y) / (1 - y), v = sqrt(-486664) u / x
# (RFC 7748, section 4.1). Either root serves, as we only go there and back.
_SCALE = _root(-(_A + 2), 1) or 0


@dataclass(frozen=True, slots=True)
class Point:
    """A point in extended coordinates: x = X/Z, y = Y/Z, T = XY/Z."""

    X: int
    Y: int
    Z: int
    T: int

    @classmethod
    def decode(cls, data: bytes) -> Point | None:
        """The point that 32 bytes stand for, or None (RFC 8032, section 5.1.3; y must be below P)."""
        number = int.from_bytes(data, "little")
        sign, y = number >> 255, number & ((1 << 255) - 1)
        if len(data) != POINT_SIZE or y >= P:
            return None
        square = y * y % P
        x = _root(square - 1, _D * square + 1)
        if x is None or (x == 0 and sign):
            return None
        if x & 1 != sign:
            x = P - x
        return cls(x, y, 1, x * y % P)

    def encode(self) -> bytes:
        """The 32 bytes that stand for the point."""
        inverse = pow(self.Z, -1, P)
        x, y = self.X * inverse % P, self.Y * inverse % P
        return (y | (x & 1) << 255).to_bytes(POINT_SIZE, "little")

    def add(self, other: Point) -> Point:
        """The sum (RFC 8032, section 5.1.4)."""
        a = (self.Y - self.X) * (other.Y - other.X) % P
        b = (self.Y + self.X) * (other.Y + other.X) % P
        c = 2 * self.T * other.T % P * _D % P
        d = 2 * self.Z * other.Z % P
        e, f, g, h = b - a, d - c, d + c, b + a
        return Point(e * f % P, g * h % P, f * g % P, e * h % P)

    def double(self) -> Point:
        """Twice the point."""
        a, b = self.X * self.X % P, self.Y * self.Y % P
        c = 2 * self.Z * self.Z % P
        h = a + b
        e = h - (self.X + self.Y) ** 2 % P
        g = a - b
        f = c + g
        return Point(e * f % P, g * h % P, f * g % P, e * h % P)

    def negate(self) -> Point:
        """The point's opposite."""
        return Point(P - self.X, self.Y, self.Z, P - self.T)

    def times_cofactor(self) -> Point:
        """Eight times the point, which is of prime order or the identity."""
        return self.double().double().double()

    @property
    def is_identity(self) -> bool:
        """Whether this is the neutral point."""
        return self.X % P == 0 and (self.Y - self.Z) % P == 0


IDENTITY = Point(0, 1, 1, 0)
_BASE_Y = 4 * pow(5, -1, P) % P
BASE = Point.decode(_BASE_Y.to_bytes(POINT_SIZE, "little")) or IDENTITY


def multiply(scalar: int, point: Point) -> Point:
    """A multiple of a point. Its time depends on the scalar: for public scalars only."""
    table = [IDENTITY, point]
    for _ in range(14):
        table.append(table[-1].add(point))
    result = IDENTITY
    for shift in range((scalar.bit_length() + 3) // 4 * 4 - 4, -1, -4):
        result = result.double().double().double().double()
        result = result.add(table[scalar >> shift & 15])
    return result


class SecretScalar:
    """A secret scalar that multiplies points of prime order in constant time, within the module's limits."""

    def __init__(self, scalar: int) -> None:
        """Translate the scalar for X25519.

        Raises:
            VrfError: it is one of the few (a 2^-125 part) that cannot be translated.
        """
        eighth = scalar * _INVERSE_OF_8 % L
        self._opposite = not _LOW <= eighth < _HIGH - 1
        t = L - eighth if self._opposite else eighth
        if not _LOW <= t < _HIGH - 1:
            raise VrfError("this scalar cannot be used; choose another key")
        self._ladder = X25519PrivateKey.from_private_bytes((8 * t).to_bytes(POINT_SIZE, "little"))
        self._beside = X25519PrivateKey.from_private_bytes((8 * t + 8).to_bytes(POINT_SIZE, "little"))

    def multiply(self, point: Point) -> Point:
        """The multiple of a point of prime order, which must not be the identity."""
        step = point.times_cofactor()
        # One inversion for all: Montgomery u of the point, u and v of the step.
        n1, n2, n3 = point.Z - point.Y, step.Z - step.Y, step.X
        both = n1 * n2 % P
        inverse = pow(both * n3, -1, P)
        u = (point.Z + point.Y) * inverse % P * n2 % P * n3 % P
        step_u = (step.Z + step.Y) * inverse % P * n1 % P * n3 % P
        step_v = _SCALE * step_u % P * step.Z % P * inverse % P * both % P
        public = X25519PublicKey.from_public_bytes(u.to_bytes(POINT_SIZE, "little"))
        found = int.from_bytes(self._ladder.exchange(public), "little")
        beside = int.from_bytes(self._beside.exchange(public), "little")
        return _from_montgomery(found, beside, step_u, step_v, opposite=self._opposite)


def _from_montgomery(u: int, beside: int, step_u: int, step_v: int, *, opposite: bool) -> Point:
    """The Edwards point with Montgomery u, where `beside` is the u of it plus the step."""
    # 2 v v_D = (u u_D + 1)(u + u_D + 2A) - 2A - (u - u_D)^2 u_beside
    twice = ((u * step_u + 1) * (u + step_u + 2 * _A) - 2 * _A - (u - step_u) ** 2 * beside) % P
    # v = twice / (2 step_v); x = _SCALE u / v; y = (u - 1) / (u + 1)
    x_above, x_below = 2 * _SCALE * u % P * step_v % P, twice
    if opposite:
        x_above = P - x_above
    y_above, y_below = u - 1, u + 1
    return Point(x_above * y_below % P, y_above * x_below % P, x_below * y_below % P, x_above * y_above % P)
