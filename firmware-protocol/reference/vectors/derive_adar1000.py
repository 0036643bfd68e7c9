"""Derives vectors/adar1000.json: what the 128 phase settings of an ADAR1000 are, and what they decode to.

    python3 firmware-protocol/reference/vectors/derive_adar1000.py > firmware-protocol/reference/vectors/adar1000.json

The I and Q codes of half a circle are those of the data sheet (tables of vector-modulator settings; the Linux driver
drivers/iio/beamformer/adar1000.c gives the same). The other half follows from them: turning by 180 degrees turns both signs, which are bit 5.
Where a magnitude is 0 the sign says nothing; the data sheet writes it as positive. Everything else is worked out here from the definition
(bit 5 = sign, 1 is positive; bits 4 to 0 = magnitude), without the code that is to be tested.
"""
import json
import math

HALF_CIRCLE = """
3f20 3f21 3f23 3f24 3f26 3e27 3e28 3d2a 3d2b 3c2d 3c2e 3b2f 3a30 3931 3833 3734
3635 3536 3437 3338 3238 3039 2f3a 2e3a 2c3b 2b3c 2a3c 283c 273d 253d 243d 223d
213d 013d 033d 043d 063d 073c 083c 0a3c 0b3b 0d3a 0e3a 0f39 1138 1238 1337 1436
1635 1734 1833 1931 1930 1a2f 1b2e 1c2d 1c2b 1d2a 1e28 1e27 1e26 1f24 1f23 1f21
""".split()


def turned(code):
    return 0x20 if code & 0x1F == 0 else code ^ 0x20


def steps(code):
    return (code & 0x1F) if code & 0x20 else -(code & 0x1F)


codes = [(int(pair[:2], 16), int(pair[2:], 16)) for pair in HALF_CIRCLE]
codes += [(turned(i), turned(q)) for i, q in codes]
# Anchors of the data sheet.
assert [codes[w] for w in (0, 16, 32, 64, 96)] == [(0x3F, 0x20), (0x36, 0x35), (0x21, 0x3D), (0x1F, 0x20), (0x01, 0x1D)]

states = []
for word, (i, q) in enumerate(codes):
    re, im = steps(i), steps(q)
    error = math.degrees(math.atan2(im, re)) - 360 * word / 128
    states.append(
        {"word": word, "i": i, "q": q, "re": re, "im": im, "phaseErrorDeg": round((error + 540) % 360 - 180, 9)}
    )

magnitudes = [math.hypot(state["re"], state["im"]) for state in states]
errors = [state["phaseErrorDeg"] for state in states]
print(
    json.dumps(
        {
            "source": "ADAR1000 data sheet, vector-modulator settings; derived by derive_adar1000.py",
            "meanMagnitudeSteps": round(sum(magnitudes) / 128, 9),
            "rippleDb": round(20 * math.log10(max(magnitudes) / min(magnitudes)), 9),
            "rmsPhaseErrorDeg": round(math.sqrt(sum(e * e for e in errors) / 128), 9),
            "worstPhaseErrorDeg": round(max(map(abs, errors)), 9),
            "states": states,
        },
        indent=1,
    )
)
