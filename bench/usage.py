"""usage: CPU time and memory of the processes of a session, as /proc tells them."""
import os
import re
import time

TICK = os.sysconf("SC_CLK_TCK")


class Usage:
    """Seconds of CPU in user space and in the kernel."""

    def __init__(self, user=0.0, system=0.0):
        self.user, self.system = user, system


class Meter:
    """What a server uses while the `with` block runs, and how long that is."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.before, self.started = self.server.cpu(), time.monotonic()
        return self

    def __exit__(self, *_):
        after = self.server.cpu()
        self.seconds = time.monotonic() - self.started
        self.user, self.system = after.user - self.before.user, after.system - self.before.system


def cpu(pids):
    """What the kernel does for a process in an interrupt counts for whoever ran at the time."""
    total = Usage()
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        total.user += int(fields[11]) / TICK
        total.system += int(fields[12]) / TICK
    return total


def memory(pids, fields=("Pss",)):
    """Octets, pages that several processes share counted once (proportional set size); fields: of smaps_rollup."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                text = file.read()
        except OSError:
            continue
        for field in fields:
            found = re.search(rf"^{field}:\s+(\d+) kB", text, re.M)
            total += int(found[1]) * 1024 if found else 0
    return total
