"""A Linux interface as a board: how boards/UNIX is run on one, and how to read what it tells."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from capture.names import message_type, option_name
from toolchain import vm
from toolchain.cli import Refusal

_BOARD = vm.ROOT / "boards/UNIX"
_WANTED = "iface once store hostname timeout reuse apply resolver probe".split()
_TOLD = "t_ms event type state reason ip mask gateway dns server lease_time t1 t2 options".split()
_SHOWN = (1, 3, 6, 51, 53, 54, 58, 59)  # options that a line of text has, or that nobody misses
_SYSFS = "/sys/class/net"
_OWN_SYSFS = ("unshare", "--mount", "sh", "-c", 'mount -t sysfs sysfs /sys && exec "$@"', "sh")


def _command(which: str) -> tuple[list[str], dict[str, str]]:
    script = _BOARD / "main.py"
    if which == "python":
        path = os.pathsep.join(map(str, (vm.FIRMWARE, _BOARD)))
        return [sys.executable, "-u", str(script)], {**os.environ, "PYTHONPATH": path}
    unix = vm.vms()["vm64"]
    if unix.missing:
        raise Refusal(f"no MicroPython VM: {unix.missing}; or --vm python")
    return unix.command(script), unix.env(_BOARD)


def _words(reason: str) -> str:
    # MicroPython knows the kernel's words for few of its errors.
    return re.sub(r"\[Errno (\d+)\]$", lambda found: os.strerror(int(found[1])), reason)


def _sysfs_is_foreign(iface: str) -> bool:
    """Whether /sys is another network namespace's than ours, as `nsenter --net` leaves it."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as probe:
        probe.bind((iface, 0))
        mac: str = probe.getsockname()[4].hex(":")
    try:
        return Path(_SYSFS, iface, "address").read_text().strip() != mac
    except OSError:
        return True


def _text(event: dict[str, Any]) -> str:
    line = f"{event['t_ms'] / 1000:9.3f} s  {event['event']:9}{event['state']:12}"
    if event.get("type"):
        line += f"{event['type']} "
    if "ip" in event:
        shown = {key: event[key] or "none" for key in ("ip", "mask", "gateway", "server")}
        line += "{ip} mask {mask} gateway {gateway} dns {dns} server {server}".format(
            dns=" ".join(event["dns"]) or "none", **shown
        )
        line += f" for {event['lease_time']} s"
        also = [option_name(code) for code, _ in event["options"] if code not in _SHOWN]
        line += f"; also {', '.join(also)}" if also else ""
    return line + str(event.get("reason", ""))


def _show(line: str, arguments: argparse.Namespace) -> None:
    try:
        event = json.loads(line)
    except ValueError:  # a traceback of the VM
        print(line, end="", file=sys.stderr)
        return
    if "refused" in event:
        raise Refusal(_words(event["refused"]))
    if "reason" in event:
        event["reason"] = _words(event["reason"])
    if "type" in event:
        event["type"] = message_type(event["type"]) if event["type"] else None
    event = {key: event[key] for key in _TOLD if key in event}
    print(json.dumps(event) if arguments.json else _text(event), flush=True)


def run(arguments: argparse.Namespace) -> int:
    """Run the client as tools/netup.py is asked to, and print what it tells; return its exit code.
    Refusal: there is no VM, or the client cannot be made so."""
    command, env = _command(arguments.vm)
    iface = arguments.iface
    try:
        if _sysfs_is_foreign(iface):
            command = [*_OWN_SYSFS, *command]
    except PermissionError:
        if iface in dict(socket.if_nameindex()).values() and not Path(_SYSFS, iface).exists():
            raise Refusal(f"interface {iface}: it takes CAP_NET_RAW") from None
    except OSError:
        pass  # no such interface: it will be said
    want = {key: getattr(arguments, key) for key in _WANTED}
    with tempfile.TemporaryFile() as words:
        want["words"] = f"/proc/self/fd/{words.fileno()}"
        return _follow(command, env, want, words.fileno(), arguments)


def _follow(
    command: list[str],
    env: dict[str, str],
    want: dict[str, Any],
    words: int,
    arguments: argparse.Namespace,
) -> int:
    # A session of its own: Ctrl-C is for us. It ends, giving the address back, when its standard
    # input is closed, be it by our death.
    child = subprocess.Popen(
        command,
        env=env,
        pass_fds=[words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert child.stdin
    assert child.stdout
    stdin = child.stdin
    stdin.write(json.dumps(want) + "\n")
    stdin.flush()
    signal.signal(signal.SIGINT, lambda *_: stdin.close())
    signal.signal(signal.SIGTERM, lambda *_: stdin.close())
    try:
        for line in child.stdout:
            _show(line, arguments)
    except BrokenPipeError:
        stdin.close()
        child.stdout.read()
    except Refusal as refusal:
        refusal.code = child.wait()
        raise
    return child.wait()
