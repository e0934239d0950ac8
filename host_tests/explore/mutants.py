"""The session, and the client, with one line changed for the worse: what a search must find."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

from dhcpc import Client, Session
from toolchain.package import ROOT

_SOURCES = ROOT / "firmware/dhcpc"


class Mutant(NamedTuple):
    """What stands in the source, and what takes its place. breaks: the promise that fails first;
    none, if the model alone finds it."""

    was: str
    now: str
    breaks: str = ""


MUTANTS = {
    "a lease does not end": Mutant(
        'self.start(-1)\n                return "expired"',
        "lease.age = 0",
        "no_address_after_its_end",
    ),
    "a lease runs from its ACK": Mutant(
        "lease.age = self.age", "lease.age = 0", "never_silent_for_ever"
    ),
    "time stands still when it goes far": Mutant(
        "const(0x3FFF0000)", "const(0x0FFF0000)", "never_silent_for_ever"
    ),
    "parts of a second are forgotten": Mutant(
        "self.ms = gone % 1000", "self.ms = 0", "never_silent_for_ever"
    ),
    "a lease is not asked for at its end": Mutant(
        "max(lease.t1, _MIN_T1), lease.lease_time)",
        "max(lease.t1, _MIN_T1), _DAY)",
        "no_address_after_its_end",
    ),
    "a NAK leaves the address": Mutant(
        "if self.type == _NAK:\n            self.start(-1)",
        "if self.type == _NAK:\n            pass",
        "no_two_addresses",
    ),
    "a start leaves the lease": Mutant(
        "self._begin(_INIT)  # if there is no memory for it, the lease is still there\n"
        "        self.lease = None",
        "self._begin(_INIT)",
        "every_call_ends",
    ),
    "another address is not asked for": Mutant(
        "self.yiaddr = lease.yiaddr\n", "pass\n", "no_two_addresses"
    ),
    "a NAK is no reason to wait": Mutant(
        "wait = self.fails and 1000 << self.fails", "wait = 0", "no_more_than_the_named_rates"
    ),
    "T1 is whatever the server says": Mutant(
        "max(lease.t1, _MIN_T1)", "lease.t1", "no_more_than_the_named_rates"
    ),
    "nothing is sent later and later": Mutant("10 - back", "10", "no_more_than_the_named_rates"),
    "later and later without an end": Mutant(
        "const(6)  # 2**6 seconds", "const(9)  # 2**9 seconds", "never_silent_for_ever"
    ),
    "T2 is not heeded": Mutant(
        "left = lease.t2 - age", "left = lease.lease_time - age", "never_silent_for_ever"
    ),
    "a day is not the most": Mutant(
        "min(self.due - age, _DAY) * 1000", "(self.due - age) * 1000", "never_silent_for_ever"
    ),
    "an offer that is not kept is waited for": Mutant(
        "elif self.count == (_REBOOT_TRIES",
        "elif self.count == -(_REBOOT_TRIES",
        "an_honest_server_brings_it_back",
    ),
    "who has not kept an offer is never taken again": Mutant(
        "self.count < 2 and buf.startswith(self.shun, server or 20)",
        "buf.startswith(self.shun, server or 20)",
        "an_honest_server_brings_it_back",
    ),
    "whose reply it is does not matter": Mutant(
        "stray(buf, self) or", "", "only_what_was_asked_for_is_taken"
    ),
    "what is refused is kept": Mutant(
        "self.type = kind = kind and buf[kind]",
        "self.type = kind = kind and buf[kind]\n        self.yiaddr = buf[16:20]",
        "only_what_was_asked_for_is_taken",
    ),
    "a renewal is sent at once again": Mutant(
        "min(left, max(lease.lease_time // _PART, _MIN_T1))", "0", "every_call_ends"
    ),
    "the offer of the start before counts": Mutant(
        "self._begin(state + 2)\n            self.server = None",
        "self._begin(state + 2)",
        "an_honest_server_brings_it_back",
    ),
    "a network has the address": Mutant('if subnet(m) < 0:\n            return "yiaddr"', "pass"),
    "anybody may say NAK": Mutant("if state == _REQUESTING and server and", "if 0 and"),
    "a lease runs from its DISCOVER": Mutant(
        "self.age = self.count = 0\n            else", "self.count = 0\n            else"
    ),
    "a REQUEST has secs of its own": Mutant("self.secs = self.age  #", "self.secs = 0  #"),
    "whoever keeps no offer is not remembered": Mutant("self.shun = self.server  #", "pass  #"),
    "an end of a short lease is no reason to wait": Mutant(
        "_LASTED = const(30)", "_LASTED = const(0)", "no_more_than_the_named_rates"
    ),
    "what could not leave is tried again after T2 or the end": Mutant(
        "min(self.due, self.lease.age + _MIN_T1)",
        "self.lease.age + _MIN_T1",
        "no_address_after_its_end",
    ),
    "six REQUESTs are five": Mutant("_TRIES = const(6)", "_TRIES = const(5)"),
}


CLIENTS = {
    "what the NIC did not take is taken for done": Mutant(
        "if self.attempt(self.link.apply, lease) is False:\n            return",
        "self.attempt(self.link.apply, lease)",
        "the_nic_has_the_lease_s_address",
    ),
    "what the NIC did not take is not tried again": Mutant(
        "self.update(self.due)  # it is tried again",
        "pass",
        "what_the_nic_did_not_take_is_tried_again_soon",
    ),
    "what the NIC did not take is tried again late": Mutant(
        "return min(_SOON, wait) if self.due else wait",
        "return wait",
        "what_the_nic_did_not_take_is_tried_again_soon",
    ),
    "the end of a lease is not heard": Mutant(
        "elif due:\n                self.update(due)",
        "elif due:\n                pass",
        "the_lease_is_the_session_s",
    ),
    "a lost link leaves the lease": Mutant(
        'if session.state:\n                self._stop("link")',
        "if session.state:\n                session.stop()",
        "the_lease_is_the_session_s",
    ),
    "a lease has no record": Mutant(
        "self.save = self.store.save, lease, self.key", "pass", "the_record_is_the_lease_s"
    ),
    "a record is not cleared": Mutant(
        "self.save = self.clear", "pass", "the_record_is_the_lease_s"
    ),
    "a NAK leaves the record": Mutant(
        'event == "nak", True', "False, True", "the_record_is_the_lease_s"
    ),
    "a store that fails is not asked again": Mutant(
        "if self.attempt(*self.save) is None:\n                self.save = None",
        "self.attempt(*self.save)\n            self.save = None",
        "the_record_is_the_lease_s",
    ),
    "a record is written late": Mutant(
        "_PAUSE = const(600000)", "_PAUSE = const(6000000)", "the_record_is_soon_written"
    ),
}


def session(mutant: Mutant) -> type[Session]:
    """The class, changed."""
    changed: type[Session] = _changed("session", mutant).Session
    return changed


def client(mutant: Mutant) -> type[Client]:
    """The class, changed."""
    changed: type[Client] = _changed("client", mutant).Client
    return changed


def _changed(name: str, mutant: Mutant) -> ModuleType:
    path = _SOURCES / f"{name}.py"
    source = path.read_text()
    assert source.count(mutant.was) == 1, mutant.was
    module = ModuleType("dhcpc.mutant")
    module.__package__ = "dhcpc"
    exec(compile(source.replace(mutant.was, mutant.now), path, "exec"), module.__dict__)
    return module
