"""rules: where Skua may differ from a peer, and why. A rule explains single differences of one
question, never a whole reply. None can hide a wrong answer of Skua: a difference is only explained
where Skua's reply is what expected.py works out from the RFCs (Context.wanted), and a habit of one
peer alone (`alone`) only where the two others have it as Skua has.

A rule is rule(context, differences) -> those of them that it explains.
"""

import wire
from compare import chain
from expected import ALIASES_MOST, covered_type, targets

RULES = []
DENIAL = (wire.NSEC, wire.NSEC3)


def rule(name, reason, alone=False):
    def register(function):
        RULES.append((name, reason, function, alone))
        return function
    return register


def explain(context, used):
    """What no rule explains. used: {(rule's name, peer): how often}."""
    left = set(context.found)
    if context.wanted is None or not left:
        return left
    for name, _, function, alone in RULES:
        explained = {difference for difference in function(context, left)
                     if not alone or context.is_alone(difference)}
        if explained:
            key = name if name != "outvoted" else _with_source(context, explained)
            used[key, context.peer] = used.get((key, context.peer), 0) + 1
            left -= explained
        if not left:
            break
    return left


def _with_source(context, differences):
    """What the peer is outvoted on: the RFC behind a record that it lacks, or behind the reply."""
    for _, detail in sorted(differences, key=str):
        if detail in context.wanted.source:
            return f"outvoted on {context.wanted.source[detail]}"
    return f"outvoted on {next(iter(context.wanted.source.values()), 'RFC 1034 4.3.2')}, with more"


def show(used):
    """How often each rule was needed: one that hides too much shows itself."""
    if used:
        print("    differences that rules explain:")
    for (name, peer), times in sorted(used.items(), key=lambda item: -item[1]):
        print(f"    {times:8} {peer:5} {name}")


def _of_kind(differences, *kinds):
    return (difference for difference in differences if difference[0] in kinds)


def _is_denial(difference, kind):
    return difference[0] == kind and covered_type(difference[1]) in DENIAL


def _cut(reply):
    return bool(reply.flags & wire.TC)


# Flags and sizes


@rule("flag: CD is copied",
      "RFC 4035 3.1.6: 'A security-aware name server MUST copy the CD bit from a query into the "
      "corresponding response'; NSD and Knot clear it")
def _(context, differences):
    if context.peer in ("nsd", "knot"):
        yield from (difference for difference in differences if difference == ("flag", "CD"))


@rule("size: EDNS of less than 512 octets",
      "RFC 6891 6.2.3: 'Values lower than 512 MUST be treated as equal to 512'; Knot answers FORMERR "
      "where its reply from a wildcard is longer than what is offered")
def _(context, differences):
    if context.peer == "knot" and 0 < context.mode.edns < 512 and context.theirs.rcode == 1:
        yield from differences


@rule("size: ours fits",
      "RFC 2181 9: TC only if something that is needed did not fit. Our reply is whole and within the "
      "limit; the peer's is cut")
def _(context, differences):
    if _cut(context.theirs) and not _cut(context.ours):
        yield from _of_kind(differences, "flag", "rcode", "answer extra", "authority extra",
                            "additional extra")


@rule("size: a cut reply's rcode",
      "RFC 2181 9: 'When a DNS client receives a reply with TC set, it should ignore that response, and "
      "query again': of a chain that does not fit, Skua has not looked up the end")
def _(context, differences):
    if _cut(context.ours) and _cut(context.theirs) and not context.ours.answer:
        yield from _of_kind(differences, "rcode")


@rule("size: glue that does not fit sets TC",
      "RFC 9471 3.1: in-domain glue that does not fit makes a referral truncated; NSD leaves out "
      "glue and does not say so")
def _(context, differences):
    if _cut(context.ours) and not _cut(context.theirs) and context.wanted.cut:
        yield from _of_kind(differences, "flag", "authority missing", "additional missing",
                            "authority extra", "additional extra")


@rule("size: ours is compressed less",
      "RFC 1035 4.1.4: compression is at the server's choice, so that the same records can fit one "
      "server's reply only. The peer's reply is near the limit, ours, over TCP, is beyond it")
def _(context, differences):
    if _cut(context.ours) and not _cut(context.theirs) and \
       context.theirs.size * 10 > context.mode.limit() * 6:
        yield from _of_kind(differences, "flag", "answer missing", "authority missing",
                            "additional missing")


@rule("size: addresses that are not needed are left out",
      "RFC 9471 3.2, RFC 2181 9: what is not in-domain glue may be left out without TC. The RRset does "
      "not fit behind our reply")
def _(context, differences):
    if _cut(context.ours) or context.mode.tcp:
        return
    for difference in _of_kind(differences, "additional missing"):
        if difference[1] in context.wanted.additional:  # whose size compare.py has checked
            yield difference


# Additional data


@rule("additional: more of it",
      "RFC 1034 4.3.2 step 6 and 3.7, 2782, 3403 4.4, 9460 4.1: addresses (and NAPTR and SRV behind NAPTR) save "
      "the client a round trip; Knot and BIND add fewer, and NSD with minimal responses none")
def _(context, differences):
    given = context.additional()
    yield from (difference for difference in _of_kind(differences, "additional extra")
                if difference[1] in given)


@rule("additional: less for ANY and RRSIG",
      "RFC 8482 4.1: the reply is one that nobody should build on; Knot adds addresses also for "
      "RRsets that Skua does not pick, BIND for all")
def _(context, differences):
    if context.wanted.picks:
        yield from _of_kind(differences, "additional missing")


@rule("additional: behind an alias at a target of SVCB or HTTPS, and proofs",
      "RFC 9460 4.1: a server SHOULD add what is at the TargetName, and what proves that it is not; BIND "
      "and Knot also go through CNAMEs there and add proofs, Skua does neither")
def _(context, differences):
    services = (wire.SVCB, wire.HTTPS)
    reached = {name for record in context.ours.answer + context.ours.additional
               if record[1] in services for name, _ in targets(record)}
    if not reached or context.peer not in ("bind", "knot"):
        return
    aliased = set()
    for record in context.theirs.additional * 2:  # and on
        if record[0] in aliased and record[1] in services:
            aliased |= {name for name, _ in targets(record)}
        elif record[0] in reached | aliased and record[1] == wire.CNAME:
            aliased.add(record[4])
    for difference in _of_kind(differences, "additional missing"):
        owner, rtype = difference[1][:2]
        under = owner.startswith(b"\x01*") and any(name.endswith(owner[2:]) for name in reached)
        if owner in aliased or owner in reached and rtype == wire.CNAME or \
           rtype in DENIAL + (wire.RRSIG,) or under and context.peer == "knot":
            yield difference


@rule("additional: the zone itself has no such name",
      "RFC 1034 4.3.2 steps 2 and 3b: the nearest zone speaks for a name, and glue is for 'addresses "
      "[that] are not available from authoritative data'. Where the zone that the name belongs to is "
      "served here, its word counts, and it does not have the address")
def _(context, differences):
    above = context.zones.zone_of(context.wanted.cut or chain(context.ours, context.name)[-1])
    for difference in _of_kind(differences, "additional missing"):
        record = difference[1]
        zone = context.zones.zone_of(record[0])
        if above and zone is not above and zone.origin.endswith(above.origin) and \
           record[3:] not in context.zones.sets_at(record[0]).get(record[1], ()):
            yield difference


@rule("glue: a wildcard below a cut is none",
      "RFC 1034 4.3.3: wildcards do not apply where a delegation cancels them, so that they make no "
      "glue; NSD and Knot expand them, BIND does not")
def _(context, differences):
    if context.peer not in ("nsd", "knot") or not context.wanted.cut:
        return
    for difference in _of_kind(differences, "additional missing"):
        zone = context.zones.zone_of(difference[1][0])
        if zone is not None and difference[1][0] not in zone.names:
            yield difference


# What a server picks


@rule("ANY and RRSIG: one whole RRset or several",
      "RFC 8482 4.1, 4.2 and 7: a server picks which RRsets of the name it sends, or which signatures; "
      "each is whole")
def _(context, differences):
    picks = context.wanted.picks
    if picks is None:
        return
    records = {record for rrset in picks[1].values() for record in rrset}
    for difference in _of_kind(differences, "answer extra", "answer missing"):
        if difference[1] in records:
            yield difference
    if context.rtype == wire.RRSIG or _cut(context.theirs) != _cut(context.ours):
        yield from (difference for difference in differences if difference == ("flag", "TC"))


# Chains of aliases


def _is_on(record, names):
    """A record of one of the names, or the DNAME that redirects one."""
    owner = record[0]
    return owner in names or covered_type(record) == wire.DNAME and \
        any(name.endswith(owner) for name in names)


@rule("chain: followed to its end",
      "RFC 1034 4.3.2 step 3a: 'change QNAME to the canonical name in the CNAME RR, and go back to "
      "step 1', where all zones of the server are searched; Knot and NSD stay in the zone, BIND does "
      "where a zone below answers, and Knot stops after 5 aliases. As far as the peer goes, it agrees")
def _(context, differences):
    if not context.stops() or _cut(context.ours):
        return
    mine, yours = chain(context.ours, context.name), chain(context.theirs, context.name)
    for difference in differences:
        kind, detail = difference
        if kind == "answer extra" and _is_on(detail, mine[len(yours) - 1:]) or \
           kind in ("rcode", "authority extra", "additional extra") and context.theirs.rcode == 0:
            yield difference
        elif kind in ("authority missing", "additional missing") and \
                any(record[1] == wire.NS for record in context.theirs.authority):
            yield difference  # a referral to the zone that Skua answers from


@rule("chain: has an end",
      "RFC 1034 5.2.2 leaves the rest to the resolver, which goes on from where the reply ends: Skua "
      f"gives {ALIASES_MOST} aliases of an endless or very long chain, others give more or fewer; as "
      "far as both go, they say the same")
def _(context, differences):
    mine, yours = chain(context.ours, context.name), chain(context.theirs, context.name)
    shorter = min(len(mine), len(yours))
    if len(mine) <= ALIASES_MOST or mine[:shorter] != yours[:shorter]:
        return
    for difference in differences:
        kind, detail = difference
        if kind == "answer missing" and _is_on(detail, yours[len(mine) - 1:]) or \
           kind == "answer extra" and _is_on(detail, mine[len(yours) - 1:]) or \
           kind in ("rcode", "authority missing", "additional missing") and len(yours) >= len(mine):
            yield difference


@rule("chain: SERVFAIL for a loop or many aliases",
      "RFC 1034 4.3.2 has no such step: what the zones say is what is answered; BIND gives its part "
      "of the chain and SERVFAIL for having stopped after 11 or more, or in a loop")
def _(context, differences):
    if context.peer != "bind" or context.theirs.rcode != 2:
        return
    mine = chain(context.ours, context.name)
    loops = any(record[1] == wire.CNAME and record[0] == mine[-1] and record[4] in mine
                for record in context.ours.answer)
    if loops or len(mine) > 11 or _cut(context.ours):
        for difference in differences:
            if difference[0] in ("rcode", "authority extra", "additional extra") or \
               difference[0] == "answer extra" and _is_on(difference[1], mine):
                yield difference


@rule("chain: a longer one is cut",
      "RFC 2181 9: the peer stopped following the chain early, so that what it has is shorter; ours "
      "does not fit")
def _(context, differences):
    yours = chain(context.theirs, context.name)
    if _cut(context.ours) and not _cut(context.theirs) and len(yours) > 1 and \
       not any(record[0] == yours[-1] for record in context.theirs.answer):
        for difference in _of_kind(differences, "flag", "rcode", "answer missing", "answer extra",
                                   "authority missing", "authority extra", "additional missing"):
            yield difference


# Names that do not exist, or that exist otherwise than by records


@rule("zones: a name that only a zone below makes exist",
      "RFC 8020 2: NXDOMAIN says that nothing is below a name. A zone that is served here, but that "
      "the zone above does not delegate, is below; NSD and Skua say so, BIND and Knot do not look")
def _(context, differences):
    if context.peer not in ("bind", "knot"):
        return
    for name in chain(context.ours, context.name):
        zone = context.zones.zone_of(name)
        if zone and context.rtype == wire.DS and name == zone.origin:  # a question for the parent
            zone = context.zones.zone_of(wire.from_labels(wire.labels(name)[1:]))
        for skip in range(len(wire.labels(name)) if zone else 0):
            above = wire.from_labels(wire.labels(name)[skip:])
            if above not in zone.names and len(above) > len(zone.origin) and \
               any(other.origin.endswith(above) for other in context.zones.all):
                yield from differences
                return


@rule("wildcard: proof of one that is an empty non-terminal",
      "RFC 4035 3.1.3.4, RFC 4592 2.2.2: NODATA from a wildcard that exists only since names are below "
      "it; the server MUST include 'an NSEC RR proving that there are no RRsets matching STYPE at the "
      "wildcard owner name': the one whose next name is below it, or its NSEC3 (RFC 5155 7.2.5)")
def _(context, differences):
    for difference in differences:
        if not _is_denial(difference, "authority extra") or \
           context.wanted.source.get(difference[1]) not in ("RFC 4035 3.1.3.4", "RFC 5155 7.2.5"):
            continue
        zone = context.zones.zone_of(chain(context.ours, context.name)[-1])
        encloser = _encloser(zone, chain(context.ours, context.name)[-1])
        wildcard = wire.from_labels([b"*"] + wire.labels(encloser))
        if wildcard in zone.names and wildcard not in zone.records:
            yield difference


def _encloser(zone, name):
    """The longest name of the zone that is at or above a name (RFC 4592 3.3.1)."""
    while name not in zone.names or zone.is_hashed(name):
        name = wire.from_labels(wire.labels(name)[1:])
    return name


# Habits of one peer, in which the two others do as Skua does


@rule("BIND: answers NSEC at a delegation",
      "RFC 4035 3.1.4.1 has the parent answer for DS alone; for all other types, NSEC too, the "
      "question belongs to the child, and a referral is the answer", alone=True)
def _(context, differences):
    if context.rtype == wire.NSEC and context.peer == "bind" and context.wanted.cut:
        yield from differences


@rule("BIND: takes a zone that is signed in part for unsigned",
      "RFC 4035 3.1.4: with DO, a referral carries the DS RRset or the proof that there is none",
      alone=True)
def _(context, differences):
    if context.peer == "bind" and context.mode.do:
        yield from (difference for difference in _of_kind(differences, "authority extra")
                    if covered_type(difference[1]) in DENIAL + (wire.DS,))


@rule("Knot: DNAME at a wildcard",
      "RFC 4592 4.4, RFC 6672 2.3: a DNAME redirects what is below its owner, whatever the owner is "
      "called; Knot expands it, or writes it with the question as owner", alone=True)
def _(context, differences):
    parts = wire.labels(context.name)
    above = {wire.from_labels([b"*"] + parts[skip:]) for skip in range(len(parts) + 1)} - {None}
    if context.peer == "knot" and any(
            wire.DNAME in zone.records.get(name, ()) for name in above for zone in context.zones.all):
        yield from differences


@rule("wildcard: proof that an asterisk is no name",
      "RFC 4592 2.3, RFC 4035 3.1.3.3 and 3.1.3.4, RFC 5155 7.2.5 and 7.2.6: a question may hold an "
      "asterisk; where no such name exists, a wildcard above answers it like any other, with proof. "
      "Knot takes the question for the wildcard's own name, NSD has another proof")
def _(context, differences):
    name = chain(context.ours, context.name)[-1]
    zone = context.zones.zone_of(name)
    if context.peer in ("knot", "nsd") and name[:2] == b"\x01*" and zone and name not in zone.names:
        yield from (difference for difference in differences
                    if _is_denial(difference, "authority extra"))


@rule("Knot: leaves out proof where it is the answer",
      "RFC 4035 3.1.3.3: an answer from a wildcard proves that no closer name exists, also where the "
      "question is for that NSEC record", alone=True)
def _(context, differences):
    if context.peer == "knot" and context.rtype == wire.NSEC:
        yield from (difference for difference in differences
                    if _is_denial(difference, "authority extra"))


@rule("Knot: finds no NSEC3 proof",
      "RFC 2308 3: NXDOMAIN carries the SOA record. Knot 3.2 gives a bare NXDOMAIN without AA where "
      "it fails to find the NSEC3 records that it wants")
def _(context, differences):
    theirs = context.theirs
    if context.peer == "knot" and context.mode.do and theirs.rcode == 3 and \
       not theirs.flags & wire.AA and not theirs.answer and not theirs.authority:
        yield from differences


@rule("NSD: follows a CNAME for RRSIG and NSEC, not for NSEC3",
      "RFC 4034 3 and 4, RFC 2181 10.1: RRSIG and NSEC stand beside a CNAME, so that a name with a "
      "CNAME and without them has no such data; all other types are redirected (RFC 1034 3.6.2)",
      alone=True)
def _(context, differences):
    if context.peer == "nsd" and context.rtype in (wire.RRSIG,) + DENIAL:
        yield from differences


@rule("NSD: another proof of the closest encloser",
      "RFC 5155 7.2.3 and 7.2.5, RFC 4035 3.1.3: NSD 4.6 leaves out the NSEC3 of the closest encloser "
      "for NODATA from a wildcard, and adds a record for an empty non-terminal and for a literal "
      "asterisk", alone=True)
def _(context, differences):
    if context.peer == "nsd":
        yield from (difference for difference in differences
                    if _is_denial(difference, "authority extra") or
                    _is_denial(difference, "authority missing"))


def _only_in_rdata(zones):
    """Names X of which *.X is no name of any zone, but stands in a record's rdata, or below it."""
    found = getattr(zones, "asterisks", None)
    if found is None:
        found = zones.asterisks = set()
        for rdata in {rdata for zone in zones.all for sets in zone.records.values()
                      for entries in sets.values() for _, rdata in entries}:
            at = rdata.find(b"\x01*")
            while at >= 0:
                end = rdata.find(b"\0", at)
                found.add(rdata[at + 2:end + 1] if end >= 0 else b"")
                at = rdata.find(b"\x01*", at + 1)
    return found


@rule("NSD: an asterisk that no zone has",
      "RFC 4592 2.1.1: a wildcard is a name that exists in the zone. NSD 4.6 also takes one that is "
      "only named by another record's rdata", alone=True)
def _(context, differences):
    if context.peer != "nsd":
        return
    for name in chain(context.ours, context.name):
        parts = wire.labels(name)
        for skip in range(len(parts)):
            above = wire.from_labels(parts[skip:])
            zone = context.zones.zone_of(above)
            if zone and above in _only_in_rdata(context.zones) and \
               wire.from_labels([b"*"] + parts[skip:]) not in zone.names:
                yield from differences
                return


@rule("NSD: names that a zone above hides",
      "RFC 1034 4.3.2 step 2: the nearest zone answers. NSD 4.6 takes a name for existing in it that "
      "only a zone above has, below its cut", alone=True)
def _(context, differences):
    if context.peer != "nsd":
        return
    for name in chain(context.ours, context.name):
        zone = context.zones.zone_of(name)
        parts = wire.labels(name)
        for skip in range(len(parts) if zone else 0):
            hidden = wire.from_labels(parts[skip:])
            names = (hidden, wire.from_labels([b"*"] + parts[skip:]))
            if hidden.endswith(zone.origin) and \
               any(name not in zone.names and name in other.names
                   for name in names for other in context.zones.all if other is not zone):
                yield from differences
                return


@rule("outvoted",
      "The RFC that expected.py names for the records is read otherwise by this peer only; Skua and "
      "the two others agree", alone=True)
def _(context, differences):
    yield from differences
