"""Frames: what leaves a board is right to the last bit; what a laptop takes out of one is what RFC
791 and 768 say is in it."""

import link
from dhcpc import checksum, frame
from script import Script
from world import MAC, SERVER

LINES = 6000, 12
BYTES = 30_000, 60
WORDS = (b"\x08\0\x45\0", b"\x40\x11", b"\0\x43\0\x44", b"\x20\0", b"\xff\xff", SERVER)

HEAD = 42
ALL = b"\xff" * 6
LONGEST = 548
FRAME = 1514


def target(data):
    s = Script(data)
    mode = s.byte() & 3
    if mode == 0:
        leaves(s)
    elif mode == 1:
        sums(s)
    elif mode == 2:
        takes(s.rest())
    else:
        takes(made(s))


def words(data):
    """RFC 1071: the ones' complement sum, an odd byte with a zero behind it."""
    data = data + bytes(len(data) & 1)
    total = 0
    for i in range(0, len(data), 2):
        total += data[i] << 8 | data[i + 1]
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def pseudo(ip, udp):
    """RFC 768: what a UDP checksum begins with."""
    return ip[12:20] + b"\0\x11" + len(udp).to_bytes(2, "big")


def right(data):
    """A frame with one message in it, both checksums right."""
    ip = data[14:34]
    udp = data[34:]
    assert words(ip) == 0xFFFF
    assert words(pseudo(ip, udp) + udp) == 0xFFFF
    assert udp[6:8] != b"\0\0"


def leaves(s):
    message = s.rest()[:LONGEST]
    message += bytes(max(0, 240 - len(message)))
    # As wire.build leaves it: nothing from behind chaddr to the cookie
    message = message[:34] + bytes(202) + message[236:]
    size = len(message)
    buf = bytearray(HEAD + 570)
    buf[HEAD : HEAD + size] = message
    frame(buf, size, MAC)
    data = bytes(buf[: HEAD + size])
    assert data[HEAD:] == message
    assert data[:14] == ALL + MAC + b"\x08\0"
    assert data[14:24] == b"\x45\0" + (size + 28).to_bytes(2, "big") + b"\0\0\x40\0\x40\x11"
    assert data[26:34] == message[12:16] + b"\xff\xff\xff\xff"
    assert data[34:40] == b"\0\x44\0\x43" + (size + 8).to_bytes(2, "big")
    right(data)
    link.readdress(buf, SERVER + b"\1\2", SERVER)
    data = bytes(buf[: HEAD + size])
    assert data[:6] == SERVER + b"\1\2"
    assert data[30:34] == SERVER
    assert data[HEAD:] == message
    right(data)
    assert link._message(data) is None  # it is for a server


def sums(s):
    start = s.number(2)
    data = s.rest()
    i = min(s.number(1), len(data))
    total = checksum(data + b"\0", i, len(data), start)
    assert 0 <= total < 0xFFFF
    assert (total - words(data[i:]) - start) % 0xFFFF == 0
    mine = link.Interface._conflicts(Here, data, SERVER)  # type: ignore[arg-type]
    assert mine in (True, False)


class Here:
    mac = MAC


def made(s):
    """A frame with a message for a client, and some of it as the script has it."""
    how = s.byte()
    options = bytes(4 * (s.byte() % 11))
    poke = s.number(2), s.byte()
    payload = s.rest()
    size = len(payload) + 8
    ip = bytes((0x45 + len(options) // 4, 0)) + (20 + len(options) + size).to_bytes(2, "big")
    ip += b"\0\0\0\0\x40\x11\0\0" + SERVER + b"\xff\xff\xff\xff"
    if not how & 64:
        sum = 0xFFFF - words(ip + options)
        ip = ip[:10] + sum.to_bytes(2, "big") + ip[12:]
    udp = b"\0\x43\0\x44" + size.to_bytes(2, "big") + b"\0\0" + payload
    sum = 0xFFFF - words(pseudo(ip, udp) + udp) or 0xFFFF
    if how & 2:
        sum = words(pseudo(ip, udp))  # as hardware would complete it
    if how & 1:
        udp = udp[:6] + sum.to_bytes(2, "big") + payload
    if how & 32:
        udp = udp[:4] + bytes((0, poke[1])) + udp[6:]
    data = bytearray(ALL + MAC + b"\x08\0" + ip + options + udp)
    if how & 4:
        data[poke[0] % len(data)] = poke[1]
    if how & 8:
        data += bytes(poke[1])  # the padding of a short frame
    if how & 16:
        data = data[: poke[0] % (len(data) + 1)]
    return bytes(data[:FRAME])


def takes(data):
    found = link._message(data)
    assert found == told(data)


def told(data):
    """The message for a client that a frame has, as far as it is there; None without one."""
    ip = data[14:]
    if data[12:14] != b"\x08\0" or len(data) < HEAD or ip[0] >> 4 != 4 or ip[9] != 17:
        return None
    if (ip[6] << 8 | ip[7]) & 0x1FFF:
        return None  # a later fragment
    udp = ip[(ip[0] & 15) * 4 :]
    if len(udp) < 8 or udp[2:4] != b"\0\x44":
        return None
    size = udp[4] << 8 | udp[5]
    if size < 8 or words(ip[: (ip[0] & 15) * 4]) % 0xFFFF:
        return None
    if size > len(udp):
        more = ip[6] & 0x20 or len(data) == FRAME
        return udp[8:] if more else None
    udp = udp[:size]
    sum = udp[6] << 8 | udp[7]
    whole = words(pseudo(ip, udp) + udp) in (0, 0xFFFF)
    left = sum % 0xFFFF == words(pseudo(ip, udp)) % 0xFFFF  # to hardware that is not there
    return udp[8:] if not sum or whole or left else None
