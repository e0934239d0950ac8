"""tools/netup.py: its command line, and on a real cable what the interop tests do not look at."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

import netup
from device import interface
from on_cable import NETUP, WITH_PACKET, ended, everything, names, run
from on_cable import lab_works as lab_works
from on_cable import net as net
from on_cable import served as served
from on_cable import which as which
from test_interop import STORE, Event, Netup
from testbed.lab import Lab
from testbed.network import CLIENT_MAC
from testbed.plan import Plan
from testbed.process import PATIENCE_S, Process, wait_for
from toolchain import cli, vm
from toolchain.cli import Refusal
from toolchain.files import PAGE

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


def test_a_host_name_that_is_too_long_is_refused() -> None:
    done = run("lo", "--hostname", "h" * 256)
    assert done.returncode == 2
    assert done.stderr.endswith("error: --hostname: 256 bytes, and option 12 takes 255\n")


@pytest.mark.parametrize("machine", ["micropython", "python"])
def test_without_a_vm_it_says_what_to_do(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"vm64": vm.VM("vm64", (), "`make setup`, say")}
    monkeypatch.setattr(vm, "vms", lambda: missing)
    monkeypatch.setattr(sys, "argv", ["netup.py", "nosuch0", "--vm", machine])
    if machine == "python":
        assert cli.run(netup.main) == 2
        return
    with pytest.raises(Refusal) as refusal:
        netup.main()
    assert "no MicroPython VM: `make setup`, say" in str(refusal.value)
    assert "--vm python" in str(refusal.value)


def test_an_interface_that_only_its_namespace_shows_takes_a_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def forbidden(_: str) -> bool:
        raise PermissionError

    monkeypatch.setattr(interface, "_sysfs_is_foreign", forbidden)
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (7, "elsewhere0")])
    monkeypatch.setattr(sys, "argv", ["netup.py", "elsewhere0", "--vm", "python"])
    assert cli.run(netup.main) == 1
    assert capsys.readouterr().err == "netup: interface elsewhere0: it takes CAP_NET_RAW\n"


# In the lab


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
    for python in ("micropython", "python"):
        runs = []
        for _ in range(2):
            events = ended(Netup(served, "--once", "--vm", python))
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


# What it tells


def test_a_lease_has_every_option_that_was_granted(which: str, served: Lab) -> None:
    bound = ended(Netup(served, "--once", "--vm", which))[-1]
    options = dict(bound["options"])
    assert (options[53], options[54]) == ("05", "c0000201")


def test_a_lease_in_text_names_its_other_options_and_says_if_it_has_no_dns() -> None:
    lease = {"ip": "192.0.2.5", "mask": "255.255.255.0", "gateway": None, "server": "192.0.2.1"}
    times = {"t_ms": 1500, "lease_time": 600, "t1": 300, "t2": 525}
    options = [[1, "ffffff00"], [42, "c0000202"], [51, "00000258"], [119, "00"]]
    event = {"event": "bound", "state": "BOUND", "dns": [], "options": options, **lease, **times}
    assert interface._text(event).endswith(
        "192.0.2.5 mask 255.255.255.0 gateway none dns none server 192.0.2.1 for 600 s; "
        "also NTP servers, domain search"
    )


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


def test_nothing_is_traced_after_a_refusal(net: Lab) -> None:
    page = net.outside(Path("/run/lab/trace.html"))
    page.write_text(PAGE)
    said = net.run(["sh", "-c", f"{NETUP} lo --trace /run/lab/trace.html 2>&1 || true"])
    assert said == "netup: interface lo: not Ethernet\n"
    assert page.read_text() == PAGE
