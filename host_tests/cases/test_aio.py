"""The client as an asyncio task, beside others. Real event loops, and a board whose time runs
twenty times as fast as ours.
"""

import asyncio
import time
from errno import ETIMEDOUT

from dhcpc import Client, fallback
from dhcpc.aio import acquire, keep
from fakeboard import NO_IP, WIFI, plug
from kit import imported, module, rfc
from onboard import FOUR, GRANT, Server
from records import Memory
from two import Board as Two
from world import DISCOVER, REQUEST

# The 32-bit VMs have no asyncio.
VMS = ("cpython", "vm64")

FAST = 20
LEASE = 16  # seconds, of the board's
EXAMPLE = __file__.rsplit("/", 3)[0] + "/firmware/examples/asyncio_app.py"


def ticks_ms():
    """Ours."""
    return time.ticks_ms() if hasattr(time, "ticks_ms") else time.monotonic_ns() // 1_000_000


class Table:
    """A client on a board, for `with`: `dhcp`, `board`, `events`, in a network with a server."""

    def __init__(self, port="PICO_W", fast=FAST):
        self.plugged = plug(port)
        self.fast = fast
        self.events = []

    def __enter__(self):
        self.board = board = self.plugged.__enter__()
        board.server = Server()
        board.server.grant = {"lease": LEASE, "options": GRANT}
        self.start = ticks_ms()
        self.first = board.now
        board.nic.active(True)
        self.dhcp = Client(board.nic, store=Memory(), clock=self.clock, on_event=self.tell)
        board.connect()
        return self

    def __exit__(self, *error):
        self.plugged.__exit__(*error)

    def clock(self):
        self.board.now = self.first + (ticks_ms() - self.start) * self.fast
        self.board.hand_over()
        return self.board.clock()

    def tell(self, event, lease):
        self.events.append(event)

    async def until(self, event):
        """Wait for it, 5 s at most."""
        for _ in range(1000):
            if event in self.events:
                return
            await asyncio.sleep(0.005)
        raise AssertionError("no " + event)


def gone(task):
    """Cancel it, and wait until it has ended."""

    async def wait():
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return
        raise AssertionError("it took no notice")

    return wait()


async def count(turns):
    """Another task, that adds something at each of its turns."""
    while True:
        turns.append(1)
        await asyncio.sleep(0.005)


# keep


@rfc("2131 figure5 renewing-rebinding-ack")
def test_keep_gets_a_lease_and_renews_it():
    async def main(table):
        task = asyncio.create_task(keep(table.dhcp))
        await table.until("bound")
        assert table.board.nic.ifconfig() == FOUR
        await table.until("renewed")
        await gone(task)

    with Table() as table:
        asyncio.run(main(table))


def test_keep_notices_that_the_link_goes_and_comes():
    async def main(table):
        task = asyncio.create_task(keep(table.dhcp))
        await table.until("bound")
        table.events.clear()
        table.board.away()
        await table.until("link")
        assert table.dhcp.lease is None
        sent = len(table.board.sent)
        table.board.back()
        await table.until("rebooted")
        assert [each.type for each in table.board.sent[sent:]] == [REQUEST]
        await gone(task)

    for port in ("PICO_W", "ESP32", "ESP32_LAN"):
        with Table(port, fast=1) as table:
            asyncio.run(main(table))


def test_other_tasks_run_on_through_a_lease_a_renewal_and_a_loss_of_the_link():
    async def main(table):
        turns: list[int] = []
        tasks = [asyncio.create_task(keep(table.dhcp)), asyncio.create_task(count(turns))]
        await table.until("renewed")
        table.board.away()
        await table.until("link")
        for task in tasks:
            await gone(task)
        assert len(turns) > 20

    with Table() as table:
        asyncio.run(main(table))


def test_keep_ends_when_it_is_cancelled_and_the_lease_stays():
    async def main(table):
        task = asyncio.create_task(keep(table.dhcp))
        await table.until("bound")
        await gone(task)
        polls = []
        table.dhcp.poll = lambda: polls.append(1)
        await asyncio.sleep(0.3)
        assert polls == []
        assert table.dhcp.lease.ip == FOUR[0]
        assert table.board.nic.ifconfig() == FOUR

    with Table(fast=1) as table:
        asyncio.run(main(table))


def test_keep_polls_as_often_as_poll_asks_and_four_times_a_second():
    class Paced:
        """A client that says when to come again, and cannot wait itself."""

        def __init__(self, wait):
            self.wait = wait
            self.polls = 0

        def poll(self):
            self.polls += 1
            return self.wait

    async def main(dhcp):
        task = asyncio.create_task(keep(dhcp))
        await asyncio.sleep(0.9)
        await gone(task)
        return dhcp.polls

    assert 3 <= asyncio.run(main(Paced(86_400_000))) <= 6
    assert 8 <= asyncio.run(main(Paced(50))) <= 25


def test_an_exception_of_on_event_ends_keep():
    def fail(event, lease):
        if event == "bound":
            raise ValueError("mine")

    async def main(table):
        table.dhcp.on_event = fail
        try:
            await keep(table.dhcp)
        except ValueError as error:
            return str(error)

    with Table() as table:
        assert asyncio.run(main(table)) == "mine"
        assert table.dhcp.lease.ip == FOUR[0]


# acquire


def test_acquire_gives_the_lease_without_keep():
    with Table() as table:
        assert asyncio.run(acquire(table.dhcp)).ip == FOUR[0]
        assert table.board.nic.ifconfig() == FOUR


def test_acquire_gives_the_lease_beside_keep():
    async def main(table):
        task = asyncio.create_task(keep(table.dhcp))
        lease = await acquire(table.dhcp)
        assert lease is table.dhcp.lease
        await gone(task)

    with Table(fast=1) as table:
        asyncio.run(main(table))
        assert [each.type for each in table.board.sent] == [DISCOVER, REQUEST]


def test_acquire_lets_others_run():
    async def main(table):
        turns: list[int] = []
        task = asyncio.create_task(count(turns))
        try:
            await acquire(table.dhcp, timeout_ms=300)
        except OSError:
            pass
        await gone(task)
        assert len(turns) > 10

    with Table(fast=1) as table:
        table.board.server.mute = (DISCOVER,)
        asyncio.run(main(table))


def refused(table, timeout_ms):
    """What acquire raises: the OSError's argument."""
    try:
        asyncio.run(acquire(table.dhcp, timeout_ms))
    except OSError as error:
        return error.args[0]
    raise AssertionError("a lease")


def test_acquire_runs_out_of_time():
    with Table() as table:
        table.board.server.mute = (DISCOVER,)
        assert refused(table, 20_000) == ETIMEDOUT
        passed = table.board.now - table.first
        assert 20_000 <= passed < 40_000


def test_a_reason_that_the_link_has_from_before_does_not_end_acquire():
    """An ESP32 still has it after `connect` to another network."""

    async def back(table):
        await asyncio.sleep(0.2)
        table.board.back()

    async def main(table):
        task = asyncio.create_task(back(table))
        lease = await acquire(table.dhcp)
        await task
        return lease

    for port in WIFI:
        with Table(port) as table:
            table.board.away()
            table.board.nic.refused("WRONG_PASSWORD")
            assert asyncio.run(main(table)).ip == FOUR[0]


def test_acquire_ends_early_when_the_link_has_a_reason_of_its_own():
    async def refuse(table):
        await asyncio.sleep(0.2)
        table.board.nic.refused("WRONG_PASSWORD")

    async def main(table):
        task = asyncio.create_task(refuse(table))
        try:
            await acquire(table.dhcp, 20_000)
        except OSError as error:
            await task
            return error.args[0]

    for port in WIFI:
        with Table(port, fast=1) as table:
            table.board.away()
            assert asyncio.run(main(table)) == "wrong password"
            assert table.board.now - table.first < 5000


def test_a_reason_from_before_is_raised_when_the_time_is_over():
    for port in WIFI:
        with Table(port) as table:
            table.board.away()
            table.board.nic.refused("WRONG_PASSWORD")
            assert refused(table, 2_000) == "wrong password"
            assert table.board.now - table.first >= 2_000


def test_acquire_can_be_cancelled():
    async def main(table):
        task = asyncio.create_task(acquire(table.dhcp))
        await asyncio.sleep(0.02)
        await gone(task)

    with Table(fast=1) as table:
        table.board.server.mute = (DISCOVER,)
        asyncio.run(main(table))


def test_acquire_after_release_starts_anew():
    async def main(table):
        await acquire(table.dhcp)
        table.dhcp.release()
        assert table.board.nic.ifconfig()[0] == NO_IP
        return await acquire(table.dhcp)

    with Table() as table:
        assert asyncio.run(main(table)).ip == FOUR[0]


def test_acquire_returns_a_fallback_address_once_it_is_there():
    async def main(table):
        task = asyncio.create_task(keep(table.dhcp))
        lease = await acquire(table.dhcp)
        await gone(task)
        return lease

    with Table() as table:
        table.board.server.mute = (DISCOVER,)
        fallback.static(table.dhcp, "192.168.7.7", after_ms=2000)
        assert asyncio.run(main(table)).ip == "192.168.7.7" == table.board.nic.ifconfig()[0]


def acquired(several):
    """What `acquire` returns beside `keep`, if there is a lease already."""

    async def main():
        task = asyncio.create_task(keep(several))
        lease = await acquire(several, 0)
        await gone(task)
        return lease

    return asyncio.run(main())


def test_a_failover_is_kept_as_a_client_is():
    board = Two().go(10)
    assert acquired(board.several) is board.several.lease


def test_a_link_of_a_failover_that_cannot_say_what_is_wrong_does_not_end_acquire():
    board = Two().go(10)
    board.lines[0].faults["error"] = OSError(5)
    assert acquired(board.several) is board.several.lease


# The example


class Enough(BaseException):
    """As good as Ctrl-C."""


def test_the_example_works_through_a_lease_a_renewal_and_a_loss_of_the_link():
    printed = []
    counts: list[int] = []
    sleep = asyncio.sleep

    def say(*what):
        printed.append(" ".join([str(each) for each in what]))

    def hasten(seconds):
        # Its seconds are the board's. What keep and acquire wait is ours.
        counts.append(names["count"])  # type: ignore[arg-type]
        if seconds < 1:
            return sleep(seconds)
        if "renewed" in table.events and not away:
            away.append(1)
            table.board.away()
        if len(printed) and printed[-1].startswith("no network"):
            raise Enough
        return sleep(seconds / 100)

    away: list[int] = []
    with Table() as table:
        joined = []
        main = module(dhcp=table.dhcp, connect=lambda: joined.append(1))
        names = {"__name__": "__main__", "print": say, "count": 0}
        asyncio.sleep = hasten  # type: ignore[assignment]
        try:
            with imported({"__main__": main}), open(EXAMPLE) as f:
                exec(compile(f.read(), "asyncio_app.py", "exec"), names)
        except Enough:
            pass
        finally:
            asyncio.sleep = sleep
    assert printed[0].startswith(FOUR[0])
    assert printed[-1].startswith("no network")
    assert "renewed" in table.events
    assert "link" in table.events
    assert joined == [1]
    assert counts[-1] > 10
