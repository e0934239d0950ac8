"""The way from the MicroPython VM to the IP stack that runs it: host_tests/lwip/stack.c."""

import errno
import struct

_pipe = open(3, "r+b")

# What MicroPython makes of lwIP's errors (modlwip.c, and lwIP's err.c for ESP32), and of
# stack.c's own.
_ERRNO = {
    -1: errno.ENOMEM,
    -4: errno.EHOSTUNREACH,
    -6: errno.EINVAL,
    -7: errno.EAGAIN,
    -8: errno.EADDRINUSE,
    -12: -1,
    -16: errno.EIO,
    -100: errno.ENODEV,
    -101: 23,  # ENFILE, which the VM's errno lacks
}


def ask(op, sock=0, arg=0, ip=b"", port=0, data=b"", nic=0):
    """Have the stack do `op`, on the NIC of that number, and return its result and what comes with
    it: 4 bytes of address, port, data. OSError: it cannot.
    """
    _pipe.write(struct.pack("<1sBHI4sHH", op, sock, port, arg, ip, len(data), nic))
    if data:
        _pipe.write(data)
    head = _pipe.read(12)
    if len(head) < 12:
        raise SystemExit("the stack has ended")
    result, port, size, ip = struct.unpack("<iHH4s", head)
    data = _pipe.read(size) if size else b""
    if result < 0:
        raise OSError(_ERRNO[result])
    return result, ip, port, data


def do(op, sock=0, arg=0, ip=b"", port=0, data=b"", nic=0):
    """The result alone."""
    return ask(op, sock, arg, ip, port, data, nic)[0]


def packed(address):
    """The 4 bytes of "a.b.c.d"."""
    parts = [int(part) for part in address.split(".")]
    if len(parts) != 4:
        raise ValueError("invalid arguments")
    return bytes(parts)


def dotted(address):
    """The text of 4 bytes."""
    return ".".join([str(part) for part in address])


class Info:
    """What the stack knows of a NIC at this moment."""

    def __init__(self, nic=0):
        data = ask(b"I", nic=nic)[3]
        self.mac = data[:6]
        self.up, self.link, self.dhcp, self.supplied = [bool(byte) for byte in data[6:10]]
        self.raw = [data[i : i + 4] for i in (10, 14, 18)]  # address, mask, gateway
        self.dns = data[22:26]
        self.name = data[26:].rstrip(b"\0").decode()


_what = ask(b"V")
ESP32 = bool(_what[0])  # whose stack it is
NICS = _what[2]  # how many NICs it has; the second one is a cable
