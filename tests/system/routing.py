"""routing: zebra and bgpd of FRR on a host (hosts.py), with BGP to one neighbour over IPv4 and over IPv6.

They are started by the test, with every file in a temporary folder; the host's own FRR is not touched. They run at a better nice level, as
a router's daemons should where a load takes all the processor: it is the path of their packets that is tested, not the scheduler."""

import json
import pathlib
import shutil
import subprocess
import tempfile

from process import Process

TIMERS, PATIENT_TIMERS = (5, 15), (10, 30)  # keepalive and hold, in seconds
PROGRAMS = pathlib.Path("/usr/lib/frr")

BGPD = """\
hostname {name}
log file {home}/bgpd.log
router bgp {own_as}
 bgp router-id {router_id}
 bgp log-neighbor-changes
 no bgp ebgp-requires-policy
 {failover}
 no bgp default ipv4-unicast
 timers bgp {keepalive} {hold}
{neighbours}
 address-family ipv4 unicast
{networks4}
  neighbor {peer4} activate
 exit-address-family
 address-family ipv6 unicast
{networks6}
  neighbor {peer6} activate
 exit-address-family
"""


class Daemon(Process):
    """One program of FRR; its folder is the router's."""

    def __init__(self, host, home, name):
        self.name = name
        super().__init__()
        more = ["-p", "179"] if name == "bgpd" else []
        self.launch(host.words(PROGRAMS / name, "-f", home / f"{name}.conf", "-i", home / f"{name}.pid", "-z", home / "zebra.sock",
                               "--vty_socket", home, "-P", "0", *more, nice=-10))


class Bgp:
    """peers: (IPv4, IPv6) of the neighbour; networks: prefixes that are announced; patient: a session outlives an interface without a carrier, and
    what TCP has to send again after that."""

    def __init__(self, host, name, own_as, router_id, peer_as, peers, networks=(), patient=False):
        self.host, self.peers, self.daemons = host, peers, []
        self.temporary = tempfile.TemporaryDirectory(prefix=f"skua-frr-{name}-")
        self.home = pathlib.Path(self.temporary.name)
        shutil.chown(self.home, "frr", "frr")  # which the daemons become
        keepalive, hold = PATIENT_TIMERS if patient else TIMERS
        neighbours = "\n".join(f" neighbor {peer} remote-as {peer_as}\n neighbor {peer} timers connect 1" for peer in peers)
        by_family = ["\n".join(f"  network {network}" for network in networks if (":" in network) == six) for six in (False, True)]
        (self.home / "zebra.conf").write_text(f"hostname {name}\nlog file {self.home}/zebra.log\n")
        (self.home / "bgpd.conf").write_text(BGPD.format(
            name=name, home=self.home, own_as=own_as, router_id=router_id, keepalive=keepalive, hold=hold, neighbours=neighbours,
            failover="no bgp fast-external-failover" if patient else "bgp fast-external-failover", networks4=by_family[0], networks6=by_family[1], peer4=peers[0], peer6=peers[1]))

    def __enter__(self):
        try:
            for name in ("zebra", "bgpd"):
                daemon = Daemon(self.host, self.home, name)
                self.daemons.append(daemon)
                daemon.wait_ready(lambda name=name: (self.home / f"{name}.vty").exists())
        except BaseException:
            self.__exit__()
            raise
        return self

    def show(self, *words):
        """What vtysh says, as an object."""
        done = subprocess.run(["vtysh", "--vty_socket", str(self.home), "--config_dir", str(self.home), "-c", " ".join(["show", *words, "json"])],
                              capture_output=True, text=True, timeout=60, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {}

    def sessions(self):
        """{address: state, times dropped, milliseconds up, prefixes} of both neighbours."""
        summary, found = self.show("bgp", "summary"), {}
        for family in ("ipv4Unicast", "ipv6Unicast"):
            for peer, at in summary.get(family, {}).get("peers", {}).items():
                found[peer] = (at["state"], at["connectionsDropped"], at["peerUptimeMsec"], at.get("pfxRcd", 0))
        return found

    def established(self, prefixes=0):
        """Both sessions stand, and each has brought so many prefixes."""
        sessions = self.sessions()
        return len(sessions) == 2 and all(state == "Established" and received >= prefixes for state, _, _, received in sessions.values())

    def log(self):
        try:
            return (self.home / "bgpd.log").read_text(errors="replace")
        except OSError:
            return ""

    def __exit__(self, *unused):
        for daemon in reversed(self.daemons):
            daemon.close()
        self.temporary.cleanup()
