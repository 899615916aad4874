"""dpdk_ports_test: several ports of DPDK and several queues: who polls what, where replies leave, what is refused."""

import re

import cases
from cases import case, eventually, expect, expect_equal
from namespace import Link, ip
from on_dpdk import MEMORY, SERVER4, SERVER6, ask, counted, over_veth, refused, server_mac
from small_zone import Zone

ONE, TWO = "--vdev=net_af_packet0,iface=dns0", "--vdev=net_af_packet1,iface=dns2"
OTHER4 = "198.18.1.9"  # on the second wire
QUICK = ("+short", "+timeout=2", "+retry=3")


def add_wire(link):
    """A second veth pair between the same two: dns2 and dns3, 198.18.1.0/24."""
    ip("-n", link.server, "link", "add", "dns2", "type", "veth", "peer", "name", "dns3", "netns", link.client)
    ip("-n", link.server, "link", "set", "dns2", "up")
    ip("-n", link.client, "link", "set", "dns3", "up")
    ip("-n", link.client, "addr", "add", "198.18.1.2/24", "dev", "dns3")
    ip("-n", link.client, "neigh", "add", OTHER4, "lladdr", server_mac(link, "dns2"), "dev", "dns3")


def ask_from_many_ports(link, server, times=64):
    script = ("import sys, dns.message, dns.query\n"
              "for _ in range(int(sys.argv[2])):\n"
              "    print(dns.query.udp(dns.message.make_query('www.x.test', 'A'), sys.argv[1], 10).answer[0][0])\n")
    output = link.on_client("/usr/bin/python3", "-c", script, server, times)[1]
    expect_equal(output.split(), ["192.0.2.1"] * times, f"answers from {server}")


@case("dpdk ports: two ports, one worker: queries on either are answered there, and its ports are named")
def two_ports():
    with Link() as link, Zone() as zone:
        add_wire(link)
        with over_veth(link, zone, device=f"{ONE} {TWO}") as server:
            for turn in range(3):
                for address in (SERVER4, OTHER4, SERVER6):
                    expect_equal(ask(link, address, "www.x.test", "A", *QUICK).strip(), "192.0.2.1", f"A from {address}, turn {turn}")
            expect("dpdk net_af_packet0+net_af_packet1 queue 0 (net_af_packet)" in server.log(), server.log())
            expect_equal(counted(link, server, "drop_tx_full"), 0, "replies dropped")


@case("dpdk ports: two ports of two queues, two workers: each worker answers on both ports")
def two_queues():
    with Link() as link, Zone() as zone:
        add_wire(link)
        with over_veth(link, zone, "--workers", "2", device=f"{ONE},qpairs=2 {TWO},qpairs=2") as server:
            for address in (SERVER4, OTHER4, SERVER6):
                before = [counted(link, server, "received", f'worker="{worker}"') for worker in (0, 1)]
                ask_from_many_ports(link, address)
                after = [counted(link, server, "received", f'worker="{worker}"') for worker in (0, 1)]
                expect_equal(sum(after) - sum(before), 64, f"queries to {address} that were counted")
                expect(after[0] > before[0] and after[1] > before[1], f"{address}: a worker got nothing: {before} {after}")


@case("dpdk ports: a link that fails on one of two ports leaves the other answering")
def one_of_two():
    with Link() as link, Zone() as zone:
        add_wire(link)
        with over_veth(link, zone, device=f"{ONE} {TWO}"):
            ip("-n", link.client, "link", "set", "dns1", "down")
            expect_equal(ask(link, OTHER4, "www.x.test", "A", *QUICK).strip(), "192.0.2.1", "A on the other port")
            ip("-n", link.client, "link", "set", "dns1", "up")
            ip("-n", link.client, "neigh", "replace", SERVER4, "lladdr", server_mac(link), "dev", "dns1")
            eventually(lambda: "192.0.2.1" in ask(link, SERVER4, "www.x.test", "A", *QUICK), "an answer on the first port again")


@case("dpdk ports: queues and workers that do not match are refused, with what to set")
def refusals():
    for vdev, workers, *patterns in (
            ("net_af_packet0,iface=lo,qpairs=1", 2, "has 1 queue,", "2 workers", "--workers 1,", "qpairs=N"),
            ("net_af_packet0,iface=lo,qpairs=3", 2, "each of its 3 queues", "2 workers", "--workers 3,", "qpairs=2"),
            ("net_af_packet0,iface=lo,qpairs=2 --vdev=net_af_packet1,iface=lo", 2, "net_af_packet1", "has 1 queue,", "--workers 1,")):
        code, output = refused(f"{MEMORY} --vdev={vdev}", workers=workers)
        expect_equal(code, 1, f"exit code of {vdev}: {output}")
        for pattern in patterns:
            expect(pattern in output, f"{vdev}: no {pattern!r} in: {output}")
        expect_equal(output.count("port closed port=net_af_packet0"), int("net_af_packet1" in vdev),
                     f"how often the port that had started was closed: {output}")


def mac_of_tap(link):
    """Of the port: the kernel's side of a tap has the same, so the neighbour gets another that DPDK takes too."""
    return re.search(r"link/ether (\S+)", ip("-n", link.server, "link", "show", "dns4"))[1]


@case("dpdk ports: a tap of two queues, two workers: the kernel spreads over both")
def tap_queues():
    with Link() as link, Zone() as zone:
        with over_veth(link, zone, "--workers", "2", device="--vdev=net_tap0,iface=dns4") as server:
            ip("-n", link.server, "addr", "add", "198.18.4.2/24", "dev", "dns4")
            ip("-n", link.server, "neigh", "add", "198.18.4.9", "lladdr", mac_of_tap(link), "dev", "dns4")
            before = [counted(link, server, "received", f'worker="{worker}"') for worker in (0, 1)]
            for _ in range(32):
                expect("192.0.2.1" in link.on_server("kdig", "@198.18.4.9", "www.x.test", "A", *QUICK)[1], "an answer over the tap")
            after = [counted(link, server, "received", f'worker="{worker}"') for worker in (0, 1)]
            expect(after[0] > before[0] and after[1] > before[1], f"a worker got nothing: {before} {after}")


@case("dpdk ports: a device says itself whether it spreads: of each worker it is told")
def spreading():
    with Link() as link, Zone() as zone:
        with over_veth(link, zone, "--workers", "2", device="--vdev=net_null0,no-rx=1") as server:
            eventually(lambda: "dpdk net_null0 queue 1 (net_null, RSS)" in server.log(), "what worker 1 got, in the log")


cases.main()
