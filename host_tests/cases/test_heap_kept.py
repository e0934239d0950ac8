"""What a lease keeps of the heap."""

from kit import kept
from world import BOUND, World, big_ack

VMS = ("vm64",)


def test_an_accepted_ack_keeps_1024_bytes_at_most():
    w = World().requesting()
    data = big_ack(w.sent[-1].xid)
    took = kept(lambda: w.session.read(data) and None)
    assert w.state == BOUND
    print("an accepted ACK keeps:", took)
    assert took <= 1024
