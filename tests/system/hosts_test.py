#!/usr/bin/python3
"""hosts_test: a server, a router and a client on a switch (hosts.py), and everything that a core network does on the port that answers DNS.

The router hears of the service addresses by BGP from the server's FRR, and the client asks them through the router. Meanwhile ping, SSH, a TCP
stream and neighbour discovery go over the same interface, while the programs are killed and restarted under as much load as is answered.

SKUA_LONG=yes: ten minutes of load, and 100 kills, per back end.
"""

import collections
import contextlib
import functools
import itertools
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import tempfile
import time
from contextlib import closing

import cases
import process
from cases import LONG, case, eventually, expect, expect_equal
from hosts import ANYCAST, ANYCAST6, ROUTER, ROUTER6, SERVER, SERVER6, TAGGED, TAGGED6, Site
from load import Load, write_load_zone
from routing import Bgp
from skua import Skua, build_folder
from streams import Iperf, Ping, Ssh
from switch import KernelSwitch, OpenSwitch, kernel_filters_vlans

SECONDS = 600 if LONG else 40  # of load
PAUSE = 10 if LONG else 1.5  # seconds of nothing but load after each event
KILLS = 100 if LONG else 20
LISTENS = [f"{address}:53" for address in (ANYCAST, TAGGED)] + [f"[{address}]:53" for address in (ANYCAST6, TAGGED6)]
# wire: DPDK has the port, and the kernel a tap in its place, which has no carrier between two dataplanes. lossless: the kernel's packets do not pass through Skua.
BackEnd = collections.namedtuple("BackEnd", "name options wire lossless")
# Addresses on lo count as the interface's, so that only the kernel's sockets have to be told.
BACK_ENDS = (
    BackEnd("af_xdp", ["--io", "af_xdp:dns0"], False, True),
    BackEnd("dpdk", ["--io", "dpdk:--no-huge -m 128 --vdev=net_af_packet0,iface=wire0", "--kernel", "dns0", "--idle", "adaptive"], True, False),
    BackEnd("socket", ["--io", "socket", *itertools.chain(*(("--listen", listen) for listen in LISTENS))], False, True),
)
PREFIXES = (ANYCAST + "/32", ANYCAST6 + "/128")


class Server(Skua):
    """`skua serve` on the server of a site, for the addresses that it has on lo."""

    def __init__(self, site, zone, options):
        self.site = site
        super().__init__([zone], *options)

    def listen_options(self):
        return []

    def command(self):
        return self.site.server.words(*super().command())

    def start(self):
        before = self.readies()
        self.launch(self.command())
        self.wait_ready(lambda: self.readies() > before)

    def readies(self):
        return self.log().count("skua is ready:")

    def find(self, name):
        for pid in self.leftovers():
            with contextlib.suppress(OSError):
                if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(name.encode()):
                    return pid
        return None

    def kill(self, name):
        """SIGKILL to our child of that name; returns its pid when it is dead."""
        pid = eventually(lambda: self.find(name), f"a {name}")
        os.kill(pid, signal.SIGKILL)
        while process.alive(pid):
            time.sleep(0.0005)
        return pid

    def exchange(self, name):
        """The same, and returns when another runs."""
        pid = self.kill(name)
        eventually(lambda: self.find(name) not in (None, pid), f"another {name}")

    def deaths(self):
        """How often `serve` had to start a dataplane again."""
        return len(re.findall(r"a daemon died; .*program=skua-dataplane", self.log()))


def needs(*programs):
    missing = [name for name in programs if not shutil.which(name, path="/usr/bin:/usr/sbin:/usr/lib/frr")]
    if missing:
        raise cases.Skip(f"{', '.join(missing)} are not installed (scripts/setup --test)")


@contextlib.contextmanager
def network(back_end, kind=KernelSwitch):
    """A site whose server answers, and whose router has learned the anycast addresses: (site, Skua, [BGP of the server, BGP of the router])."""
    needs("bgpd", "vtysh", "iperf3", "sshd", "ovs-vswitchd", "tc", "ethtool")
    if back_end.wire and not (build_folder() / "bench" / "memif_generator").exists():
        raise cases.Skip("this build has no DPDK")
    with Site(kind, back_end.wire) as site, \
         tempfile.TemporaryDirectory(prefix="skua-zone-") as folder, \
         Server(site, write_load_zone(pathlib.Path(folder)), back_end.options) as skua, \
         Bgp(site.server, "server", 64512, SERVER, 64513, (ROUTER, ROUTER6), PREFIXES, patient=back_end.wire) as server, \
         Bgp(site.router, "router", 64513, ROUTER, 64512, (SERVER, SERVER6)) as router:
        eventually(lambda: router.established(prefixes=1) and server.established(), "BGP over IPv4 and IPv6", 120)
        for family, address in (("-4", ANYCAST), ("-6", ANYCAST6)):
            eventually(lambda family=family, address=address: "proto bgp" in site.router.ip(family, "route", "show", address), f"the route to {address}", 60)
        yield site, skua, (server, router)


def adverts(host):
    """Neighbour advertisements that have come in."""
    return int(re.search(r"^Icmp6InNeighborAdvertisements\s+(\d+)", host.run("cat", "/proc/net/snmp6")[1], re.M)[1])


def forget_neighbours(site, server):
    """Both ends forget each other's addresses, and find them again by ARP and by neighbour discovery. Under load `ip` may give up on making the
    cache empty, as each packet brings an entry back: that is what is wanted."""
    ends = ((site.server, "dns0", (ROUTER, ROUTER6)), (site.router, "core0", (SERVER, SERVER6)))
    before = [adverts(host) for host, _, _ in ends]
    for host, device, _ in ends:
        host.run("ip", "neigh", "flush", "dev", device)
    for (host, device, addresses), count in zip(ends, before):
        for address in addresses:
            # One packet may meet an entry that is being deleted; what must not be lost is counted by the pings beside this.
            eventually(lambda: host.run("ping", "-n", "-c", "1", "-W", "2", address)[0] == 0, f"ping {address} from an empty neighbour cache", 60)
            eventually(lambda: "lladdr" in host.ip("neigh", "show", "to", address, "dev", device), f"{address} is a neighbour")
        eventually(lambda: adverts(host) > count, "a neighbour advertisement")


def restart_all(site, server):
    server.stop()
    server.start()


EVENTS = (
    ("dataplane killed", lambda site, server: server.exchange("skua-dataplane")),
    ("neighbours forgotten", forget_neighbours),
    ("control killed", lambda site, server: server.exchange("skua-control")),
    ("both stopped and started", restart_all),
)


def expect_no_loss(pings, back_end, forgotten=()):
    """All replies came, each once; prints how many. Where they pass through Skua, those that were sent while it was away are lost. forgotten:
    when neighbours were, as pairs of times: a kernel drops what waits for an entry that is deleted, whether Skua runs or not; not more than
    one packet for each address then, at either end."""
    counts = {ping.address: ping.stop_and_count() for ping in pings}
    print("   ping every 10 ms: " + ", ".join(f"{len(lost)} of {sent} lost to {address}" for address, (sent, lost) in counts.items()), flush=True)
    for address, (_, lost) in counts.items():
        late = [times for times in lost if not any(times[1] >= start and times[0] <= end for start, end in forgotten)]
        expect(not back_end.lossless or (not late and len(lost) <= 2 * len(forgotten)), f"pings to {address} were lost at {lost}; {forgotten=}")


def expect_no_flap(bgps, before):
    for bgp, sessions in zip(bgps, before):
        now = bgp.sessions()
        expect_equal(now.keys(), sessions.keys(), "BGP neighbours")
        for peer, (state, dropped, uptime, prefixes) in now.items():
            expect(state == "Established" and dropped == sessions[peer][1] and uptime > sessions[peer][2] and prefixes == sessions[peer][3],
                   f"BGP to {peer} was {sessions[peer]} and is {now[peer]}:\n{bgp.log()[-2000:]}")


def withdraw_and_announce(site):
    """The address goes off lo and comes back, and so does the route: without a session lost, and answered on again."""
    site.server.ip("addr", "del", ANYCAST + "/32", "dev", "lo")
    eventually(lambda: not site.router.ip("route", "show", ANYCAST), "the route is withdrawn", 60)
    site.server.ip("addr", "add", ANYCAST + "/32", "dev", "lo")
    eventually(lambda: site.router.ip("route", "show", ANYCAST), "the route is back", 60)
    with closing(Load(site.client, ANYCAST)) as load:
        load.milliseconds_to_answer()
        load.end()


def live_through(back_end):
    """SECONDS of load while one event comes after the other."""
    with network(back_end) as (site, server, bgps), contextlib.ExitStack() as stack:
        before = [bgp.sessions() for bgp in bgps]
        load = stack.enter_context(closing(Load(site.client, ANYCAST, ANYCAST6)))
        ssh = stack.enter_context(closing(Ssh(site.server, site.client, SERVER)))
        pings = [stack.enter_context(Ping(site.router, address)) for address in (SERVER, SERVER6)]
        iperf = stack.enter_context(closing(Iperf(site.server, site.client, SERVER6, SECONDS)))
        forgotten = []
        for number in itertools.count():
            happens, do = EVENTS[number % len(EVENTS)]
            started = time.time()
            do(site, server)
            if do is forget_neighbours:
                forgotten.append((started, time.time()))
            load.milliseconds_to_answer()
            time.sleep(PAUSE)
            if not iperf.runs() and number >= len(EVENTS):
                break
        megabytes = iperf.megabytes(), ssh.whole()
        total = load.end()
        print(f"   {total['answered']:.0f} right answers in {total['seconds']:.0f} s, {total['answered_per_s']:.0f} a second; {number + 1} events; "
              f"TCP {megabytes[0]:.0f} MB, SSH {megabytes[1]:.0f} MB there and back", flush=True)
        withdraw_and_announce(site)
        expect_no_flap(bgps, before)
        expect_no_loss(pings, back_end, forgotten)


def kill_often(back_end):
    with network(back_end) as (site, server, bgps), contextlib.ExitStack() as stack:
        before = [bgp.sessions() for bgp in bgps]
        load = stack.enter_context(closing(Load(site.client, ANYCAST, ANYCAST6)))
        pings = [stack.enter_context(Ping(site.router, address)) for address in (SERVER, SERVER6)]
        delays = []
        for _ in range(KILLS):
            eventually(lambda at=load.tally()["answered"]: load.tally()["answered"] > at + 1000, "the load is up again")
            time.sleep(random.random() * 0.2)
            server.kill("skua-dataplane")
            delays.append(load.milliseconds_to_answer())
        total = load.end()
        print(f"   {KILLS} kills, {total['answered']:.0f} right answers; death to the first answer of the next: "
              f"median {statistics.median(delays):.0f} ms, max {max(delays):.0f} ms", flush=True)
        expect_equal(server.deaths(), KILLS, "dataplanes that ended, killed or not able to start")
        if back_end.lossless:
            expect_no_flap(bgps, before)
        else:  # with the port away half of the time: BGP may give up, and must come back
            eventually(lambda: all(bgp.established() for bgp in bgps), "BGP", 120)
        expect_no_loss(pings, back_end)


def trunk(back_end):
    """On one port: DNS and all else in the native VLAN, and DNS in a tagged one, which this host's kernel knows nothing of. The switch lets
    no answer through to the client that has not the client's tag."""
    with network(back_end, KernelSwitch if kernel_filters_vlans() else OpenSwitch) as (site, server, bgps), contextlib.ExitStack() as stack:
        for address in (TAGGED, TAGGED6):
            site.client.ip("neigh", "replace", address, "lladdr", site.server.mac("dns0"), "dev", "eth0")
        before = [bgp.sessions() for bgp in bgps]
        pings = [stack.enter_context(Ping(site.router, address)) for address in (SERVER, SERVER6)]
        native = stack.enter_context(closing(Load(site.client, ANYCAST, ANYCAST6, window=16)))
        tagged = stack.enter_context(closing(Load(site.client, TAGGED, TAGGED6, window=16)))
        for _ in range(KILLS // 5):
            server.kill("skua-dataplane")
            for load in (native, tagged):
                load.milliseconds_to_answer()
            time.sleep(PAUSE)
        expect_equal(site.switch.vlans_of(site.server.mac("dns0")), {10, 20}, "VLANs in which the switch has learned the server's address")
        expect(site.client.run("ping", "-c", "1", "-W", "1", TAGGED)[0] != 0, "the kernel answers in VLAN 20, where it has no interface")
        for text, load in (("without", native), ("with", tagged)):
            total = load.end()
            print(f"   {text} a tag {total['answered']:.0f} right answers, {total['answered_per_s']:.0f} a second", flush=True)
        expect_no_flap(bgps, before)
        expect_no_loss(pings, back_end)


for one in BACK_ENDS:
    kept = "ping and BGP lose nothing" if one.lossless else "pings that are lost are counted"
    case(f"hosts: {one.name}: BGP, ping, neighbour discovery, SSH and a TCP stream live through load, kills and restarts")(
        functools.partial(live_through, one))
    case(f"hosts: {one.name}: after each of {KILLS} kill -9 under load the next dataplane answers; {kept}")(functools.partial(kill_often, one))
    if one.name != "socket":  # the kernel would need a VLAN interface
        case(f"hosts: {one.name}: a trunk: DNS with a VLAN tag and without, all else without, through load and kills")(functools.partial(trunk, one))

cases.main()
