"""way_back_test: by which way a reply leaves, and that it is one frame that the MTU allows, else TC.

Two wires, dns0-dns1 and dns2-dns3. The query comes by dns2; the server's kernel would reach the client by dns0. AF_XDP and DPDK answer by the
interface of the query; a socket by the host's routes, as all that the host sends, and from the address that was asked."""

import os
import re
import socket

import dns.flags
import dns.message

import cases
from cases import case, eventually, expect, expect_equal
from namespace import Link, ip
from odd_frames import Maker
from on_dpdk import MEMORY, needs_dpdk, refused
from raw_ends import mac_of
from raw_link import RawLink
from skua import Skua
from small_zone import HEAD, ORIGIN, Zone

FAR4, FAR6 = socket.inet_aton("203.0.113.9"), socket.inet_pton(socket.AF_INET6, "2001:db8:9::9")


class Ends:
    """Of the second wire, as Maker wants them: the client is far away, behind the other end."""

    def __init__(self, link):
        self.client_mac, self.server_mac = mac_of(link.client, "dns3"), mac_of(link.server, "dns2")
        self.client4, self.client6 = FAR4, FAR6
        self.server4, self.server6 = socket.inet_aton("198.18.1.1"), socket.inet_pton(socket.AF_INET6, "2001:db8:1::1")


class TwoWires(Link):
    def __init__(self, mtu=1500, addresses=True):
        super().__init__()
        self.mtu, self.addresses = str(mtu), addresses

    def join(self):
        self.run(self.client, ("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"), 10)
        for number, (ours, theirs) in enumerate((("dns0", "dns1"), ("dns2", "dns3"))):
            ip("-n", self.server, "link", "add", ours, "mtu", self.mtu, "type", "veth", "peer", "name", theirs, "mtu", self.mtu, "netns", self.client)
            ip("-n", self.client, "link", "set", theirs, "up")
            ip("-n", self.server, "link", "set", ours, "up")
            if self.addresses:
                self.address(ours, theirs, number)

    def address(self, ours, theirs, number):
        """The first wire is the better way to the client."""
        ip("-n", self.server, "addr", "add", f"198.18.{number}.1/24", "dev", ours)
        ip("-n", self.server, "-6", "addr", "add", f"2001:db8:{number}::1/64", "dev", ours, "nodad")
        for network, far in (("203.0.113.0/24", "203.0.113.9"), ("2001:db8:9::/64", "2001:db8:9::9")):
            ip("-n", self.server, "route", "add", network, "dev", ours, "metric", str(10 + number))
            ip("-n", self.server, "neigh", "replace", far, "lladdr", mac_of(self.client, theirs).hex(":"), "dev", ours, "nud", "permanent")


class Server(Skua):
    def __init__(self, link, zone, backend, listen, *options):
        self.link, self.backend, self.addresses = link, backend, listen
        super().__init__([zone], "--io", backend, "--udp-size", "4096", *options)

    def listen_options(self):
        return [word for address in self.addresses for word in ("--listen", address)]

    def command(self):
        return ["ip", "netns", "exec", self.link.server, *super().command()]

    def start(self):
        self.launch(self.command())
        self.wait_ready(lambda: " answering " in self.log())


def ask(maker, wires, back, ipv6=False, name=f"www.{ORIGIN}", kind="A", **message):
    """The answer to a query by the second wire, and the octets of its frame. It comes by wire `back`, whole, and nothing comes by the other."""
    maker.payload = dns.message.make_query(name, kind, **message).to_wire()
    wires[1].send(maker.v6() if ipv6 else maker.v4())
    seen = wires[back].receive_until(is_answer)[-1]
    ends, (source, target, *_, payload) = maker.ends, seen.datagram()
    expect_equal((source, target), (ends.server6, ends.client6) if ipv6 else (ends.server4, ends.client4), "addresses")
    if back == 1:
        expect_equal(seen.octets[:12], ends.client_mac + ends.server_mac, "link addresses")
    expect(not any(map(is_answer, wires[1 - back].waiting())), "a datagram by the other wire")
    return dns.message.from_wire(payload), len(seen.octets)


def is_answer(frame):
    datagram = frame.datagram()
    return datagram is not None and datagram[2] == 53


def wires(link):
    return RawLink(link.client, "dns1"), RawLink(link.client, "dns3")


def both_families(link, io, listen, back=1):
    with link, Zone() as zone, Server(link, zone, io, listen):
        both, maker = wires(link), Maker(Ends(link), b"")
        for ipv6 in (False, True):
            reply, _ = ask(maker, both, back, ipv6)
            expect_equal([str(rdata) for rrset in reply.answer for rdata in rrset], ["192.0.2.1"], "the answer")


@case("way back: sockets on the unspecified addresses")
def unspecified():
    both_families(TwoWires(), "socket", ["0.0.0.0:53", "[::]:53"], 0)


@case("way back: sockets on addresses of the interface")
def specified():
    both_families(TwoWires(), "socket", ["198.18.1.1:53", "[2001:db8:1::1]:53"], 0)


@case("way back: sockets, an anycast address on lo")
def anycast():
    link = TwoWires()
    with link, Zone() as zone:
        ip("-n", link.server, "addr", "add", "198.51.100.53/32", "dev", "lo")
        with Server(link, zone, "socket", ["198.51.100.53:53"]):
            maker = Maker(Ends(link), b"")
            maker.ends.server4 = socket.inet_aton("198.51.100.53")
            reply, _ = ask(maker, wires(link), 0)
            expect_equal(len(reply.answer), 1, "records")


@case("way back: sockets, link-local addresses of IPv6 have their link")
def link_local():
    link = TwoWires()
    with link, Zone() as zone, Server(link, zone, "socket", ["[::]:53"]):
        maker = Maker(Ends(link), b"")
        eventually(lambda: "tentative" not in ip("-n", link.server, "-6", "addr", "show", "dev", "dns2"), "an address that may be used")
        own = re.search(r"inet6 (fe80::\S+)/64", ip("-n", link.server, "-6", "addr", "show", "dev", "dns2"))[1]
        maker.ends.server6, maker.ends.client6 = (socket.inet_pton(socket.AF_INET6, text) for text in (own, "fe80::9"))
        for device in ("dns0", "dns2"):
            ip("-n", link.server, "neigh", "replace", "fe80::9", "lladdr", maker.ends.client_mac.hex(":"), "dev", device, "nud", "permanent")
        reply, _ = ask(maker, wires(link), 1, True)
        expect_equal(len(reply.answer), 1, "records")


@case("way back: within a host sockets answer from each address to each")
def own_host():
    link = TwoWires()
    with link, Zone() as zone, Server(link, zone, "socket", ["0.0.0.0:53", "[::]:53"]):
        for source, target in (("198.18.0.1", "198.18.0.1"), ("198.18.0.1", "198.18.1.1"), ("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "198.18.0.1"),
                               ("::1", "::1"), ("2001:db8:0::1", "2001:db8:1::1"), ("2001:db8:1::1", "2001:db8:1::1")):
            output = link.on_server("kdig", "-b", source, f"@{target}", f"www.{ORIGIN}", "+short", "+timeout=2", "+retry=1")[1]
            expect_equal(output.strip(), "192.0.2.1", f"an answer from {target} to {source}")


@case("way back: af_xdp")
def af_xdp():
    link = TwoWires()
    both_families(link, "af_xdp:dns2", [])


@case("way back: dpdk, two ports")
def dpdk():
    needs_dpdk()
    both_families(TwoWires(addresses=False), f"dpdk:{MEMORY} --vdev=net_af_packet0,iface=dns0 --vdev=net_af_packet1,iface=dns2",
                  ["198.18.1.1:53", "[2001:db8:1::1]:53"])


def sized(zone):
    """TXT sets that make answers of about 1,300, 2,800 and 5,300 octets."""
    sets = "".join(f"t{count} IN TXT \"{i:03d}{'x' * 200}\"\n" for count in (6, 13, 25) for i in range(count))
    zone.write_text(HEAD + "www IN A 192.0.2.1\n" + sets)


def largest(io, listen, back, mtu, fits, *options):
    """Which of the sets come whole over this MTU; the others come with TC, and all in one frame."""
    link = TwoWires(mtu, addresses=not options)
    with link, Zone() as zone:
        sized(zone)
        with Server(link, zone, io, listen, *options):
            both, maker = wires(link), Maker(Ends(link), b"")
            for ipv6 in (False, True):
                check_sizes(maker, both, back, ipv6, mtu, fits)


def check_sizes(maker, both, back, ipv6, mtu, fits):
    for count in (6, 13, 25):
        reply, octets = ask(maker, both, back, ipv6, f"t{count}.{ORIGIN}", "TXT", use_edns=0, payload=65000)
        whole = not reply.flags & dns.flags.TC
        expect(octets <= mtu + 14, f"a frame of {octets} octets")
        expect_equal((whole, sum(len(rrset) for rrset in reply.answer)), (count in fits, count if count in fits else 0), f"{count} records")


@case("MTU: sockets: 1500, 9000 and 1280")
def mtu_socket():
    for mtu, fits in ((1500, {6}), (9000, {6, 13}), (1280, set())):
        largest("socket", ["0.0.0.0:53", "[::]:53"], 0, mtu, fits)


@case("MTU: af_xdp: 1500, 9000 (as much as its frames hold) and 1280")
def mtu_af_xdp():
    for mtu, fits in ((1500, {6}), (9000, {6, 13}), (1280, set())):
        largest("af_xdp:dns2", [], 1, mtu, fits)


@case("MTU: dpdk: 1500, 9000 and 1280; one that the port can't have is refused with what it can")
def mtu_dpdk():
    needs_dpdk()
    for mtu, fits in ((1500, {6}), (9000, {6, 13}), (1280, set())):
        # libpcap stands for a card whose driver takes large frames; those for tests, net_tap and net_af_packet, do not.
        largest("dpdk:--no-huge -m 256 --vdev=net_pcap0,rx_iface_in=dns2,tx_iface=dns2", ["198.18.1.1:53", "[2001:db8:1::1]:53"], 1, mtu, fits,
                "--kernel", "off", "--mtu", str(mtu))
    code, output = refused(f"{MEMORY} --vdev=net_tap0,iface=skua-{os.getpid()}", "--mtu", "9000", "--kernel", "off", workers=1)
    expect(code == 1 and "can have an MTU from" in output and "--mtu 1504" in output, f"{code}: {output}")


cases.main()
