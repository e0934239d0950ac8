"""A heap that ends at each allocation of a poll, at every moment of a client's life."""

import gc

from faulty import LIFE, Device, NoFaults

BLOCK = 4  # words of a VM's heap
MOST = 100  # blocks: with so much room a poll that finds no more to do is through
PIECES = 1000  # at least what `fill` takes
NOTHING = [None]


class Outbox:
    """Keeps what leaves a board, for later: the client is to find no room, not the server."""

    def __init__(self, board):
        self.board = board
        self.leave, self.frame = board.leaves, board.frame
        self.kept = [()] * 8
        self.count = 0

    def keep(self, *call):
        self.kept[self.count] = call
        self.count += 1

    def close(self):
        self.board.leaves = self.board.frame = self.keep

    def open(self):
        self.board.leaves, self.board.frame = self.leave, self.frame
        for call in self.kept[: self.count]:
            (self.frame if len(call) == 1 else self.leave)(*call)
        self.count = 0


def fill(pieces):
    """Take all that there is, in pieces that each give theirs back at once when they are cleared.

    Not as a chain: a collector takes any word for an address. In a 32-bit VM a transaction id may
    be one, which keeps what is there, and all that hangs from it.
    """
    count = 0
    size = 4096  # words
    while size >= 4:
        try:
            pieces[count] = NOTHING * size
            count += 1
        except MemoryError:
            size >>= 1


def with_room(blocks, do):
    """do() with room for so much, in one piece; nothing is collected meanwhile."""
    pieces: "list[list[None]]" = [[]] * PIECES
    room = [None] * (blocks * BLOCK + 4)
    gc.disable()
    fill(pieces)
    room.clear()  # but for 4 items
    do()
    for piece in pieces:
        if piece:
            piece.clear()
    gc.enable()


def trials(port, stride):
    """Each poll with room for ever more, by `stride` blocks, until it finds enough.

    A trial ends at each `yield`; a 32-bit VM is to collect garbage there.
    """
    with Device(port, NoFaults()) as device:
        outbox = Outbox(device.board)
        for what, before, happens, event in LIFE:
            if len(happens) < 2:
                continue  # not in a poll
            events = (event, "bound") if event == "rebooted" else (event,)
            for at in range(len(happens)):
                blocks = failed = 0
                again = True
                while again or blocks < MOST:
                    before(device)
                    device.count = 0
                    for each in happens[:at]:
                        each(device)
                        device.poll()
                    happens[at](device)
                    outbox.close()
                    with_room(blocks, device.client.poll)
                    again = bool(device.events("error"))
                    failed += again
                    outbox.open()
                    try:
                        device.poll()
                        for each in happens[at + 1 :]:
                            each(device)
                            device.poll()
                        device.until(lambda names=events: device.events(*names))
                        assert len(device.events(*events)) == 1
                        assert what != "link" or len(device.events("link")) == 2
                    except AssertionError:
                        print("on", port, what, at, "with", blocks, device.events())
                        raise
                    device.settle()
                    yield
                    blocks += stride
                assert failed > 9 // stride
