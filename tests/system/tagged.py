"""tagged: one DNS query over UDP in a frame with an 802.1Q tag, and what comes back. Needs CAP_NET_RAW.

Usage: tagged.py DEVICE SERVER-MAC CLIENT-ADDRESS SERVER-ADDRESS VLAN NAME
Prints "VLAN RCODE ANSWER…" of the reply that comes to our port. The kernel needs no VLAN device for that: it hands us the
tag beside the frame."""

import socket
import struct
import sys

import dns.message

ETH_P_ALL, ETH_P_IP, ETH_P_8021Q = 3, 0x0800, 0x8100
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 0x10
PORT = 40053


def ones_complement(octets):
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(mac, own_mac, source, target, vlan, payload):
    udp = struct.pack(">HHHH", PORT, 53, 8 + len(payload), 0) + payload  # without a checksum: legal over IPv4
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, source, target)
    header = header[:10] + struct.pack(">H", ones_complement(header)) + header[12:]
    return mac + own_mac + struct.pack(">HHH", ETH_P_8021Q, vlan, ETH_P_IP) + header + udp


def tag_of(ancillary):
    for level, kind, octets in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, _ = struct.unpack("=IIIHHHH", octets[:20])
            if status & TP_STATUS_VLAN_VALID:
                return tci & 0xfff
    return None


def main():
    device, mac, source, target, vlan, name = sys.argv[1:]
    query = dns.message.make_query(name, "A")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as raw:
        raw.bind((device, ETH_P_ALL))
        raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        raw.settimeout(5)
        raw.send(frame(bytes.fromhex(mac.replace(":", "")), raw.getsockname()[4], socket.inet_aton(source),
                       socket.inet_aton(target), int(vlan), query.to_wire()))
        while True:
            octets, ancillary, _, _ = raw.recvmsg(2048, 256)
            if octets[12:14] == b"\x08\x00" and octets[23] == 17 and struct.unpack(">HH", octets[34:38]) == (53, PORT):
                break
    length = struct.unpack(">H", octets[38:40])[0]
    reply = dns.message.from_wire(octets[42:34 + length])
    print(tag_of(ancillary), reply.rcode(), *(rdata for rrset in reply.answer for rdata in rrset))


main()
