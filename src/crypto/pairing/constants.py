#!/usr/bin/env python3
"""Writes the constants of the pairing-friendly curves as C.

    python3 constants.py bn254     > bn254_constants.h
    python3 constants.py bls12_381 > bls12_381_constants.h

Everything is derived from a curve's published parameters (EIP-196 and EIP-197; EIP-2537), save the
isogenies of RFC 9380, appendices E.2 and E.3, and one point of Ethereum's KZG ceremony, which stand
here as published.
"""
import sys


class Curve:
    """y^2 = x^3 + b over Fp, Fp2 = Fp[u] / (u^2 + 1), twist by xi = xi_real + u."""

    def __init__(self, p, r, b, xi_real, limbs):
        self.p, self.r, self.b, self.xi, self.limbs = p, r, b, (xi_real, 1), limbs
        self.R = 1 << (64 * limbs)

    def mul(self, a, b):
        return ((a[0] * b[0] - a[1] * b[1]) % self.p, (a[0] * b[1] + a[1] * b[0]) % self.p)

    def power(self, a, e):
        result = (1, 0)
        while e:
            if e & 1:
                result = self.mul(result, a)
            a = self.mul(a, a)
            e >>= 1
        return result

    def inverse(self, a):
        return self.power(a, self.p ** 2 - 2)

    def frobenius(self, i):
        """xi^(i (p - 1) / 6)"""
        return self.power(self.xi, i * (self.p - 1) // 6)

    def scale_point(self, k, point):
        """k (x, y) in G1, None being infinity."""
        total = None
        while k:
            if k & 1:
                total = self.add_points(total, point)
            point = self.add_points(point, point)
            k >>= 1
        return total

    def add_points(self, a, b):
        if a is None or b is None:
            return a or b
        p = self.p
        if a == b:
            slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, p)
        elif a[0] == b[0]:
            return None
        else:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, p)
        x = (slope * slope - a[0] - b[0]) % p
        return x, (slope * (a[0] - x) - a[1]) % p

    def cube_root_of_one(self, generator, eigenvalue):
        """beta with (beta x, y) = eigenvalue (x, y)"""
        x, y = self.scale_point(eigenvalue % self.r, generator)
        assert y == generator[1]
        beta = x * pow(generator[0], -1, self.p) % self.p
        assert beta != 1 and pow(beta, 3, self.p) == 1
        return beta


def words(value, count):
    limbs = [f"0x{value >> 64 * i & (1 << 64) - 1:016x}" for i in range(count)]
    return "{" + ", ".join(limbs) + "}"


class Printer:
    def __init__(self, curve, guard, title):
        self.curve = curve
        print(f"/* {title}\n * Written by constants.py, which says where each comes from. */")
        print(f"#ifndef CRYPTO_PAIRING_{guard}\n#define CRYPTO_PAIRING_{guard}\n")
        print("/* clang-format off */")
        print(f"#define FP_LIMBS      {curve.limbs}")
        print(f"#define FP_ADX(name)  name##_adx_{curve.limbs}")
        print(f"#define FP2_XI_REAL   {curve.xi[0]}")
        print(f"#define FP_INVERSE    0x{-pow(curve.p, -1, 1 << 64) % (1 << 64):016x}u /* -1/p mod 2^64 */")
        print('\n#include "crypto/pairing/elements.h"\n')

    def fp(self, a):
        return "{" + words(a * self.curve.R % self.curve.p, self.curve.limbs) + "}"

    def any(self, a):
        return self.fp(a) if isinstance(a, int) else f"{{{self.fp(a[0])}, {self.fp(a[1])}}}"

    def element(self, name, value, comment):
        kind = "struct fp" if isinstance(value, int) else "struct fp2"
        print(f"/* {comment} */\nstatic const {kind} {name} = {self.any(value)};")

    def elements(self, name, values, comment):
        kind = "struct fp" if isinstance(values[0], int) else "struct fp2"
        print(f"/* {comment} */\nstatic const {kind} {name}[{len(values)}] = {{")
        for value in values:
            print(f"    {self.any(value)},")
        print("};")

    def plain(self, name, value, comment, kind="struct fp", limbs=None):
        limbs = limbs or self.curve.limbs
        print(f"/* {comment} */\nstatic const {kind} {name} = {{{words(value, limbs)}}};")

    def digits(self, name, value, comment):
        """Non-adjacent form, the highest digit first."""
        digits = []
        while value:
            digit = 2 - value % 4 if value & 1 else 0
            digits.append(digit)
            value = (value - digit) // 2
        text = ", ".join(str(d) for d in reversed(digits))
        print(f"/* {comment} */\nstatic const int8_t {name}[{len(digits)}] = {{{text}}};")

    def common(self):
        c = self.curve
        self.plain("FP_P", c.p, "p")
        self.plain("FP_ONE", c.R % c.p, "2^(64 n) mod p: 1")
        self.plain("FP_SQUARED_R", c.R ** 2 % c.p, "2^(128 n) mod p")
        self.plain("FP_CUBED_R", c.R ** 3 % c.p, "2^(192 n) mod p")
        self.plain("FP_EXPONENT_ROOT", (c.p + 1) // 4, "(p + 1) / 4, as it stands")
        self.plain("FR_ORDER", c.r, "r, the order of the groups", "struct u256", 4)
        self.element("FP2_ONE", (1, 0), "1")
        self.elements("FP2_FROBENIUS", [c.frobenius(i) for i in range(6)], "xi^(i (p - 1) / 6)")
        self.element("G1_B", c.b, "b")

    def end(self):
        print("/* clang-format on */\n\n#endif")


def bn254():
    x = 4965661367192848881
    p = 36 * x ** 4 + 36 * x ** 3 + 24 * x ** 2 + 6 * x + 1
    r = 36 * x ** 4 + 36 * x ** 3 + 18 * x ** 2 + 6 * x + 1
    c = Curve(p, r, 3, 9, 4)
    out = Printer(c, "BN254_CONSTANTS_H", "The constants of BN254 (alt_bn128).")
    out.common()
    out.element("G2_B", c.mul((3, 0), c.inverse(c.xi)), "b / xi, of the twist")
    out.digits("BN254_X_DIGITS", x, "x, the curve's parameter, in signed binary")
    out.digits("BN254_ATE_DIGITS", 6 * x + 2, "6 x + 2, in signed binary")
    print("/* x */\n" f"#define BN254_X {x}u")

    # The endomorphism (beta x, y) = lambda (x, y), lambda = 36 x^3 + 18 x^2 + 6 x + 1 (a root of
    # t^2 + t + 1 mod r), and the two short vectors (a, b) with a + b lambda = 0 mod r.
    eigenvalue = (36 * x ** 3 + 18 * x ** 2 + 6 * x + 1) % r
    assert (eigenvalue ** 2 + eigenvalue + 1) % r == 0
    out.element("G1_BETA", c.cube_root_of_one((1, 2), eigenvalue), "a cube root of 1")
    (a1, b1), (a2, b2) = short_vectors(r, eigenvalue)
    if a1 * b2 - a2 * b1 < 0:
        a2, b2 = -a2, -b2
    if b1 > 0:
        a1, b1, a2, b2 = -a2, -b2, a1, b1
    assert a1 * b2 - a2 * b1 == r and b1 < 0 < b2
    for name, value, comment in (
        ("A1", a1, "first vector (a1, b1)"),
        ("B1", b1, "b1"),
        ("A2", a2, "second vector (a2, b2)"),
        ("B2", b2, "b2"),
        ("G1", (b2 << 256) // r, "2^256 b2 / r"),
        ("G2", (-b1 << 256) // r, "-2^256 b1 / r"),
    ):
        out.plain(f"GLV_{name}", value % (1 << 256), f"{comment}, mod 2^256", "struct u256", 4)
    out.end()


def short_vectors(r, eigenvalue):
    """Two short vectors (a, b) with a + b eigenvalue = 0 mod r: Gauss's reduction."""
    u, v = (r, 0), (-eigenvalue % r, 1)
    norm = lambda t: t[0] ** 2 + t[1] ** 2
    while True:
        if norm(v) > norm(u):
            u, v = v, u
        dot = u[0] * v[0] + u[1] * v[1]
        q = (2 * dot + norm(v)) // (2 * norm(v))
        if q == 0:
            return u, v
        u = (u[0] - q * v[0], u[1] - q * v[1])



if __name__ == "__main__":
    {"bn254": bn254}[sys.argv[1]]()
