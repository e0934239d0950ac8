"""What tools/netup.py writes: the store, and the resolver's file."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from on_cable import NETUP, RESOLV_CONF, crc, ended, everything, names, run, stored
from on_cable import lab_works as lab_works
from on_cable import net as net
from on_cable import served as served
from on_cable import which as which
from test_interop import STORE, Netup
from testbed.lab import Lab
from testbed.process import PATIENCE_S, wait_for

# The store


@pytest.fixture
def ethernet() -> str:
    """The name of some Ethernet interface of this machine. Nothing is ever sent there."""
    for path in sorted(Path("/sys/class/net").glob("*")):
        if (path / "type").exists() and (path / "type").read_text() == "1\n":
            return path.name
    pytest.skip("this machine has no Ethernet interface")


@pytest.mark.rfc("2131 3.1 lease-identified")
def test_a_record_that_is_not_for_this_device_is_none_and_it_starts_at_init(served: Lab) -> None:
    good = stored(served)
    other_mac = bytearray(good[:-4])
    other_mac[7] ^= 1
    damaged = bytearray(good)
    damaged[7] ^= 1
    for data in (
        bytes(other_mac) + crc(other_mac),
        bytes(other_mac) + crc(other_mac) + damaged,
        b"\x02" + good[1:-4] + crc(b"\x02" + good[1:-4]),
    ):
        served.outside(STORE).write_bytes(data)
        events = ended(Netup(served, "--once"))
        assert [e["type"] for e in events if e["event"] == "send"] == ["DISCOVER", "REQUEST"]
        assert served.outside(STORE).read_bytes()[: len(good)][:-9] == good[:-9]


def test_an_empty_store_file_is_as_good_as_none(served: Lab) -> None:
    served.outside(STORE).touch()
    served.outside(Path(f"{STORE}~")).touch()
    assert "error" not in names(ended(Netup(served, "--once")))
    assert not served.outside(Path(f"{STORE}~")).exists()


@pytest.mark.parametrize("behind", ["", "~"])
def test_a_store_that_holds_something_else_is_named_and_left_alone(
    ethernet: str, tmp_path: Path, which: str, behind: str
) -> None:
    # `~`: what an editor leaves, and the store would be written to first.
    path = tmp_path / "notes.txt"
    file = tmp_path / f"notes.txt{behind}"
    for data in (b"notes\n", bytes(132), b"\xff" * 4096, b"x" * 1_000_000):
        file.write_bytes(data)
        done = run(ethernet, "--no-apply", "--store", str(path), "--vm", which)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"netup: store {file}: holds no lease records; name another file, or remove it\n"
        )
        assert {each: each.read_bytes() for each in tmp_path.iterdir()} == {file: data}


@pytest.mark.parametrize("place", ["missing/lease", "read-only/lease"])
def test_a_store_that_cannot_be_written_is_said_before_the_first_packet(
    served: Lab, which: str, place: str
) -> None:
    read_only = STORE.parent / "read-only"
    served.run(["mkdir", read_only])
    served.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", read_only], host="switch")
    path = STORE.parent / place
    with served.capture() as wire:
        process = served.start([sys.executable, NETUP, "eth0", "--store", path, "--vm", which])
        assert process.wait(PATIENCE_S) == 2
        time.sleep(0.2)
    assert wire.types() == []
    why = (
        "there is no such directory"
        if "missing" in place
        else "cannot be written: Read-only file system"
    )
    assert process.said().startswith(f"netup: store {path}: {why}")


def test_a_store_that_cannot_be_written_later_is_an_error_and_no_more(net: Lab) -> None:
    directory = STORE.parent / "later"
    net.run(["mkdir", directory])
    run = Netup(net, "--store", str(directory / "lease"))
    run.wait("send")
    net.run(["rm", "-r", directory])
    net.serve("dnsmasq")
    run.wait("bound")
    assert run.wait("error")["reason"] == "No such file or directory"
    assert net.addresses() != []
    run.process.terminate()
    assert names(ended(run))[-1] == "released"
    assert net.addresses() == []


def test_what_is_no_file_is_refused_as_a_store_and_left_alone(served: Lab, which: str) -> None:
    # An ordinary user can make no device, but may mount one on a file of the lab's.
    for what, make in {
        "device": "touch {0} && mount --bind /dev/null {0}",
        "fifo": "mkfifo {0}",
        "directory": "mkdir {0}",
    }.items():
        path = STORE.parent / what
        served.run(["sh", "-c", make.format(path)], host="switch")
        kind = served.outside(path).stat().st_mode
        process = served.start(
            [sys.executable, NETUP, "eth0", "--once", "--store", path, "--vm", which]
        )
        assert process.wait(PATIENCE_S) == 2
        assert process.said() == f"netup: store {path}: is not a file\n"
        assert served.outside(path).stat().st_mode == kind


def test_a_long_store_path_is_fine(served: Lab) -> None:
    path = STORE.parent / ("directory" * 20) / "lease"
    served.outside(path.parent).mkdir()
    assert names(ended(Netup(served, "--once", "--store", str(path))))[-1] == "bound"
    assert served.outside(path).exists()


def test_a_store_may_be_a_link_to_a_file(served: Lab) -> None:
    link = STORE.parent / "link"
    served.run(["ln", "-s", STORE, link])
    ended(Netup(served, "--once", "--store", str(link)))
    assert served.outside(STORE).exists()
    assert served.outside(link).is_symlink()


# The resolver's file


def test_the_resolvers_file_is_left_alone_unless_asked_for(served: Lab, which: str) -> None:
    # Lines that look like ours, too: another run's may still be at work.
    text = b"nameserver 198.51.100.9\n# dhcpc on eth0\nnameserver 203.0.113.9\n"
    file = served.outside(RESOLV_CONF)
    file.write_bytes(text)
    before = file.stat()
    run = Netup(served, "--vm", which)
    run.wait("bound")
    assert file.read_bytes() == text
    run.process.terminate()
    ended(run)
    assert file.read_bytes() == text
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_the_resolvers_file_is_as_it_was_after_netup_was_killed(served: Lab, which: str) -> None:
    text = b"# by hand\nnameserver 198.51.100.9\n"
    served.outside(RESOLV_CONF).write_bytes(text)
    for event in ("send", "bound"):
        run = Netup(served, "--resolver", "--vm", which)
        run.wait(event)
        run.process.kill()
        wait_for(
            lambda: not served.addresses() and served.outside(RESOLV_CONF).read_bytes() == text,
            "end of all traces",
        )


def test_the_resolvers_file_is_as_it_was_after_the_client_failed(served: Lab, which: str) -> None:
    before = everything(served)
    run = Netup(served, "--resolver", "--vm", which)
    run.wait("bound")
    assert everything(served) != before
    served.run(["sh", "-c", "kill -INT $(pgrep -f UNIX/[m]ain.py)"])
    assert run.process.wait(PATIENCE_S) != 0
    assert everything(served) == before


def test_the_resolvers_file_is_as_it_was_after_a_release(served: Lab, which: str) -> None:
    for text in (
        b"",
        b"nameserver 198.51.100.9\n",
        b"nameserver 198.51.100.9",
        b"\n# by hand\n\nnameserver 198.51.100.9\n\n\n",
        b"# caf\xe9 \xff\nsearch example.org\n",
    ):
        served.outside(RESOLV_CONF).write_bytes(text)
        run = Netup(served, "--resolver", "--vm", which)
        run.wait("bound")
        assert b"nameserver 192.0.2.53\n" in served.outside(RESOLV_CONF).read_bytes()
        run.process.terminate()
        ended(run)
        assert served.outside(RESOLV_CONF).read_bytes() == text


def test_the_resolvers_file_holds_nothing_but_comments_and_whole_lines(served: Lab) -> None:
    # resolv.conf(5): only a `#` in the first column begins a comment.
    served.outside(RESOLV_CONF).write_text("nameserver 198.51.100.9\n")
    run = Netup(served, "--resolver")
    run.wait("bound")
    lines = served.outside(RESOLV_CONF).read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "nameserver 192.0.2.53",
        "nameserver 192.0.2.54",
        "search lab.example",
        "nameserver 198.51.100.9",
    ]
    run.process.terminate()
    ended(run)


def test_the_resolvers_file_has_one_set_of_lines_after_a_power_cut(served: Lab) -> None:
    for _ in range(3):
        ended(Netup(served, "--resolver", "--once"))
    text = served.outside(RESOLV_CONF).read_text()
    assert text.count("nameserver 192.0.2.53\n") == 1
    run = Netup(served, "--resolver")
    run.wait("rebooted")
    run.process.terminate()
    ended(run)
    assert "192.0.2" not in served.outside(RESOLV_CONF).read_text()


def test_without_a_resolvers_file_one_is_made_and_a_lease_is_had(served: Lab) -> None:
    served.outside(RESOLV_CONF).unlink()
    run = Netup(served, "--resolver")
    run.wait("bound")
    assert b"nameserver 192.0.2.53\n" in served.outside(RESOLV_CONF).read_bytes()
    run.process.terminate()
    assert "error" not in names(ended(run))


def test_a_resolvers_file_that_cannot_be_written_is_an_error_and_no_more(
    served: Lab, which: str
) -> None:
    served.run(["mount", "-o", "remount,bind,ro", "/etc"], host="switch")
    run = Netup(served, "--resolver", "--vm", which)
    run.wait("bound")
    assert "error" in names(run.events())
    assert served.addresses() != []
    wait_for(served.outside(STORE).exists, "record")
    run.process.terminate()
    assert names(ended(run))[-1] == "released"
    assert served.addresses() == []
