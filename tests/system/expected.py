"""expected: what the RFCs want in a reply, worked out from the zone files in the plainest way.

    wanted = Expected(zones).reply(name, rtype, do)
    wanted.rcode, wanted.aa, wanted.answer, wanted.authority, wanted.additional

Linear walks over dictionaries: no index, nothing that is shared with Skua, so that what both say is
said twice. Every record remembers the section of the RFC that asks for it, which is quoted where a
peer does otherwise. What an RFC leaves to the server is as docs/answers.md says.
"""

import base64
import hashlib

import wire

ALIASES_MOST = 16
STEP6 = "RFC 1034 4.3.2 step 6"
OTHERS = {wire.RRSIG, wire.NSEC}  # what may stand beside a CNAME (RFC 4035 2.5)
_BASE32HEX = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                             b"0123456789abcdefghijklmnopqrstuv")


def covered_type(record):
    """The type that an RRSIG covers, else the record's own."""
    return int.from_bytes(record[4][:2], "big") if record[1] == wire.RRSIG else record[1]


def targets(record):
    """{(name, wanted type)} that a record leads to as additional data."""
    owner, rtype, _, _, rdata = record
    addresses = (wire.A, wire.AAAA)
    if rtype == wire.NS:
        return {(rdata, t) for t in addresses}
    if rtype == wire.MX:
        return {(rdata[2:], t) for t in addresses}
    if rtype == wire.SRV:
        return {(rdata[6:], t) for t in addresses}
    if rtype in (wire.SVCB, wire.HTTPS):
        end = 2
        while rdata[end]:
            end += 1 + rdata[end]
        name = rdata[2:end + 1].lower()
        if name == b"\0":  # the owner itself, or no service (RFC 9460 2.5)
            return {(owner, t) for t in addresses if rdata[:2] != b"\0\0"}
        return {(name, t) for t in addresses + (rtype,)}
    if rtype == wire.NAPTR:
        at, strings = 4, []
        for _ in range(3):
            strings.append(rdata[at + 1:at + 1 + rdata[at]])
            at += 1 + rdata[at]
        wanted = {b"s": (wire.SRV,), b"a": addresses, b"": (wire.NAPTR,)}.get(strings[0].lower(), ())
        return {(rdata[at:], t) for t in wanted}
    return set()


class Wanted:
    def __init__(self):
        self.rcode, self.aa = 0, True
        self.answer, self.authority, self.additional = [], [], []
        self.picks = None  # ANY and RRSIG: the name of whose RRsets one or more are wanted
        self.cut = None  # the owner of a referral's NS
        self.source = {}  # record -> section of an RFC

    def add(self, section, records, source):
        for record in records:
            if record not in section:
                section.append(record)
                self.source.setdefault(record, source)


class _Zone:
    """One zone as the algorithm of RFC 1034 4.3.2 sees it."""

    def __init__(self, zone, zones):
        self.origin, self.records = zone.origin, zone.records
        self.names = set()
        for owner in zone.records:
            if not zone.is_hashed(owner):
                self._exists(owner)
        for other in zones.all:  # a deeper zone that is served here exists, too (RFC 8020 2)
            if len(other.origin) > len(zone.origin) and \
               zones.zone_of(wire.from_labels(wire.labels(other.origin)[1:])) is zone:
                self._exists(other.origin)
        apex = zone.records[zone.origin]
        self.nsec3 = next((rdata for _, rdata in apex.get(wire.NSEC3PARAM, ())), None)
        denial = wire.NSEC3 if self.nsec3 else wire.NSEC
        self.chain = sorted((wire.order(owner), owner) for owner, sets in zone.records.items()
                            if denial in sets)
        self.denial = denial if self.chain else None
        self.hashes = {}

    def _exists(self, owner):
        """All names between an owner and the apex exist, too (RFC 4592 2.2.2)."""
        while owner not in self.names:
            self.names.add(owner)
            if owner == self.origin:
                return
            owner = wire.from_labels(wire.labels(owner)[1:])

    def rrset(self, owner, rtype, at=None):
        """At a name that a wildcard answers, if `at` is given."""
        return [(at or owner, rtype, 1, ttl, rdata)
                for ttl, rdata in self.records.get(owner, {}).get(rtype, ())]

    def signatures(self, owner, rtype, at=None):
        return [record for record in self.rrset(owner, wire.RRSIG, at)
                if covered_type(record) == rtype]

    def signed(self, owner, rtype, do, at=None):
        return self.rrset(owner, rtype, at) + (self.signatures(owner, rtype, at) if do else [])

    def before(self, name):
        """The owner of the NSEC or NSEC3 at a name or before it; the last one's span goes round."""
        key = wire.order(name)
        found = [owner for place, owner in self.chain if place <= key]
        return found[-1] if found else self.chain[-1][1]

    def hashed(self, name):
        """RFC 5155 5."""
        if name not in self.hashes:
            iterations, salt = int.from_bytes(self.nsec3[2:4], "big"), self.nsec3[5:]
            digest = name
            for _ in range(iterations + 1):
                digest = hashlib.sha1(digest + salt).digest()
            label = base64.b32encode(digest).translate(_BASE32HEX)
            self.hashes[name] = wire.from_labels([label] + wire.labels(self.origin))
        return self.hashes[name]

    def encloser(self, name):
        """The longest name that exists at or above a name (RFC 4592 3.3.1)."""
        while name not in self.names:
            name = wire.from_labels(wire.labels(name)[1:])
        return name

    def negative_soa(self, do):
        """RFC 2308 3 and 5: the TTL is the lesser of the SOA's own and its last field."""
        return [record[:3] + (min(record[3], self.minimum()),) + record[4:]
                for record in self.signed(self.origin, wire.SOA, do)]

    def minimum(self):
        return int.from_bytes(self.rrset(self.origin, wire.SOA)[0][4][-4:], "big")


def _below(name, encloser):
    """The name that is one label longer than its encloser: the next closer one."""
    parts = wire.labels(name)
    return wire.from_labels(parts[len(parts) - len(wire.labels(encloser)) - 1:])


def _wildcard(name):
    return wire.from_labels([b"*"] + wire.labels(name))


class _Proofs:
    """The NSEC or NSEC3 records of one zone, put into a reply."""

    def __init__(self, zone, wanted):
        self.zone, self.wanted = zone, wanted

    def put(self, owner, source):
        self.wanted.add(self.wanted.authority, self.zone.signed(owner, self.zone.denial, True), source)

    def cover(self, name, source):
        if name is not None:  # longer than a name may be: it needs no proof
            name = self.zone.hashed(name) if self.zone.nsec3 else name
            self.put(self.zone.before(name), source)

    def matches(self, name):
        return self.zone.denial in self.zone.records.get(self.zone.hashed(name), ())

    def closest_encloser(self, name, encloser, source):
        """RFC 5155 7.2.1; with opt-out the encloser may have no NSEC3, then the one above it."""
        while not self.matches(encloser):
            encloser = wire.from_labels(wire.labels(encloser)[1:])
        self.cover(encloser, source)
        self.cover(_below(name, encloser), source)
        return encloser

    def name_error(self, name):
        encloser = self.zone.encloser(name)
        if self.zone.nsec3:
            encloser = self.closest_encloser(name, encloser, "RFC 5155 7.2.2")
            self.cover(_wildcard(encloser), "RFC 5155 7.2.2")
        else:
            self.cover(name, "RFC 4035 3.1.3.2")
            self.cover(_wildcard(encloser), "RFC 4035 3.1.3.2")

    def no_data(self, name, source="RFC 4035 3.1.3.1", hashed_source="RFC 5155 7.2.3"):
        if not self.zone.nsec3:
            self.cover(name, source)
        elif self.matches(name):
            self.cover(name, hashed_source)
        else:
            above = wire.from_labels(wire.labels(name)[1:])
            self.closest_encloser(name, above, "RFC 5155 7.2.4")

    def wildcard_answer(self, name):
        if self.zone.nsec3:
            self.cover(_below(name, self.zone.encloser(name)), "RFC 5155 7.2.6")
        else:
            self.cover(name, "RFC 4035 3.1.3.3")

    def wildcard_no_data(self, name, wildcard):
        if self.zone.nsec3:
            self.closest_encloser(name, self.zone.encloser(name), "RFC 5155 7.2.5")
            self.cover(wildcard, "RFC 5155 7.2.5")
        else:
            self.cover(name, "RFC 4035 3.1.3.4")
            self.cover(wildcard, "RFC 4035 3.1.3.4")


class Expected:
    """Threads: one. Every question is answered once, and remembered."""

    def __init__(self, zones):
        self.zones = zones
        self.views = {zone.origin: _Zone(zone, zones) for zone in zones.all}
        self.known = {}

    def reply(self, name, rtype, do):
        key = (name, rtype, do)
        if key not in self.known:
            self.known[key] = _Algorithm(self, rtype, do).run(name)
        return self.known[key]

    def zone_for(self, name, rtype):
        """RFC 1034 4.3.2 step 2; RFC 4035 3.1.4.1: DS at an apex belongs to the zone above."""
        zone = self.zones.zone_of(name)
        if zone is not None and rtype == wire.DS and name == zone.origin and name != b"\0":
            zone = self.zones.zone_of(wire.from_labels(wire.labels(name)[1:])) or zone
        return self.views[zone.origin] if zone is not None else None

    def at_or_glue(self, name):
        """(zone, owner) of the data that a name has as additional data, or None. Glue counts, a
        wildcard below a cut does not (RFC 1034 4.3.3)."""
        zone = self.zone_for(name, wire.A)
        if zone is None or name in zone.names:
            return (zone, name) if zone is not None else None
        encloser = zone.encloser(name)
        above = encloser
        while above != zone.origin:
            if {wire.NS, wire.DNAME} & set(zone.records.get(above, ())):
                return None
            above = wire.from_labels(wire.labels(above)[1:])
        if wire.DNAME in zone.records[zone.origin]:
            return None
        return zone, _wildcard(encloser)


    def additional(self, leading, placed, do):
        """RFC 1034 4.3.2 step 6: what records lead to, and on from there (NAPTR and SRV behind NAPTR)."""
        todo, added = list(leading), []
        placed = {record[:2] for record in placed}
        while todo:
            for name, rtype in sorted(targets(todo.pop(0))):
                found = self.at_or_glue(name) if (name, rtype) not in placed else None
                if found is None or name == b"\0":
                    continue
                zone, owner = found
                added += zone.signed(owner, rtype, do, name)
                todo += zone.rrset(owner, rtype, name)
                placed.add((name, rtype))
        return added


class _Algorithm:
    """RFC 1034 4.3.2, once through for one question."""

    def __init__(self, expected, rtype, do):
        self.expected, self.rtype, self.do = expected, rtype, do
        self.wanted = Wanted()
        self.leading = []  # records whose targets may be added
        self.expansions = []  # (zone, name) that wildcards answered

    def run(self, name):
        visited = []
        while name is not None:
            following = self.step(name, not visited)
            visited.append(name)
            if following in visited or len(visited) > ALIASES_MOST:
                break
            name = following
        if self.do:
            for zone, expanded in self.expansions:
                if zone.denial:
                    _Proofs(zone, self.wanted).wildcard_answer(expanded)
        self.add_more()
        return self.wanted

    def step(self, name, first):
        """Steps 2 and 3 for one name; returns the name that an alias leads to."""
        zone = self.expected.zone_for(name, self.rtype)
        if zone is None:
            if first:
                self.wanted.rcode, self.wanted.aa = 5, False
            return None
        parts = wire.labels(name)
        for keep in range(len(wire.labels(zone.origin)), len(parts) + 1):
            at = wire.from_labels(parts[len(parts) - keep:])
            sets = zone.records.get(at, ())
            if wire.NS in sets and at != zone.origin and not (self.rtype == wire.DS and at == name):
                self.refer(zone, at, first)
                return None
            if wire.DNAME in sets and at != name:
                return self.redirect(zone, at, name)
        if name in zone.names:
            return self.match(zone, name, name)
        wildcard = _wildcard(zone.encloser(name))
        if wildcard in zone.names:
            return self.match(zone, wildcard, name)
        self.negative(zone, 3)
        if self.do and zone.denial:
            _Proofs(zone, self.wanted).name_error(name)
        return None

    def match(self, zone, owner, name):
        """Steps 3a and 3c."""
        sets = zone.records.get(owner, {})
        if self.rtype in (wire.ANY, wire.RRSIG) and (sets if self.rtype == wire.ANY
                                                     else wire.RRSIG in sets):
            self.wanted.picks = (name, {rtype: set(zone.rrset(owner, rtype, name))
                                        for rtype in sets})
            self.expanded(zone, owner, name)
        elif self.rtype in sets:
            self.answer(zone, owner, name, self.rtype)
        elif wire.CNAME in sets and self.rtype not in OTHERS:
            self.answer(zone, owner, name, wire.CNAME)
            return sets[wire.CNAME][0][1]
        else:
            self.no_data(zone, owner, name)
        return None

    def answer(self, zone, owner, name, rtype):
        records = zone.signed(owner, rtype, self.do, name)
        source = "RFC 1034 4.3.2 step 3a" if owner == name else "RFC 4592 3.3"
        self.wanted.add(self.wanted.answer, records, source)
        self.expanded(zone, owner, name)
        if rtype != wire.CNAME:
            self.leading += records

    def expanded(self, zone, owner, name):
        if owner != name:
            self.expansions.append((zone, name))

    def redirect(self, zone, owner, name):
        """RFC 6672 3.2; a CNAME with the DNAME's TTL leads on (3.1)."""
        records = zone.signed(owner, wire.DNAME, self.do)
        self.wanted.add(self.wanted.answer, records, "RFC 6672 3.2")
        before = wire.labels(name)[:len(wire.labels(name)) - len(wire.labels(owner))]
        target = wire.from_labels(before + wire.labels(records[0][4]))
        if target is None:
            self.wanted.rcode = 6  # RFC 6672 2.2
            return None
        self.wanted.add(self.wanted.answer, [(name, wire.CNAME, 1, records[0][3], target)],
                        "RFC 6672 3.1")
        return target if self.rtype != wire.CNAME else None

    def refer(self, zone, cut, first):
        """Step 3b."""
        self.wanted.aa = self.wanted.aa and not first
        self.wanted.cut = cut
        records = zone.rrset(cut, wire.NS)
        self.wanted.add(self.wanted.authority, records, "RFC 1034 4.3.2 step 3b")
        self.leading += records
        if not self.do or not zone.denial:
            return
        if wire.DS in zone.records[cut]:
            self.wanted.add(self.wanted.authority, zone.signed(cut, wire.DS, True),
                            "RFC 4035 3.1.4")
        else:
            _Proofs(zone, self.wanted).no_data(cut, "RFC 4035 3.1.4", "RFC 5155 7.2.7")

    def negative(self, zone, rcode):
        self.wanted.rcode = rcode
        self.wanted.add(self.wanted.authority, zone.negative_soa(self.do), "RFC 2308 3")

    def no_data(self, zone, owner, name):
        self.negative(zone, 0)
        if not self.do or not zone.denial:
            return
        if owner == name:
            _Proofs(zone, self.wanted).no_data(name)
        else:
            _Proofs(zone, self.wanted).wildcard_no_data(name, owner)

    def add_more(self):
        self.wanted.add(self.wanted.additional, self.expected.additional(
            self.leading, self.wanted.answer + self.wanted.authority, self.do), STEP6)
