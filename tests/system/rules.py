"""rules: where Skua may differ from a peer, and why. Each rule explains single differences of one
question, and only such as it has verified against the zone files or against the peer itself.

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
    if rtype in (64, 65):  # SVCB, HTTPS: "." is the owner itself
        end = 2
        while rdata[end]:
            end += 1 + rdata[end]
        name = rdata[2:end + 1].lower()
        return {(record[0] if name == b"\0" else name, t) for t in (wire.A, wire.AAAA)}
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
