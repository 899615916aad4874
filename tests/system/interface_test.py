#!/usr/bin/python3
"""interface_test: AF_XDP while its interface changes: removed and back, down and up, addresses, MTU, name.

Each state is seen in the log, in the metric and in /ready, and queries are answered again without anybody's help. HTTP is
asked in the server's namespace, by `skua status`, as control listens there.
"""

import json
import re
import subprocess
import time

import cases
from cases import case, eventually, expect, expect_equal
from inside import Inside, ask
from namespace import Link, ip
from skua import program
from small_zone import Zone

QUICK = ("+noall", "+answer", "+timeout=1", "+retry=0")
AT_ONCE = 0.15  # seconds; a busy machine may need longer now and then


class Server(Inside):
    def status(self):
        done = subprocess.run([program(), "status", "--json", "--runtime-dir", self.runtime], text=True, capture_output=True, check=False)
        return json.loads(done.stdout)

    def reasons(self):
        return "; ".join(self.status()["reasons"])

    def interface_up(self):
        """The metric; None without a sample."""
        text = self.link.on_server("curl", "-s", f"http://127.0.0.1:{self.http_port}/metrics")[1]
        found = re.search(r"^skua_interface_up (\d)$", text, re.M)
        return found and int(found.group(1))


def answers(link, server="198.18.0.1"):
    return "192.0.2.1" in ask(link, "www.x.test", "A", *QUICK, server=server)


def expect_back(link, server):
    eventually(lambda: answers(link), "an answer again")
    eventually(lambda: server.status()["ready"], "ready again")
    eventually(lambda: server.interface_up() == 1, "the metric is 1 again")


@case("interface: removed, and back: log, metric, /ready; then the dataplane ends with status 4 and is started again at once")
def removed_and_back():
    with Link() as link, Zone() as zone, Server(link, [zone]) as server:
        eventually(lambda: server.interface_up() == 1, "the metric is 1 at first")
        before = server.dataplane()
        ip("-n", link.server, "link", "del", "dns0")
        eventually(lambda: "interface was removed" in server.reasons(), "/ready has the reason")
        eventually(lambda: server.interface_up() == 0, "the metric is 0")
        expect("the interface was removed: waiting for one of its name" in server.log(), server.log())
        expect_equal(server.dataplane(), before, "the process that waits")
        link.join()
        eventually(lambda: server.dataplane() != before, "another process")
        expect_back(link, server)
        expect("NXDOMAIN" in ask(link, "nobody.x.test", "A", "+tcp"), "an answer over TCP")
        expect(re.search(r"a daemon died.*exit_code=4.*pause_ms=0", server.log()), server.log())


@case("interface: exchanged for one of the same name in one go")
def exchanged():
    with Link() as link, Zone() as zone, Server(link, [zone]) as server:
        before = server.dataplane()
        ip("-n", link.server, "link", "del", "dns0")
        link.join()
        eventually(lambda: server.dataplane() != before, "another process")
        expect_back(link, server)


@case("interface: gone while the dataplane is started: the reason is said, again and again, and it starts when one is there")
def started_without():
    with Link() as link, Zone() as zone, Server(link, [zone]) as server:
        ip("-n", link.server, "link", "del", "dns0")
        eventually(lambda: "interface was removed" in server.reasons(), "/ready has the reason")
        subprocess.run(["kill", "-9", str(server.dataplane())], check=True)
        eventually(lambda: server.log().count("there is no such interface") >= 2, "the reason, twice")
        expect("no dataplane" in server.reasons(), server.reasons())
        link.join()
        expect_back(link, server)


@case("interface: down and up, on either end of the wire: said, not ready meanwhile, and the same process answers again")
def down_and_up():
    with Link() as link, Zone() as zone, Server(link, [zone]) as server:
        before = server.dataplane()
        for space, device in ((link.server, "dns0"), (link.client, "dns1")):
            ip("-n", space, "link", "set", device, "down")
            eventually(lambda: "the interface has no link" in server.reasons(), f"/ready has the reason, {device} down")
            eventually(lambda: server.interface_up() == 0, "the metric is 0")
            ip("-n", space, "link", "set", device, "up")
            expect_back(link, server)
        log = server.log()
        expect_equal(log.count("the interface has no link: no query can come"), 2, "lines of log")
        expect_equal(server.dataplane(), before, "the process")


@case("interface: addresses are followed when they come and go, most of them at once (not at the next second's look)")
def addresses():
    at_once = 0
    with Link() as link, Zone() as zone, Server(link, [zone]):
        for turn in range(5):
            for address, length in ((f"198.18.0.{100 + turn}", 24), (f"2001:db8::{100 + turn}", 64)):
                ip("-n", link.server, "addr", "add", f"{address}/{length}", "dev", "dns0", *(["nodad"] if ":" in address else []))
                time.sleep(AT_ONCE)
                at_once += answers(link, address)
                eventually(lambda: answers(link, address), f"an answer from {address}")
                ip("-n", link.server, "addr", "del", f"{address}/{length}", "dev", "dns0")
                eventually(lambda: not answers(link, address), f"no answer from {address}, which is gone")
        expect(answers(link), "the old address still answers")
    expect(at_once > 5, f"{at_once} of 10 new addresses were answered on after {AT_ONCE} s")


def tcp_answers(link, server):
    return "NXDOMAIN" in ask(link, "nobody.x.test", "A", "+tcp", "+timeout=1", "+retry=0", server=server)


@case("interface: TCP follows its addresses: comes with them, goes with them, though one is still checked for duplicates")
def tcp_addresses():
    with Link() as link, Zone() as zone, Server(link, [zone]) as server:
        before = server.dataplane()
        link.on_server("sysctl", "-q", "net.ipv6.conf.dns0.accept_dad=1", "net.ipv6.conf.dns0.dad_transmits=3")
        for address, length in (("198.18.0.120", 24), ("2001:db8::120", 64)):
            for _ in range(3):
                ip("-n", link.server, "addr", "add", f"{address}/{length}", "dev", "dns0")
                eventually(lambda: listens(link, address), f"a socket on {address}")
                eventually(lambda: tcp_answers(link, address), f"an answer over TCP from {address}")
                expect(any(address in text for text in server.status()["dataplane"]["listen"]), f"status: {server.status()['dataplane']}")
                ip("-n", link.server, "addr", "del", f"{address}/{length}", "dev", "dns0")
                eventually(lambda: not listens(link, address), f"no socket on {address}")
        expect(tcp_answers(link, "198.18.0.1") and tcp_answers(link, "2001:db8::1"), "the old addresses still answer")
        expect("no TCP on an address" not in server.log(), server.log())
        expect_equal(server.dataplane(), before, "the process")


def listens(link, address):
    return re.search(rf"\[?{re.escape(address)}\]?:53\b", link.on_server("ss", "-Hltn")[1]) is not None


@case("interface: all its addresses replaced: ready by the new ones; one that another program listens on is said, and taken when that has gone")
def readdressed():
    with Link() as link, Zone() as zone, Server(link, [zone]) as server:
        ip("-n", link.server, "addr", "flush", "dev", "dns0")
        eventually(lambda: not server.status()["ready"], "not ready without an address")
        ip("-n", link.server, "addr", "add", "198.18.0.130/24", "dev", "dns0")
        eventually(lambda: tcp_answers(link, "198.18.0.130"), "an answer over TCP from the new address")
        eventually(lambda: server.status()["ready"], "ready again")
        ip("-n", link.server, "link", "add", "other0", "type", "veth", "peer", "name", "other1")
        ip("-n", link.server, "addr", "add", "198.18.0.131/32", "dev", "other0")
        ip("-n", link.server, "link", "set", "other0", "up")
        other = subprocess.Popen(["ip", "netns", "exec", link.server, "nc", "-l", "-k", "198.18.0.131", "53"])
        try:
            eventually(lambda: listens(link, "198.18.0.131"), "another program listens")
            ip("-n", link.server, "addr", "add", "198.18.0.131/24", "dev", "dns0")
            eventually(lambda: "another program listens there" in server.log(), "the reason")
        finally:
            other.kill()
            other.wait()
        eventually(lambda: tcp_answers(link, "198.18.0.131"), "an answer over TCP once the other has gone")
        expect("TCP is offered on all addresses" in server.log(), server.log())


@case("interface: service addresses on lo are answered and followed as its own")
def on_loopback():
    with Link() as link, Zone() as zone, Server(link, [zone]):
        ip("-n", link.client, "route", "add", "203.0.113.53", "via", "198.18.0.1")
        ip("-n", link.client, "-6", "route", "add", "2001:db8:53::53", "via", "2001:db8::1")
        for address, length in (("203.0.113.53", 32), ("2001:db8:53::53", 128)):
            expect(not answers(link, address), f"an answer from {address}, which nobody has")
            ip("-n", link.server, "addr", "add", f"{address}/{length}", "dev", "lo")
            eventually(lambda address=address: answers(link, address), f"an answer from {address}")
            eventually(lambda address=address: tcp_answers(link, address), f"an answer over TCP from {address}")
            ip("-n", link.server, "addr", "del", f"{address}/{length}", "dev", "lo")
            eventually(lambda address=address: not answers(link, address), f"no answer from {address}, which is gone")


def fits(link, mtu):
    reply = ask(link, "big.x.test", "TXT", "+ignore", "+bufsize=4096", "+timeout=1", "+retry=0")
    size = re.search(r"Received (\d+) B", reply)
    return size and int(size.group(1)) + 28 <= mtu and "NOERROR" in reply


@case("interface: another MTU, smaller and larger: answers fit it, and none is lost")
def mtu():
    with Link() as link, Zone() as zone, Server(link, [zone]) as server:
        before = server.dataplane()
        for octets in (600, 1500, 3000, 1500):
            for space, device in ((link.server, "dns0"), (link.client, "dns1")):
                ip("-n", space, "link", "set", device, "mtu", str(octets))
            eventually(lambda: answers(link), f"an answer with an MTU of {octets}")
            eventually(lambda: fits(link, octets), f"an answer of many records within an MTU of {octets}")
        expect_equal(server.dataplane(), before, "the process")


@case("interface: renamed: answers go on, addresses are followed under the new name")
def renamed():
    with Link() as link, Zone() as zone, Server(link, [zone]) as server:
        before = server.dataplane()
        ip("-n", link.server, "link", "set", "dns0", "name", "dns7")
        cases.eventually(lambda: answers(link), "an answer")
        ip("-n", link.server, "addr", "add", "198.18.0.77/24", "dev", "dns7")
        eventually(lambda: answers(link, "198.18.0.77"), "an answer from the new address")
        expect_equal(server.dataplane(), before, "the process")


cases.main()
