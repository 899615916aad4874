"""rules: where Skua may differ from a peer, and why. Each rule explains single differences of one
question, and only such as it has verified against the zone files or against the peer itself. A rule
for one peer alone is backed by the others: they still have to agree with Skua.

A rule is rule(context, differences) -> those of them that it explains.
"""

import wire

RULES = []


def rule(name, reason):
    def register(function):
        RULES.append((name, reason, function))
        return function
    return register


def explain(context, differences, used):
    """What no rule explains. used: {rule name: how often}."""
    left = list(differences)
    for name, _, function in RULES:
        if not left:
            break
        explained = set(function(context, left))
        if explained:
            used[name] = used.get(name, 0) + 1
            left = [difference for difference in left if difference not in explained]
    return left


def _targets(record):
    """{(name, wanted type)} that a record leads to."""
    _, rtype, _, _, rdata = record
    if rtype == wire.NS:
        return {(rdata, t) for t in (wire.A, wire.AAAA)}
    if rtype == wire.MX:
        return {(rdata[2:], t) for t in (wire.A, wire.AAAA)}
    if rtype == wire.SRV:
        return {(rdata[6:], t) for t in (wire.A, wire.AAAA)}
    if rtype in (wire.SVCB, wire.HTTPS):
        end = 2
        while rdata[end]:
            end += 1 + rdata[end]
        name = rdata[2:end + 1].lower()
        if name == b"\0":  # the owner itself, or no service (RFC 9460 2.5)
            return {(record[0], t) for t in (wire.A, wire.AAAA) if rdata[:2] != b"\0\0"}
        return {(name, t) for t in (wire.A, wire.AAAA, rtype)}
    if rtype == wire.NAPTR:
        at, strings = 4, []
        for _ in range(3):
            strings.append(rdata[at + 1:at + 1 + rdata[at]])
            at += 1 + rdata[at]
        flags = strings[0].lower()
        wanted = {b"s": (wire.SRV,), b"a": (wire.A, wire.AAAA), b"": (wire.NAPTR,)}.get(flags, ())
        return {(rdata[at:], t) for t in wanted}
    return set()


def _reached(reply):
    """(name, type) that the records of a reply lead to, over several steps."""
    found = set()
    for section in (reply.answer, reply.authority, reply.additional):
        for record in section:
            found |= _targets(record)
    return found


def _in_zone_data(context, record):
    """The record's whole RRset is what the zone files have there, and all of it is in the reply."""
    owner, rtype, _, ttl, rdata = record
    have = {entry[3:] for entry in context.ours.additional
            if entry[0] == owner and entry[1] == rtype}
    return have == set(context.zones.sets_at(owner).get(rtype, ()))


@rule("additional: targets of SRV, NAPTR, MX and SVCB",
      "RFC 1034 3.7, 2782, 3403 4.4, 9460 4.1: addresses (and SRV behind NAPTR) save the client a "
      "round trip; Knot adds fewer of them and NSD with minimal responses none")
def _(context, differences):
    reached = None
    for difference in differences:
        kind, record = difference
        if kind != "additional extra":
            continue
        reached = reached if reached is not None else _reached(context.ours)
        owner, rtype, _, _, rdata = record
        if rtype == wire.RRSIG:
            covered = int.from_bytes(rdata[:2], "big")
            if context.mode.do and (owner, covered) in reached and \
               any(r[0] == owner and r[1] == covered for r in context.ours.additional):
                yield difference
        elif (owner, rtype) in reached and _in_zone_data(context, record):
            yield difference


def _rrsets(records):
    """{(owner, type, covered type or 0): {(TTL, rdata)}}"""
    found = {}
    for owner, rtype, _, ttl, rdata in records:
        covered = int.from_bytes(rdata[:2], "big") if rtype == wire.RRSIG else 0
        found.setdefault((owner, rtype, covered), set()).add((ttl, rdata))
    return found


def _whole_at(context, key, records):
    """The RRset is exactly what the zone files have at its owner."""
    owner, rtype, covered = key
    have = set(context.zones.sets_at(owner).get(rtype, ()))
    if covered:
        have = {entry for entry in have if int.from_bytes(entry[1][:2], "big") == covered}
    return records == have


@rule("ANY: one whole RRset or several",
      "RFC 8482 4.1 and 4.2: a server picks which RRsets of the name it sends; each must be whole")
def _(context, differences):
    if context.rtype != wire.ANY or not context.ours.answer or not context.theirs.answer:
        return
    ours, theirs = _rrsets(context.ours.answer), _rrsets(context.theirs.answer)
    last = context.ours.answer[-1][0]  # behind a CNAME or DNAME, where the chain ends
    fine = all(_whole_at(context, key, records) for key, records in ours.items()
               if key[0] == last)
    same_chain = {key for key in ours if key[0] != last} == \
        {key for key in theirs if key[0] != last}
    if fine and same_chain and context.ours.rcode == 0:
        for difference in differences:
            if difference[0] in ("answer extra", "answer missing") and difference[1][0] == last:
                yield difference


@rule("ANY: no additional data",
      "RFC 8482 4.1: the reply is one that nobody should build on; it is kept small. Knot adds "
      "addresses also here")
def _(context, differences):
    if context.rtype == wire.ANY and context.peer == "knot" and context.ours.flags & wire.AA:
        for difference in differences:
            if difference[0] == "additional missing":
                yield difference


def _chain(reply, name):
    """The names that a reply's CNAMEs lead through, starting at `name`."""
    aliases = {record[0]: record[4] for record in reply.answer if record[1] == wire.CNAME}
    steps = [name]
    while steps[-1] in aliases and aliases[steps[-1]] not in steps:
        steps.append(aliases[steps[-1]])
    return steps


def _is_on(record, names):
    """A record of one of the names, or the DNAME that redirects one."""
    owner, rtype, _, _, rdata = record
    dname = wire.DNAME in (rtype, int.from_bytes(rdata[:2], "big") if rtype == wire.RRSIG else 0)
    return owner in names or dname and any(name.endswith(owner) for name in names)


def _open_end(reply, name):
    """Where the chain of CNAMEs in a reply leads, if nothing there is in the reply."""
    steps = _chain(reply, name)
    if len(steps) == 1 or any(record[0] == steps[-1] for record in reply.answer):
        return None
    return steps[-1]


def _is_proof(record):
    covered = int.from_bytes(record[4][:2], "big") if record[1] == wire.RRSIG else record[1]
    return covered in (wire.NSEC, wire.NSEC3)


class _Completed:
    """A peer's reply with the rest of its chain, as the peer itself answers when asked for it."""

    def __init__(self, first):
        self.flags, self.opt, self.opcode = first.flags, first.opt, first.opcode
        self.question = first.question
        self.answer = list(first.answer)
        self.rcode, self.authority, self.additional = \
            first.rcode, first.authority, first.additional

    def go_on(self, rest):
        self.answer += [record for record in rest.answer if record not in self.answer]
        proofs = [record for record in self.authority if record not in rest.authority and
                  _is_proof(record)]  # of wildcards on the way
        if any(record[1] == wire.NS for record in self.authority):
            proofs = []  # of a delegation; where it leads is served, too
        self.rcode, self.additional = rest.rcode, rest.additional
        self.authority = proofs + rest.authority


def _complete(context):
    completed = _Completed(context.theirs)
    for _ in range(30):
        end = _open_end(completed, context.name)
        if end is None or context.zones.zone_of(end) is None:
            return completed
        rest = context.ask(end, context.rtype)
        if rest is None or rest.rcode not in (0, 3) and not rest.answer:
            return completed
        completed.go_on(rest)
        if not rest.answer:
            return completed
    return completed


def _again(context, theirs):
    """The same question with another reply of the peer."""
    return type(context)(context.sent_name, context.rtype, context.mode, context.peer,
                         context.ours, theirs, context.zones, context.ask_peer)


def _unexplained(context, theirs, prefixes):
    """What differs from another reply of the peer and is not explained by rules so named."""
    again = _again(context, theirs)
    left = again.differences()
    for name, _, function in RULES:
        if left and name.startswith(prefixes):
            explained = set(function(again, left))
            left = [difference for difference in left if difference not in explained]
    return left


def _cut(reply):
    return bool(reply.flags & wire.TC)


@rule("chain: followed to its end",
      "RFC 1034 4.3.2 step 3a: 'change QNAME to the canonical name and go back to step 1', where all "
      "zones of the server are searched; Knot and NSD stay in the zone, and Knot stops after 5 "
      "aliases. Compared with what the peer says when asked for the rest")
def _(context, differences):
    if context.rtype == wire.CNAME or _cut(context.theirs) or _cut(context.ours):
        return
    if _open_end(context.theirs, context.name) is None:
        return
    if not _unexplained(context, _complete(context), ("additional:", "chain: has an end",
                                                       "chain: SERVFAIL")):
        yield from differences


ALIASES_MOST = 16


@rule("chain: has an end",
      "RFC 1034 5.2.2 leaves the rest to the resolver, which goes on from where the reply ends: Skua "
      f"gives at least {ALIASES_MOST} aliases of an endless or very long chain, others give more or "
      "fewer; as far as both go, they say the same")
def _(context, differences):
    mine, yours = _chain(context.ours, context.name), _chain(context.theirs, context.name)
    shorter = min(len(mine), len(yours))
    if len(mine) <= ALIASES_MOST or mine[:shorter] != yours[:shorter] or \
       _open_end(context.ours, context.name) is None and len(yours) >= len(mine):
        return
    for difference in differences:
        kind, detail = difference
        if kind == "answer missing" and _is_on(detail, yours[len(mine) - 1:]):
            yield difference
        elif kind == "answer extra" and _is_on(detail, mine[len(yours) - 1:]):
            yield difference
        elif kind == "authority missing" and len(yours) >= len(mine) and \
                detail[1] in (wire.SOA, wire.NSEC, wire.NSEC3, wire.RRSIG):
            yield difference


def _whole_reply(context):
    """What the peer says over TCP, or this reply if that was TCP."""
    return context.theirs if context.mode.tcp else context.ask(context.sent_name, context.rtype)


@rule("chain: SERVFAIL for a loop or many aliases",
      "RFC 1034 4.3.2 has no such step: what the zones say is what is answered; BIND gives its part "
      "of the chain and SERVFAIL for having stopped after 11 or more, or in a loop")
def _(context, differences):
    if context.peer != "bind" or context.theirs.rcode != 2:
        return
    whole = _whole_reply(context) if _cut(context.theirs) else context.theirs
    steps = _chain(whole, context.name)
    loops = any(record[1] == wire.CNAME and record[0] == steps[-1] and record[4] in steps
                for record in whole.answer)
    if loops or len(steps) > 11:
        for difference in differences:
            if difference == ("rcode", (0, 2)) or \
               difference[0] in ("authority extra", "additional extra") or \
               difference[0] == "answer extra" and \
               _is_on(difference[1], _chain(context.ours, context.name)):
                yield difference


@rule("size: ours fits",
      "RFC 2181 9: TC only if something that is needed did not fit. Our reply is whole, within the "
      "limit, and says what the peer says over TCP")
def _(context, differences):
    if not _cut(context.theirs) or _cut(context.ours):
        return
    if not _unexplained(context, _whole_reply(context), ("additional:", "chain:", "ANY:")):
        yield from differences


@rule("size: glue that does not fit sets TC",
      "RFC 9471 3.1: in-domain glue that does not fit makes a referral truncated; NSD leaves out "
      "glue and does not say so")
def _(context, differences):
    if not _cut(context.ours) or _cut(context.theirs) or context.theirs.flags & wire.AA:
        return
    whole = _whole_reply(context)
    if whole.size > context.mode.limit() and \
       set(context.theirs.authority) == set(whole.authority) and \
       set(context.theirs.additional) < set(whole.additional):
        yield from differences


@rule("size: ours is compressed less",
      "RFC 1035 4.1.4: compression is at the server's choice, so that the same records can fit one "
      "server's reply only. The peer's reply is near the limit; over TCP both are the same question")
def _(context, differences):
    if not _cut(context.ours) or _cut(context.theirs) or \
       context.theirs.size * 10 <= context.mode.limit() * 6:
        return
    for difference in differences:
        if difference == ("flag", "TC") or difference[0].endswith("missing"):
            yield difference


@rule("size: a chain that goes on is cut",
      "RFC 2181 9: the peer stopped following the chain early, so that what it has is shorter; it "
      "says itself, when asked for the rest, that there is more")
def _(context, differences):
    if not _cut(context.ours) or _cut(context.theirs) or \
       _open_end(context.theirs, context.name) is None:
        return
    if len(_complete(context).answer) > len(context.theirs.answer):
        for difference in differences:
            if difference == ("flag", "TC") or difference[0] == "answer missing" or \
               difference[0].endswith("extra"):
                yield difference


@rule("size: addresses that are not needed are left out",
      "RFC 9471 3.2, RFC 2181 9: what is not in-domain glue may be left out without TC. The record "
      "does not fit behind our reply")
def _(context, differences):
    if _cut(context.ours) or context.mode.tcp:
        return
    cuts = {record[0] for record in context.ours.authority if record[1] == wire.NS}
    for difference in differences:
        kind, record = difference
        if kind == "additional missing" and \
           record[1] in (wire.A, wire.AAAA, wire.RRSIG) and \
           not any(cut and record[0].endswith(cut) for cut in cuts) and \
           context.ours.size + len(record[0]) + 10 + len(record[4]) > context.mode.limit():
            yield difference


@rule("wildcard: NS and DNAME",
      "RFC 4592 4.2 and 4.4: NS and DNAME at a wildcard have no defined meaning. NSD and Skua take "
      "them as any other type, Knot as a delegation")
def _(context, differences):
    zone = context.zones.zone_of(context.name)
    parts = wire.labels(context.name)
    for skip in range(1, len(parts) + 1):
        above = wire.from_labels([b"*"] + parts[skip:])
        if above and context.peer == "knot" and zone and \
           {wire.NS, wire.DNAME} & set(zone.records.get(above, ())):
            yield from differences
            return


@rule("DNAME: below a literal asterisk",
      "RFC 6672 2.3: a DNAME redirects what is below its owner, whatever the owner is called; Knot "
      "writes the DNAME with the question as owner, and fails at the second")
def _(context, differences):
    if context.peer != "knot":
        return
    if any(record[1] == wire.DNAME and record[0].startswith(b"\x01*") and
           record[3:] in context.zones.sets_at(record[0]).get(wire.DNAME, ())
           for record in context.ours.answer):
        yield from differences


@rule("NSEC at a delegation",
      "RFC 4035 3.1.4.1 has the parent answer for DS alone; for all other types, NSEC too, the "
      "question belongs to the child, and a referral is the answer. BIND answers from the parent")
def _(context, differences):
    zone = context.zones.zone_of(context.name)
    if context.rtype == wire.NSEC and context.peer == "bind" and zone and \
       context.name != zone.origin and wire.NS in zone.records.get(context.name, ()):
        yield from differences


@rule("SVCB and HTTPS: additional data behind an alias, and proofs",
      "RFC 9460 4.1: a server SHOULD add what is at the TargetName, and what proves that it is not; BIND "
      "and Knot also go through CNAMEs there and add proofs, Skua does neither")
def _(context, differences):
    if context.peer not in ("bind", "knot"):
        return
    services = (wire.SVCB, wire.HTTPS)
    reached = {name for record in context.ours.answer + context.ours.additional
               if record[1] in services for name, _ in _targets(record)}
    if not reached:
        return
    aliased = set()
    for record in context.theirs.additional * 2:  # and on
        if record[0] in aliased and record[1] in services:
            aliased |= {name for name, _ in _targets(record)}
        elif record[0] in reached | aliased and record[1] == wire.CNAME:
            aliased.add(record[4])
    for difference in differences:
        kind, record = difference
        if kind == "additional missing" and \
           (record[0] in aliased or record[0] in reached and record[1] == wire.CNAME or
            record[1] in (wire.NSEC, wire.NSEC3, wire.RRSIG) or
            record[0].startswith(b"\x01*") and context.peer == "knot" and  # not the target itself
            any(name.endswith(record[0][2:]) for name in reached)):
            yield difference


@rule("DNSSEC records of a zone that is signed in part",
      "RFC 4035 3.1.4: with DO, a referral carries the DS RRset or the proof that there is none. "
      "Where the apex's NSEC has no signature, BIND takes the zone for unsigned, NSD and Knot do not")
def _(context, differences):
    for difference in differences:
        kind, record = difference
        if kind != "authority extra" or context.peer != "bind" or not context.mode.do or \
           record[1] not in (wire.DS, wire.NSEC, wire.RRSIG):
            continue
        zone = context.zones.zone_of(record[0])
        apex = zone.records[zone.origin]
        signed = {int.from_bytes(rdata[:2], "big") for _, rdata in apex.get(wire.RRSIG, ())}
        if wire.NSEC in apex and wire.NSEC not in signed and \
           record[4] in {rdata for _, rdata in context.zones.sets_at(record[0]).get(record[1], ())}:
            yield difference


@rule("RRSIG: whole sets of one covered type or several",
      "RFC 8482 7 counts RRSIG questions with ANY: they ask for everything, and a server picks; the "
      "signatures of each covered type are whole")
def _(context, differences):
    if context.rtype != wire.RRSIG or not context.ours.answer:
        return
    if not context.theirs.answer and not _cut(context.theirs):
        return
    end = _chain(context.ours, context.name)[-1]
    if all(key[1] == wire.RRSIG and _whole_at(context, key, records)
           for key, records in _rrsets(context.ours.answer).items() if key[0] == end):
        for difference in differences:
            if difference[0] in ("answer extra", "answer missing") or difference == ("flag", "TC"):
                yield difference


@rule("wildcard: a question for its NSEC",
      "RFC 4035 3.1.3.3: an answer from a wildcard proves that no closer name exists, also where "
      "that takes the very NSEC record asked for; Knot leaves it out then")
def _(context, differences):
    if context.rtype != wire.NSEC or context.peer != "knot" or not context.ours.answer:
        return
    for difference in differences:
        kind, record = difference
        if kind == "authority extra" and record[1] in (wire.NSEC, wire.RRSIG) and \
           record[3:] in context.zones.sets_at(record[0]).get(record[1], ()):
            yield difference


@rule("NSEC3: a question for this type follows a CNAME",
      "RFC 1034 3.6.2: only NSEC and RRSIG may stand beside a CNAME (RFC 4034 3 and 4), so that an "
      "NSEC3 question is redirected; NSD does not. Compared with what NSD says of the target")
def _(context, differences):
    if context.rtype != wire.NSEC3 or context.peer != "nsd":
        return
    aliases = [record for record in context.ours.answer if record[1] == wire.CNAME]
    if aliases and all(record[3:] in context.zones.sets_at(record[0]).get(wire.CNAME, ())
                       for record in aliases):
        yield from differences


@rule("NSEC3: NSD proves a name that exists twice",
      "RFC 5155 7.2.3: NODATA at a name that exists, a literal asterisk too, needs the NSEC3 record "
      "that matches it, and no more")
def _(context, differences):
    zone = context.zones.zone_of(context.name)
    if context.peer != "nsd" or not context.name.startswith(b"\x01*") or \
       context.name not in zone.names:
        return
    for difference in differences:
        if difference[0] == "authority missing" and difference[1][1] in (wire.NSEC3, wire.RRSIG):
            yield difference


@rule("RRSIG and NSEC are not looked for behind a CNAME",
      "RFC 4034 3 and 4, RFC 2181 10.1: these two stand beside a CNAME, so that a name with a CNAME "
      "and without them has no such data; NSD goes on at the CNAME's target")
def _(context, differences):
    if context.rtype not in (wire.RRSIG, wire.NSEC) or context.peer != "nsd":
        return
    end = _chain(context.ours, context.name)[-1]
    have = context.zones.sets_at(end)
    if wire.CNAME in have and context.rtype not in have and \
       any(record[:2] == (end, wire.CNAME) and record[3:] in have[wire.CNAME]
           for record in context.theirs.answer):
        yield from differences


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
      "only named by another record's rdata")
def _(context, differences):
    if context.peer != "nsd":
        return
    for name in _chain(context.ours, context.name):
        parts = wire.labels(name)
        for skip in range(len(parts)):
            above = wire.from_labels(parts[skip:])
            zone = context.zones.zone_of(above)
            if zone and above in _only_in_rdata(context.zones) and \
               wire.from_labels([b"*"] + parts[skip:]) not in zone.names:
                yield from differences
                return


@rule("wildcard: proof that an asterisk is no name",
      "RFC 4592 2.3 and RFC 4035 3.1.3.3: a question may hold an asterisk; where no such name exists, "
      "a wildcard above answers it like any other, with proof. Knot leaves the proof out")
def _(context, differences):
    zone = context.zones.zone_of(context.name)
    if context.peer != "knot" or not context.name.startswith(b"\x01*") or \
       zone is None or context.name in zone.names:
        return
    for difference in differences:
        if difference[0] == "authority extra" and \
           difference[1][1] in (wire.NSEC, wire.NSEC3, wire.RRSIG):
            yield difference


def _rdata_name(rdata):
    """The name that rdata begins with."""
    end = 0
    while rdata[end]:
        end += 1 + rdata[end]
    return rdata[:end + 1]


@rule("wildcard: proof of one that is an empty non-terminal",
      "RFC 4035 3.1.3.4, RFC 4592 2.2.2: NODATA from a wildcard that exists only since names are below "
      "it; the NSEC whose next name is below it shows that it exists, or its NSEC3 (RFC 5155 7.2.5). "
      "BIND and Knot leave out the one, Knot the other")
def _(context, differences):
    for difference in differences:
        kind, record = difference
        if kind != "authority extra" or record[1] not in (wire.NSEC, wire.NSEC3, wire.RRSIG):
            continue
        zone = context.zones.zone_of(record[0])
        following = [_rdata_name(rdata) for _, rdata in
                     zone.records.get(record[0], {}).get(wire.NSEC, ())]
        for name in _chain(context.ours, context.name):
            parts = wire.labels(name)
            for skip in range(1, len(parts)):
                wildcard = wire.from_labels([b"*"] + parts[skip:])
                if wildcard in zone.names and wildcard not in zone.records and \
                   (zone.is_hashed(record[0]) or
                    any(after.endswith(wildcard) for after in following)):
                    yield difference


@rule("glue: the zone itself has no such name",
      "RFC 1034 4.2.1, RFC 9471 3.2: glue is no authoritative data, and addresses below another cut "
      "may be left out. Where that other zone is served here and does not have them, they are wrong")
def _(context, differences):
    cuts = [record[0] for record in context.ours.authority if record[1] == wire.NS]
    for difference in differences:
        kind, record = difference
        if kind != "additional missing" or not cuts:
            continue
        zone, above = context.zones.zone_of(record[0]), context.zones.zone_of(cuts[0])
        if zone is not above and len(zone.origin) > len(above.origin) and \
           record[3:] not in context.zones.sets_at(record[0]).get(record[1], ()):
            yield difference


@rule("NSD: names that a zone above hides",
      "RFC 1034 4.3.2 step 2: the nearest zone answers. NSD 4.6 takes a name for existing in it that "
      "only a zone above has, below its cut")
def _(context, differences):
    if context.peer != "nsd":
        return
    for name in _chain(context.ours, context.name):
        zone = context.zones.zone_of(name)
        parts = wire.labels(name)
        for skip in range(len(parts)):
            hidden = wire.from_labels(parts[skip:])
            names = (hidden, wire.from_labels([b"*"] + parts[skip:]))
            if zone and hidden.endswith(zone.origin) and \
               any(name not in zone.names and name in other.names
                   for name in names for other in context.zones.all if other is not zone):
                yield from differences
                return


@rule("glue: a wildcard below a cut is none",
      "RFC 1034 4.3.3: wildcards do not apply where a delegation cancels them, so that they make no "
      "glue; NSD and Knot expand them, BIND does not")
def _(context, differences):
    if context.peer not in ("nsd", "knot"):
        return
    cuts = [record[0] for record in context.ours.authority if record[1] == wire.NS]
    for difference in differences:
        kind, record = difference
        if kind == "additional missing" and any(record[0].endswith(cut) for cut in cuts):
            zone = context.zones.zone_of(record[0])
            if zone is not None and record[0] not in zone.names:
                yield difference


def _encloser(zone, name):
    """The longest name of the zone that is at or above a name (RFC 4592 3.3.1)."""
    parts = wire.labels(name)
    for skip in range(len(parts) + 1):
        above = wire.from_labels(parts[skip:])
        if above in zone.names and not zone.is_hashed(above):
            return above
    return None


@rule("NSEC3: NODATA from a wildcard proves its closest encloser",
      "RFC 5155 7.2.5: a closest encloser proof, and the NSEC3 that matches the wildcard; NSD 4.6 "
      "leaves out the closest encloser's own")
def _(context, differences):
    end = _chain(context.ours, context.name)[-1]
    zone = context.zones.zone_of(end)
    if context.peer != "nsd" or context.ours.rcode != 0 or zone is None:
        return
    encloser = _encloser(zone, end)
    if encloser in (end, None) or wire.from_labels([b"*"] + wire.labels(encloser)) not in zone.names:
        return
    for difference in differences:
        if difference[0] == "authority extra" and difference[1][1] in (wire.NSEC3, wire.RRSIG):
            yield difference


@rule("NSEC: NSD proves an empty non-terminal, too",
      "RFC 4035 3.1.3.2 wants proof that the name and the wildcard do not exist; where the closest "
      "encloser is an empty non-terminal, NSD adds the NSEC before that")
def _(context, differences):
    end = _chain(context.ours, context.name)[-1]
    zone = context.zones.zone_of(end)
    if context.peer != "nsd" or zone is None or _encloser(zone, end) in zone.records:
        return
    for difference in differences:
        if difference[0] == "authority missing" and difference[1][1] in (wire.NSEC, wire.RRSIG):
            yield difference


@rule("zones: a name that only a zone below makes exist",
      "RFC 8020 2: NXDOMAIN says that nothing is below a name. A zone that is served here, but that "
      "the zone above does not delegate, is below; NSD and Skua say so, BIND and Knot do not look")
def _(context, differences):
    if context.peer not in ("bind", "knot"):
        return
    for name in _chain(context.ours, context.name):
        zone = context.zones.zone_of(name)
        for skip in range(len(wire.labels(name))):
            above = wire.from_labels(wire.labels(name)[skip:])
            if zone and above not in zone.names and len(above) > len(zone.origin) and \
               any(other.origin.endswith(above) for other in context.zones.all):
                yield from differences
                return


@rule("NSEC3: Knot finds no proof",
      "RFC 2308 3: NXDOMAIN carries the SOA record. Knot 3.2 gives a bare NXDOMAIN without AA where "
      "it fails to find the NSEC3 records that it wants")
def _(context, differences):
    theirs = context.theirs
    if context.peer == "knot" and context.mode.do and theirs.rcode == 3 and \
       not theirs.flags & wire.AA and not theirs.answer and not theirs.authority:
        yield from differences
