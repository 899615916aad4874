"""frames: Ethernet frames octet by octet, right or wrong on purpose, and a strict look at the frames that come back.

Shares no code with Skua. Everything is in network order; a `None` argument means: the right value."""

import dataclasses
import struct

IPV4, IPV6, VLAN, SERVICE_VLAN, OLD_SERVICE_VLAN, ARP = 0x0800, 0x86dd, 0x8100, 0x88a8, 0x9100, 0x0806
UDP, TCP, ICMP, ICMP6, IGMP, SCTP, GRE, ESP, AH = 17, 6, 1, 58, 2, 132, 47, 50, 51
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION, NO_NEXT = 0, 43, 44, 60, 59
BROADCAST = b"\xff" * 6


class Wrong(Exception):
    """A frame that came back is not as it must be."""


def total(octets):
    """The ones' complement sum of RFC 1071, folded, not inverted."""
    if len(octets) % 2:
        octets += b"\0"
    result = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while result >> 16:
        result = (result & 0xffff) + (result >> 16)
    return result


def checksum(octets):
    return ~total(octets) & 0xffff


def pseudo(source, target, protocol, length):
    """The pseudo header of RFC 768 or RFC 8200 8.1: by the addresses' length."""
    return source + target + (struct.pack(">BBH", 0, protocol, length) if len(source) == 4 else struct.pack(">IHBB", length, 0, 0, protocol))


def udp(source, target, payload, sport=40053, dport=53, length=None, sum_=None):
    """sum_: what stands in the checksum field."""
    length = 8 + len(payload) if length is None else length
    plain = struct.pack(">HHHH", sport, dport, length, 0) + payload
    if sum_ is None:
        sum_ = checksum(pseudo(source, target, UDP, length) + plain) or 0xffff
    return plain[:6] + struct.pack(">H", sum_) + payload


def ipv4(source, target, payload, protocol=UDP, options=b"", fragment=0, ident=0x1234, ttl=64, tos=0, length=None, ihl=None, version=4,
         sum_=0):
    """fragment: flags and offset (in units of 8) as in the header. sum_: added to the right checksum."""
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    length = 20 + len(options) + len(payload) if length is None else length
    header = struct.pack(">BBHHHBBH4s4s", version << 4 | ihl, tos, length, ident, fragment, ttl, protocol, 0, source, target) + options
    return header[:10] + struct.pack(">H", (checksum(header) + sum_) & 0xffff) + header[12:] + payload


def ipv6(source, target, payload, protocol=UDP, hops=64, traffic=0, flow=0, length=None, version=6):
    length = len(payload) if length is None else length
    return struct.pack(">IHBB", version << 28 | traffic << 20 | flow, length, protocol, hops) + source + target + payload


def extension(protocol, octets=b"\x01\x04\0\0\0\0"):
    """A header of IPv6 that names the next one; by itself a PadN option that fills eight octets."""
    assert (2 + len(octets)) % 8 == 0
    return struct.pack(">BB", protocol, (2 + len(octets)) // 8 - 1) + octets


def fragment_header(protocol, offset, more, ident=7):
    return struct.pack(">BBHI", protocol, 0, offset << 3 | more, ident)


def ethernet(target, source, kind, payload, tags=()):
    """tags: (TPID, TCI), the outer one first. Padded as a card does."""
    return (target + source + b"".join(struct.pack(">HH", *tag) for tag in tags) + struct.pack(">H", kind) + payload).ljust(60, b"\0")


@dataclasses.dataclass
class Received:
    """A frame from the wire. tag: (TPID, TCI) or None. unfinished: the sender left the UDP checksum to its card."""
    octets: bytes
    tag: tuple
    unfinished: bool

    def datagram(self):
        """(source, target, sport, dport, payload) of a UDP datagram in one piece, checked in full; None if it is none."""
        kind, packet = struct.unpack(">H", self.octets[12:14])[0], self.octets[14:]
        if kind == IPV4 and packet[9] == UDP:
            return self._udp(*self._ipv4(packet))
        if kind == IPV6 and packet[6] == UDP:
            return self._udp(*self._ipv6(packet))
        return None

    def _ipv4(self, packet):
        length = struct.unpack(">H", packet[2:4])[0]
        expect(packet[0] == 0x45, "an IPv4 header without options")
        expect(total(packet[:20]) == 0xffff, "the header checksum is right")
        expect(struct.unpack(">H", packet[6:8])[0] & 0x3fff == 0, "it is no fragment")
        self._padding(packet, length)
        return packet[12:16], packet[16:20], packet[20:length]

    def _ipv6(self, packet):
        length = 40 + struct.unpack(">H", packet[4:6])[0]
        self._padding(packet, length)
        return packet[8:24], packet[24:40], packet[40:length]

    def _padding(self, packet, length):
        expect(length <= len(packet), "the frame is as long as the packet")
        expect(len(packet) == length or len(self.octets) <= 60, "no octets behind the packet but padding")
        expect(not any(packet[length:]), "padding of zeros")

    def _udp(self, source, target, datagram):
        sport, dport, length, field = struct.unpack(">HHHH", datagram[:8])
        head = pseudo(source, target, UDP, length)
        expect(length == len(datagram), "the UDP length")
        expect(field != 0, "a UDP checksum")
        expect(field == total(head) if self.unfinished else total(head + datagram) == 0xffff, "the UDP checksum is right")
        return source, target, sport, dport, datagram[8:]


def expect(condition, what):
    if not condition:
        raise Wrong(f"not so: {what}")
