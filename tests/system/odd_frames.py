"""odd_frames: the catalogue: every kind of odd frame, what becomes of it at each back end, and which counter says so.

One row for each case, in the order of docs/wire.md:

    what it is, outcome, the frames

Outcomes at AF_XDP, at DPDK, and at a socket (where the kernel decides):

    TAKEN                   exactly one right answer everywhere
    silent(counter)         taken, but no answer is due: counted by it
    passed(reason)          AF_XDP leaves it to the kernel: pass_REASON; DPDK drops it: drop_REASON
    dropped(reason)         both drop it: drop_REASON
    mixed(pass, drop)       AF_XDP: pass_PASS, DPDK: drop_DROP
    ….kernel                a socket answers it all the same, since the kernel hands it over
    ….unheard               … or does not, though the fast path answers
    ….refused               the kernel hands it over, and the socket back end drops it: drop_source

Frames are made by a Maker, which knows the addresses of both ends; several frames of one row make one datagram."""

import dataclasses
import struct

from frames import (AH, ARP, BROADCAST, DESTINATION, ESP, FRAGMENT, GRE, HOP_BY_HOP, ICMP, ICMP6, IGMP, IPV4, IPV6, NO_NEXT, OLD_SERVICE_VLAN,
                    ROUTING, SCTP, SERVICE_VLAN, TCP, UDP, VLAN, checksum, ethernet, extension, fragment_header, ipv4, ipv6, pseudo, udp)


@dataclasses.dataclass(frozen=True)
class Outcome:
    af_xdp: str  # counter of each of its frames; "" if it is taken
    dpdk: str
    socket_answers: bool
    silence: str = ""  # counter of a message without an answer
    socket: str = ""  # counter of what the kernel hands over and the back end drops

    @property
    def kernel(self):
        return dataclasses.replace(self, socket_answers=True)

    @property
    def refused(self):
        return dataclasses.replace(self, socket="drop_source")

    @property
    def unheard(self):
        return dataclasses.replace(self, socket_answers=False)


TAKEN = Outcome("", "", True)


def silent(counter):
    return Outcome("", "", False, counter)


def passed(reason):
    return Outcome(f"pass_{reason}", f"drop_{reason}", False)


def dropped(reason):
    return Outcome(f"drop_{reason}", f"drop_{reason}", False)


def mixed(reason_of_pass, reason_of_drop):
    return Outcome(f"pass_{reason_of_pass}", f"drop_{reason_of_drop}", False)


class Maker:
    """Frames from the client to the server, by default a query over IPv4 that is right in everything."""

    def __init__(self, ends, payload):
        self.ends, self.payload = ends, payload

    def frame(self, kind, packet, target=None, source=None, tags=()):
        return ethernet(target or self.ends.server_mac, source or self.ends.client_mac, kind, packet, tags)

    def udp4(self, source=None, target=None, **udp_fields):
        payload = udp_fields.pop("payload", self.payload)
        return udp(source or self.ends.client4, target or self.ends.server4, payload, **udp_fields)

    def v4(self, link=None, source=None, target=None, udp_fields=None, packet=None, **ip_fields):
        """link: arguments of frame(). packet: what follows the IP header, instead of the query."""
        source, target = source or self.ends.client4, target or self.ends.server4
        packet = self.udp4(source, target, **(udp_fields or {})) if packet is None else packet
        return self.frame(IPV4, ipv4(source, target, packet, **ip_fields), **(link or {}))

    def v6(self, link=None, source=None, target=None, udp_fields=None, packet=None, before=b"", **ip_fields):
        """before: extension headers in front of UDP."""
        source, target = source or self.ends.client6, target or self.ends.server6
        packet = udp(source, target, self.payload, **(udp_fields or {})) if packet is None else packet
        return self.frame(IPV6, ipv6(source, target, before + packet, **ip_fields), **(link or {}))

    def fragments4(self, *parts, ident):
        """Fragments of the query; parts: (first, behind the last) of the datagram in units of 8 octets; None: the end."""
        datagram = self.udp4()
        return [self.v4(packet=datagram[a * 8:None if b is None else b * 8], fragment=a | (0x2000 if b is not None else 0), ident=ident)
                for a, b in parts]

    def fragments6(self, *parts, ident):
        datagram = udp(self.ends.client6, self.ends.server6, self.payload)
        return [self.v6(packet=fragment_header(UDP, a, b is not None, ident) + datagram[a * 8:None if b is None else b * 8], protocol=FRAGMENT)
                for a, b in parts]

    def icmp6(self, kind, body, target=None, link=None, hops=255, source=None, before=b""):
        source, target = source or self.ends.client6, target or self.ends.server6
        plain = struct.pack(">BBH", kind, 0, 0) + body
        sum_ = checksum(pseudo(source, target, ICMP6, len(plain)) + plain)
        return self.v6(link, source, target, packet=before + plain[:2] + struct.pack(">H", sum_) + plain[4:],
                       protocol=HOP_BY_HOP if before else ICMP6, hops=hops)

    def icmp4(self, kind, code, body):
        plain = struct.pack(">BBHI", kind, code, 0, 0) + body
        return self.v4(packet=plain[:2] + struct.pack(">H", checksum(plain)) + plain[4:], protocol=ICMP)

    def syn(self):
        plain = struct.pack(">HHIIBBHHH", 40053, 53, 1, 0, 0x50, 2, 1024, 0, 0)
        sum_ = checksum(pseudo(self.ends.client4, self.ends.server4, TCP, len(plain)) + plain)
        return plain[:16] + struct.pack(">H", sum_) + plain[18:]

    def arp(self, operation, target):
        packet = struct.pack(">HHBBH", 1, IPV4, 6, 4, operation) + self.ends.client_mac + self.ends.client4 + bytes(6) + self.ends.server4
        return self.frame(ARP, packet, target)


def link(m):
    """Ethernet."""
    group4, group6 = bytes.fromhex("01005e0000fb"), bytes.fromhex("3333000000fb")
    llc = b"\x42\x42\x03" + bytes(35)
    return [
        ("a query over IPv4", TAKEN, [m.v4()]),
        ("a query over IPv6", TAKEN, [m.v6()]),
        ("IPv4: eight octets behind the packet", TAKEN, [m.v4() + bytes(8)]),
        ("IPv6: noise behind the packet", TAKEN, [m.v6() + b"\xa5" * 9]),
        ("802.1Q: VLAN 7, priority 5, drop eligible", TAKEN.unheard, [m.v4({"tags": [(VLAN, 0xb007)]})]),
        ("802.1Q: VLAN 4094 over IPv6", TAKEN.unheard, [m.v6({"tags": [(VLAN, 4094)]})]),
        ("802.1Q: a priority tag, VLAN 0", TAKEN, [m.v4({"tags": [(VLAN, 0x6000)]})]),
        ("802.1ad: a service tag alone", passed("vlan"), [m.v4({"tags": [(SERVICE_VLAN, 7)]})]),
        ("802.1ad: a service tag and a customer tag", passed("vlan"), [m.v4({"tags": [(SERVICE_VLAN, 7), (VLAN, 8)]})]),
        ("0x9100 and a customer tag", passed("vlan"), [m.v4({"tags": [(OLD_SERVICE_VLAN, 7), (VLAN, 8)]})]),
        ("802.1Q twice", passed("vlan"), [m.v4({"tags": [(VLAN, 7), (VLAN, 8)]})]),
        ("802.1Q three times, IPv6", passed("vlan"), [m.v6({"tags": [(VLAN, 7), (VLAN, 8), (VLAN, 9)]})]),
        ("multicast MAC, unicast IP", passed("group").kernel, [m.v4({"target": group4})]),
        ("multicast MAC, unicast IPv6", passed("group").kernel, [m.v6({"target": group6})]),
        ("unicast MAC, multicast IP", passed("not_ours"), [m.v4(target=b"\xe0\0\0\xfb")]),
        ("unicast MAC, multicast IPv6", passed("not_ours"), [m.v6(target=bytes.fromhex("ff0200000000000000000000000000fb"))]),
        ("broadcast on the link", passed("group").kernel, [m.v4({"target": BROADCAST})]),
        ("broadcast of IP, unicast MAC", passed("not_ours"), [m.v4(target=b"\xff\xff\xff\xff")]),
        ("broadcast of the subnet", passed("group"), [m.v4({"target": BROADCAST}, target=m.ends.client4[:3] + b"\xff")]),
        ("another host's MAC", passed("other_mac"), [m.v4({"target": b"\2\0\0\0\0\x77"})]),
        ("another host's MAC, IPv6, tagged", passed("other_mac"), [m.v6({"target": b"\2\0\0\0\0\x77", "tags": [(VLAN, 7)]})]),
        ("from a multicast MAC", dropped("from_group").kernel, [m.v4({"source": group4})]),
        ("EtherType IPv6, packet IPv4", passed("ip_header"), [m.frame(IPV6, m.v4()[14:])]),
        ("EtherType IPv4, packet IPv6", passed("ip_header"), [m.frame(IPV4, m.v6()[14:])]),
        ("EtherType 0, all zeros", passed("not_ip"), [m.frame(0, bytes(46))]),
        ("ARP request, broadcast", passed("group"), [m.arp(1, BROADCAST)]),
        ("ARP request, unicast", passed("not_ip"), [m.arp(1, None)]),
        ("ARP reply", passed("not_ip"), [m.arp(2, None)]),
        ("LLDP", passed("group"), [m.frame(0x88cc, bytes.fromhex("0207040200000000020302020000060200780000"), bytes.fromhex("0180c200000e"))]),
        ("STP: LLC to the bridges' group", passed("group"), [m.frame(38, llc, bytes.fromhex("0180c2000000"))]),
        ("LLC to our MAC", passed("not_ip"), [m.frame(38, llc)]),
        ("PPPoE session", passed("not_ip"), [m.frame(0x8864, b"\x11\0\0\1\0\x20\0\x21" + m.v4()[14:])]),
        ("MPLS", passed("not_ip"), [m.frame(0x8847, b"\0\1\1\x40" + m.v4()[14:])]),
    ]


def ip_version_4(m):
    """IPv4."""
    options = {"router alert": b"\x94\4\0\0", "record route": b"\7\x0b\4" + bytes(8) + b"\0", "timestamp": b"\x44\x0c\5\0" + bytes(8),
               "no operation": b"\1\1\1\0"}
    size = len(m.v4()) - 14
    return [
        ("IPv4: DSCP 46, ECN 3", TAKEN, [m.v4(tos=0xbb)]),
        ("IPv4: TTL 0", TAKEN, [m.v4(ttl=0)]),
        ("IPv4: TTL 1", TAKEN, [m.v4(ttl=1)]),
        ("IPv4: the reserved flag", TAKEN, [m.v4(fragment=0x8000)]),
        ("IPv4: don't fragment", TAKEN, [m.v4(fragment=0x4000)]),
        ("IPv4: version 6", passed("ip_header"), [m.v4(version=6)]),
        ("IPv4: version 0", passed("ip_header"), [m.v4(version=0)]),
        ("IPv4: IHL 4", passed("ip_header"), [m.v4(ihl=4)]),
        ("IPv4: IHL 0", passed("ip_header"), [m.v4(ihl=0)]),
        ("IPv4: IHL 15, more than the packet", mixed("ip_options", "ip_header"), [m.v4(ihl=15, length=40)]),
        ("IPv4: total length 0", dropped("ip_header"), [m.v4(length=0)]),
        ("IPv4: total length below the header", dropped("ip_header"), [m.v4(length=19)]),
        ("IPv4: total length one past the frame", dropped("ip_header"), [m.v4(length=size + 1)]),
        ("IPv4: total length 65535", dropped("ip_header"), [m.v4(length=65535)]),
        ("IPv4: total length one short", dropped("udp_length"), [m.v4(length=size - 1)]),
        ("IPv4: header checksum", dropped("ip_checksum"), [m.v4(sum_=1)]),
        *((f"IPv4 option: {name}", passed("ip_options").kernel, [m.v4(options=octets)]) for name, octets in options.items()),
        ("IPv4 fragment: the first alone", passed("fragment"), m.fragments4((0, 3), ident=101)),
        ("IPv4 fragment: one amid", passed("fragment"), m.fragments4((1, 3), ident=102)),
        ("IPv4 fragment: the last alone", passed("fragment"), m.fragments4((3, None), ident=103)),
        ("IPv4 fragments: all, in order", passed("fragment").kernel, m.fragments4((0, 2), (2, 4), (4, None), ident=104)),
        ("IPv4 fragments: all, the last first", passed("fragment").kernel, m.fragments4((2, None), (0, 2), ident=105)),
        ("IPv4 fragments: overlapping", passed("fragment"), m.fragments4((0, 3), (1, 4), (4, None), ident=106)),
        ("IPv4 fragment: 8 octets, as small as can be", passed("fragment"), m.fragments4((0, 1), ident=107)),
        ("IPv4 fragment: past 65535", passed("fragment"), [m.v4(fragment=0x1fff, packet=bytes(64), ident=108)]),
        ("TCP SYN to port 53", passed("not_udp"), [m.v4(packet=m.syn(), protocol=TCP)]),
        ("ICMP echo", passed("not_udp"), [m.icmp4(8, 0, bytes(32))]),
        ("ICMP: port unreachable, quoting a reply of ours", passed("not_udp"), [m.icmp4(3, 3, quoted(m))]),
        ("ICMP: fragmentation needed, quoting a reply of ours", passed("not_udp"), [m.icmp4(3, 4, quoted(m))]),
        ("IGMP membership query", passed("group"),
         [m.v4({"target": bytes.fromhex("01005e000001")}, target=b"\xe0\0\0\1", packet=b"\x11\x64\xee\x9b\0\0\0\0", protocol=IGMP, ttl=1,
               options=b"\x94\4\0\0")]),
        ("GRE with a query in it", passed("not_udp"), [m.v4(packet=b"\0\0\x08\0" + m.v4()[14:], protocol=GRE)]),
        ("ESP", passed("not_udp"), [m.v4(packet=b"\0\0\1\0\0\0\0\1" + bytes(40), protocol=ESP)]),
        ("AH", passed("not_udp"), [m.v4(packet=b"\x11\4\0\0\0\0\1\0\0\0\0\1" + bytes(12) + m.udp4(), protocol=AH)]),
        ("SCTP", passed("not_udp"), [m.v4(packet=struct.pack(">HHII", 40053, 53, 0, 0) + bytes(20), protocol=SCTP)]),
        ("IP in IP", passed("not_udp"), [m.v4(packet=m.v4()[14:], protocol=4)]),
    ]


def quoted(m):
    """The start of a reply of ours, as an ICMP error quotes it."""
    return ipv4(m.ends.server4, m.ends.client4, udp(m.ends.server4, m.ends.client4, m.payload, sport=53, dport=40053), fragment=0x4000)[:28]


def ip_version_6(m):
    """IPv6."""
    e = m.ends
    size = len(m.v6()) - 54
    jumbo = extension(UDP, b"\xc2\4" + struct.pack(">I", 70000))
    router_alert = b"\x3a\0\5\2\0\0\1\0"

    def group(last):
        """Address and MAC of ff02::last, as the arguments of icmp6()."""
        address = b"\xff\2" + (13 - len(last)) * b"\0" + b"\0" + last
        return {"target": address, "link": {"target": b"\x33\x33" + address[12:]}}

    return [
        ("IPv6: traffic class and flow label", TAKEN, [m.v6(traffic=0xbb, flow=0x12345)]),
        ("IPv6: hop limit 0", TAKEN, [m.v6(hops=0)]),
        ("IPv6: version 4", passed("ip_header"), [m.v6(version=4)]),
        ("IPv6: payload length past the frame", dropped("ip_header"), [m.v6(length=size + 1)]),
        ("IPv6: payload length 0", dropped("udp_length"), [m.v6(length=0)]),
        ("IPv6: payload length 4", dropped("udp_length"), [m.v6(length=4)]),
        ("IPv6: hop-by-hop options", passed("extension").kernel, [m.v6(before=extension(UDP), protocol=HOP_BY_HOP)]),
        ("IPv6: jumbo payload option", passed("extension"), [m.v6(before=jumbo, protocol=HOP_BY_HOP, length=0)]),
        ("IPv6: destination options", passed("extension").kernel, [m.v6(before=extension(UDP), protocol=DESTINATION)]),
        ("IPv6: a destination option that nobody knows", passed("extension"),
         [m.v6(before=extension(UDP, b"\x7e\4\0\0\0\0"), protocol=DESTINATION)]),
        ("IPv6: a routing header, type 0, one segment left", passed("extension"),
         [m.v6(before=extension(UDP, b"\0\1\0\0\0\0" + e.server6), protocol=ROUTING)]),
        ("IPv6: hop-by-hop and destination options", passed("extension").kernel,
         [m.v6(before=extension(DESTINATION) + extension(UDP), protocol=HOP_BY_HOP)]),
        ("IPv6: an atomic fragment", passed("fragment").kernel, [m.v6(before=fragment_header(UDP, 0, 0), protocol=FRAGMENT)]),
        ("IPv6 fragment: the first alone", passed("fragment"), m.fragments6((0, 3), ident=201)),
        ("IPv6 fragment: the last alone", passed("fragment"), m.fragments6((3, None), ident=202)),
        ("IPv6 fragments: all, in order", passed("fragment").kernel, m.fragments6((0, 2), (2, 4), (4, None), ident=203)),
        ("IPv6 fragments: overlapping (RFC 5722)", passed("fragment"), m.fragments6((0, 3), (1, 4), (4, None), ident=204)),
        ("IPv6: AH", passed("extension"), [m.v6(before=b"\x11\4\0\0\0\0\1\0\0\0\0\1" + bytes(12), protocol=AH)]),
        ("IPv6: ESP", passed("extension"), [m.v6(packet=b"\0\0\1\0\0\0\0\1" + bytes(40), protocol=ESP)]),
        ("IPv6: mobility", passed("extension"), [m.v6(before=extension(NO_NEXT), protocol=135)]),
        ("IPv6: a header that nobody knows", passed("not_udp"), [m.v6(before=extension(UDP), protocol=253)]),
        ("IPv6: no next header", passed("not_udp"), [m.v6(protocol=NO_NEXT)]),
        ("ICMPv6 echo", passed("not_udp"), [m.icmp6(128, bytes(32))]),
        ("ND: neighbour solicitation, multicast", passed("group"),
         [m.icmp6(135, bytes(4) + e.server6 + b"\1\1" + e.client_mac, **group(b"\1\xff" + e.server6[13:]))]),
        ("ND: neighbour solicitation, unicast", passed("not_udp"), [m.icmp6(135, bytes(4) + e.server6 + b"\1\1" + e.client_mac)]),
        ("ND: neighbour advertisement", passed("not_udp"), [m.icmp6(136, b"\x40\0\0\0" + e.client6 + b"\2\1" + e.client_mac)]),
        ("ND: router solicitation", passed("group"), [m.icmp6(133, bytes(4), **group(b"\2"))]),
        ("ND: router advertisement", passed("group"),
         [m.icmp6(134, b"\x40\0\0\0" + bytes(8), source=b"\xfe\x80" + bytes(13) + b"\2", **group(b"\1"))]),
        ("MLD: listener report", passed("group"), [m.icmp6(143, bytes(4), hops=1, before=router_alert, **group(b"\x16"))]),
        ("ICMPv6: packet too big, quoting a reply of ours", passed("not_udp"),
         [m.icmp6(2, struct.pack(">I", 1280) + ipv6(e.server6, e.client6, udp(e.server6, e.client6, m.payload, 53, 40053)))]),
    ]


def datagrams(m):
    """UDP, ports and addresses."""
    e = m.ends
    mapped = bytes(10) + b"\xff\xff"
    bad4 = {"nobody": bytes(4), "this network": b"\0\1\2\3", "loopback": b"\x7f\1\2\3", "a group": b"\xe0\0\0\1", "all": b"\xff\xff\xff\xff",
            "us": e.server4}
    bad6 = {"nobody": bytes(16), "loopback": bytes(15) + b"\1", "a group": b"\xff\2" + bytes(13) + b"\1", "an IPv4 address": mapped + e.client4,
            "us": e.server6}
    source = dropped("source")
    # The others Linux drops by itself.
    source4 = {"this network": source.refused}
    source6 = {name: source.refused for name in ("nobody", "an IPv4 address")}
    return [
        ("UDP: length 0", dropped("udp_length"), [m.v4(udp_fields={"length": 0})]),
        ("UDP: length 7", dropped("udp_length"), [m.v6(udp_fields={"length": 7})]),
        ("UDP: length one past the packet", dropped("udp_length"), [m.v4(udp_fields={"length": 8 + len(m.payload) + 1})]),
        ("UDP: length 65535, IPv6", dropped("udp_length"), [m.v6(udp_fields={"length": 65535})]),
        ("UDP: length below what IP says", TAKEN, [m.v4(packet=m.udp4() + bytes(4))]),
        ("UDP: length 8, no message", silent("drop_short"), [m.v4(udp_fields={"payload": b""})]),
        ("UDP: a message of 11 octets", silent("drop_short"), [m.v4(udp_fields={"payload": m.payload[:11]})]),
        ("UDP: a response", silent("drop_response"), [m.v4(udp_fields={"payload": m.payload[:2] + b"\x81" + m.payload[3:]})]),
        ("IPv4 that ends within the UDP header", dropped("udp_length"), [m.v4(length=24)]),
        ("UDP: checksum wrong", dropped("checksum"), [m.v4(udp_fields={"sum_": 0x1234})]),
        ("UDP: checksum wrong, IPv6", dropped("checksum"), [m.v6(udp_fields={"sum_": 0x1234})]),
        ("UDP: checksum 0, IPv4", TAKEN, [m.v4(udp_fields={"sum_": 0})]),
        ("UDP: checksum 0, IPv6", dropped("checksum"), [m.v6(udp_fields={"sum_": 0})]),
        ("UDP: to another port", passed("not_ours"), [m.v4(udp_fields={"dport": 5353})]),
        ("UDP: to another port, IPv6", passed("not_ours"), [m.v6(udp_fields={"dport": 54})]),
        ("UDP: to port 0", passed("not_ours"), [m.v4(udp_fields={"dport": 0})]),
        ("UDP: from port 0", dropped("source").refused, [m.v4(udp_fields={"sport": 0})]),
        ("UDP: from port 53", TAKEN, [m.v4(udp_fields={"sport": 53})]),
        ("to another IPv4 address", passed("not_ours"), [m.v4(target=e.client4[:3] + b"\x63")]),
        ("to another IPv6 address", passed("not_ours"), [m.v6(target=e.client6[:15] + b"\x63")]),
        ("to our IPv4 address in IPv6", passed("not_ours"), [m.v6(target=mapped + e.server4)]),
        ("to loopback from outside", passed("not_ours"), [m.v4(target=b"\x7f\0\0\1")]),
        *((f"from {name}", source4.get(name, source), [m.v4(source=address)]) for name, address in bad4.items()),
        *((f"from {name}, IPv6", source6.get(name, source), [m.v6(source=address)]) for name, address in bad6.items()),
    ]


def runts(m):
    """Queries cut off at every length, from the bare Ethernet header to one octet short."""
    four, six = m.v4(), m.v6()
    rows = []
    for length in range(14, len(four)):
        outcome = (passed("runt") if length < 18 else passed("ip_header") if length < 34 else
                   mixed("udp_length", "ip_header") if length < 42 else dropped("ip_header"))
        rows.append((f"IPv4 cut after {length} octets", outcome, [four[:length]]))
    for length in range(18, len(six)):
        outcome = passed("ip_header") if length < 54 else mixed("udp_length", "ip_header") if length < 62 else dropped("ip_header")
        rows.append((f"IPv6 cut after {length} octets", outcome, [six[:length]]))
    return rows


CHAPTERS = {"Ethernet": link, "IPv4": ip_version_4, "IPv6": ip_version_6, "UDP and addresses": datagrams, "runts": runts}
