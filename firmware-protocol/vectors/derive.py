#!/usr/bin/env python3
"""Derives vectors.json from PROTOCOL.md alone.

Written from the page, in another language than the codec and without looking at it, with the slowest and plainest form of everything:
CRC one bit at a time, packing through one big integer, COBS by splitting at zeros. Nothing of the project is imported, so where this file
and the codec agree, two readings of the page agree. Not needed to build, test or run beamrig.

    python3 firmware-protocol/vectors/derive.py > firmware-protocol/vectors/vectors.json
"""
import hashlib
import hmac
import json
import struct


# ---- section 1.1: CRC-32C, reflected polynomial 0x82F63B78, one bit at a time -------------------------------------------------------------
def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            carry = (crc ^ (byte >> bit)) & 1
            crc >>= 1
            if carry:
                crc ^= 0x82F63B78
    return crc ^ 0xFFFFFFFF


# ---- section 1.2: COBS ----------------------------------------------------------------------------------------------------------------------
def cobs(data):
    out = b""
    pieces = data.split(b"\0")  # the zero imagined after the end closes the last piece
    for at, piece in enumerate(pieces):
        last = at == len(pieces) - 1
        while len(piece) >= 254:
            out += b"\xff" + piece[:254]
            piece = piece[254:]
            if last and piece == b"":
                return out  # the frame ends exactly with a full run: no further group
        out += bytes([len(piece) + 1]) + piece
    return out


# ---- section 1.4: packed(count, Q), least significant bit first ----------------------------------------------------------------------------
def packed(words, bits):
    stream = 0
    for i, word in enumerate(words):
        assert 0 <= word < 2**bits
        stream |= word << (i * bits)
    return stream.to_bytes((len(words) * bits + 7) // 8, "little")


def u8(*v):
    return struct.pack("<%dB" % len(v), *v)


def u16(*v):
    return struct.pack("<%dH" % len(v), *v)


def u32(*v):
    return struct.pack("<%dI" % len(v), *v)


def u64(v):
    return struct.pack("<Q", int(v))


def i16(*v):
    return struct.pack("<%dh" % len(v), *v)


def f32(*v):
    return struct.pack("<%df" % len(v), *v)


FEATURES = ["digital-weights", "snr-report", "pilot-report", "beam-memory", "read-back", "element-gain", "element-enable", "time-sync", "authentication", "patch", "simulated"]
NACKS = ["malformed", "unsupported-message", "unsupported-version", "wrong-dimensions", "wrong-bits", "no-such-slot", "not-staged", "beam-mismatch", "stale-beam", "busy", "not-authenticated", "replayed", "fault", "too-late"]
SAFE = ["mute", "hold", "codeword"]
STATES = ["safe", "idle", "radiating", "fault"]


# ---- sections 3 and 4: type code and payload of every message -----------------------------------------------------------------------------
def payload(m):
    t = m["type"]
    if t == "hello":
        host = m["host"].encode()
        return 0x01, u8(m["minMajor"], m["maxMajor"], len(host)) + host
    if t == "ping":
        return 0x02, u32(m["nonce"])
    if t == "get-status":
        return 0x03, b""
    if t == "set-phases":
        return 0x10, u8(m["slot"], m["phaseBits"]) + u16(len(m["words"])) + u32(m["beamId"], m["offset"]) + packed(m["words"], m["phaseBits"])
    if t == "set-digital":
        return 0x11, u8(m["slot"], 0) + u16(m["users"]) + u32(m["beamId"], m["offset"]) + u16(len(m["weights"]) // 2, 0) + f32(*m["weights"])
    if t == "set-gains":
        return 0x14, u8(m["slot"], m["gainBits"]) + u16(len(m["gains"])) + u32(m["beamId"], m["offset"]) + packed(m["gains"], m["gainBits"])
    if t == "set-enables":
        return 0x15, u8(m["slot"], 1) + u16(len(m["enabled"])) + u32(m["beamId"], m["offset"]) + packed(m["enabled"], 1)
    if t == "commit":
        return 0x12, u32(m["beamId"]) + u64(m["atUs"]) + u8(m["slot"])
    if t == "read-phases":
        return 0x13, u8(["staged", "radiated"].index(m["source"]), m["slot"]) + u16(m["count"]) + u32(m["offset"])
    if t == "measure-snr":
        return 0x20, u32(m["beamId"], m["pilots"])
    if t == "measure-pilots":
        return 0x21, u32(m["beamId"], m["pilots"]) + u16(m["user"])
    if t == "store-beam":
        return 0x30, u32(m["beamId"]) + u16(m["position"]) + u8(m["slot"])
    if t == "select-beam":
        return 0x31, u32(m["beamId"]) + u16(m["position"])
    if t == "set-safe-state":
        return 0x40, u32(m["silenceMs"]) + u16(m["position"]) + u8(SAFE.index(m["state"]), int(m["enter"]))
    if t == "cancel-commit":
        return 0x16, u32(m["beamId"]) + u64(m["atUs"])
    if t == "patch-phases":
        assert len(m["places"]) == len(m["words"])
        return 0x17, u8(m["slot"], m["phaseBits"]) + u16(len(m["words"])) + u32(m["beamId"], m["fromBeamId"]) + u16(*m["places"]) + packed(m["words"], m["phaseBits"])
    if t == "sync-time":
        return 0x50, u64(m["hostSendUs"])
    if t == "challenge":
        return 0x60, u64(m["hostNonce"])
    if t == "capabilities":
        serial, firmware = m["panelSerial"].encode(), m["firmware"].encode()
        bits = sum(1 << FEATURES.index(f) for f in m["features"])
        return 0x81, (
            u8(["array", "user"].index(m["role"]), m["protocolMajor"], m["protocolMinor"], m["phaseBits"])
            + u16(m["arrayId"], m["maxPayloadBytes"]) + u32(bits)
            + u16(m["elements"], m["rfChains"], m["users"], m["beamMemory"])
            + u8(m["gainBits"], m["stagingSlots"], len(serial), len(firmware)) + serial + firmware
        )
    if t == "pong":
        return 0x82, u32(m["nonce"]) + u64(m["timeUs"])
    if t == "status":
        return 0x83, u32(m["beamId"], m["uptimeMs"], m["bootCount"], m["badFrames"]) + i16(m["temperatureCentiC"]) + u8(STATES.index(m["state"]))
    if t == "ack":
        return 0x84, b""
    if t == "committed":
        return 0x92, u32(m["beamId"]) + u64(m["timeUs"]) + u32(m["wordsCrc32c"])
    if t == "phases":
        return 0x93, u8(0, m["phaseBits"]) + u16(len(m["words"])) + u32(m["beamId"], m["offset"]) + packed(m["words"], m["phaseBits"])
    if t == "snr-report":
        return 0xA0, u32(m["beamId"]) + u64(m["timeUs"]) + u32(m["pilots"]) + u16(m["firstUser"], len(m["snrCentiDb"])) + i16(*m["snrCentiDb"])
    if t == "pilot-report":
        return 0xA1, u32(m["beamId"]) + u64(m["timeUs"]) + u32(m["pilots"]) + u16(m["user"], len(m["values"]) // 2) + f32(*m["values"])
    if t == "synced":
        return 0xD0, u64(m["hostSendUs"]) + u64(m["panelReceiveUs"]) + u64(m["panelSendUs"])
    if t == "challenged":
        return 0xE0, u64(m["hostNonce"]) + u64(m["lastCounter"])
    if t == "nack":
        code = m["code"]
        return 0xFF, u32(m["detail"]) + u8(NACKS.index(code) + 1 if code in NACKS else int(code[len("code-"):]))
    raise ValueError(t)


def sealed(body):
    return body + u32(crc32c(body))


def frame_of(seq, message, major=1, flags=0, extra=b""):
    code, body = payload(message)
    return sealed(u8(major << 4 | flags, code) + u16(seq) + body + extra)


def raw(code, seq, body, major=1, flags=0):
    return sealed(u8(major << 4 | flags, code) + u16(seq) + body)


# ---- section 7: keys, tags, and which counters are new ---------------------------------------------------------------------------------------
def panel_key(rig_key, serial):
    return hmac.new(rig_key, b"beamrig panel key" + serial.encode(), hashlib.sha256).digest()


def authenticated(bare, key, counter):
    head = bytes([bare[0] | 1]) + bare[1:-4] + u64(counter)
    return sealed(head + hmac.new(key, head, hashlib.sha256).digest()[:8])


def verdicts(start, counters):
    """The rule in its plainest form: a list of all that was accepted, and the newest."""
    accepted, newest, out = [], start, []
    for counter in counters:
        fresh = counter > newest or (counter > newest - 64 and counter > start and counter not in accepted)
        out.append({"counter": str(counter), "accepted": fresh})
        if fresh:
            accepted.append(counter)
            newest = max(newest, counter)
    return out


def words_crc(words):
    return crc32c(u16(*words))


def beam_crc(words, enabled, gains):
    return crc32c(u16(*words) + (b"" if enabled is None else u8(*enabled)) + (b"" if gains is None else u16(*gains)))


def hex8(value):
    return "0x%08x" % value


MESSAGES = []


def message(name, seq, **fields):
    MESSAGES.append((name, seq, fields))


ramp = lambda count, bits, step: [(i * step + 3) % 2**bits for i in range(count)]

message("hello, nameless host", 0, type="hello", minMajor=1, maxMajor=1, host="")
message("hello, all versions, longest name", 65535, type="hello", minMajor=1, maxMajor=15, host="a bench with thirty-two letters!")
message("hello, name beyond ASCII", 258, type="hello", minMajor=1, maxMajor=2, host="Prüfstand µ")
message("ping of the page", 1, type="ping", nonce=0x11223344)
message("ping, largest nonce", 4660, type="ping", nonce=2**32 - 1)
message("get-status", 7, type="get-status")
message("set-phases of the page", 2, type="set-phases", slot=0, beamId=7, phaseBits=6, offset=0, words=[1, 2, 3, 63, 32])
for q in range(1, 17):
    message("set-phases, Q = %d" % q, 100 + q, type="set-phases", slot=q % 3, beamId=2**31 + q, phaseBits=q, offset=q * 17, words=ramp(13, q, 2 * q + 1))
message("set-phases, a whole 64 × 4 beam of 6 bits", 300, type="set-phases", slot=1, beamId=4000000000, phaseBits=6, offset=0, words=ramp(256, 6, 11))
message("set-phases, all ones, long runs without a zero on the line", 301, type="set-phases", slot=255, beamId=2**32 - 1, phaseBits=16, offset=2**32 - 1, words=[65535] * 300)
message("set-phases, all zeros", 302, type="set-phases", slot=0, beamId=1, phaseBits=7, offset=0, words=[0] * 40)
message("set-digital, one weight", 8, type="set-digital", slot=0, beamId=7, users=4, offset=15, weights=[1.0, -0.5])
message("set-digital, six weights", 9, type="set-digital", slot=2, beamId=8, users=3, offset=0, weights=[0.0, 1.0, -1.0, 0.25, 3.5, -0.125, 1024.0, 2.0**-20, -7.0, 0.75, 0.0, 65504.0])
message("set-enables of the page", 6, type="set-enables", slot=0, beamId=7, offset=0, enabled=[1, 0, 1, 0, 1])
message("set-enables, all off", 95, type="set-enables", slot=1, beamId=2**32 - 1, offset=2**32 - 1, enabled=[0] * 17)
message("set-enables, all on, of a 64 × 4 beam", 96, type="set-enables", slot=255, beamId=8, offset=0, enabled=[1] * 256)
for g in range(1, 17):
    message("set-gains, G = %d" % g, 130 + g, type="set-gains", slot=g % 3, beamId=2**31 + g, gainBits=g, offset=g * 17, gains=ramp(13, g, 2 * g + 1))
message("set-gains, a whole 64 × 4 beam at full gain", 150, type="set-gains", slot=1, beamId=4000000000, gainBits=5, offset=0, gains=[31] * 256)
message("commit of the page", 3, type="commit", slot=0, beamId=7, atUs="0")
message("commit at a time beyond 2^53", 10, type="commit", slot=3, beamId=2**32 - 1, atUs=str(2**64 - 1))
message("read-phases, staged", 11, type="read-phases", source="staged", slot=2, offset=512, count=1024)
message("read-phases, radiated", 12, type="read-phases", source="radiated", slot=0, offset=0, count=65535)
message("measure-snr", 13, type="measure-snr", beamId=7, pilots=64)
message("measure-snr, most pilots", 14, type="measure-snr", beamId=2**32 - 1, pilots=2**32 - 1)
message("measure-pilots", 15, type="measure-pilots", beamId=7, user=3, pilots=16)
message("store-beam", 16, type="store-beam", slot=1, beamId=9, position=120)
message("select-beam", 17, type="select-beam", position=300, beamId=10)
message("set-safe-state, mute now", 18, type="set-safe-state", state="mute", position=0, silenceMs=0, enter=True)
message("set-safe-state, hold after a second", 19, type="set-safe-state", state="hold", position=0, silenceMs=1000, enter=False)
message("set-safe-state, codeword", 20, type="set-safe-state", state="codeword", position=17, silenceMs=86400000, enter=False)
message("cancel-commit", 66, type="cancel-commit", beamId=7, atUs="1500000")
message("cancel-commit of the last beam at the last moment", 67, type="cancel-commit", beamId=2**32 - 1, atUs=str(2**64 - 1))
message("cancel-commit of a beam without a time", 68, type="cancel-commit", beamId=8, atUs="0")
message("patch-phases, one word", 68, type="patch-phases", slot=0, beamId=8, fromBeamId=7, phaseBits=6, places=[3], words=[33])
message("patch-phases, places out of order", 69, type="patch-phases", slot=1, beamId=2**32 - 1, fromBeamId=2**32 - 2, phaseBits=7, places=[255, 0, 65535, 256, 17], words=[127, 0, 1, 64, 85])
for q in (1, 5, 9, 16):
    message("patch-phases, Q = %d" % q, 69 + q, type="patch-phases", slot=q % 2, beamId=300 + q, fromBeamId=299, phaseBits=q, places=[i * 3 for i in range(11)], words=ramp(11, q, 2 * q + 1))
message("sync-time", 90, type="sync-time", hostSendUs="1234567890123")
message("sync-time, the last moment", 91, type="sync-time", hostSendUs=str(2**64 - 1))
message("synced", 90, type="synced", hostSendUs="1234567890123", panelReceiveUs="5000000", panelSendUs="5000017")
message("synced, the last moment", 91, type="synced", hostSendUs=str(2**64 - 1), panelReceiveUs=str(2**63), panelSendUs=str(2**63))
message("challenge", 92, type="challenge", hostNonce=str(0x1122334455667788))
message("challenged", 92, type="challenged", hostNonce=str(0x1122334455667788), lastCounter="131072")
message("challenged by a panel near the end of its counters", 93, type="challenged", hostNonce="0", lastCounter=str(2**64 - 2))
message("commit, timed", 94, type="commit", slot=1, beamId=8, atUs="5250000")
message("capabilities of a simulated array with gains and enables", 97, type="capabilities", role="array", panelSerial="SIM-0001", arrayId=0, firmware="1.0.0", protocolMajor=1, protocolMinor=3, elements=64, rfChains=4, phaseBits=6, gainBits=5, users=4, maxPayloadBytes=1024, stagingSlots=2, beamMemory=16, features=FEATURES[:8] + ["patch", "simulated"])
message("capabilities of a simulated array of version 1.2", 0, type="capabilities", role="array", panelSerial="SIM-0001", arrayId=0, firmware="1.0.0", protocolMajor=1, protocolMinor=2, elements=64, rfChains=4, phaseBits=6, gainBits=0, users=4, maxPayloadBytes=1024, stagingSlots=2, beamMemory=16, features=FEATURES[:5] + ["time-sync", "patch", "simulated"])
message("capabilities of a panel of version 1.1", 66, type="capabilities", role="array", panelSerial="BOARD-0002", arrayId=1, firmware="1.1", protocolMajor=1, protocolMinor=1, elements=16, rfChains=2, phaseBits=7, gainBits=0, users=2, maxPayloadBytes=512, stagingSlots=2, beamMemory=4, features=["snr-report", "beam-memory", "read-back", "time-sync", "patch"])
message("capabilities of a panel of version 1.0", 65, type="capabilities", role="array", panelSerial="BOARD-0001", arrayId=1, firmware="0.9", protocolMajor=1, protocolMinor=0, elements=16, rfChains=2, phaseBits=7, gainBits=0, users=0, maxPayloadBytes=512, stagingSlots=1, beamMemory=0, features=["read-back"])
message("capabilities of a user's panel with everything", 65535, type="capabilities", role="user", panelSerial="\u00b5" * 16, arrayId=65535, firmware="", protocolMajor=15, protocolMinor=255, elements=65535, rfChains=65535, phaseBits=16, gainBits=16, users=65535, maxPayloadBytes=4096, stagingSlots=255, beamMemory=65535, features=FEATURES)
message("capabilities, bare", 21, type="capabilities", role="array", panelSerial="x", arrayId=3, firmware="0", protocolMajor=1, protocolMinor=0, elements=1, rfChains=1, phaseBits=1, gainBits=5, users=0, maxPayloadBytes=64, stagingSlots=1, beamMemory=0, features=[])
message("pong", 1, type="pong", nonce=0x11223344, timeUs="1000000")
message("status, radiating", 22, type="status", state="radiating", beamId=7, temperatureCentiC=4213, uptimeMs=123456, bootCount=3, badFrames=2)
message("status, safe, below freezing", 23, type="status", state="safe", beamId=0, temperatureCentiC=-1050, uptimeMs=2**32 - 1, bootCount=0, badFrames=2**32 - 1)
message("status, idle", 24, type="status", state="idle", beamId=0, temperatureCentiC=0, uptimeMs=0, bootCount=1, badFrames=0)
message("status, fault", 25, type="status", state="fault", beamId=0, temperatureCentiC=-32768, uptimeMs=1, bootCount=2**32 - 1, badFrames=0)
message("ack", 26, type="ack")
message("committed of the page", 3, type="committed", beamId=7, wordsCrc32c=words_crc([1, 2, 3, 63, 32]), timeUs="1000000")
message("committed of the page, two elements off", 3, type="committed", beamId=7, wordsCrc32c=beam_crc([1, 2, 3, 63, 32], [1, 0, 1, 0, 1], None), timeUs="1000000")
message("phases", 27, type="phases", beamId=7, offset=0, phaseBits=6, words=[1, 2, 3, 63, 32])
message("phases of no beam", 28, type="phases", beamId=0, offset=9, phaseBits=1, words=[1, 0, 1, 1, 0, 0, 1, 0, 1])
message("snr-report of the page", 4, type="snr-report", beamId=7, timeUs="1500000", pilots=16, firstUser=0, snrCentiDb=[1234, -321])
message("snr-report, extremes", 29, type="snr-report", beamId=1, timeUs=str(2**63), pilots=1, firstUser=65535, snrCentiDb=[32767, -32768, 0, -1])
message("snr-report of which one receiver has nothing to say", 31, type="snr-report", beamId=7, timeUs="1500000", pilots=12, firstUser=0, snrCentiDb=[1234, -32768, -32767, 32767])
message("snr-report of the users 2 and 3 of 4", 32, type="snr-report", beamId=7, timeUs="1500000", pilots=64, firstUser=2, snrCentiDb=[911, -32768])
message("pilot-report", 30, type="pilot-report", beamId=7, timeUs="1500001", pilots=16, user=2, values=[0.5, -0.25, 1.5, 2.0, -8.0, 0.0, 0.0625, -1.0])
for n, code in enumerate(NACKS):
    message("nack " + code, 40 + n, type="nack", code=code, detail=n * 1000003)
for later in (15, 128, 255):
    message("nack that a later version has named, %d" % later, 300 + later, type="nack", code="code-%d" % later, detail=later)
message("nack of the page", 5, type="nack", code="not-staged", detail=4)

# The worked examples of section 9, as printed there: this file must come to the same bytes.
PRINTED = {
    "ping of the page": "10 02 01 00 44 33 22 11 ce 36 df 26",
    "set-phases of the page": "10 10 02 00 00 06 05 00 07 00 00 00 00 00 00 00 81 30 fc 20 55 95 2c 00",
    "commit of the page": "10 12 03 00 07 00 00 00 00 00 00 00 00 00 00 00 00 a6 20 82 fb",
    "committed of the page": "10 92 03 00 07 00 00 00 40 42 0f 00 00 00 00 00 c2 27 c1 20 ac d5 0b a7",
    "set-enables of the page": "10 15 06 00 00 01 05 00 07 00 00 00 00 00 00 00 15 0f 36 c9 52",
    "committed of the page, two elements off": "10 92 03 00 07 00 00 00 40 42 0f 00 00 00 00 00 e9 42 35 5b c5 d6 f7 1b",
    "snr-report of the page": "10 a0 04 00 07 00 00 00 60 e3 16 00 00 00 00 00 10 00 00 00 00 00 02 00 d2 04 bf fe b4 d5 de c8",
    "nack of the page": "10 ff 05 00 04 00 00 00 07 9b f8 97 28",
}

frames = []
for name, seq, fields in MESSAGES:
    bare = frame_of(seq, fields)
    if name in PRINTED:
        assert bare == bytes.fromhex(PRINTED[name]), name
    frames.append({"name": name, "seq": seq, "message": fields, "frame": bare.hex(), "serial": (cobs(bare) + b"\0").hex()})


def nack(seq, code, detail):
    return {"seq": seq, "message": {"type": "nack", "code": code, "detail": detail}}


ping = dict(type="ping", nonce=5)
good = frame_of(9, ping)
discards = [
    ("nothing at all", b"", "too-short", None),
    ("seven bytes", good[:7], "too-short", None),
    ("one bit of the CRC wrong", good[:-1] + bytes([good[-1] ^ 0x80]), "bad-crc", None),
    ("one bit of the payload wrong", good[:5] + bytes([good[5] ^ 1]) + good[6:], "bad-crc", None),
    ("a request of major version 2", frame_of(9, ping, major=2), "unsupported-version", nack(9, "unsupported-version", 1)),
    ("a request of major version 0", frame_of(9, ping, major=0), "unsupported-version", nack(9, "unsupported-version", 1)),
    ("a hello of major version 0", frame_of(9, dict(type="hello", minMajor=1, maxMajor=1, host=""), major=0), "unsupported-version", nack(9, "unsupported-version", 1)),
    ("a reply of major version 2", frame_of(9, dict(type="ack"), major=2), "unsupported-version", None),
    ("a reserved flag", frame_of(9, ping, flags=2), "reserved-flags", nack(9, "unsupported-message", 0x02)),
    ("the authentication flag", frame_of(9, ping, flags=1), "reserved-flags", nack(9, "unsupported-message", 0x02)),
    ("a type that nobody has", raw(0x18, 9, b""), "unknown-type", nack(9, "unsupported-message", 0x18)),
    ("an unknown reply", raw(0xF0, 9, b""), "unknown-type", None),
    ("an experiment's request", raw(0x70, 9, b"\1"), "unknown-type", nack(9, "unsupported-message", 0x70)),
    ("type 0", raw(0x00, 9, b""), "unknown-type", nack(9, "unsupported-message", 0)),
    ("a ping that is one byte short", raw(0x02, 9, b"\1\2\3"), "malformed", nack(9, "malformed", 0x02)),
    ("a ping that is one byte long", raw(0x02, 9, b"\1\2\3\4\5"), "malformed", nack(9, "malformed", 0x02)),
    ("a get-status with a payload", raw(0x03, 9, b"\0"), "malformed", nack(9, "malformed", 0x03)),
    ("hello from major 0", raw(0x01, 9, u8(0, 1, 0)), "malformed", nack(9, "malformed", 0x01)),
    ("hello with the range upside down", raw(0x01, 9, u8(3, 2, 0)), "malformed", nack(9, "malformed", 0x01)),
    ("hello with a name longer than the frame", raw(0x01, 9, u8(1, 1, 5) + b"four"), "malformed", nack(9, "malformed", 0x01)),
    ("hello with a name of 33 bytes", raw(0x01, 9, u8(1, 1, 33) + b"x" * 33), "malformed", nack(9, "malformed", 0x01)),
    ("hello with a name that is not UTF-8", raw(0x01, 9, u8(1, 1, 2) + b"\xc3\x28"), "malformed", nack(9, "malformed", 0x01)),
    ("hello with a zero byte in the name", raw(0x01, 9, u8(1, 1, 3) + b"a\0b"), "malformed", nack(9, "malformed", 0x01)),
    ("set-phases with Q = 0", raw(0x10, 9, u8(0, 0) + u16(1) + u32(7, 0) + b"\0"), "malformed", nack(9, "malformed", 0x10)),
    ("set-phases with Q = 17", raw(0x10, 9, u8(0, 17) + u16(1) + u32(7, 0) + b"\0\0\0"), "malformed", nack(9, "malformed", 0x10)),
    ("set-phases of no words", raw(0x10, 9, u8(0, 6) + u16(0) + u32(7, 0)), "malformed", nack(9, "malformed", 0x10)),
    ("set-phases for beam 0", raw(0x10, 9, u8(0, 6) + u16(1) + u32(0, 0) + b"\1"), "malformed", nack(9, "malformed", 0x10)),
    ("set-phases with padding that is not zero", raw(0x10, 9, u8(0, 6) + u16(1) + u32(7, 0) + b"\x41"), "malformed", nack(9, "malformed", 0x10)),
    ("set-phases with fewer bytes than words", raw(0x10, 9, u8(0, 6) + u16(3) + u32(7, 0) + b"\1\2"), "malformed", nack(9, "malformed", 0x10)),
    ("set-digital with a weight that is no number", raw(0x11, 9, u8(0, 0) + u16(1) + u32(7, 0) + u16(1, 0) + f32(float("nan"), 0.0)), "malformed", nack(9, "malformed", 0x11)),
    ("set-digital with an infinite weight", raw(0x11, 9, u8(0, 0) + u16(1) + u32(7, 0) + u16(1, 0) + f32(1.0, float("inf"))), "malformed", nack(9, "malformed", 0x11)),
    ("set-digital with a reserved byte set", raw(0x11, 9, u8(0, 1) + u16(1) + u32(7, 0) + u16(1, 0) + f32(1.0, 0.0)), "malformed", nack(9, "malformed", 0x11)),
    ("set-digital for no users", raw(0x11, 9, u8(0, 0) + u16(0) + u32(7, 0) + u16(1, 0) + f32(1.0, 0.0)), "malformed", nack(9, "malformed", 0x11)),
    ("set-gains without a payload", raw(0x14, 9, b""), "malformed", nack(9, "malformed", 0x14)),
    ("set-gains with G = 0", raw(0x14, 9, u8(0, 0) + u16(1) + u32(7, 0) + b"\0"), "malformed", nack(9, "malformed", 0x14)),
    ("set-gains with G = 17", raw(0x14, 9, u8(0, 17) + u16(1) + u32(7, 0) + b"\0\0\0"), "malformed", nack(9, "malformed", 0x14)),
    ("set-gains of no words", raw(0x14, 9, u8(0, 5) + u16(0) + u32(7, 0)), "malformed", nack(9, "malformed", 0x14)),
    ("set-gains for beam 0", raw(0x14, 9, u8(0, 5) + u16(1) + u32(0, 0) + b"\1"), "malformed", nack(9, "malformed", 0x14)),
    ("set-gains with padding that is not zero", raw(0x14, 9, u8(0, 5) + u16(1) + u32(7, 0) + b"\x21"), "malformed", nack(9, "malformed", 0x14)),
    ("set-enables of no bits", raw(0x15, 9, u8(0, 0) + u16(1) + u32(7, 0) + b"\1"), "malformed", nack(9, "malformed", 0x15)),
    ("set-enables of two bits a place", raw(0x15, 9, u8(0, 2) + u16(1) + u32(7, 0) + b"\1"), "malformed", nack(9, "malformed", 0x15)),
    ("set-enables of no places", raw(0x15, 9, u8(0, 1) + u16(0) + u32(7, 0)), "malformed", nack(9, "malformed", 0x15)),
    ("set-enables for beam 0", raw(0x15, 9, u8(0, 1) + u16(1) + u32(0, 0) + b"\1"), "malformed", nack(9, "malformed", 0x15)),
    ("set-enables with padding that is not zero", raw(0x15, 9, u8(0, 1) + u16(5) + u32(7, 0) + b"\x35"), "malformed", nack(9, "malformed", 0x15)),
    ("set-enables with fewer bytes than places", raw(0x15, 9, u8(0, 1) + u16(9) + u32(7, 0) + b"\1"), "malformed", nack(9, "malformed", 0x15)),
    ("set-enables with a byte too many", raw(0x15, 9, u8(0, 1) + u16(5) + u32(7, 0) + b"\x15\0"), "malformed", nack(9, "malformed", 0x15)),
    ("commit of beam 0", raw(0x12, 9, u32(0) + u64(0) + u8(0)), "malformed", nack(9, "malformed", 0x12)),
    ("cancel-commit of beam 0", raw(0x16, 9, u32(0) + u64(5)), "malformed", nack(9, "malformed", 0x16)),
    ("cancel-commit without a time", raw(0x16, 9, u32(1)), "malformed", nack(9, "malformed", 0x16)),
    ("cancel-commit with a byte too many", raw(0x16, 9, u32(1) + u64(5) + b"\0"), "malformed", nack(9, "malformed", 0x16)),
    ("patch-phases of no words", raw(0x17, 9, u8(0, 6) + u16(0) + u32(8, 7)), "malformed", nack(9, "malformed", 0x17)),
    ("patch-phases for beam 0", raw(0x17, 9, u8(0, 6) + u16(1) + u32(0, 7) + u16(3) + b"\1"), "malformed", nack(9, "malformed", 0x17)),
    ("patch-phases from beam 0", raw(0x17, 9, u8(0, 6) + u16(1) + u32(8, 0) + u16(3) + b"\1"), "malformed", nack(9, "malformed", 0x17)),
    ("patch-phases with Q = 0", raw(0x17, 9, u8(0, 0) + u16(1) + u32(8, 7) + u16(3)), "malformed", nack(9, "malformed", 0x17)),
    ("patch-phases with Q = 17", raw(0x17, 9, u8(0, 17) + u16(1) + u32(8, 7) + u16(3) + b"\1\0\0"), "malformed", nack(9, "malformed", 0x17)),
    ("patch-phases with padding that is not zero", raw(0x17, 9, u8(0, 6) + u16(1) + u32(8, 7) + u16(3) + b"\x41"), "malformed", nack(9, "malformed", 0x17)),
    ("patch-phases with a place but no word", raw(0x17, 9, u8(0, 6) + u16(1) + u32(8, 7) + u16(3)), "malformed", nack(9, "malformed", 0x17)),
    ("patch-phases with a byte too many", raw(0x17, 9, u8(0, 6) + u16(1) + u32(8, 7) + u16(3) + b"\1\0"), "malformed", nack(9, "malformed", 0x17)),
    ("sync-time of seven bytes", raw(0x50, 9, b"\1" * 7), "malformed", nack(9, "malformed", 0x50)),
    ("challenge of nine bytes", raw(0x60, 9, b"\1" * 9), "malformed", nack(9, "malformed", 0x60)),
    ("synced of 23 bytes", raw(0xD0, 9, b"\1" * 23), "malformed", None),
    ("challenged of 17 bytes", raw(0xE0, 9, b"\1" * 17), "malformed", None),
    ("read-phases from nowhere", raw(0x13, 9, u8(2, 0) + u16(1) + u32(0)), "malformed", nack(9, "malformed", 0x13)),
    ("read-phases of no words", raw(0x13, 9, u8(1, 0) + u16(0) + u32(0)), "malformed", nack(9, "malformed", 0x13)),
    ("measure-snr over no pilots", raw(0x20, 9, u32(7, 0)), "malformed", nack(9, "malformed", 0x20)),
    ("set-safe-state 3", raw(0x40, 9, u32(0) + u16(0) + u8(3, 0)), "malformed", nack(9, "malformed", 0x40)),
    ("set-safe-state entered twice over", raw(0x40, 9, u32(0) + u16(0) + u8(0, 2)), "malformed", nack(9, "malformed", 0x40)),
    ("a status of an unknown state", raw(0x83, 9, u32(1, 1, 1, 1) + i16(0) + u8(4)), "malformed", None),
    ("an ack with a payload", raw(0x84, 9, b"\0"), "malformed", None),
    ("an snr-report of no users", raw(0xA0, 9, u32(7) + u64(0) + u32(1) + u16(0, 0)), "malformed", None),
    ("a nack with code 0", raw(0xFF, 9, u32(0) + u8(0)), "malformed", None),
    ("a payload of 4,097 bytes", raw(0x02, 9, b"\1" * 4097), "too-long", nack(9, "malformed", 0x02)),
    ("a frame of 4,121 bytes", raw(0x02, 9, b"\1" * 4113), "too-long", None),
]

hello1 = dict(type="hello", minMajor=1, maxMajor=1, host="new")
small = dict(type="capabilities", role="array", panelSerial="x", arrayId=3, firmware="0", protocolMajor=1, protocolMinor=9, elements=1, rfChains=1, phaseBits=1, gainBits=5, users=0, maxPayloadBytes=64, stagingSlots=1, beamMemory=0, features=["read-back"])
code, body = payload(small)
unknown_feature = body[:8] + u32((1 << 4) | (1 << 31)) + body[12:]
accepted = [
    ("hello with bytes of a later minor version", 9, hello1, frame_of(9, hello1, extra=b"\xde\xad")),
    ("hello in a frame of major version 7", 9, hello1, frame_of(9, hello1, major=7)),
    ("capabilities with bytes of a later minor version", 9, small, frame_of(9, small, extra=b"\0\1\2")),
    ("capabilities with a feature nobody knows yet", 9, small, raw(code, 9, unknown_feature)),
    ("nack in a frame of major version 2", 9, dict(type="nack", code="unsupported-version", detail=2), frame_of(9, dict(type="nack", code="unsupported-version", detail=2), major=2)),
    ("nack with bytes of a later minor version", 9, dict(type="nack", code="fault", detail=1), frame_of(9, dict(type="nack", code="fault", detail=1), extra=b"\7")),
]

line = lambda bare: cobs(bare) + b"\0"
other = frame_of(10, dict(type="get-status"))
overlong = b"\x01" * 4200
streams = [
    ("two frames", line(good) + line(other), [good, other], {}),
    ("silence between frames", b"\0\0\0" + line(good) + b"\0\0" + line(other), [good, other], {}),
    ("garbage before a frame", b"\x02\x41\x05\x42\0" + line(good), [good], {"bad-cobs": 1}),
    ("a frame cut inside a group, then a good one", line(good)[:5] + b"\0" + line(other), [other], {"bad-cobs": 1}),
    ("a frame cut between two groups, then a good one", line(good)[:6] + b"\0" + line(other), [other], {"too-short": 1}),
    ("a damaged frame between two good ones", line(good) + line(good[:-1] + bytes([good[-1] ^ 1])) + line(other), [good, other], {"bad-crc": 1}),
    ("something too short", line(b"\1\2\3") + line(good), [good], {"too-short": 1}),
    ("a run longer than any frame", overlong + b"\0" + line(good), [good], {"overflow": 1}),
]

crc_inputs = [("check value", b"123456789"), ("nothing", b""), ("one zero", b"\0"), ("32 zeros", bytes(32)), ("32 ones", b"\xff" * 32), ("counting up", bytes(range(32))), ("a frame's length", bytes(i * 7 & 255 for i in range(4116)))]
for label, data, known in [("32 zeros", bytes(32), 0x8A9136AA), ("32 ones", b"\xff" * 32, 0x62A8AB43), ("counting up", bytes(range(32)), 0x46DD794E), ("check", b"123456789", 0xE3069283)]:
    assert crc32c(data) == known, label  # RFC 3720, B.4

cobs_inputs = [("nothing", b""), ("one zero byte", b"\0"), ("two zero bytes", b"\0\0"), ("a zero inside", b"\x11\x22\0\x33"), ("no zero", b"\x11\x22\x33\x44"), ("zeros at the end", b"\x11\0\0\0")]
for n in (253, 254, 255, 256, 508, 509):
    run = bytes(i % 255 + 1 for i in range(n))
    cobs_inputs += [("%d bytes without a zero" % n, run), ("%d bytes and a zero" % n, run + b"\0"), ("a zero and %d bytes" % n, b"\0" + run)]

RIG_KEY = bytes(range(32))
KEY = panel_key(RIG_KEY, "BOARD-0001")
rig_keys = [
    ("the key of the page", RIG_KEY, "BOARD-0001"),
    ("another board of the same rig", RIG_KEY, "BOARD-0002"),
    ("the shortest rig key", b"\xff" * 16, "x"),
    ("the longest rig key and serial number", bytes(64), "b" * 32),
    ("a serial number beyond ASCII", RIG_KEY, "Prüfstand µ"),
]
# RFC 4231, test case 2: the HMAC itself.
assert hmac.new(b"Jefe", b"what do ya want for nothing?", hashlib.sha256).hexdigest() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

by_name = {f["name"]: bytes.fromhex(f["frame"]) for f in frames}
longest = frame_of(12, dict(type="set-phases", slot=0, beamId=7, phaseBits=16, offset=0, words=ramp(2042, 16, 40503)))
assert len(longest) == 4104
authentic = [
    ("ping of the page", by_name["ping of the page"], 65537),
    ("a challenge with counter 0", by_name["challenge"], 0),
    ("challenged", by_name["challenged"], 131073),
    ("get-status with the last counter", by_name["get-status"], 2**64 - 1),
    ("commit, timed", by_name["commit, timed"], 2**32),
    ("set-phases, all zeros", by_name["set-phases, all zeros"], 65538),
    ("ack", by_name["ack"], 256),
    ("nack stale-beam", by_name["nack stale-beam"], 70000),
    ("the longest frame there is", longest, 65539),
]
one = authenticated(by_name["ping of the page"], KEY, 65537)
swap = lambda bare, at, bit: sealed(bare[:at] + bytes([bare[at] ^ bit]) + bare[at + 1 : -4])
refusal = nack(1, "not-authenticated", 0)
unopened = [
    ("no authentication", by_name["ping of the page"], "plain", refusal),
    ("a hello without authentication", frame_of(1, dict(type="hello", minMajor=1, maxMajor=1, host="")), "plain", refusal),
    ("an unknown request without authentication", raw(0x70, 1, b""), "plain", refusal),
    ("a request of major version 2 without authentication", frame_of(1, dict(type="ping", nonce=5), major=2), "plain", refusal),
    ("a reply without authentication", frame_of(1, dict(type="ack")), "plain", None),
    ("the key of another board", authenticated(by_name["ping of the page"], panel_key(RIG_KEY, "BOARD-0002"), 65537), "not-authenticated", refusal),
    ("the rig's own key", authenticated(by_name["ping of the page"], RIG_KEY, 65537), "not-authenticated", refusal),
    ("one bit of the payload changed", swap(one, 4, 1), "not-authenticated", refusal),
    ("another type", swap(one, 1, 1), "not-authenticated", refusal),
    ("another seq", swap(one, 3, 1), "not-authenticated", nack(0x101, "not-authenticated", 0)),
    ("another major version", swap(one, 0, 0x20), "not-authenticated", refusal),
    ("another counter", swap(one, 8, 1), "not-authenticated", refusal),
    ("the last bit of the tag changed", swap(one, 23, 0x80), "not-authenticated", refusal),
    ("the flag taken off, the tag left", swap(one, 0, 1), "plain", refusal),
    ("the flag and no room for a tag", raw(0x03, 1, b"", flags=1), "not-authenticated", refusal),
    ("the flag and a byte less than a tag takes", raw(0x03, 1, b"\1" * 15, flags=1), "not-authenticated", refusal),
    ("a reply with a wrong tag", swap(authenticated(by_name["ack"], KEY, 256), 6, 1), "not-authenticated", None),
    ("a wrong CRC", one[:-1] + bytes([one[-1] ^ 1]), "bad-crc", None),
]
replays = [
    ("counting up", 0, [1, 2, 3, 3, 2, 1]),
    ("nothing up to where it starts", 65536, [0, 65535, 65536, 65473, 65537, 65536, 65537]),
    ("reordered within 64", 1000, [1100, 1037, 1036, 1099, 1038, 1037, 1099, 1100]),
    ("reordered, but from before the start", 1000, [1001, 1000, 990, 1003, 1002, 1002]),
    ("a jump past the whole window and back", 0, [5, 70, 6, 7, 5, 69, 134, 70, 71, 200, 137, 136]),
    ("a jump of 2^40", 1, [2, 2**40, 2, 2**40 - 63, 2**40 - 64, 2**40 - 1, 2**40 - 1]),
    ("a jump of exactly 63, 64 and 65", 0, [1, 64, 1, 2, 128, 64, 65, 193, 129, 130, 128]),
    ("up to the last counter", 2**64 - 4, [2**64 - 2, 2**64 - 1, 2**64 - 1, 2**64 - 3, 2**64 - 4, 0]),
    ("every other one, then the rest", 0, list(range(2, 130, 2)) + list(range(1, 130, 2))),
]

# ---- section 5, silence: from which request it is counted, in its plainest form -----------------------------------------------------------------
def dark_at(steps):
    since, counted, remembered, silence_ms = None, [], [], None
    for at_ms, frame, m, said in steps:
        kind = m["type"]
        if since is not None and at_ms >= since + silence_ms:
            break  # it was over before this came
        if frame in remembered:
            continue  # answered from memory
        if kind == "hello":
            remembered = []
        elif kind != "challenge" and said not in NACKS and frame not in counted[-8:]:
            since = at_ms
            counted.append(frame)
        if kind == "set-safe-state" and said == "ack":
            silence_ms = m["silenceMs"]
        if kind not in ("hello", "challenge", "sync-time", "commit", "select-beam"):
            remembered.append(frame)
    return since + silence_ms


LIT = [
    (0, 1, dict(type="set-safe-state", state="mute", position=0, silenceMs=200, enter=False), "ack"),
    (0, 2, dict(type="set-phases", slot=0, beamId=5, phaseBits=6, offset=0, words=ramp(32, 6, 11)), "ack"),
    (10, 3, dict(type="commit", slot=0, beamId=5, atUs="0"), "committed"),
]
HELLO = dict(type="hello", minMajor=1, maxMajor=1, host="bench")
silences = [
    ("nothing more is heard", []),
    ("a ping", [(150, 4, dict(type="ping", nonce=1), "pong")]),
    ("a hello every 50 ms, as of a host that hears nothing", [(60 + 50 * i, 4 + i, HELLO, "capabilities") for i in range(3)]),
    ("a hello, and then a ping", [(100, 4, HELLO, "capabilities"), (180, 5, dict(type="ping", nonce=1), "pong")]),
    ("a beam that has not come", [(150, 4, dict(type="commit", slot=0, beamId=6, atUs="0"), "not-staged")]),
    ("a measurement of another beam", [(150, 4, dict(type="measure-snr", beamId=4, pilots=16), "beam-mismatch")]),
    ("the commit again and again, byte for byte", [(60 + 50 * i, 3, LIT[2][2], "committed") for i in range(3)]),
    ("the same commit under another number", [(150, 4, LIT[2][2], "committed")]),
    ("the chunk once more, byte for byte, which is answered from memory", [(150, 2, LIT[1][2], "ack")]),
    ("a ping over and over", [(60, 4, dict(type="ping", nonce=1), "pong"), (120, 4, dict(type="ping", nonce=1), "pong"), (200, 4, dict(type="ping", nonce=1), "pong")]),
    ("a shorter silence, said when the one before is nearly over", [(205, 4, dict(type="set-safe-state", state="mute", position=0, silenceMs=50, enter=False), "ack")]),
]


def silence_vector(name, more):
    steps = [(at, frame_of(seq, m), m, said) for at, seq, m, said in LIT + more]
    return {"name": name, "steps": [{"atMs": at, "frame": f.hex(), "said": said} for at, f, _, said in steps], "darkAtMs": dark_at(steps)}


page_words = [1, 2, 3, 63, 32]
beams = [
    ("the page's five words, and no more", page_words, None, None),
    ("two elements off", page_words, [1, 0, 1, 0, 1], None),
    ("all elements on, and said so", page_words, [1] * 5, None),
    ("gains", page_words, None, [31, 0, 16, 7, 1]),
    ("enables and gains", page_words, [0, 1, 1, 1, 0], [31, 0, 16, 7, 65535]),
]

vectors = {
    "frames": frames,
    "discards": [{"name": n, "frame": b.hex(), "reason": r, "nack": a} for n, b, r, a in discards],
    "accepted": [{"name": n, "seq": s, "message": m, "frame": b.hex()} for n, s, m, b in accepted],
    "streams": [{"name": n, "stream": s.hex(), "frames": [f.hex() for f in fs], "discards": d} for n, s, fs, d in streams],
    "crc32c": [{"name": n, "bytes": b.hex(), "crc32c": hex8(crc32c(b))} for n, b in crc_inputs],
    "wordsCrc32c": [{"name": n, "words": w, "crc32c": hex8(words_crc(w))} for n, w in [("the page's five words", [1, 2, 3, 63, 32]), ("the largest words", [65535] * 9), ("a 64 × 4 beam", ramp(256, 6, 11))]],
    "beamCrc32c": [{"name": n, "words": w, "enabled": e, "gains": g, "crc32c": hex8(beam_crc(w, e, g))} for n, w, e, g in beams],
    "packing": [{"name": "%d words of %d bits" % (c, q), "bits": q, "words": ramp(c, q, 5), "packed": packed(ramp(c, q, 5), q).hex()} for q in range(1, 17) for c in (1, 7, 8, 33)],
    "panelKeys": [{"name": n, "rigKey": k.hex(), "panelSerial": p, "panelKey": panel_key(k, p).hex()} for n, k, p in rig_keys],
    "sealed": [{"name": n, "panelKey": KEY.hex(), "counter": str(c), "frame": b.hex(), "sealed": authenticated(b, KEY, c).hex(), "serial": (cobs(authenticated(b, KEY, c)) + b"\0").hex()} for n, b, c in authentic],
    "unopened": [{"name": n, "panelKey": KEY.hex(), "bytes": b.hex(), "reason": r, "nack": a} for n, b, r, a in unopened],
    "replays": [{"name": n, "start": str(s), "steps": verdicts(s, c)} for n, s, c in replays],
    "silences": [silence_vector(n, more) for n, more in silences],
    "cobs": [{"name": n, "bytes": b.hex(), "encoded": cobs(b).hex()} for n, b in cobs_inputs],
}

# One entry a line: a changed vector is a changed line.
print("{")
print(",\n".join('  "%s": [\n%s\n  ]' % (k, ",\n".join("    " + json.dumps(e, ensure_ascii=False) for e in v)) for k, v in vectors.items()))
print("}")
