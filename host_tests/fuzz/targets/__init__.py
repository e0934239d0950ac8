"""What is fuzzed. Each module has target(data: bytes): it takes any bytes, and fails by an
AssertionError, or by what nobody expects. What it may cost, `counting.limit` holds it to:

WORDS: what occurs in inputs, for the fuzzer to put in.
LINES, BYTES: (some, for each byte of the input): the most lines of Python of the code under test,
and the most memory, in bytes. size(data), where there is one: what takes the place of the input's
own length.
"""

BOARD = ("codec", "session", "records", "options", "frames", "config")  # in every VM, too
ALL = BOARD + ("captures",)
