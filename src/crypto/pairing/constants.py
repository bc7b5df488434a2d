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

    def digits(self, name, value, comment, signed=True):
        """Non-adjacent form, or plain binary; the highest digit first."""
        digits = []
        while value:
            digit = 0 if not value & 1 else 2 - value % 4 if signed else 1
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


# RFC 9380, appendix E.2 (G1) and E.3 (G2): the curves y^2 = x^3 + A x + B of the simplified SWU map,
# and their isogenies, the coefficient of the lowest power first.
ISO_11_X_NUMERATOR = [
    0x11a05f2b1e833340b809101dd99815856b303e88a2d7005ff2627b56cdb4e2c85610c2d5f2e62d6eaeac1662734649b7,
    0x17294ed3e943ab2f0588bab22147a81c7c17e75b2f6a8417f565e33c70d1e86b4838f2a6f318c356e834eef1b3cb83bb,
    0xd54005db97678ec1d1048c5d10a9a1bce032473295983e56878e501ec68e25c958c3e3d2a09729fe0179f9dac9edcb0,
    0x1778e7166fcc6db74e0609d307e55412d7f5e4656a8dbf25f1b33289f1b330835336e25ce3107193c5b388641d9b6861,
    0xe99726a3199f4436642b4b3e4118e5499db995a1257fb3f086eeb65982fac18985a286f301e77c451154ce9ac8895d9,
    0x1630c3250d7313ff01d1201bf7a74ab5db3cb17dd952799b9ed3ab9097e68f90a0870d2dcae73d19cd13c1c66f652983,
    0xd6ed6553fe44d296a3726c38ae652bfb11586264f0f8ce19008e218f9c86b2a8da25128c1052ecaddd7f225a139ed84,
    0x17b81e7701abdbe2e8743884d1117e53356de5ab275b4db1a682c62ef0f2753339b7c8f8c8f475af9ccb5618e3f0c88e,
    0x80d3cf1f9a78fc47b90b33563be990dc43b756ce79f5574a2c596c928c5d1de4fa295f296b74e956d71986a8497e317,
    0x169b1f8e1bcfa7c42e0c37515d138f22dd2ecb803a0c5c99676314baf4bb1b7fa3190b2edc0327797f241067be390c9e,
    0x10321da079ce07e272d8ec09d2565b0dfa7dccdde6787f96d50af36003b14866f69b771f8c285decca67df3f1605fb7b,
    0x6e08c248e260e70bd1e962381edee3d31d79d7e22c837bc23c0bf1bc24c6b68c24b1b80b64d391fa9c8ba2e8ba2d229,
]
ISO_11_X_DENOMINATOR = [
    0x8ca8d548cff19ae18b2e62f4bd3fa6f01d5ef4ba35b48ba9c9588617fc8ac62b558d681be343df8993cf9fa40d21b1c,
    0x12561a5deb559c4348b4711298e536367041e8ca0cf0800c0126c2588c48bf5713daa8846cb026e9e5c8276ec82b3bff,
    0xb2962fe57a3225e8137e629bff2991f6f89416f5a718cd1fca64e00b11aceacd6a3d0967c94fedcfcc239ba5cb83e19,
    0x3425581a58ae2fec83aafef7c40eb545b08243f16b1655154cca8abc28d6fd04976d5243eecf5c4130de8938dc62cd8,
    0x13a8e162022914a80a6f1d5f43e7a07dffdfc759a12062bb8d6b44e833b306da9bd29ba81f35781d539d395b3532a21e,
    0xe7355f8e4e667b955390f7f0506c6e9395735e9ce9cad4d0a43bcef24b8982f7400d24bc4228f11c02df9a29f6304a5,
    0x772caacf16936190f3e0c63e0596721570f5799af53a1894e2e073062aede9cea73b3538f0de06cec2574496ee84a3a,
    0x14a7ac2a9d64a8b230b3f5b074cf01996e7f63c21bca68a81996e1cdf9822c580fa5b9489d11e2d311f7d99bbdcc5a5e,
    0xa10ecf6ada54f825e920b3dafc7a3cce07f8d1d7161366b74100da67f39883503826692abba43704776ec3a79a1d641,
    0x95fc13ab9e92ad4476d6e3eb3a56680f682b4ee96f7d03776df533978f31c1593174e4b4b7865002d6384d168ecdd0a,
    0x1,
]
ISO_11_Y_NUMERATOR = [
    0x90d97c81ba24ee0259d1f094980dcfa11ad138e48a869522b52af6c956543d3cd0c7aee9b3ba3c2be9845719707bb33,
    0x134996a104ee5811d51036d776fb46831223e96c254f383d0f906343eb67ad34d6c56711962fa8bfe097e75a2e41c696,
    0xcc786baa966e66f4a384c86a3b49942552e2d658a31ce2c344be4b91400da7d26d521628b00523b8dfe240c72de1f6,
    0x1f86376e8981c217898751ad8746757d42aa7b90eeb791c09e4a3ec03251cf9de405aba9ec61deca6355c77b0e5f4cb,
    0x8cc03fdefe0ff135caf4fe2a21529c4195536fbe3ce50b879833fd221351adc2ee7f8dc099040a841b6daecf2e8fedb,
    0x16603fca40634b6a2211e11db8f0a6a074a7d0d4afadb7bd76505c3d3ad5544e203f6326c95a807299b23ab13633a5f0,
    0x4ab0b9bcfac1bbcb2c977d027796b3ce75bb8ca2be184cb5231413c4d634f3747a87ac2460f415ec961f8855fe9d6f2,
    0x987c8d5333ab86fde9926bd2ca6c674170a05bfe3bdd81ffd038da6c26c842642f64550fedfe935a15e4ca31870fb29,
    0x9fc4018bd96684be88c9e221e4da1bb8f3abd16679dc26c1e8b6e6a1f20cabe69d65201c78607a360370e577bdba587,
    0xe1bba7a1186bdb5223abde7ada14a23c42a0ca7915af6fe06985e7ed1e4d43b9b3f7055dd4eba6f2bafaaebca731c30,
    0x19713e47937cd1be0dfd0b8f1d43fb93cd2fcbcb6caf493fd1183e416389e61031bf3a5cce3fbafce813711ad011c132,
    0x18b46a908f36f6deb918c143fed2edcc523559b8aaf0c2462e6bfe7f911f643249d9cdf41b44d606ce07c8a4d0074d8e,
    0xb182cac101b9399d155096004f53f447aa7b12a3426b08ec02710e807b4633f06c851c1919211f20d4c04f00b971ef8,
    0x245a394ad1eca9b72fc00ae7be315dc757b3b080d4c158013e6632d3c40659cc6cf90ad1c232a6442d9d3f5db980133,
    0x5c129645e44cf1102a159f748c4a3fc5e673d81d7e86568d9ab0f5d396a7ce46ba1049b6579afb7866b1e715475224b,
    0x15e6be4e990f03ce4ea50b3b42df2eb5cb181d8f84965a3957add4fa95af01b2b665027efec01c7704b456be69c8b604,
]
ISO_11_Y_DENOMINATOR = [
    0x16112c4c3a9c98b252181140fad0eae9601a6de578980be6eec3232b5be72e7a07f3688ef60c206d01479253b03663c1,
    0x1962d75c2381201e1a0cbd6c43c348b885c84ff731c4d59ca4a10356f453e01f78a4260763529e3532f6102c2e49a03d,
    0x58df3306640da276faaae7d6e8eb15778c4855551ae7f310c35a5dd279cd2eca6757cd636f96f891e2538b53dbf67f2,
    0x16b7d288798e5395f20d23bf89edb4d1d115c5dbddbcd30e123da489e726af41727364f2c28297ada8d26d98445f5416,
    0xbe0e079545f43e4b00cc912f8228ddcc6d19c9f0f69bbb0542eda0fc9dec916a20b15dc0fd2ededda39142311a5001d,
    0x8d9e5297186db2d9fb266eaac783182b70152c65550d881c5ecd87b6f0f5a6449f38db9dfa9cce202c6477faaf9b7ac,
    0x166007c08a99db2fc3ba8734ace9824b5eecfdfa8d0cf8ef5dd365bc400a0051d5fa9c01a58b1fb93d1a1399126a775c,
    0x16a3ef08be3ea7ea03bcddfabba6ff6ee5a4375efa1f4fd7feb34fd206357132b920f5b00801dee460ee415a15812ed9,
    0x1866c8ed336c61231a1be54fd1d74cc4f9fb0ce4c6af5920abc5750c4bf39b4852cfe2f7bb9248836b233d9d55535d4a,
    0x167a55cda70a6e1cea820597d94a84903216f763e13d87bb5308592e7ea7d4fbc7385ea3d529b35e346ef48bb8913f55,
    0x4d2f259eea405bd48f010a01ad2911d9c6dd039bb61a6290e591b36e636a5c871a5c29f4f83060400f8b49cba8f6aa8,
    0xaccbb67481d033ff5852c1e48c50c477f94ff8aefce42d28c0f9a88cea7913516f968986f7ebbea9684b529e2561092,
    0xad6b9514c767fe3c3613144b45f1496543346d98adf02267d5ceef9a00d9b8693000763e3b90ac11e99b138573345cc,
    0x2660400eb2e4f3b628bdd0d53cd76f2bf565b94e72927c1cb748df27942480e420517bd8714cc80d1fadc1326ed06f7,
    0xe0fa1d816ddc03e6b24255e0d7819c171c40f65e273b853324efcd6356caa205ca2f570f13497804415473a1d634b8f,
    0x1,
]
ISO_3_X_NUMERATOR = [
    (0x5c759507e8e333ebb5b7a9a47d7ed8532c52d39fd3a042a88b58423c50ae15d5c2638e343d9c71c6238aaaaaaaa97d6,
     0x5c759507e8e333ebb5b7a9a47d7ed8532c52d39fd3a042a88b58423c50ae15d5c2638e343d9c71c6238aaaaaaaa97d6),
    (0x0,
     0x11560bf17baa99bc32126fced787c88f984f87adf7ae0c7f9a208c6b4f20a4181472aaa9cb8d555526a9ffffffffc71a),
    (0x11560bf17baa99bc32126fced787c88f984f87adf7ae0c7f9a208c6b4f20a4181472aaa9cb8d555526a9ffffffffc71e,
     0x8ab05f8bdd54cde190937e76bc3e447cc27c3d6fbd7063fcd104635a790520c0a395554e5c6aaaa9354ffffffffe38d),
    (0x171d6541fa38ccfaed6dea691f5fb614cb14b4e7f4e810aa22d6108f142b85757098e38d0f671c7188e2aaaaaaaa5ed1,
     0x0),
]
ISO_3_X_DENOMINATOR = [
    (0x0,
     0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaa63),
    (0xc,
     0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaa9f),
    (0x1,
     0x0),
]
ISO_3_Y_NUMERATOR = [
    (0x1530477c7ab4113b59a4c18b076d11930f7da5d4a07f649bf54439d87d27e500fc8c25ebf8c92f6812cfc71c71c6d706,
     0x1530477c7ab4113b59a4c18b076d11930f7da5d4a07f649bf54439d87d27e500fc8c25ebf8c92f6812cfc71c71c6d706),
    (0x0,
     0x5c759507e8e333ebb5b7a9a47d7ed8532c52d39fd3a042a88b58423c50ae15d5c2638e343d9c71c6238aaaaaaaa97be),
    (0x11560bf17baa99bc32126fced787c88f984f87adf7ae0c7f9a208c6b4f20a4181472aaa9cb8d555526a9ffffffffc71c,
     0x8ab05f8bdd54cde190937e76bc3e447cc27c3d6fbd7063fcd104635a790520c0a395554e5c6aaaa9354ffffffffe38f),
    (0x124c9ad43b6cf79bfbf7043de3811ad0761b0f37a1e26286b0e977c69aa274524e79097a56dc4bd9e1b371c71c718b10,
     0x0),
]
ISO_3_Y_DENOMINATOR = [
    (0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffa8fb,
     0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffa8fb),
    (0x0,
     0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffa9d3),
    (0x12,
     0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaa99),
    (0x1,
     0x0),
]
ISO_11_A = 0x144698a3b8e9433d693a02c96d4982b0ea985383ee66a8d8e8981aefd881ac98936f8da0e0f97f5cf428082d584c1d
ISO_11_B = 0x12e2908d11688030018b12e8753eee3b2016c1f0f24f4070a0b9c14fcef35ef55a23215a316ceaa5d1cc48e98e172be0
ISO_3_A = (0, 240)
ISO_3_B = (1012, 1012)
# Z of section 8.8.1 and 8.8.2
SSWU_Z1 = 11
SSWU_Z2 = (-2, -1)

# [tau] G2 of Ethereum's KZG ceremony: g2_monomial[1] of trusted_setup.json, compressed.
KZG_TAU_G2 = (
    0x15bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72,
    0x185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2,
)


def square_root(c, a):
    """In Fp2, for p = 3 mod 4; of the two roots the lexicographically larger one."""
    p = c.p
    norm = pow(a[0] * a[0] + a[1] * a[1], (p + 1) // 4, p)
    for n in (norm, -norm):
        half = (a[0] + n) * pow(2, -1, p) % p
        real = pow(half, (p + 1) // 4, p)
        if real * real % p == half:
            root = (real, a[1] * pow(2 * real, -1, p) % p)
            assert c.mul(root, root) == a
            other = (-root[0] % p, -root[1] % p)
            return max(root, other, key=lambda t: (t[1], t[0]))
    raise ValueError


def bls12_381():
    x = -0xD201000000010000
    r = x ** 4 - x ** 2 + 1
    p = (x - 1) ** 2 // 3 * r + x
    c = Curve(p, r, 4, 1, 6)
    out = Printer(c, "BLS12_381_CONSTANTS_H", "The constants of BLS12-381.")
    out.common()
    print("/* |x|; the curve's parameter x is negative */\n" f"#define BLS_X 0x{-x:x}u")
    out.element("G2_B", (4, 4), "b xi, of the twist")
    out.digits("BLS_X_DIGITS", -x, "|x| in binary", signed=False)
    out.plain("BLS_X_SQUARED", x ** 2, "x^2", "struct u256", 4)

    generator = (
        0x17F1D3A73197D7942695638C4FA9AC0FC3688C4F9774B905A14E3A3F171BAC586C55E83FF97A1AEFFB3AF00ADB22C6BB,
        0x08B3F481E3AAA0F1A09E30ED741D8AE4FCF5E095D5D00AF600DB18CB2C04B3EDD03CC744A2888AE40CAA232946C5E7E1,
    )
    out.elements("G1_GENERATOR", list(generator), "x and y (EIP-2537)")
    out.element("G1_BETA", c.cube_root_of_one(generator, -x ** 2),
                "a cube root of 1: (beta x, y) = -x^2 (x, y)")
    for i in (2, 3):
        out.element(f"G2_PSI_{'XY'[i - 2]}", c.inverse(c.frobenius(i)), f"1 / xi^({i} (p - 1) / 6)")

    g2 = (
        (0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
         0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E),
        (0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
         0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE),
    )
    out.elements("G2_GENERATOR", list(g2), "x and y (EIP-2537)")
    tau_x = (KZG_TAU_G2[1], KZG_TAU_G2[0])
    cube = c.mul(c.mul(tau_x, tau_x), tau_x)
    tau_y = square_root(c, ((cube[0] + 4) % p, (cube[1] + 4) % p))
    out.elements("KZG_TAU_G2_POINT", [tau_x, tau_y], "[tau] G2, x and y")

    out.element("SSWU_G1_A", ISO_11_A, "A of E1'")
    out.element("SSWU_G1_B", ISO_11_B, "B of E1'")
    out.element("SSWU_G1_Z", SSWU_Z1, "Z")
    out.element("SSWU_G2_A", ISO_3_A, "A of E2'")
    out.element("SSWU_G2_B", ISO_3_B, "B of E2'")
    out.element("SSWU_G2_Z", SSWU_Z2, "Z")
    for group, parts in (
        ("G1", (ISO_11_X_NUMERATOR, ISO_11_X_DENOMINATOR, ISO_11_Y_NUMERATOR, ISO_11_Y_DENOMINATOR)),
        ("G2", (ISO_3_X_NUMERATOR, ISO_3_X_DENOMINATOR, ISO_3_Y_NUMERATOR, ISO_3_Y_DENOMINATOR)),
    ):
        for name, values in zip(("X_ABOVE", "X_BELOW", "Y_ABOVE", "Y_BELOW"), parts):
            out.elements(f"ISO_{group}_{name}", values, "isogeny")
    out.end()


if __name__ == "__main__":
    {"bn254": bn254, "bls12_381": bls12_381}[sys.argv[1]]()
