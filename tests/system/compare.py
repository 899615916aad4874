"""compare: one reply of Skua against one reply of a peer to the same question.

A difference is (kind, detail). Kinds: "rcode", "flag", "opt", and for each section "missing" (the
peer has the record) and "extra" (Skua has it). What rules.py does not explain is a failure.
"""

import expected
import wire

SECTIONS = ("answer", "authority", "additional")


def chain(reply, name):
    """The names that a reply's CNAMEs lead through, starting at `name`."""
    aliases = {record[0]: record[4] for record in reply.answer if record[1] == wire.CNAME}
    steps = [name]
    while steps[-1] in aliases and aliases[steps[-1]] not in steps:
        steps.append(aliases[steps[-1]])
    return steps


ORDER = ("answer", "rcode", "flag", "opt", "authority", "additional")  # each follows from those before


def _rank(difference):
    return ORDER.index(difference[0].split()[0])


class Context:
    """A question and both replies, for rules to look at."""

    def __init__(self, name, rtype, mode, peer, ours, theirs, zones, more):
        self.sent_name, self.name, self.rtype, self.mode = name, name.lower(), rtype, mode
        self.peer, self.ours, self.theirs = peer, ours, theirs
        self.zones = zones
        self.found = set(differences(ours, theirs))
        self.more = more  # (leading records, those that are placed) -> additional data
        self.wanted = None  # what the RFCs want, if that is what Skua gave
        self.others = []  # the contexts of the other peers

    def is_alone(self, difference):
        """Only this peer says so: Skua's reply is what expected.py reads in the RFCs, and all others
        that have a word on it have it like that, too. Who alone answers otherwise has other proofs."""
        if self.wanted is None:
            return False
        premises = self.premises(difference)
        return bool(premises) and all(map(self.is_alone, premises)) or not any(
            difference in other.found for other in self.others if other.has_word_on(difference))

    def premises(self, difference):
        """The differences that this one may be a consequence of."""
        return [other for other in self.found if _rank(other) < _rank(difference) and
                other != ("flag", "CD") and not (self.wanted.picks and _rank(other) == 0)]

    def has_word_on(self, difference):
        """False if the peer's reply stops short of what a difference is about: it is cut, or a
        failure, or a chain that goes on, or proves another answer."""
        kind, detail = difference
        if (self.theirs.flags ^ self.ours.flags) & wire.TC:
            return False
        if not self.theirs.flags & wire.AA and not self.theirs.authority or \
           self.theirs.rcode not in (0, 3, 5, 6):
            return kind.startswith("answer") and detail in self.theirs.answer
        if self.stops():
            return kind.startswith("answer") and detail[0] in chain(self.theirs, self.name)[:-1]
        return not self.premises(difference)

    def stops(self):
        """The peer leaves it to the client to follow a chain that Skua follows further, or to the
        zone that it leads to."""
        mine, yours = chain(self.ours, self.name), chain(self.theirs, self.name)
        return len(yours) > 1 and mine[:len(yours)] == yours and \
            not any(record[0] == yours[-1] for record in self.theirs.answer) and \
            (len(mine) > len(yours) or set(self.ours.authority) != set(self.theirs.authority) or
             any(record[0] == yours[-1] for record in self.ours.answer))

    def additional(self):
        """What the zones give for the additional section of Skua's reply."""
        if self.wanted.picks is None:
            return self.wanted.additional
        return self.more([record for record in self.ours.answer if record[1] != wire.RRSIG],
                         self.ours.answer + self.ours.authority)



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
    if (reply.flags & wire.CD) != (query[3] & wire.CD):
        wrong.append("CD is not the query's (RFC 4035 3.1.6)")
    if reply.flags & (wire.RA | wire.AD):
        wrong.append("RA or AD set")
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


def _whole(records, section):
    """Are the RRsets of a section whole, as far as they are there?"""
    there = {(record[:2], expected.covered_type(record)) for record in section}
    return {record for record in records
            if (record[:2], expected.covered_type(record)) in there} == set(section)


def _check_picked(reply, wanted, more):
    """RFC 8482 4.1: of ANY and RRSIG, one RRset or several, each whole; signatures are one RRset for
    each type that they cover."""
    wrong = []
    name, sets = wanted.picks
    records = {record for rrset in sets.values() for record in rrset}
    picked = [record for record in reply.answer if record not in wanted.answer]
    if not picked or not _whole(records, picked):
        wrong.append("ANY or RRSIG: not whole RRsets of the name (RFC 8482 4.1)")
    if not set(wanted.answer) <= set(reply.answer):
        wrong.append("the way to the name is not in the answer")
    leading = [record for record in picked if record[1] != wire.RRSIG]
    return wrong, more(leading, reply.answer + reply.authority)


def _check_additional(reply, wanted, mode, additional):
    wrong = []
    if not set(reply.additional) <= set(additional) or not _whole(additional, reply.additional):
        wrong.append("the additional section has more than the zones give, or RRsets in part")
    left = set(additional) - set(reply.additional)
    glue = {record for record in left if wanted.cut and record[0].endswith(wanted.cut) and
            record[1] != wire.RRSIG}
    if glue and not reply.flags & wire.TC:
        wrong.append("glue below the cut is missing without TC (RFC 9471 3.1)")
    reached = {target for section in SECTIONS for record in getattr(reply, section)
               for target in expected.targets(record)}
    for owner, rtype in reached & {record[:2] for record in left}:
        octets = sum(len(owner) + 10 + len(record[4]) for record in left
                     if record[:2] == (owner, rtype))
        if reply.size + octets <= mode.limit():
            wrong.append("additional data that would fit are missing")
    return wrong


def check_wanted(reply, wanted, mode, more):
    """What differs from what the RFCs want (expected.py). more(leading, placed): additional data."""
    if reply.flags & wire.TC:
        if not wanted.cut and (reply.answer or reply.authority or reply.additional):
            return ["a truncated reply that is no referral has records"]
        if not reply.authority:
            return []
    wrong, additional, authority = [], wanted.additional, wanted.authority
    if reply.rcode != wanted.rcode or bool(reply.flags & wire.AA) != wanted.aa:
        wrong.append("rcode or AA is not what the RFCs want")
    if wanted.picks:
        picked, additional = _check_picked(reply, wanted, more)
        wrong += picked
    elif set(reply.answer) != set(wanted.answer):
        wrong.append("the answer section is not what the RFCs want")
    if set(reply.authority) != set(authority):
        wrong.append("the authority section is not what the RFCs want")
    return wrong + _check_additional(reply, wanted, mode, additional)


def difference_text(difference):
    kind, detail = difference
    if kind == "rcode":
        return "rcode {}, peer {}".format(*(wire.RCODES.get(code, code) for code in detail))
    if kind in ("flag", "opt"):
        return f"{kind} {detail}"
    return f"{kind}: {wire.record_text(detail)}"
