"""dpdk_change_test: ports of DPDK that lose their link, get another MTU, are removed and come back.

Each state is seen in the log, in the metrics and in /ready, and queries are answered again without anybody's help.
"""

import json
import re
import subprocess

import cases
from cases import case, eventually, expect, expect_equal
from namespace import Link, ip
from on_dpdk import SERVER4, ask, introduce, metrics, over_veth
from skua import program
from small_zone import Zone

QUICK = ("+noall", "+answer", "+timeout=1", "+retry=0")
PORT = "net_af_packet0"


def status(server):
    done = subprocess.run([program(), "status", "--json", "--runtime-dir", server.runtime], text=True, capture_output=True, check=False)
    return json.loads(done.stdout)


def reasons(server):
    return "; ".join(status(server)["reasons"])


def up(link, server, port=PORT):
    """(skua_interface_up, skua_port_up of the port); None where there is no sample."""
    text = metrics(link, server)
    found = [re.search(pattern, text, re.M) for pattern in (r"^skua_interface_up (\d)$", rf'^skua_port_up{{port="{port}"}} (\d)$')]
    return tuple(one and int(one[1]) for one in found)


def answers(link):
    return "192.0.2.1" in ask(link, SERVER4, "www.x.test", "A", *QUICK)


def expect_back(link, server):
    eventually(lambda: answers(link), "an answer again")
    eventually(lambda: status(server)["ready"], "ready again")
    eventually(lambda: up(link, server) == (1, 1), "the metrics are 1 again")


@case("dpdk change: down and up, on either end of the wire: said, not ready meanwhile, and the same process answers again")
def down_and_up():
    with Link() as link, Zone() as zone, over_veth(link, zone) as server:
        eventually(lambda: up(link, server) == (1, 1), "the metrics are 1 at first")
        before = server.dataplane()
        for space, device in ((link.server, "dns0"), (link.client, "dns1")):
            ip("-n", space, "link", "set", device, "down")
            eventually(lambda: "the interface has no link" in reasons(server), f"/ready has the reason, {device} down")
            eventually(lambda: up(link, server) == (0, 0), "the metrics are 0")
            ip("-n", space, "link", "set", device, "up")
            introduce(link)
            expect_back(link, server)
        expect_equal(server.log().count("the interface has no link: no query can come"), 2, "lines of log")
        expect_equal(server.dataplane(), before, "the process")


@case("dpdk change: another MTU: answers that no longer fit are cut and say so; none is lost")
def mtu():
    with Link() as link, Zone() as zone, over_veth(link, zone) as server:
        before = server.dataplane()

        def whole():
            reply = ask(link, SERVER4, "middling.x.test", "TXT", "+ignore", "+bufsize=4096", "+timeout=1", "+retry=0").lower()
            return None if "noerror" not in reply else " tc" not in reply.partition("flags:")[2].partition(";")[0]

        for octets, fits in ((1500, True), (600, False), (1500, True)):
            for space, device in ((link.server, "dns0"), (link.client, "dns1")):
                ip("-n", space, "link", "set", device, "mtu", str(octets))
            eventually(lambda want=fits: whole() is want, f"{'the whole answer' if fits else 'TC'} at an MTU of {octets}")
        expect_equal(server.dataplane(), before, "the process")


@case("dpdk change: removed, and back: log, metrics, /ready; then the dataplane ends with status 4 and is started again at once")
def removed_and_back():
    with Link() as link, Zone() as zone, over_veth(link, zone) as server:
        before = server.dataplane()
        ip("-n", link.server, "link", "del", "dns0")
        eventually(lambda: "interface was removed" in reasons(server), "/ready has the reason")
        eventually(lambda: up(link, server) == (0, 0), "the metrics are 0")
        expect("the interface was removed: waiting for one of its name" in server.log(), server.log())
        expect_equal(server.dataplane(), before, "the process that waits")
        link.join()
        introduce(link)
        eventually(lambda: server.dataplane() != before, "another process")
        expect_back(link, server)
        expect(re.search(r"a daemon died.*exit_code=4.*pause_ms=0", server.log()), server.log())


@case("dpdk change: a tap that is deleted is made again by a new start")
def tap_removed():
    with Link() as link, Zone() as zone, over_veth(link, zone, device="--vdev=net_tap0,iface=dns4") as server:
        before = server.dataplane()
        ip("-n", link.server, "link", "del", "dns4")
        eventually(lambda: server.dataplane() != before, "another process")
        eventually(lambda: up(link, server, "net_tap0") == (1, 1), "the metrics are 1 again")
        ip("-n", link.server, "link", "show", "dns4")
        expect(re.search(r"a daemon died.*exit_code=4.*pause_ms=0", server.log()), server.log())


@case("dpdk change: one of two ports goes down, then away: said of that port; the other answers")
def one_of_two():
    with Link() as link, Zone() as zone:
        ip("-n", link.server, "link", "add", "dns2", "type", "veth", "peer", "name", "dns3", "netns", link.client)
        for space, device in ((link.server, "dns2"), (link.client, "dns3")):
            ip("-n", space, "link", "set", device, "up")
        with over_veth(link, zone, device="--vdev=net_af_packet0,iface=dns0 --vdev=net_af_packet1,iface=dns2") as server:
            eventually(lambda: up(link, server, "net_af_packet1") == (1, 1), "the metrics are 1 at first")
            ip("-n", link.client, "link", "set", "dns3", "down")
            eventually(lambda: up(link, server, "net_af_packet1") == (1, 0), "the port's metric is 0")
            expect(re.search(r"a port has no link port=net_af_packet1", server.log()), server.log())
            expect(status(server)["ready"] and answers(link), "the other port answers")
            ip("-n", link.server, "link", "del", "dns2")
            eventually(lambda: re.search(r"a port was removed port=net_af_packet1", server.log()), "the removal in the log")
            expect(status(server)["ready"] and answers(link), "the other port answers")


cases.main()
