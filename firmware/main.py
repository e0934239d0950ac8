"""Keeps what boot.py has begun: the link, the lease, and beside them the application in app.py.
Feeds the watchdog. Ctrl-C, or an exception of app.py's, leads to the prompt. See
docs/application.md.
"""

from time import ticks_diff, ticks_ms

import machine

from __main__ import config, connect, dhcp, faults  # boot.py's
from dhcpc import dotted

TIMEOUT_MS = int(config.get("timeout_s", 20) * 1000)
WATCHDOG_MS = int(config.get("watchdog_s", 0) * 1000)
# Once started, a watchdog resets a board that waits at the prompt, and nothing stops it. So long
# after power-on it is not started: who presses Ctrl-C then stays at the prompt.
WINDOW_S = 5


said: list = []  # since the link or the lease changed


def say(what, news=False):
    """Print a line; if it is no news, once until there is some."""
    if news:
        said.clear()
    if what not in said:
        said.append(what)
        del said[:-8]  # a server's own words may be others each time
        print("dhcpc:", what)


def words(reason):
    """What is the matter and what to do, as far as dhcpc.explain is there to say it."""
    try:
        from dhcpc.explain import why
    except (ImportError, MemoryError):
        return str(reason)
    return "; ".join([each for each in why(reason) if each])


def span(seconds):
    """So many seconds, in the unit that fits; None is for ever."""
    if seconds is None:
        return "ever"
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return "%d %s" % (seconds // size, unit)
    return "%d s" % seconds


def tell(event, lease):
    """Print what becomes of the link and of the lease, and no packet."""
    if event in ("send", "recv", "ignored"):
        return
    if event == "link":
        say("link is up" if dhcp.session.state else "link is down", True)
    elif lease:
        server = dotted(lease.server, 0) if any(lease.server) else "nobody"
        say("%s: %s from %s for %s" % (event, lease.ip, server, span(lease.remaining())), True)
    else:
        say("%s: %s" % (event, words(dhcp.reason)))


def again():
    """Say why there is no lease. If there is no link, connect anew: not every port does so."""
    reason = dhcp.reason
    try:
        linked = dhcp.link.up()
        if not linked:
            reason = dhcp.link.error() or reason
            connect()
    except Exception as error:
        reason = error
    say("no lease: " + words(reason))


def nothing(dhcp):
    """In place of what app.py does not have."""


def begin():
    """Import app.py, if there is one, call its setup, and return its loop."""
    try:
        import app
    except ImportError as error:
        if "'app'" not in str(error):
            raise
        app = None
    getattr(app, "setup", nothing)(dhcp)
    return getattr(app, "loop", nothing)


def run():
    """For ever. Nothing in here takes long, unless app.py does."""
    wdt = loop = None
    start = without = ticks_ms()
    if WATCHDOG_MS:
        print("dhcpc: Ctrl-C within %d s, or the watchdog starts" % WINDOW_S)
    try:
        while True:
            dhcp.poll(10)
            now = ticks_ms()
            if wdt:
                wdt.feed()
            elif WATCHDOG_MS and ticks_diff(now, start) >= WINDOW_S * 1000:
                wdt = machine.WDT(timeout=WATCHDOG_MS)
            if dhcp.lease or not dhcp.wanted:
                without = now
            elif ticks_diff(now, without) >= TIMEOUT_MS:
                without = now
                again()
            if loop:
                loop(dhcp)
            elif dhcp.lease and (wdt or not WATCHDOG_MS):
                loop = begin()
    finally:
        if wdt:
            print("dhcpc: the watchdog resets the board; Ctrl-C within %d s of that" % WINDOW_S)


for fault in faults:
    say("%s; tried again at the next reset" % fault)
dhcp.on_event = tell
run()
