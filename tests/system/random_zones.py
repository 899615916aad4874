"""random_zones: small zones that love hard corners, made from a seed.

    for zone in make(dice): zone.text()

A zone is made of pieces (a host, a cut with glue and what it hides, a wildcard, a chain …) put at
places that prefer what is there already, so that pieces meet. Names that rdata leads to are picked
last, from all zones of the round. What no server would load is not made: something beside a
CNAME, names below a DNAME.
"""

import pathlib
import re
import subprocess

LABEL = re.compile(r"(?:\\.|[^.\\])+")
ESCAPE = re.compile(r"\\(\d\d\d|.)")
LABELS = ("a", "b", "c", "www", "ns", "mail", "_sip", "_udp", "UPPER", "mixedCase", "x-beside",
          "a\\.dot", "\\000", "\\255", "sp\\032ace", "back\\\\slash", "\\@", "l" * 63, "1", "e", "*",
          "\\001\\128\\254")
NOWHERE = ("ns.elsewhere.invalid.", "mail.elsewhere.invalid.", "invalid.", ".")
HOSTS = ("A", "AAAA")
LEADING = ("MX", "SRV", "NAPTR", "SVCB", "HTTPS")
TTLS = (0, 1, 30, 300, 3600, 86400)
TTL_MOST = 2147483647  # not in a signed zone: a signature's TTL would end with its validity
LABELS_MOST = 30
OCTETS_MOST = 200  # leaves room for labels that questions put in front
NAME_OCTETS = 255
NAPTR_FLAGS = ("s", "a", "", "S", "A", "u", "P", "x")
SIGNERS = ("BIND", "ldns", "Knot")


def octets_of(name):
    """Octets of a name on the wire; name: tuple of escaped labels."""
    return 1 + sum(1 + len(ESCAPE.sub("?", label)) for label in name)


def may_lead(rdata):
    """False if the name at the end of an rdata is too long."""
    name = rdata.split()[-1] if rdata.endswith(".") else ""
    return octets_of(LABEL.findall(name)) <= NAME_OCTETS


def key(name):
    return tuple(label.lower() for label in name)


def shown(name):
    return ".".join(name) + "."


def in_zone(label, origin):
    """The text of a name directly below an origin."""
    return shown((label,) + origin)


class Zone:
    """records: {lower-case owner: {type: (TTL, [rdata])}}; an rdata that holds {t} leads to a name
    that finish() picks."""

    def __init__(self, dice, origin, zones, with_longest):
        self.with_longest = with_longest
        self.dice, self.origin, self.zones = dice, origin, zones
        zones.append(self)
        self.records, self.written = {}, {}
        self.cuts, self.dnames = set(), set()
        self.octets_most = OCTETS_MOST
        self.security = dice.choice(("no", "no", "no", "NSEC", "NSEC", "NSEC3", "opt-out"))
        self.signer = dice.choice(SIGNERS)
        if with_longest:  # which dnssec-signzone and ldns-signzone refuse; NSD ends while it hashes
            self.signer, self.security = "Knot", dice.choice(("no", "NSEC"))
        self.salt = dice.choice(("-", "ab", "00ff00ff"))
        self.iterations = dice.choice((0, 0, 1, 5))
        self.add(origin, "SOA", f"{in_zone('ns', origin)} hostmaster.invalid. {dice.randrange(1 << 32)} "
                 f"7200 3600 1209600 {dice.choice(TTLS)}")
        self.add(origin, "NS", NOWHERE[0])
        if origin == ():  # where nothing is elsewhere; BIND wants an address
            self.host(("ns", "elsewhere", "invalid"))

    # What may stand where

    def below(self, name, owners):
        return any(key(name)[skip:] in owners for skip in range(1, len(name) - len(self.origin) + 1))

    def redirected(self, name):
        """Below a DNAME of any zone: NSD takes no names there."""
        return any(self.is_below(key(name), dname) for zone in self.zones for dname in zone.dnames)

    def may(self, name, rtype):
        if len(name) > LABELS_MOST or octets_of(name) > self.octets_most:
            return False
        have = self.records.get(key(name), {})
        if self.redirected(name) or "CNAME" in have or rtype == "CNAME" and have:
            return False
        if rtype == "DNAME":
            return "DNAME" not in have and not ("NS" in have and name != self.origin) and \
                not any(self.is_below(owner, name) for zone in self.zones for owner in zone.records)
        if rtype == "NS" and name != self.origin:
            return "DNAME" not in have
        return True

    @staticmethod
    def is_below(owner, name):
        return len(owner) > len(name) and owner[len(owner) - len(name):] == key(name)

    def add(self, name, rtype, *rdata):
        """Adds what may stand there; returns whether it does."""
        rdata = [entry for entry in rdata if may_lead(entry)]
        if not rdata or not self.may(name, rtype):
            return False
        sets = self.records.setdefault(key(name), {})
        self.written.setdefault(key(name), name)
        ttl, have = sets.setdefault(rtype, (self.ttl(), []))
        have.extend(entry for entry in rdata if entry not in have or "{t}" in entry)
        if rtype == "NS" and name != self.origin:
            self.cuts.add(key(name))
        if rtype == "DNAME":
            self.dnames.add(key(name))
        return True

    def ttl(self):
        if self.security == "no" and self.dice.random() < 0.1:
            return TTL_MOST
        return self.dice.choice(TTLS)

    # Places

    def label(self):
        return self.dice.choice(LABELS)

    def place(self):
        """A name at or above an owner, the apex included; an empty non-terminal at times."""
        owner = self.written[self.dice.choice(sorted(self.written))]
        return owner[self.dice.randint(0, len(owner) - len(self.origin)):]

    def name(self):
        """A name for an owner: new, or one that is there."""
        if self.dice.random() < 0.15:
            return self.place()
        depth = self.dice.choice((1, 1, 1, 2, 2, 3, 5))
        return tuple(self.label() for _ in range(depth)) + \
            (self.origin if self.dice.random() < 0.4 else self.place())

    def addresses(self, rtype, count=1):
        base = self.dice.randrange(1 << 16)
        if rtype == "A":
            return [f"198.18.{base + i >> 8 & 255}.{base + i & 255}" for i in range(count)]
        return [f"2001:db8::{base:x}:{i:x}" for i in range(count)]

    # Pieces

    def host(self, name=None):
        name = name or self.name()
        for rtype in self.dice.choice((("A",), ("AAAA",), HOSTS)):
            self.add(name, rtype, *self.addresses(rtype, self.dice.choice((1, 1, 2, 3))))

    def other(self, name=None):
        name = name or self.name()
        rtype, rdata = self.dice.choice((
            ("TXT", '"text" "\\"\\000\\255"'), ("CAA", '0 issue "ca.example"'), ("HINFO", '"c" "o"'),
            ("TYPE65534", "\\# 4 01020304"), ("PTR", "{t}"), ("TXT", '""'), ("RP", "{t} {t}")))
        self.add(name, rtype, rdata)

    def leading(self, name=None):
        name = name or self.name()
        rtype = self.dice.choice(LEADING)
        for i in range(self.dice.randint(1, 4)):
            self.add(name, rtype, {
                "MX": f"{i} {{t}}", "SRV": f"0 {i} 5060 {{t}}", "SVCB": f"{i + 1} {{t}} port=53",
                "HTTPS": self.dice.choice((f"{i + 1} .", f"0 {{t}}", f"{i + 1} {{t}}")), "NAPTR": f"{i} 0 \"{self.dice.choice(NAPTR_FLAGS)}\""
                f" \"SIP+D2U\" \"\" {{t}}"}[rtype])

    def cut(self, name=None):
        """A delegation; its servers below, beside and elsewhere, and hidden records below it."""
        name = name or self.name()
        if name == self.origin or name[:1] == ("*",):  # which BIND refuses
            return
        if not self.add(name, "NS", "{t}"):
            return
        for _ in range(self.dice.randint(0, 3)):
            server = (f"ns{self.dice.randrange(3)}",) + \
                self.dice.choice((name, name, (self.label(),) + name, name[1:], self.place()))
            if self.add(name, "NS", shown(server)) and self.dice.random() < 0.8:
                self.host(server)
        if self.dice.random() < 0.4:
            self.ds(name)
        for _ in range(self.dice.randint(0, 2)):
            hidden = tuple(self.label() for _ in range(self.dice.randint(1, 2))) + name
            self.dice.choice((self.host, self.other, self.leading, self.cut, self.alias))(hidden)

    def ds(self, name):
        digest = "".join(self.dice.choice("0123456789ABCDEF") for _ in range(64))
        self.add(name, "DS", f"{self.dice.randrange(65536)} 13 2 {digest}")

    def wildcard(self):
        parent = self.name() if self.dice.random() < 0.6 else self.place()
        name = ("*",) + parent
        for _ in range(self.dice.randint(1, 3)):
            self.dice.choice((self.host, self.other, self.leading, self.leading, self.alias))(name)
        if self.dice.random() < 0.08:
            self.dname(name)
        if self.dice.random() < 0.3:  # beside, also below an empty non-terminal
            self.host(tuple(self.label() for _ in range(self.dice.randint(1, 3))) + parent)
        if self.dice.random() < 0.2:
            self.dice.choice((self.host, self.alias, self.cut))((self.label(),) + name)

    def alias(self, name=None):
        self.add(name or self.name(), "CNAME", "{t}")

    def dname(self, name=None):
        self.add(name or self.name(), "DNAME", "{t}")

    def chain(self):
        """Aliases that lead to each other: to somewhere, or round in a circle."""
        count = self.dice.choice((2, 3, 4, 6, 12, 18))
        base = self.place()
        names = [(f"chain{i}",) + base for i in range(count)]
        for i, name in enumerate(names):
            last = i + 1 == count
            target = "{t}" if last else shown(names[i + 1])
            if last and self.dice.random() < 0.3:
                target = shown(names[self.dice.randrange(count)])
            self.add(name, "CNAME", target)

    def spiral(self):
        """DNAMEs that lead to below each other."""
        one, two = self.name(), self.name()
        longer = self.dice.choice(((), ("x",), ("y", "x")))
        if not self.is_below(key(one), two) and not self.is_below(key(two), one):
            self.add(one, "DNAME", shown(longer + two))
            self.add(two, "DNAME", shown(self.dice.choice(((), ("z",))) + one))

    def empty(self):
        self.host(tuple(self.label() for _ in range(self.dice.randint(2, 4))) + self.place())

    def longest(self):
        """A name of 255 octets, which has no room for a wildcard or anything else below it."""
        base = self.place()
        left = NAME_OCTETS - octets_of(base)
        labels = []
        while left > 1:
            octets = 63 if left > 65 else 62 if left == 65 else left - 1
            labels.append("m" * octets)
            left -= octets + 1
        name = tuple(labels) + base
        self.octets_most = NAME_OCTETS
        self.dice.choice((self.host, self.leading, self.alias, self.dname, self.other))(name)
        if self.dice.random() < 0.5:
            self.dice.choice((self.host, self.wildcard_at, self.cut))(name[1:])
        self.octets_most = OCTETS_MOST

    def wildcard_at(self, parent):
        self.dice.choice((self.host, self.leading, self.alias))(("*",) + parent)

    def big(self, name=None):
        """Sets whose reply is about 512 or 1232 octets long."""
        name = name or self.name()
        limit = self.dice.choice((512, 1232, 1232, 4096)) - self.dice.randint(0, 60) - octets_of(name) - 16
        rtype = self.dice.choice(("A", "AAAA", "TXT", "MX"))
        if rtype == "TXT":
            size, strings = limit - 12, []
            while size > 1:
                strings.append('"' + "t" * min(255, size - 1) + '"')
                size -= 256
            self.add(name, rtype, " ".join(strings))
        elif rtype == "MX":
            for i in range(limit // 22):
                server = (f"m{i}",) + name
                self.add(name, "MX", f"{i} {shown(server)}")
                if self.dice.random() < 0.5:
                    self.host(server)
        else:
            self.add(name, rtype, *self.addresses(rtype, limit // {"A": 16, "AAAA": 28}[rtype]))

    def fill(self):
        if self.dice.random() < 0.05:  # nothing but SOA and NS
            return
        pieces = (self.host, self.other, self.leading, self.cut, self.cut, self.wildcard,
                  self.wildcard, self.alias, self.dname, self.chain, self.spiral, self.empty)
        if self.dice.random() < 0.15:  # below the apex all is redirected
            self.add(self.origin, "DNAME", "{t}")
        for _ in range(self.dice.randint(4, 16)):
            self.dice.choice(pieces)()
        if self.dice.random() < 0.4:
            self.big()
        if self.with_longest:
            self.longest()
        if self.dice.random() < 0.3:
            self.dice.choice((self.host, self.leading, self.big))(self.origin)

    # Text

    def servers(self, zones):
        """Servers of the zone: BIND wants addresses for those that it has itself."""
        ours = [self.written[owner] for owner, sets in sorted(self.records.items())
                if set(HOSTS) & set(sets) and not self.redirected(owner)
                and not self.below(("",) + owner, self.cuts)]
        others = [zone.origin for zone in zones if not zone.is_below(key(zone.origin), self.origin)
                  and zone is not self]
        for name in self.dice.sample(ours, min(len(ours), self.dice.randint(0, 2))) + others[:1]:
            self.add(self.origin, "NS", shown(name))

    def finish(self, zones):
        self.servers(zones)
        for sets in self.records.values():
            for rtype, (ttl, rdata) in sets.items():
                done = []
                for entry in rdata:
                    while "{t}" in entry:
                        entry = entry.replace("{t}", target(self.dice, self, zones), 1)
                    if entry.lower() not in (other.lower() for other in done):
                        done.append(entry)
                sets[rtype] = (ttl, done)

    def text(self):
        lines = []
        owners = sorted(self.records, key=lambda owner: (owner != key(self.origin), owner[::-1]))
        for owner in owners:
            name = recased(self.dice, shown(self.written[owner]))
            types = self.records[owner]
            for rtype in sorted(types, key=lambda rtype: rtype != "SOA"):
                ttl, rdata = types[rtype]
                lines.extend(f"{name} {ttl} IN {rtype} {entry}\n" for entry in rdata)
        return "".join(lines)

    def sign(self, folder, path):
        """The same with keys, signatures and proofs. ldns and Knot pick a key's and a salt's random
        part themselves."""
        signed = pathlib.Path(f"{path}.signed")
        if self.signer == "ldns" and "\\@" in path.read_text(encoding="ascii"):
            self.signer = "BIND"  # ldns takes an escaped @ for the origin, and writes it bare
        {"BIND": self.sign_by_bind, "ldns": self.sign_by_ldns,
         "Knot": self.sign_by_knot}[self.signer](folder, path, signed)
        return signed

    def sign_by_bind(self, folder, path, signed):
        origin = shown(self.origin)
        _run("dnssec-keygen", "-q", "-K", folder, "-a", "ECDSAP256SHA256", "-f", "KSK", origin)
        kind = {"NSEC": (), "NSEC3": ("-3", self.salt, "-H", self.iterations),
                "opt-out": ("-3", self.salt, "-H", self.iterations, "-A")}[self.security]
        _run("dnssec-signzone", "-q", "-S", "-z", "-P", "-K", folder, "-d", folder, "-n", 1,
             "-s", VALID_FROM, "-e", VALID_UNTIL, *kind, "-o", origin, "-f", signed, path)

    def sign_by_ldns(self, folder, path, signed):
        key = folder / _run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", shown(self.origin),
                            cwd=folder).strip()
        kind = {"NSEC": (), "NSEC3": ("-n", "-t", self.iterations),
                "opt-out": ("-n", "-p", "-t", self.iterations)}[self.security]
        salt = ("-s", self.salt) if kind and self.salt != "-" else ()
        _run("ldns-signzone", "-i", VALID_FROM, "-e", VALID_UNTIL, *kind, *salt,
             "-o", shown(self.origin), "-f", signed, path, key)

    def sign_by_knot(self, folder, path, signed):
        own = folder / f"{path.name}.knot"
        own.mkdir()
        (own / "conf").write_text(KNOT.format(
            folder=own, origin=shown(self.origin), path=path, iterations=self.iterations,
            nsec3="off" if self.security == "NSEC" else "on",
            opt_out="on" if self.security == "opt-out" else "off",
            salt=0 if self.salt == "-" else len(self.salt) // 2), encoding="ascii")
        _run("kzonesign", "-c", own / "conf", "-o", own, shown(self.origin))
        next(own.glob("*zone")).rename(signed)


VALID_FROM, VALID_UNTIL = "20260101000000", "20360101000000"
KNOT = """database:
  storage: {folder}
policy:
  - id: random
    algorithm: ecdsap256sha256
    single-type-signing: on
    rrsig-lifetime: 3650d
    nsec3: {nsec3}
    nsec3-iterations: {iterations}
    nsec3-opt-out: {opt_out}
    nsec3-salt-length: {salt}
zone:
  - domain: "{origin}"
    file: "{path}"
    journal-content: none
    dnssec-signing: on
    dnssec-policy: random
"""


def _run(*arguments, cwd=None):
    done = subprocess.run([str(argument) for argument in arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors="replace", check=False, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


def recased(dice, name):
    """Now and then another case; the digits of escapes have none."""
    return dice.choice((name, name, name, name.upper(), name.swapcase()))


def target(dice, zone, zones):
    """A name that rdata leads to: an owner here or in another zone of the round, above or below
    one, in place of a wildcard, or nowhere."""
    if dice.random() < 0.1:
        return dice.choice(NOWHERE)
    there = zone if dice.random() < 0.65 else dice.choice(zones)
    name = there.written[dice.choice(sorted(there.written))]
    if name[:1] == ("*",) and dice.random() < 0.7:
        name = ("w",) + name[1:]
    toss = dice.random()
    if toss < 0.2:
        longer = (dice.choice(LABELS),) + name
        name = longer if octets_of(longer) <= NAME_OCTETS else name
    elif toss < 0.25 and len(name) > 2:
        name = name[1:]
    return recased(dice, shown(name))


def _origins(dice):
    """A few apexes, some below others, directly or not; now and then the root or a top-level domain,
    beside which hardly anything is refused."""
    origins = [("z0", "test")]
    toss = dice.random()
    if toss < 0.15:
        origins.insert(0, ())
    if toss < 0.25:
        origins.append(("test",))
    while len(origins) < dice.randint(2, 6):
        if dice.random() < 0.6:
            above = dice.choice(origins)
            origin = tuple(dice.choice(("a", "b", "c", "sub", "*", "e", "UPPER"))
                           for _ in range(dice.choice((1, 1, 2)))) + above
        else:
            origin = (f"z{len(origins)}", "test")
        if "*" not in origin and key(origin) not in map(key, origins):
            origins.append(origin)
    return origins


def make(dice):
    """The zones of a round."""
    zones = []
    with_longest = dice.random() < 0.2
    for origin in _origins(dice):
        Zone(dice, origin, zones, with_longest)
    for zone in zones:
        for other in zones:
            above = max((z for z in zones if Zone.is_below(key(other.origin), z.origin)),
                        key=lambda z: len(z.origin), default=None)
            if above is zone and dice.random() < 0.85:
                zone.cut(other.origin)
        zone.fill()
    for zone in zones:
        zone.finish(zones)
    return zones
