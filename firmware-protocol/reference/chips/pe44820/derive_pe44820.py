"""Derives pe44820.json: the 256 phase states of a PE44820 and the 13 bits that set each, without the code that is to be tested.

    python3 firmware-protocol/reference/chips/pe44820/derive_pe44820.py > firmware-protocol/reference/chips/pe44820/pe44820.json

The bits are written down as text in the order in which they are clocked in: D0 ... D7 (1.40625 ... 180 degrees), OPT as D6, A0 ... A3. State w is sent
to address w mod 16.
"""
import json
import math

DEGREES = [1.40625 * 2**bit for bit in range(8)]


def bits_of(state, address):
    data = [(state >> bit) & 1 for bit in range(8)]
    pins = [(address >> bit) & 1 for bit in range(4)]
    return "".join(map(str, data + [data[6]] + pins))


# The example of the data sheet, as public drivers quote it: 205.3 degrees is state 146 = 2.8 + 22.5 + 180 degrees, for address 3.
assert round(205.3 * 256 / 360) == 146
assert sum(DEGREES[bit] for bit in range(8) if 146 >> bit & 1) == 205.3125
assert bits_of(146, 3) == "010010010" + "1100" and int(bits_of(146, 3), 2) == 0x092C
# A word of another board's documentation: 141 for address 1.
assert int(bits_of(141, 1), 2) == 0x1628

states = []
for word in range(256):
    degrees = sum(DEGREES[bit] for bit in range(8) if word >> bit & 1)
    states.append(
        {
            "word": word,
            "re": round(math.cos(math.radians(degrees)), 9) + 0.0,
            "im": round(math.sin(math.radians(degrees)), 9) + 0.0,
            "phaseDeg": degrees,
            "bits": bits_of(word, word % 16),
        }
    )
print(
    json.dumps(
        {"source": "PE44820, serial-addressable mode; derived by derive_pe44820.py", "meanMagnitudeSteps": 1, "states": states},
        indent=1,
    )
)
