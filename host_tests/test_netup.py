"""tools/netup.py: its command line, and on a real cable what the interop tests do not look at."""

from __future__ import annotations

import binascii
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import netup
from test_interop import STORE, Event, Netup
from testbed import clients
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.plan import Plan
from testbed.process import PATIENCE_S, Process, wait_for
from toolchain import vm
from toolchain.cli import Refusal
from toolchain.programs import require

NETUP = clients.Netup.path
RESOLV_CONF = Path("/etc/resolv.conf")
WITH_PACKET = ("recv", "send")


def run(*arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run netup to its end, outside of any lab."""
    return subprocess.run(
        [sys.executable, NETUP, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
        **how,
    )


@pytest.fixture
def ethernet() -> str:
    """The name of some Ethernet interface of this machine. Nothing is ever sent there."""
    for path in sorted(Path("/sys/class/net").glob("*")):
        if (path / "type").exists() and (path / "type").read_text() == "1\n":
            return path.name
    pytest.skip("this machine has no Ethernet interface")


@pytest.fixture(params=["micropython", "python"])
def which(request: pytest.FixtureRequest) -> str:
    """Each --vm in turn."""
    if request.param == "micropython" and (missing := vm.vms()["vm64"].missing):
        pytest.skip(f"vm64: {missing}")
    return str(request.param)


# The command line


def test_help_tells_every_option_on_lines_that_fit() -> None:
    done = run("--help", env={**os.environ, "COLUMNS": "99"})
    assert done.returncode == 0
    options = "once store hostname timeout reuse no-apply resolver probe trace json vm"
    for option in ("IFACE", *(f"--{option}" for option in options.split())):
        assert option in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 99


def test_without_an_interface_it_says_how_it_is_used() -> None:
    done = run()
    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert "IFACE" in done.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1000001", "soon"])
def test_a_timeout_that_is_none_is_refused(seconds: str) -> None:
    done = run("eth0", "--timeout", seconds)
    assert done.returncode == 2
    assert "--timeout" in done.stderr


@pytest.mark.parametrize("option", ["--vm=cpython", "--twice", "--store"])
def test_an_option_that_is_wrong_is_refused(option: str) -> None:
    done = run("eth0", option)
    assert done.returncode == 2
    assert option.split("=")[0] in done.stderr


def test_the_resolver_without_the_address_is_refused() -> None:
    done = run("eth0", "--no-apply", "--resolver")
    assert done.returncode == 2
    assert "--resolver" in done.stderr


@pytest.mark.parametrize(
    ("name", "which"),
    [
        *((name, "micropython") for name in ("", ".", "a/b", "../net/lo", "nosuch0\n")),
        ("nosuch0", "python"),
    ],
)
def test_an_interface_that_there_is_not_is_named(name: str, which: str) -> None:
    done = run(name, "--vm", which)
    assert done.returncode == 2
    assert done.stderr.startswith("netup: interface")
    assert name.strip() in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(not Path("/sys/class/net/lo").exists(), reason="there is no lo, as on Linux")
def test_an_interface_that_is_no_ethernet_is_refused(which: str) -> None:
    done = run("lo", "--vm", which)
    assert done.returncode == 2
    assert done.stderr == "netup: interface lo: not Ethernet\n"


def test_a_host_name_that_is_too_long_is_refused(which: str, net: Lab) -> None:
    process = net.start([sys.executable, NETUP, "eth0", "--hostname", "h" * 256, "--vm", which])
    assert process.wait(PATIENCE_S) == 2
    time.sleep(0.2)
    said = process.said()
    assert "12" in said or "host" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("machine", ["micropython", "python"])
def test_without_a_vm_it_says_what_to_do(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"vm64": vm.VM("vm64", (), "`make setup`, say")}
    monkeypatch.setattr(vm, "vms", lambda: missing)
    monkeypatch.setattr(sys, "argv", ["netup.py", "nosuch0", "--vm", machine])
    if machine == "python":
        assert netup.main() == 2
        return
    with pytest.raises(Refusal) as refusal:
        netup.main()
    assert "no MicroPython VM: `make setup`, say" in str(refusal.value)
    assert "--vm python" in str(refusal.value)


# In the lab


@pytest.fixture(scope="module")
def lab_works() -> None:
    """Skips, with the reason, where there can be no lab or no VM."""
    if missing := vm.vms()["vm64"].missing:
        pytest.skip(f"vm64: {missing}")
    require("dnsmasq")
    with Lab():
        pass


@pytest.fixture
def net(lab_works: None) -> Iterator[Lab]:
    """A cable without a server."""
    with Lab() as net:
        yield net


@pytest.fixture
def served(net: Lab) -> Lab:
    """A cable with dnsmasq on it."""
    net.serve("dnsmasq")
    return net


def names(events: list[Event]) -> list[str]:
    return [event["event"] for event in events]


def everything(net: Lab) -> list[str]:
    """All that netup might change on the client's host, and on the machine."""
    show = ["address show", "route show table all", "rule show", "neigh show dev lo"]
    said = [net.run(["ip", "-4", *what.split()]) for what in show]
    return [*said, net.outside(RESOLV_CONF).read_text()]


def ended(run: Netup, code: int = 0) -> list[Event]:
    """Wait for the end of a run, and return its events."""
    assert run.process.wait(PATIENCE_S) == code, run.process.said()
    assert "Traceback" not in run.process.said()
    return run.events()


def test_no_apply_touches_nothing(served: Lab) -> None:
    before = everything(served)
    run = Netup(served, "--no-apply")
    assert run.wait("bound")["ip"].startswith("192.0.2.")
    assert everything(served) == before
    run.process.terminate()
    ended(run)
    assert everything(served) == before


def test_both_pythons_tell_the_same(served: Lab) -> None:
    told = []
    for which in ("micropython", "python"):
        runs = []
        for _ in range(2):
            events = ended(Netup(served, "--once", "--vm", which))
            runs.append([{key: e[key] for key in e if key != "t_ms"} for e in events])
            served.run(["ip", "address", "flush", "dev", "eth0"])
        told.append(runs)
        served.run(["rm", str(STORE)])
    assert told[0] == told[1]
    assert names(told[0][0])[-1] == "bound"
    assert names(told[0][1])[-1] == "rebooted"


def test_every_event_has_its_time_and_the_state_after_it(served: Lab) -> None:
    events = ended(Netup(served, "--once"))
    times = [event["t_ms"] for event in events]
    assert times == sorted(times)
    assert all(event["state"] for event in events)
    packets = [(e["event"], e["type"]) for e in events if e["event"] in WITH_PACKET]
    assert packets == [
        ("send", "DISCOVER"),
        ("recv", "OFFER"),
        ("send", "REQUEST"),
        ("recv", "ACK"),
    ]


def test_reuse_sends_no_packet(served: Lab) -> None:
    first = ended(Netup(served, "--once", "--reuse"))[-1]
    served.run(["ip", "address", "flush", "dev", "eth0"])
    with served.capture() as wire:
        events = ended(Netup(served, "--once", "--reuse"))
        time.sleep(0.2)
    assert wire.types() == []
    assert names(events) == ["reused"]
    assert events[0]["ip"] == first["ip"]
    assert served.addresses() == [f"{first['ip']}/24"]


@pytest.mark.rfc("2131 4.4.6 release")
def test_a_lease_that_was_reused_is_released(served: Lab, which: str) -> None:
    ended(Netup(served, "--once", "--reuse", "--vm", which))
    with served.capture() as wire:
        run = Netup(served, "--reuse", "--vm", which)
        ip = run.wait("reused")["ip"]
        run.process.terminate()
        assert "error" not in names(ended(run))
        assert wire.wait("RELEASE").bootp.ciaddr == ip
    assert served.addresses() == []


@pytest.mark.rfc("2131 4.4.5 renewing-at-t1")
def test_a_lease_that_was_reused_is_renewed(net: Lab) -> None:
    net.serve("dnsmasq", Plan(lease=600, t1=3, t2=500))
    ended(Netup(net, "--once", "--reuse"))
    run = Netup(net, "--reuse")
    run.wait("reused")
    run.wait("renewed")
    run.process.terminate()
    assert "error" not in names(ended(run))


@pytest.mark.rfc("4436 2.2 init-reboot")
def test_without_reuse_a_stored_lease_is_verified(served: Lab) -> None:
    ended(Netup(served, "--once", "--reuse"))
    assert names(ended(Netup(served, "--once")))[-1] == "rebooted"


def test_a_timeout_ends_it_in_time_with_exit_1(net: Lab, which: str) -> None:
    for seconds in (0.05, 1):
        began = time.monotonic()
        events = ended(Netup(net, "--once", "--timeout", str(seconds), "--vm", which), code=1)
        assert seconds <= time.monotonic() - began < seconds + 2
        assert names(events)[-1] == "timeout"
        assert events[-1]["t_ms"] >= seconds * 1000
        assert net.addresses() == []


def test_an_interface_that_is_down_is_told_before_the_timeout(net: Lab) -> None:
    net.run(["ip", "link", "set", "eth0", "down"])
    run = Netup(net, "--once", "--no-apply", "--timeout", "0.5")
    assert run.process.wait(PATIENCE_S) == 1
    said = run.process.said()
    assert "down" in said or "carrier" in said or "link" in said
    assert "None" not in said


@pytest.mark.rfc("2131 3.1 release", "2131 4.4.6 release")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("which", "times"), [("micropython", 5), ("python", 1)])
def test_signals_release_the_address(
    served: Lab, number: signal.Signals, which: str, times: int
) -> None:
    with served.capture() as wire:
        run = Netup(served, "--vm", which)
        run.wait("bound")
        for _ in range(times):
            run.process.send_signal(number)
        events = ended(run)
        wire.wait("RELEASE")
    assert wire.types().count("RELEASE") == 1
    assert names(events)[-1] == "released"
    assert served.addresses() == []


def test_a_signal_before_there_is_a_lease_ends_it_without_a_release(net: Lab) -> None:
    with net.capture() as wire:
        run = Netup(net)
        run.wait("send")
        run.process.terminate()
        ended(run)
        time.sleep(0.1)
    assert set(wire.types()) == {"DISCOVER"}


def test_a_signal_at_any_moment_ends_it_and_leaves_nothing(served: Lab) -> None:
    before = everything(served)
    for ms in range(0, 120, 12):
        run = Netup(served)
        run.process.program_pid()
        time.sleep(ms / 1000)
        run.process.terminate()
        # Before its handlers are set netup dies of it; the VM must end well all the same.
        assert run.process.wait(PATIENCE_S) in (0, 143, -15), run.process.said()
        wait_for(lambda: everything(served) == before, "end of all traces")


def test_the_vm_gives_the_address_back_when_netup_is_killed(served: Lab, which: str) -> None:
    before = everything(served)
    with served.capture() as wire:
        run = Netup(served, "--vm", which)
        run.wait("bound")
        run.process.kill()
        wire.wait("RELEASE")
    wait_for(lambda: everything(served) == before, "end of all traces")


def test_a_reader_that_goes_away_ends_it_and_the_address_is_given_back(net: Lab) -> None:
    net.serve("dnsmasq", Plan(lease=600, t1=3, t2=500))
    with net.capture() as wire:
        # It finds that nobody reads when it has more to tell: the renewal. dnsmasq has no T1
        # below 3 s.
        said = net.run(["sh", "-c", f"{sys.executable} {NETUP} eth0 | sed /bound/q"])
        wire.wait("RELEASE")
    assert said.splitlines()[-1].split()[2] == "bound"
    assert net.addresses() == []


def test_a_reader_that_goes_away_before_there_is_a_lease_ends_it(served: Lab) -> None:
    said = served.run(["sh", "-c", f"{sys.executable} {NETUP} eth0 | head -n 2"])
    assert len(said.splitlines()) == 2
    assert served.addresses() == []


def test_without_json_a_line_tells_what_happened(served: Lab) -> None:
    said = served.run([sys.executable, NETUP, "eth0", "--once"])
    words = [line.split() for line in said.splitlines()]
    assert [line[2] for line in words][:2] == ["link", "send"]
    assert "DISCOVER" in said
    assert "192.0.2.53 192.0.2.54" in said
    assert not set("[]{}'") & set(said)


@pytest.mark.parametrize("right", ["net_raw", "net_admin"])
def test_a_right_that_is_missing_is_said_before_the_first_packet(
    served: Lab, which: str, right: str
) -> None:
    before = everything(served)
    netup = [sys.executable, str(NETUP), "eth0", "--vm", which]
    with served.capture() as wire:
        began = time.monotonic()
        said = served.start(["setpriv", f"--bounding-set=-{right}", *netup])
        assert said.wait(PATIENCE_S) == 1
        assert time.monotonic() - began < 10
        time.sleep(0.2)
    assert wire.types() == []
    assert re.fullmatch(r"netup: .*eth0.*: Operation not permitted\n", said.said())
    assert everything(served) == before


def test_without_applying_there_is_no_need_for_the_right_to(served: Lab) -> None:
    netup = [sys.executable, str(NETUP), "eth0", "--no-apply", "--once"]
    served.run(["setpriv", "--bounding-set=-net_admin", *netup])


# What ip(8) says when the kernel refuses; all else is left to the real one.
REFUSING = """#!/bin/sh
case "$*" in *"{words}"*)
    echo "RTNETLINK answers: No buffer space available" >&2
    exit 2
esac
exec {ip} "$@"
"""


def refusing(net: Lab, words: str) -> list[str]:
    """What comes before a command line to have `ip` fail where these words are in its."""
    path = Lab.dir / "refusing" / "ip"
    net.outside(path.parent).mkdir(exist_ok=True)
    net.outside(path).write_text(REFUSING.format(words=words, ip=shutil.which("ip")))
    net.outside(path).chmod(0o755)
    return ["env", f"PATH={path.parent}:{os.environ['PATH']}", sys.executable, str(NETUP), "eth0"]


def told(process: Process) -> list[Event]:
    """What a run with --json has told."""
    return [json.loads(line) for line in process.lines()]


def test_an_address_that_cannot_be_set_is_exit_1_in_the_kernels_words(
    served: Lab, which: str
) -> None:
    process = served.start(
        [
            *refusing(served, "address replace"),
            *("--once", "--json", "--timeout", "3", "--vm", which),
        ]
    )
    assert process.wait(PATIENCE_S) == 1
    events = told(process)
    assert not {"bound", "rebooted"} & {*names(events)}
    why = [event["reason"] for event in events if event["event"] == "error"]
    assert len(why) == 1  # though it was tried more than once
    assert why[0].startswith("ip address replace 192.0.2.")
    assert why[0].endswith("RTNETLINK answers: No buffer space available")
    assert events[-1]["event"] == "timeout"
    assert events[-1]["reason"] == why[0]
    assert served.addresses() == []


def test_an_address_that_can_be_set_later_is(served: Lab) -> None:
    process = served.start([*refusing(served, "address replace"), "--json"])
    wait_for(lambda: "error" in names(told(process)), "event 'error'")
    refusing(served, "no such command")
    bound = wait_for(lambda: [e for e in told(process) if e["event"] == "bound"], "event 'bound'")
    assert served.addresses() == [f"{bound[0]['ip']}/24"]
    process.terminate()
    assert process.wait(PATIENCE_S) == 0


def test_an_address_that_cannot_be_taken_away_is_exit_1(served: Lab) -> None:
    process = served.start([*refusing(served, "address del"), "--json"])
    wait_for(lambda: "bound" in names(told(process)), "event 'bound'")
    process.terminate()
    assert process.wait(PATIENCE_S) == 1
    (why,) = [event["reason"] for event in told(process) if event["event"] == "error"]
    assert why.endswith("RTNETLINK answers: No buffer space available")


def test_a_route_that_cannot_be_set_is_an_error_and_no_more(served: Lab) -> None:
    process = served.start([*refusing(served, "route replace"), "--json", "--once"])
    assert process.wait(PATIENCE_S) == 0
    events = told(process)
    (why,) = [event["reason"] for event in events if event["event"] == "error"]
    assert "route replace" in why
    assert why.endswith("No buffer space available")
    assert names(events)[-1] == "bound"
    assert served.addresses() == [f"{events[-1]['ip']}/24"]


# Replies of all sizes


def test_a_reply_of_over_1024_bytes_gives_a_lease(net: Lab, which: str) -> None:
    # Kea heeds no option 57. Of longer replies than a frame has room for it sends none.
    require("kea-dhcp4")
    long = {224 + number: bytes([65 + number]) * 240 for number in range(4)}
    net.serve("kea", Plan(extra=long, force=True))
    with net.capture() as wire:
        run = Netup(net, "--once", "--vm", which)
        bound = run.wait("bound")
        run.end()
        wire.wait("ACK")
    assert (bound["lease_time"], bound["server"]) == (3600, "192.0.2.1")
    assert wire.messages("ACK")[-1].ip["UDP"].len - 8 > 1024
    assert net.addresses() == [f"{bound['ip']}/24"]


# The cable


@pytest.mark.rfc("2131 3.7 verified-after-disconnection")
@pytest.mark.parametrize("end", ["switch", "client"])
def test_a_cable_that_is_pulled_and_put_back_takes_one_request(served: Lab, end: str) -> None:
    # "switch": the carrier goes; "client": somebody takes the interface down.
    interface = "client" if end == "switch" else "eth0"
    run = Netup(served)
    ip = run.wait("bound")["ip"]
    before = len(run.events())
    served.run(["ip", "link", "set", interface, "down"], host=end)
    wait_for(lambda: names(run.events()).count("link") == 2, "event 'link'")
    assert served.addresses() == []
    assert run.events()[-1]["state"] == "STOPPED"
    served.run(["ip", "link", "set", interface, "up"], host=end)
    assert run.wait("rebooted")["ip"] == ip
    sent = [event["type"] for event in run.events()[before:] if event["event"] == "send"]
    assert sent == ["REQUEST"]
    assert served.addresses() == [f"{ip}/24"]
    run.process.terminate()
    ended(run)


def test_an_interface_that_is_taken_down_while_a_reply_is_awaited(net: Lab, which: str) -> None:
    run = Netup(net, "--vm", which)
    run.wait("send")
    net.run(["ip", "link", "set", "eth0", "down"])
    wait_for(lambda: names(run.events()).count("link") == 2, "event 'link'")
    net.serve("dnsmasq")
    net.run(["ip", "link", "set", "eth0", "up"])
    run.wait("bound")
    run.process.terminate()
    ended(run)


@pytest.mark.parametrize("mac", [CLIENT_MAC, "02:00:00:00:00:77"])
def test_an_interface_that_is_made_anew_is_used_again(served: Lab, mac: str) -> None:
    run = Netup(served)
    ip = run.wait("bound")["ip"]
    served.run(["ip", "link", "delete", "client"], host="switch")
    wait_for(lambda: names(run.events()).count("link") == 2, "event 'link'")
    for command in (
        f"ip link add client type veth peer name eth0 address {mac} netns client",
        "ip link set client master switch up",
        "ip -n client link set eth0 up",
    ):
        served.run(command.split(), host="switch")
    assert run.wait("rebooted")["ip"] == ip
    assert served.addresses() == [f"{ip}/24"]
    run.process.terminate()
    ended(run)


def test_an_interface_that_vanishes_is_a_link_that_is_down(served: Lab) -> None:
    run = Netup(served)
    run.wait("bound")
    served.run(["ip", "link", "delete", "client"], host="switch")
    wait_for(lambda: names(run.events()).count("link") == 2, "event 'link'")
    run.process.terminate()
    assert names(ended(run))[-1] != "error"


def test_a_name_that_a_shell_would_take_apart_is_just_a_name(served: Lab) -> None:
    name = "e;t&$(h)"
    served.run(["ip", "link", "set", "eth0", "down"])
    served.run(["ip", "link", "set", "eth0", "name", name])
    served.run(["ip", "link", "set", name, "up"])
    said = served.run([sys.executable, NETUP, name, "--once", "--json"])
    assert "error" not in said
    assert len(served.addresses(name)) == 1


def test_a_namespace_that_was_entered_without_its_sysfs(net: Lab) -> None:
    """As `unshare --net` and `nsenter --net` leave it; `ip netns exec` mounts one."""
    make = "ip link add eth7 type veth peer name p7 && ip link set p7 up && ip link set eth7 up"
    run = f"{sys.executable} {NETUP} eth7 --once --json --timeout 0.5"
    said = net.run(["unshare", "--net", "sh", "-c", f"{make} && {run} || echo exit $?"])
    assert '"event": "send", "type": "DISCOVER"' in said
    assert said.endswith("exit 1\n")


@pytest.mark.rfc("2132 5.1 interface-mtu")
@pytest.mark.parametrize(("said", "applied"), [(1400, "1400"), (100, "1500")])
def test_the_longest_packet_is_as_the_server_says_until_the_end(
    said: int, applied: str, net: Lab
) -> None:
    def mtu() -> str:
        return net.run(["cat", "/sys/class/net/eth0/mtu"]).strip()

    assert mtu() == "1500"
    net.serve("dnsmasq", Plan(extra={26: said.to_bytes(2, "big")}, force=True))
    run = Netup(net)
    run.wait("bound")
    assert mtu() == applied
    run.process.terminate()
    assert "error" not in names(ended(run))
    assert mtu() == "1500"


def test_a_nak_is_told_with_the_server_and_its_own_words(net: Lab) -> None:
    net.serve("dnsmasq", Plan(subnet="192.0.2.0/24"))
    record = stored(net)
    moved = bytearray(record[:-4])
    moved[-9:-5] = b"\xc6\x33\x64\x05"  # an address of another network
    net.outside(STORE).write_bytes(bytes(moved) + _crc(moved))
    events = ended(Netup(net, "--once"))
    (nak,) = [event for event in events if event["event"] == "nak"]
    assert nak["reason"].startswith("192.0.2.1: it has refused the address (")


# --trace


def test_a_page_of_what_went_over_the_wire(served: Lab) -> None:
    trace = "/run/lab/trace.html"
    run = Netup(served, "--trace", trace)
    run.wait("bound")
    run.process.terminate()
    ended(run)
    text = served.outside(Path(trace)).read_text()
    for word in ("DISCOVER", "OFFER", "REQUEST", "ACK", "RELEASE", "192.0.2.1", CLIENT_MAC):
        assert word in text


def test_a_capture_of_what_went_over_the_wire(served: Lab) -> None:
    trace = "/run/lab/trace.pcap"
    ended(Netup(served, "--once", "--trace", trace))
    said = served.run([sys.executable, str(vm.ROOT / "tools/decode.py"), "--json", trace])
    types = [json.loads(line)["type"] for line in said.splitlines()]
    assert types == ["DISCOVER", "OFFER", "REQUEST", "ACK"]


def test_a_trace_that_cannot_be_written_is_refused_before_anything_is_sent(served: Lab) -> None:
    said = served.run(["sh", "-c", f"{NETUP} eth0 --once --trace /no/trace.html 2>&1 || true"])
    assert said == "netup: --trace /no/trace.html: No such file or directory\n"


# The store


def stored(net: Lab) -> bytes:
    """The record of a lease on this network, and no trace of it besides."""
    ended(Netup(net, "--once"))
    net.run(["ip", "address", "flush", "dev", "eth0"])
    return net.outside(STORE).read_bytes()


@pytest.mark.rfc("2131 3.1 lease-identified")
def test_a_record_that_is_not_for_this_device_is_none_and_it_starts_at_init(served: Lab) -> None:
    good = stored(served)
    other_mac = bytearray(good[:-4])
    other_mac[7] ^= 1
    damaged = bytearray(good)
    damaged[7] ^= 1
    for data in (
        bytes(other_mac) + _crc(other_mac),
        bytes(other_mac) + _crc(other_mac) + damaged,
        b"\x02" + good[1:-4] + _crc(b"\x02" + good[1:-4]),
    ):
        served.outside(STORE).write_bytes(data)
        events = ended(Netup(served, "--once"))
        assert [e["type"] for e in events if e["event"] == "send"] == ["DISCOVER", "REQUEST"]
        assert served.outside(STORE).read_bytes()[: len(good)][:-9] == good[:-9]


def _crc(data: bytes | bytearray) -> bytes:
    return binascii.crc32(data).to_bytes(4, "big")


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
