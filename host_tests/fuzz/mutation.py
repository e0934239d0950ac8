"""Mutations: any number of changed copies of some inputs, the same for the same seed on every
Python. For where there is no fuzzer that knows what an input reaches.
"""

EDGES = (0, 1, 2, 3, 4, 5, 6, 8, 15, 16, 31, 32, 50, 51, 52, 53, 54, 63, 64, 127, 128, 254, 255)
MOST = 1200  # bytes of an input


class Random:
    """16 bits at a time, all small integers."""

    def __init__(self, seed):
        self.state = seed % 65536 + 1

    def below(self, n):
        self.state = self.state * 75 % 65537
        return (self.state - 1) % n

    def some(self, items):
        return items[self.below(len(items))]


def mutations(seeds, words, count, seed):
    """Yield `count` inputs. seeds: what is changed, bytes; words: what is put in."""
    r = Random(seed)
    seeds = list(seeds) or [b""]
    words = list(words) or [b"\0"]
    for _ in range(count):
        data = bytearray(r.some(seeds))
        for _ in range(1 + r.below(5)):
            data = _changed(data, r, seeds, words)
        yield bytes(data[:MOST])


def _changed(data, r, seeds, words):
    size = len(data)
    at = r.below(size + 1)
    end = min(size, at + 1 + r.below(12))
    what = r.below(9)
    if what < 3 and at < size:
        data[at] = r.some(EDGES) if what else r.below(256)
    elif what == 3 and at < size:
        data[at] ^= 1 << r.below(8)
    elif what == 4:
        data = data[:at] + data[end:]
    elif what == 5:
        data = data[:at] + data[at:end] + data[at:]
    elif what == 6:
        data = data[:at] + bytes([r.below(256) for _ in range(1 + r.below(6))]) + data[at:]
    elif what == 7:
        data = data[:at] + r.some(words) + data[at:]
    else:
        other = r.some(seeds)
        data = data[:at] + other[r.below(len(other) + 1) :]
    return data
