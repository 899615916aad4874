"""af_xdp_interfaces_test: AF_XDP on several interfaces and on chosen queues, and in the modes that a driver leaves it."""

import json
import os
import re
import signal
import subprocess

import cases
from cases import case, eventually, expect, expect_equal
from inside import Inside, ask
from namespace import Link, ip
from skua import program
from small_zone import Zone

QUICK = ("+noall", "+answer", "+timeout=1", "+retry=0")
FIRST, SECOND = "198.18.0.1", "198.18.1.1"


class TwoLinks(Link):
    """A second pair beside the first: `server` holds 198.18.1.1 and 2001:db8:1::1 on dns2, `client` .2 and ::2 on dns3."""

    def __enter__(self):
        super().__enter__()
        self.join_second()
        return self

    def join_second(self):
        ip("-n", self.server, "link", "add", "dns2", "numtxqueues", self.queues, "numrxqueues", self.queues, "type", "veth",
           "peer", "name", "dns3", "numtxqueues", self.queues, "numrxqueues", self.queues, "netns", self.client)
        for space, device, last in ((self.server, "dns2", "1"), (self.client, "dns3", "2")):
            ip("-n", space, "addr", "add", f"198.18.1.{last}/24", "dev", device)
            ip("-n", space, "-6", "addr", "add", f"2001:db8:1::{last}/64", "dev", device, "nodad")
            ip("-n", space, "link", "set", device, "up")


class On(Inside):
    """Skua on what --io says."""

    def __init__(self, link, zones, interfaces, *options, start=True):
        super().__init__(link, zones, "--io", f"af_xdp:{interfaces}", *options, start=start)

    def status(self):
        done = subprocess.run([program(), "status", "--json", "--runtime-dir", self.runtime], text=True, capture_output=True, check=False)
        return json.loads(done.stdout)

    def table(self):
        return subprocess.run([program(), "status", "--runtime-dir", self.runtime], text=True, capture_output=True, check=False).stdout

    def workers(self):
        return [worker["io"] for worker in self.status()["workers"] if worker["io"] != "stream"]

    def counter(self, name):
        return sum(worker["drops"].get(name, 0) + worker.get(name, 0) for worker in self.status()["workers"])

    def metric(self, name):
        text = self.link.on_server("curl", "-s", f"http://127.0.0.1:{self.http_port}/metrics")[1]
        return {labels: int(value) for labels, value in re.findall(rf"^{name}\{{(.*)\}} (\d+)$", text, re.M)}


def answers(link, server, *options):
    return "192.0.2.1" in ask(link, "www.x.test", "A", *QUICK, *options, server=server)


def expect_words(text, *words):
    for word in words:
        expect(word in text, f"{word!r} is not in {text}")


def only_first(link, server, shown="dns2 missing, dns0 up"):
    """dns0 answers, over UDP and TCP, and dns2 is shown as missing, without which it is ready."""
    eventually(lambda: answers(link, FIRST), "UDP")
    eventually(lambda: answers(link, FIRST, "+tcp"), "TCP")
    eventually(lambda: server.metric("skua_port_up") == {'port="dns2"': 0, 'port="dns0"': 1}, "skua_port_up")
    eventually(lambda: server.status()["ready"], "ready")
    eventually(lambda: "1 of 2 interfaces up" in server.table() and shown in server.table(), "skua status")


def refused(link, zone, interfaces, *options):
    """(exit code, output) of a start that must fail."""
    server = On(link, [zone], interfaces, *options, start=False)
    try:
        server.launch(server.command())
        return server.child.wait(30), server.log()
    finally:
        server.close()


@case("interfaces: two of them, each answers on all its queues, over UDP and TCP; workers share the queues")
def both():
    with TwoLinks(queues=2) as link, Zone() as zone:
        with On(link, [zone], "dns0,dns2", "--workers", "2") as server:
            for address in (FIRST, "2001:db8::1", SECOND, "2001:db8:1::1"):
                for _ in range(20):  # other source ports: other queues
                    expect(answers(link, address), f"UDP to {address}")
                expect(answers(link, address, "+tcp"), f"TCP to {address}")
            wanted = [f"af_xdp dns0 queue {i} (native, copy); dns2 queue {i} (native, copy)" for i in (0, 1)]
            eventually(lambda: server.workers() == wanted, "what the workers got")
            expect_equal(server.metric("skua_port_up"), {'port="dns0"': 1, 'port="dns2"': 1}, "skua_port_up")
        with On(link, [zone], "dns2,dns0/1", "--workers", "3") as server:
            wanted = ["af_xdp dns2 queue 0 (native, copy)", "af_xdp dns2 queue 1 (native, copy)", "af_xdp dns0 queue 1 (native, copy)"]
            eventually(lambda: server.workers() == wanted, "what the workers got")


@case("interfaces: a query to the address of one that comes in on the other is answered, and the answer leaves there")
def weak_host():
    with TwoLinks() as link, Zone() as zone, On(link, [zone], "dns0,dns2") as server:
        ip("-n", link.client, "link", "set", "dns3", "down")
        ip("-n", link.client, "route", "replace", f"{SECOND}/32", "dev", "dns1")
        eventually(lambda: server.metric("skua_port_up") == {'port="dns0"': 1, 'port="dns2"': 0}, "the second has no link")
        eventually(lambda: answers(link, SECOND), "an answer by the first")
        expect(answers(link, SECOND, "+tcp"), "an answer by the first over TCP")


@case("interfaces: one down: it is said, and the other answers on; both down: not ready; one removed and back: a new start takes both")
def one_fails():
    with TwoLinks() as link, Zone() as zone, On(link, [zone], "dns0,dns2") as server:
        before = server.dataplane()
        ip("-n", link.server, "link", "set", "dns2", "down")
        eventually(lambda: server.metric("skua_port_up") == {'port="dns0"': 1, 'port="dns2"': 0}, "the metric")
        eventually(lambda: re.search(r"a port has no link.*port=dns2", server.log()), "the log")
        expect(answers(link, FIRST), "an answer by the first")
        expect(server.status()["ready"], f"still ready: {server.status()['reasons']}")
        ip("-n", link.server, "link", "set", "dns0", "down")
        eventually(lambda: "no link" in "; ".join(server.status()["reasons"]), "/ready has the reason")
        for device in ("dns0", "dns2"):
            ip("-n", link.server, "link", "set", device, "up")
        eventually(lambda: answers(link, FIRST) and answers(link, SECOND), "both answer again")
        expect_equal(server.dataplane(), before, "the process")
        ip("-n", link.server, "link", "del", "dns2")
        eventually(lambda: re.search(r"a port was removed.*port=dns2", server.log()), "the log of the removal")
        expect(answers(link, FIRST), "an answer by the first meanwhile")
        expect_equal(server.dataplane(), before, "the process")
        eventually(lambda: "1 of 2 interfaces up" in server.table() and "dns0 up, dns2 gone" in server.table(), "skua status")
        link.join_second()
        eventually(lambda: server.dataplane() != before, "another process")
        eventually(lambda: answers(link, FIRST) and answers(link, SECOND), "both answer")
        eventually(lambda: server.status()["ready"], "ready again")


@case("interfaces: one missing at the start: said and shown, the others answer, on fewer workers; when it is there, a new start takes all")
def one_missing():
    with TwoLinks(queues=2) as link, Zone() as zone:
        ip("-n", link.server, "link", "del", "dns2")
        with On(link, [zone], "dns2,dns0", "--workers", "4") as server:
            expect_words(server.log(), "starting on the others", "interface=dns2", "fewer workers for now", "wanted=4 queues=2")
            eventually(lambda: len(server.workers()) == 2, "two workers")
            only_first(link, server)
            before = server.dataplane()
            os.kill(before, signal.SIGKILL)
            eventually(lambda: server.dataplane() != before, "started again without it")
            eventually(lambda: server.status()["ready"], "ready again")
            only_first(link, server)
            before = server.dataplane()
            link.join_second()
            eventually(lambda: server.dataplane() != before, "another process")
            eventually(lambda: answers(link, FIRST) and answers(link, SECOND), "both answer")
            eventually(lambda: server.status()["ready"], "ready with both")
            expect_words(server.log(), "a port has come that was missing", "ending to be started again: an interface is there", "exit_code=4")
            eventually(lambda: len(server.workers()) == 4, "four workers")
            eventually(lambda: "dns2 up, dns0 up" in server.table(), "skua status")


@case("interfaces: the last one missing at the start, as many workers as queues, and TCP on an address that is yet to come")
def last_missing():
    with TwoLinks() as link, Zone() as zone:
        ip("-n", link.server, "link", "del", "dns2")
        with On(link, [zone], "dns0,dns2/0", "--listen", f"{FIRST}:53", "--listen", f"{SECOND}:53") as server:
            eventually(lambda: server.workers() == ["af_xdp dns0 queue 0 (native, copy)"], "one worker")
            eventually(lambda: server.metric("skua_port_up") == {'port="dns0"': 1, 'port="dns2"': 0}, "skua_port_up")
            eventually(lambda: server.status()["ready"], "ready")
            before = server.dataplane()
            link.join_second()
            eventually(lambda: server.dataplane() != before, "another process")
            for address in (FIRST, SECOND):
                eventually(lambda address=address: answers(link, address) and answers(link, address, "+tcp"), f"UDP and TCP to {address}")


@case("interfaces: one that was missing comes with fewer queues than are named: said, and the others answer on until it has them")
def missing_comes_small():
    with TwoLinks() as link, Zone() as zone:
        ip("-n", link.server, "link", "del", "dns2")
        with On(link, [zone], "dns0,dns2/1") as server:
            before = server.dataplane()
            link.join_second()
            eventually(lambda: re.search(r"without all queues that --io names.*interface=dns2 queues=1 wanted=2", server.log()), "the log")
            only_first(link, server, "dns0 up, dns2 missing")
            expect_equal(server.dataplane(), before, "the process")
            ip("-n", link.server, "link", "del", "dns2")
            link.queues = "2"
            link.join_second()
            eventually(lambda: server.dataplane() != before, "another process")
            eventually(lambda: "dns0 up, dns2 up" in server.table(), "skua status")


@case("interfaces: queues that are not taken: it is warned of, and what comes there is counted")
def chosen_queues():
    with TwoLinks(queues=2) as link, Zone() as zone, On(link, [zone], "dns2,dns0/1") as server:
        expect(re.search(r"not all queues are taken.*interface=dns0 taken=1 queues=2", server.log()), server.log())
        taken = 0

        def both_ways():
            nonlocal taken
            taken += answers(link, FIRST)
            return taken > 0 and any(value > 0 for value in server.metric("skua_pass_no_socket_total").values())
        eventually(both_ways, "an answer from one queue, and a count of the other")


@case("interfaces: what can't be is refused, with what there is and what to do")
def refusals():
    with TwoLinks(queues=2) as link, Zone() as zone:
        for interfaces, options, words in (
                ("nope,dns7", (), ("--io af_xdp:nope: there is no such interface", "dns2")),
                ("dns0,a-name-that-is-too-long", (), ("there is no such interface", "dns2")),
                ("dns0,nope/0", ("--workers", "4"), ("4 workers, but dns0 and the others have only 2 receive queues",)),
                ("nope,dns0/2", (), ("dns0 has no queue 2",)),
                ("dns0/1-2", (), ("dns0 has no queue 2: it has 2", "ethtool -L dns0 combined 3")),
                ("dns0:zero-copy", (), ("no AF_XDP socket on dns0 queue 0", "has no zero-copy")),
                ("lo:zero-copy", (), ("takes no XDP program", "leave the word out")),
                ("dns0/x", (), ("not a list of queues",)),
                ("dns0,dns2/0", ("--workers", "4"), ("4 workers, but dns0 and the others have only 3 receive queues", "--workers 3"))):
            code, output = refused(link, zone, interfaces, *options)
            expect(code == 1, f"{interfaces}: exit code {code}: {output}")
            for word in words:
                expect(word in output, f"{interfaces}: {word!r} is not in {output}")


@case("interfaces: busy polling where the interface puts off its interrupts, in every idle mode")
def busy_poll():
    with TwoLinks() as link, Zone() as zone:
        for what, value in (("napi_defer_hard_irqs", 2), ("gro_flush_timeout", 200000)):
            code, output = link.on_server("sh", "-c", f"echo {value} > /sys/class/net/dns0/{what}")
            if code != 0:
                raise cases.Skip(f"this kernel has no {what}: {output}")
        for mode in ("poll", "adaptive", "interrupt"):
            with On(link, [zone], "dns0,dns2", "--idle", mode) as server:
                first, second = "af_xdp dns0 queue 0 (native, copy, busy poll)", "dns2 queue 0 (native, copy)"
                eventually(lambda: server.workers() in ([first, f"af_xdp {second}"], [f"{first}; {second}"]), "what the workers got")
                for address in (FIRST, SECOND) * 20:
                    expect(answers(link, address), f"{mode}: {address}")


@case("interfaces: an MTU for which the driver takes no XDP program: generic mode, said with the reason, and it answers")
def large_mtu():
    with TwoLinks() as link, Zone() as zone:
        for space, device in ((link.server, "dns0"), (link.client, "dns1")):
            ip("-n", space, "link", "set", device, "mtu", "9000")
        with On(link, [zone], "dns0:copy,dns2") as server:
            expect(any("dns0 queue 0 (generic, copy)" in text for text in server.workers()), f"{server.workers()}")
            expect(re.search(r"the driver takes no XDP program, maybe for the MTU.*interface=dns0 reason=.* mtu=9000", server.log()), server.log())
            for address in (FIRST, "2001:db8::1", SECOND):
                expect(answers(link, address), f"UDP to {address}")
                expect(answers(link, address, "+tcp"), f"TCP to {address}")


cases.main()
