"""What fuzzing has kept, and changed copies of it, on every Python that runs the firmware."""

from binascii import crc32

from mutation import mutations
from script import folder

VMS = ("vm64", "vm32")  # test_fuzz.py has more of it, for CPython
FOLDERS = ("../fuzz", "../../boards/UNIX")
HEAP = 134_217_728  # bytes: a 32-bit VM collects no garbage while a case runs

COUNT = 400  # mutations


def holds(name):
    target = getattr(__import__("targets." + name), name)
    kept = folder("corpus", name)
    for file in sorted(kept):
        tried(target, kept[file], file)
    seeds = [kept[file] for file in sorted(kept)]
    for n, data in enumerate(mutations(seeds, target.WORDS, COUNT, 1)):
        tried(target, data, "mutation %d" % n)


def tried(target, data, whence):
    try:
        target.target(data)
    except BaseException:
        print(whence, data)
        raise


def test_any_message_is_read_as_the_rfcs_say():
    holds("codec")


def test_whatever_comes_the_session_does_as_the_model():
    holds("session")


def test_whatever_the_file_holds_a_record_is_a_lease_that_was_had_or_none():
    holds("records")


def test_any_option_is_read_or_stays_bytes():
    holds("options")


def test_any_frame_has_the_message_that_is_in_it_or_none():
    holds("frames")


def test_any_settings_make_a_client_or_are_refused():
    holds("config")


def test_the_mutations_are_the_same_everywhere():
    sum = 0
    for data in mutations([bytes(range(99)), b"abc"], [b"word"], 200, 7):
        sum = crc32(data, sum)
    assert sum == 0x16ED82F7
