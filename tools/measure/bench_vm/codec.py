"""What tools/bench.py measures within one MicroPython VM, this project's code and Adafruit's in
turn: time and heap for a message, and in simulation what a lost packet costs.
"""

# mypy: ignore-errors
import gc
import json
from array import array
from time import ticks_diff, ticks_us

from bench_vm import adafruit, ours

_BATCH = 30  # calls that are timed together
_WARM = 10  # calls before them: what a collection leaves in the CPU's caches is its own data
_RUNS = 1001  # of the simulation

_MAC = b"\x02\x00\x00\x00\x00\x01"
_HOSTNAME = "greenhouse-3"
_SERVER = b"\xc0\x00\x02\x01"

OFFER = 2
ACK = 5
IP = b"\xc0\x00\x02\x64"

# As dnsmasq sends them behind option 53; its default lease time.
_OPTIONS = (
    (54, _SERVER),
    (51, b"\x00\x00\x0e\x10"),
    (58, b"\x00\x00\x07\x08"),
    (59, b"\x00\x00\x0c\x4e"),
    (1, b"\xff\xff\xff\x00"),
    (28, b"\xc0\x00\x02\xff"),
    (3, _SERVER),
    (6, b"\xc0\x00\x02\x35\xc0\x00\x02\x36"),
    (15, b"home.arpa"),
    (12, _HOSTNAME.encode()),
    (42, _SERVER),
    (26, b"\x05\xdc"),
)


def reply(kind):
    """A server's message of 331 bytes, with 13 options, for the session."""
    options = b"\x63\x82\x53\x63" + bytes((53, 1, kind))
    for code, value in _OPTIONS:
        options += bytes((code, len(value))) + value
    header = b"\2\1\6\0" + session.xid + bytes(8) + IP + bytes(8) + _MAC
    return header + bytes(236 - len(header)) + options + b"\xff"


def begin():
    """Have the session send a DISCOVER at the time 0."""
    session.stop()
    session.step(0)
    session.start()
    session.step(0)


def first_discover_lost():
    """The ms until there is a lease, if the server misses a DISCOVER and answers the next."""
    begin()
    now = 0
    while session.step(now) != "send":
        now += session.wait
    for kind in (OFFER, ACK):
        take(reply(kind))
        session.step(now)
    if not session.lease:
        raise ValueError("the simulation came to no lease")
    return now


def hand(kind, state):
    """Lay a message before both sides, and have them wait for it."""
    global data
    rx[:end] = data = reply(kind)
    session.state = state
    peer._transaction_id = XID


# What the statements below work on
session = ours.Client(ours.Wire("eth0", _MAC), hostname=_HOSTNAME).session
write = session.write
read = session.message.read
take = session.read
tx = bytearray(570)
begin()
SELECTING = session.state
data = reply(OFFER)
end = len(data)
take(data)
session.step(0)
REQUESTING = session.state

peer = adafruit.dhcp.DHCP(adafruit.Eth("eth0"), _MAC, _HOSTNAME)
XID = int.from_bytes(session.xid, "big")
generate = peer._generate_dhcp_message
parse = peer._parse_dhcp_response
process = peer._process_messaging_states
rx = adafruit.dhcp._BUFF

# Name; what goes before; the statement of each side; what must hold then. Adafruit's parser looks
# at op, xid and cookie and stores eight values: it stands beside our reading alone; beside our
# reading with every check, of which an OFFER that comes second fails the last; and, with what
# follows, beside an ACK that is accepted.
SIZE = f"of {end} bytes and {len(_OPTIONS) + 1} options"
ROWS = (
    (
        "build a DISCOVER",
        "session.state = SELECTING",
        "write(tx, 0)",
        "generate(message_type=1)",
        "tx[242] == rx[242] == 1",
    ),
    (
        f"read an ACK {SIZE}",
        "hand(ACK, REQUESTING)",
        "read(data)",
        "parse()",
        "session.message.option(26) and peer.local_ip == IP",
    ),
    (
        f"read and check an OFFER {SIZE}",
        "hand(OFFER, SELECTING); session.server = _SERVER",
        "take(data)",
        "parse()",
        "session.reason == 'choose' and peer.local_ip == IP",
    ),
    (
        f"read, check and accept an ACK {SIZE}",
        "hand(ACK, REQUESTING)",
        "session.state = REQUESTING; take(data)",
        "peer._dhcp_state = 3; peer._transaction_id = XID; process(message_type=parse())",
        "session.lease and not session.reason and peer._dhcp_state == 4",
    ),
)


def loop(statement):
    """A function that runs a statement some times; the loop itself costs both sides the same."""
    found = {}
    exec(f"def run(times):\n for _ in range(times):\n  {statement}", globals(), found)
    return found["run"]


def main(rounds):
    """Print for each figure the samples of both sides. The heap begins with 256 KB of room."""
    rows = []
    for name, before, mine, theirs, proof in ROWS:
        exec(before, globals())
        sides = loop(mine), loop(theirs)
        rows.append((name, before, sides, [array("I", bytes(4 * rounds)) for _ in sides]))
        heap = []
        for run in sides:
            run(1)
            gc.collect()
            used = gc.mem_alloc()
            run(1)
            heap.append([gc.mem_alloc() - used])
        tell(f"heap to {name}", "B", heap)
        if not eval(proof):
            raise ValueError(f"{name}: it did not")

    # The sides take turns, in batches of less than a millisecond: whatever else the machine does
    # slows both alike, and the median of many leaves out those that were interrupted.
    #
    # How long it takes to allocate, as a frame of over 11 words does too, depends on where in the
    # heap there is room. So each batch begins with the room that the caller left in front of all
    # else, and ends before that is full; and no collection falls into one, to be charged to
    # whoever happens to run.
    gc.disable()
    for n in range(rounds):
        for _, before, sides, times in rows:
            exec(before, globals())
            for i in (0, 1) if n % 2 else (1, 0):
                run = sides[i]
                gc.collect()
                run(_WARM)
                start = ticks_us()
                run(_BATCH)
                times[i][n] = ticks_diff(ticks_us(), start)
    gc.enable()
    for name, _, _, times in rows:
        tell(name, "us", [[us / _BATCH for us in each] for each in times])

    waits = [first_discover_lost() for _ in range(_RUNS)]
    peers = [peer._next_retry_time(attempt=0) for _ in range(_RUNS)]
    seconds = [[sorted(each)[_RUNS // 2] / 1000] for each in (waits, peers)]
    tell("first DISCOVER lost, to the ACK (simulated)", "s", seconds)


def tell(name, unit, sides):
    print(json.dumps({"name": name, "unit": unit, "ours": sides[0], "theirs": sides[1]}))
