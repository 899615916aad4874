"""questions: for a zone, every owner and names beside, below and above it, times every interesting
type, times every way to ask."""

import random

import wire

ALWAYS = (wire.A, wire.AAAA, wire.NS, wire.SOA, wire.CNAME, wire.MX, wire.TXT, wire.PTR, wire.SRV,
          wire.NAPTR, wire.DNAME, wire.DS, wire.DNSKEY, wire.ANY, 64, 65, 257, 65534)
NOT_ASKED = {wire.OPT, 249, 250, 251, 252, 253, 254}  # not answered from zone data


class Mode:
    def __init__(self, name, tcp, edns, do):
        self.name, self.tcp, self.edns, self.do = name, tcp, edns, do

    def limit(self):
        """Octets that a reply may have: as Skua and the peers are configured, and never below 512
        (RFC 6891 6.2.3)."""
        return 65535 if self.tcp else max(512, min(self.edns, 1232))


MODES = (Mode("udp", False, 0, False), Mode("udp-edns", False, 1232, False),
         Mode("udp-do", False, 1232, True), Mode("tcp", True, 0, False),
         Mode("tcp-do", True, 1232, True))


def _around(owner, origin):
    """Names that put other rules to the test: beside, below and above an owner."""
    parts = wire.labels(owner)
    yield owner
    for added in ([b"below"], [b"two", b"below"], [b"*"], [b"\0"], [b"_sip", b"_udp"]):
        yield wire.from_labels(added + parts)
    if parts:
        yield wire.from_labels([parts[0] + b"-beside"] + parts[1:])
        yield wire.from_labels([parts[0][:-1] or b"\xff"] + parts[1:])
        yield wire.from_labels(parts[1:])
        yield wire.from_labels([b"below", b"*"] + parts[1:])
        yield wire.from_labels([b"x"] * (len(parts) - len(wire.labels(origin))) +
                               wire.labels(origin))
    if len(parts) > 1:
        yield wire.from_labels([b"other"] + parts[2:])


def names_of(zone):
    names = set()
    for owner in zone.names:
        if zone.is_hashed(owner):
            names.add(owner)  # nothing is around it
            continue
        names.update(name for name in _around(owner, zone.origin) if name is not None)
    return sorted(names)


def types_of(zone):
    return sorted((set(ALWAYS) | set(zone.types)) - NOT_ASKED)


def mixed_case(name, dice):
    """0x20: the case of a question comes back as sent, and matters for nothing else."""
    octets = bytearray(name)
    at = 0
    while octets[at]:
        for i in range(at + 1, at + 1 + octets[at]):
            if chr(octets[i]).isascii() and chr(octets[i]).isalpha() and dice.random() < 0.3:
                octets[i] ^= 0x20
        at += 1 + octets[at]
    return bytes(octets)


def all_of(zone, most, seed=1):
    """(name, type) pairs; at most `most` of them, picked by the seed."""
    dice = random.Random(seed)
    pairs = [(name, rtype) for name in names_of(zone) for rtype in types_of(zone)]
    if most and len(pairs) > most:
        pairs = dice.sample(pairs, most)
    return [(mixed_case(name, dice), rtype) for name, rtype in pairs]
