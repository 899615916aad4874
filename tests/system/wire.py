"""wire: DNS messages as octets: making questions, and reading replies into what can be compared.

Small and fast on purpose: a comparison reads hundreds of thousands of replies. It is also a second
opinion: it shares no code with Skua, and refuses what is not well-formed.
"""

import struct

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, NAPTR = 1, 2, 5, 6, 12, 15, 16, 28, 33, 35
DNAME, OPT, DS, RRSIG, NSEC, DNSKEY, NSEC3, ANY = 39, 41, 43, 46, 47, 48, 50, 255
RP, NSEC3PARAM, SVCB, HTTPS = 17, 51, 64, 65

QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
FLAG_NAMES = (("QR", QR), ("AA", AA), ("TC", TC), ("RD", RD), ("RA", RA), ("AD", AD), ("CD", CD))
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
          6: "YXDOMAIN", 16: "BADVERS"}

_two = struct.Struct("!HH")
_header = struct.Struct("!6H")
_record = struct.Struct("!HHIH")


class Malformed(Exception):
    pass


def question(identity, name, rtype, edns=0, do=False, flags=0, rclass=1):
    """A query; name in wire form; edns: UDP size to offer, 0: no OPT record."""
    message = _header.pack(identity, flags, 1, 0, 0, 1 if edns else 0)
    message += name + _two.pack(rtype, rclass)
    if edns:
        message += b"\0" + struct.pack("!HHIH", OPT, edns, 0x8000 if do else 0, 0)
    return message


def labels(name):
    """The labels of a wire name, the root not included."""
    found, at = [], 0
    while name[at]:
        found.append(name[at + 1:at + 1 + name[at]])
        at += 1 + name[at]
    return found


def from_labels(parts):
    """A wire name of these labels, or None if it would not be legal."""
    name = b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
    if len(name) > 255 or any(not 0 < len(part) < 64 for part in parts):
        return None
    return name


def order(name):
    """A key that sorts lower-case names canonically (RFC 4034 6.1)."""
    return labels(name)[::-1]


def text(name):
    """Master-file text of a wire name."""
    shown = []
    for label in labels(name):
        shown.append("".join(
            chr(octet) if 0x21 <= octet <= 0x7e and chr(octet) not in '."\\;@$()'
            else f"\\{octet:03d}" for octet in label))
    return ".".join(shown) + "."


def _name(message, at, known):
    """(lower-case name, offset behind it). Pointers must lead backwards."""
    parts, end, start, size = [], None, at, 0
    limit = at
    while True:
        if end is not None and at in known:
            parts.append(known[at])
            break
        if at >= len(message):
            raise Malformed("name runs past the message")
        length = message[at]
        if length == 0:
            parts.append(b"\0")
            at += 1
            break
        if length >= 0xc0:
            if at + 1 >= len(message):
                raise Malformed("pointer runs past the message")
            target = (length & 0x3f) << 8 | message[at + 1]
            if target >= limit:
                raise Malformed("pointer does not lead backwards")
            if end is None:
                end = at + 2
            at = limit = target
            continue
        if length > 63:
            raise Malformed("label type")
        parts.append(message[at:at + 1 + length])
        size += 1 + length
        at += 1 + length
    name = b"".join(parts).lower()
    if len(name) > 255:
        raise Malformed("name of more than 255 octets")
    if end is None:
        end = at
    known[start] = name
    return name, end


def _rdata(message, rtype, at, end, known):
    """rdata with its names spelled out and in lower case."""
    if rtype in (NS, CNAME, PTR, DNAME):
        name, behind = _name(message, at, known)
        rest, head = b"", b""
    elif rtype == MX:
        head = message[at:at + 2]
        name, behind = _name(message, at + 2, known)
        rest = b""
    elif rtype == SRV:
        head = message[at:at + 6]
        name, behind = _name(message, at + 6, known)
        rest = b""
    elif rtype == SOA:
        head, behind = _name(message, at, known)
        name, behind = _name(message, behind, known)
        rest, behind = message[behind:end], end
    elif rtype == NAPTR:
        behind = at + 4
        for _ in range(3):
            behind += 1 + message[behind]
        head = message[at:behind]
        name, behind = _name(message, behind, known)
        rest = b""
    elif rtype == RRSIG:
        head = message[at:at + 18]
        name, behind = _name(message, at + 18, known)
        rest, behind = message[behind:end], end
    elif rtype == NSEC:
        head = b""
        name, behind = _name(message, at, known)
        rest, behind = message[behind:end], end
    elif rtype in (SVCB, HTTPS):
        head = message[at:at + 2]
        name, behind = _name(message, at + 2, known)
        rest, behind = message[behind:end], end
    elif rtype == RP:
        head, behind = _name(message, at, known)
        name, behind = _name(message, behind, known)
        rest = b""
    else:
        return message[at:end]
    if behind != end:
        raise Malformed(f"rdata of type {rtype} does not end where its length says")
    return head + name + rest


class Reply:
    """A reply: flags, rcode (with the extended bits), question as octets, sections as lists of
    (owner, type, class, TTL, rdata), OPT apart as (size, flags, version) or None. needed: octets
    without the additional section."""

    __slots__ = ("identity", "flags", "rcode", "opcode", "question", "answer", "authority",
                 "additional", "opt", "size", "needed")

    def __init__(self, message):
        if len(message) < 12:
            raise Malformed("shorter than a header")
        self.size = len(message)
        self.identity, word, questions, *counts = _header.unpack_from(message)
        self.flags = word & 0x87b0
        self.opcode = word >> 11 & 15
        self.rcode = word & 15
        self.opt = None
        known = {}
        at = 12
        for _ in range(questions):
            _, at = _name(message, at, known)
            at += 4
        self.question = message[12:at]
        try:
            sections = []
            for count in counts:
                self.needed = at
                section, at = self._section(message, at, count, known)
                sections.append(section)
        except (struct.error, IndexError):
            raise Malformed("record runs past the message") from None
        if at != len(message):
            raise Malformed(f"{len(message) - at} octets behind the last record")
        self.answer, self.authority, self.additional = sections

    def _section(self, message, at, count, known):
        section = []
        for _ in range(count):
            owner, at = _name(message, at, known)
            rtype, rclass, ttl, length = _record.unpack_from(message, at)
            at += 10
            end = at + length
            if end > len(message):
                raise Malformed("rdata runs past the message")
            if rtype == OPT:
                if self.opt is not None:
                    raise Malformed("two OPT records")
                self.opt = (rclass, ttl & 0xffff, ttl >> 16 & 0xff)
                self.rcode |= ttl >> 24 << 4
            else:
                section.append((owner, rtype, rclass, ttl,
                                _rdata(message, rtype, at, end, known)))
            at = end
        return section, at


def flags_text(flags):
    return " ".join(name for name, bit in FLAG_NAMES if flags & bit)


def type_text(rtype):
    import dns.rdatatype
    return dns.rdatatype.to_text(rtype)


def record_text(record):
    import dns.rdata
    owner, rtype, rclass, ttl, rdata = record
    try:
        shown = dns.rdata.from_wire(rclass, rtype, rdata, 0, len(rdata)).to_text()
    except Exception:
        shown = f"\\# {len(rdata)} {rdata.hex()}"
    return f"{text(owner)} {ttl} {type_text(rtype)} {shown}"
