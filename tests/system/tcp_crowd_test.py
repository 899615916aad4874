#!/usr/bin/python3
"""tcp_crowd_test: 10,000 TCP clients of which 9,000 misbehave; the other 1,000 see no failure.

The bad are silent, send an octet a second, stop in the middle of a query, or send garbage, and come
back when they are thrown out. The good pipeline queries and verify each reply, half of them on fresh
connections. With the default limits, where the bad alone want nine times all places, and with
places for all. $SKUA_SECONDS is how long each lasts (default 10). Prints what it measured.
"""

import os
import pathlib
import statistics
import tempfile
import time

import dns.name

import crowd
import namespace
import process
import skua
import wire
from cases import case, expect, expect_equal, eventually, main

GOOD, BAD = 1000, 9000
SECONDS = float(os.environ.get("SKUA_SECONDS", "10"))
ADDRESS = "198.18.0.1"
ZONE = """$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
*.host A 192.0.2.2
"""

MESSAGES = [wire.question(i, dns.name.from_text(f"h{i}.host.example.").to_wire(), wire.A, 1232)
            for i in range(5)]


def verify(message, octets):
    reply = wire.Reply(octets)
    if (reply.identity, reply.rcode, reply.question) != (message[0] << 8 | message[1], 0, message[12:-11]):
        raise crowd.Failed("answered something else")
    if [record[4] for record in reply.answer] != [b"\xc0\x00\x02\x02"]:
        raise crowd.Failed("answered wrongly")


class Server(skua.Skua):
    def __init__(self, *options):
        self.zone_folder = tempfile.TemporaryDirectory(prefix="skua-test-zone-")
        path = pathlib.Path(self.zone_folder.name, "example.zone")
        path.write_text(ZONE)
        super().__init__([path], *options, address=ADDRESS)
        self.pid = next(pid for pid in process.processes_of_session(self.child.pid)
                        if "dataplane" in pathlib.Path(f"/proc/{pid}/cmdline").read_text())

    def close(self):
        super().close()
        self.zone_folder.cleanup()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident(self):
        """KiB of memory in use."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def open_connections(self):
        metrics = self.metrics()
        return metrics["skua_tcp_accepted_total"] - metrics["skua_tcp_closed_total"]


def milliseconds(good):
    """Half of the exchanges, 99 in 100, and the slowest."""
    cuts = statistics.quantiles(good.latency, n=100)
    return "%.1f / %.1f / %.1f ms" % (cuts[49] * 1e3, cuts[98] * 1e3, max(good.latency) * 1e3)


def show(what, server, good, idle_memory):
    metrics = server.metrics()
    counts = ", ".join(f"{name} {metrics[f'skua_tcp_{name}_total']:.0f}" for name in
                       ("accepted", "closed", "refused", "timed_out", "evicted", "framing", "broken"))
    print(f"  {what}: {good.answers} answers to {GOOD} good clients, {len(good.failures)} failures, "
          f"{good.reopened} reopened; 5 queries took (50 % / 99 % / all) {milliseconds(good)}; "
          f"memory +{server.resident() - idle_memory} KiB; {counts}", flush=True)


def crowded(*options):
    with Server(*options) as server:
        before, memory = server.descriptors(), server.resident()
        good = crowd.Good((ADDRESS, server.port), GOOD, MESSAGES, verify)
        try:
            good.start()
            good.run(SECONDS / 2)
            show("alone", server, good, memory)
            good.latency.clear()
            with crowd.Bad((ADDRESS, server.port), BAD):
                good.run(SECONDS)
                show(f"with {BAD} bad clients", server, good, memory)
                most = server.open_connections()
        finally:
            good.close()
        expect_equal(good.failures[:5], [], f"failures ({len(good.failures)})")
        expect(good.answers >= GOOD * len(MESSAGES), "good clients hardly asked")
        eventually(lambda: server.open_connections() == 0, "no connection is open any more")
        eventually(lambda: server.descriptors() <= before, "no descriptor stays open")
        return most, server.metrics()


@case("10,000 clients and the default limits: the 1,000 good ones see no failure")
def default_limits():
    most, metrics = crowded()
    expect(most <= 1024, f"{most} connections at once")
    expect(metrics["skua_tcp_evicted_total"] > 0, "nobody had to make room: the test shows nothing")


@case("10,000 clients and places for all: the 1,000 good ones see no failure")
def places_for_all():
    most, metrics = crowded("--tcp-clients", 12000)
    expect(most > 1024, f"only {most} connections at once: the test shows nothing")
    expect_equal(metrics["skua_tcp_evicted_total"], 0, "evicted though there was room")


if __name__ == "__main__":
    namespace.enter_own()
    namespace.ip("route", "add", "local", "198.18.0.0/15", "dev", "lo")
    main()
