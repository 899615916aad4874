"""zonedata: what a zone file holds, read with dnspython: for making questions and for checking what
a difference claims. Slow and plain on purpose."""

import pathlib
import re

import dns.rdatatype
import dns.zonefile
import dns.zone

import wire


def origin_of(path):
    """The SOA's owner if it is absolute or `@` after an absolute $ORIGIN, else the file's name."""
    origin = pathlib.Path(path).name.removesuffix(".zone")
    with open(path, encoding="latin-1") as file:
        for line in file:
            tokens = line.split(";")[0].split()
            if tokens[:1] == ["$ORIGIN"]:
                origin = tokens[1]
            elif "SOA" in tokens:
                if re.match(r"\S", line) and tokens[0] != "@":
                    origin = tokens[0] if tokens[0].endswith(".") else f"{tokens[0]}.{origin}"
                break
    return dns.name.from_text(origin).to_wire().lower()


class Zone:
    """records: {owner: {type: [(TTL, rdata)]}}, all in lower-case wire form."""

    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()
        self.origin = origin_of(path)
        name = dns.name.from_wire(self.origin, 0)[0]
        parsed = dns.zone.from_file(str(path), name, relativize=False, check_origin=False)
        self.records = {}
        for owner, node in parsed.items():
            sets = self.records.setdefault(owner.to_wire().lower(), {})
            for rdataset in node:
                sets.setdefault(rdataset.rdtype, []).extend(
                    (rdataset.ttl, self._canonical(rdataset.rdtype, rdata)) for rdata in rdataset)
        self.types = sorted({rtype for sets in self.records.values() for rtype in sets})
        self.names = set(self.records)
        for owner in self.records:  # every ancestor down to the apex exists too
            parts = wire.labels(owner)
            while owner != self.origin and parts:
                parts = parts[1:]
                owner = wire.from_labels(parts)
                self.names.add(owner)

    def is_hashed(self, owner):
        """An NSEC3 record's owner is no name of the zone (RFC 5155 7.2.8)."""
        return wire.NSEC3 in self.records.get(owner, ())

    @staticmethod
    def _canonical(rtype, rdata):
        octets = rdata.to_wire()
        return wire._rdata(octets, rtype, 0, len(octets), {})


class Zones:
    def __init__(self, paths):
        self.all = sorted((Zone(path) for path in paths), key=lambda zone: zone.origin)
        self.by_origin = {zone.origin: zone for zone in self.all}

    def origins(self):
        return [(zone.origin, zone.path) for zone in self.all]

    def zone_of(self, name):
        """The deepest zone whose apex is at or above the name, or None."""
        parts = wire.labels(name)
        for skip in range(len(parts) + 1):
            zone = self.by_origin.get(wire.from_labels(parts[skip:]))
            if zone:
                return zone
        return None

    def sets_at(self, name):
        """{type: [(TTL, rdata)]} that a name has, from its own records or from the wildcard that
        covers it (RFC 4592); {} if neither. Zone cuts are not looked at: glue counts."""
        zone = self.zone_of(name)
        if zone is None:
            return {}
        if name in zone.names and not zone.is_hashed(name):
            return zone.records.get(name, {})
        parts = wire.labels(name)
        for skip in range(1, len(parts) + 1):
            encloser = wire.from_labels(parts[skip:])
            if encloser in zone.names:
                return zone.records.get(wire.from_labels([b"*"] + parts[skip:]), {})
        return {}
