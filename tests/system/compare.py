"""compare: one reply of Skua against one reply of a peer to the same question.

A difference is (kind, detail). Kinds: "rcode", "flag", "opt", and for each section "missing" (the
peer has the record) and "extra" (Skua has it). What rules.py does not explain is a failure.
"""

import wire

SECTIONS = ("answer", "authority", "additional")


class Context:
    """A question and both replies, for rules to look at."""

    def __init__(self, name, rtype, mode, peer, ours, theirs, zones, ask):
        self.sent_name, self.name, self.rtype, self.mode = name, name.lower(), rtype, mode
        self.peer, self.ours, self.theirs = peer, ours, theirs
        self.zones = zones
        self.ask_peer = ask

    def ask(self, name, rtype):
        """The peer's whole reply over TCP, with the EDNS and RD of this question."""
        return self.ask_peer(name, rtype, bool(self.ours.flags & wire.RD))

    def differences(self):
        return differences(self.ours, self.theirs)


def differences(ours, theirs):
    found = []
    if ours.rcode != theirs.rcode:
        found.append(("rcode", (ours.rcode, theirs.rcode)))
    for name, bit in wire.FLAG_NAMES:
        if (ours.flags ^ theirs.flags) & bit:
            found.append(("flag", name))
    if ours.opt != theirs.opt:
        found.append(("opt", (ours.opt, theirs.opt)))
    if ours.flags & theirs.flags & wire.TC:
        return found  # what a cut reply still holds is nobody's promise
    for section in SECTIONS:
        have, want = set(getattr(ours, section)), set(getattr(theirs, section))
        found.extend((f"{section} missing", record) for record in want - have)
        found.extend((f"{section} extra", record) for record in have - want)
    return found


def self_check(name, rtype, mode, query, octets, reply):
    """What must hold for every reply of Skua, whatever others say; returns what does not."""
    if reply is None:
        return ["malformed"]
    wrong = []
    if octets[12:12 + len(name) + 4] != query[12:12 + len(name) + 4]:
        wrong.append("the question did not come back as sent")
    if not reply.flags & wire.QR or reply.opcode != 0:
        wrong.append("QR or opcode")
    if (reply.flags & wire.RD) != (query[2] << 8 & wire.RD):
        wrong.append("RD is not the query's")
    if reply.flags & (wire.RA | wire.CD | wire.AD):
        wrong.append("RA, AD or CD set")
    if reply.size > mode.limit():
        wrong.append(f"{reply.size} octets where {mode.limit()} are allowed")
    if mode.tcp and reply.flags & wire.TC:
        wrong.append("TC over TCP")
    if (reply.opt is not None) != bool(mode.edns):
        wrong.append("OPT record without being asked, or none though asked")
    if reply.opt is not None and bool(reply.opt[1] & 0x8000) != mode.do:
        wrong.append("DO is not the query's")
    for section in SECTIONS:
        records = getattr(reply, section)
        if len(set(records)) != len(records):
            wrong.append(f"a record twice in the {section} section")
        if not mode.do and rtype not in (wire.RRSIG, wire.NSEC, wire.NSEC3, wire.ANY) and \
           any(record[1] in (wire.RRSIG, wire.NSEC, wire.NSEC3) for record in records):
            wrong.append(f"DNSSEC records in the {section} section without DO")
    seen = set()
    for section in ("answer", "authority"):
        seen.update(getattr(reply, section))
    if seen & set(reply.additional):
        wrong.append("a record of the additional section stands in another one too")
    at = name.lower()
    for record in reply.answer:  # a chain is told in its order (RFC 1034 3.6.2)
        if record[1] == wire.CNAME and rtype not in (wire.CNAME, wire.ANY):
            if record[0] != at:
                wrong.append("CNAMEs out of order")
                break
            at = record[4]
    return wrong


def difference_text(difference):
    kind, detail = difference
    if kind == "rcode":
        return "rcode {}, peer {}".format(*(wire.RCODES.get(code, code) for code in detail))
    if kind in ("flag", "opt"):
        return f"{kind} {detail}"
    return f"{kind}: {wire.record_text(detail)}"
