"""subjects: what is measured: Skua, its peers from Debian's packages, and an echo that answers nothing, as the ceiling.

A subject runs on core 0, in the place that it is given (link.py), and is ready once it answers. It takes one zone file of
make_zone.py. Leaving its `with` block stops it and removes its files."""
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path[1:1] = [str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "system")]
import process  # noqa: E402
import probe  # noqa: E402
import usage  # noqa: E402
from make_zone import HOSTS, ORIGIN, address  # noqa: E402

SERVER_CORE, CLIENT_CORE = "0", "1"
NO_HUGE = ["--no-huge", "-m", "512"]  # memory of DPDK: neither a card nor huge pages are needed
EAL = [*NO_HUGE, "--no-shconf", "--no-pci", "--no-telemetry", "--log-level=*:error"]


class Missing(Exception):
    """A program is not installed, or this host can't do what is needed."""


def find(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{program} is not installed")
    return path


def installed(package):
    """The version of a Debian package, or None."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], text=True, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


class Subject(process.Process):
    """zone: path of the zone file; count: how many names of this pattern it has (make_zone.py)."""

    package = None  # None: of this tree
    polls = False  # a core is busy even when nothing comes

    def __init__(self, bench, place, zone, count, pattern=HOSTS):
        super().__init__()
        self.place, self.build, self.zone, self.count = place, bench.build, zone, count
        self.last = pattern % (count - 1)
        self.ready_seconds = bench.choose(180, 60, 20)

    def __enter__(self):
        try:
            self.prepare()
            self.launch([*self.place.prefix, "taskset", "-c", SERVER_CORE, *self.command()])
            self.wait_ready(self.is_ready, self.ready_seconds)
        except BaseException:
            self.close()
            raise
        return self

    def prepare(self):
        """Writes what the program reads."""

    def is_ready(self):
        return probe.first_answer(self.place.address, f"{self.last}.{ORIGIN}", address(self.count - 1), time.monotonic() + 0.05) is not None

    def cpu(self):
        return usage.cpu(self.leftovers())

    def memory(self):
        return usage.memory(self.leftovers())


class Skua(Subject):
    name = "skua"
    title = "Skua"
    log_level = "warning"

    def io(self):
        return ["--listen", "%s:%d" % self.place.address]

    def prepare(self):
        for folder in ("run", "state"):
            (self.folder / folder).mkdir(mode=0o700)

    def command(self):
        return [f"{self.build}/skua", "serve", self.zone, *self.io(), "--cores", SERVER_CORE, "--http", "off", "--log-level", self.log_level,
                "--runtime-dir", self.folder / "run", "--state-dir", self.folder / "state"]

    def memory(self):
        """Both programs, and the image, which is a file in memory: it counts once, whoever has touched it."""
        image = sum(path.stat().st_blocks * 512 for path in (self.folder / "run").iterdir())
        return usage.memory(self.leftovers(), ("Pss_Anon", "Pss_File")) + image


class SkuaXdp(Skua):
    name = "skua-xdp"
    title = "Skua, AF_XDP"

    def io(self):
        return ["--io", f"af_xdp:{self.place.device}"]


class SkuaMemif(Skua):
    name = "skua-memif"
    title = "Skua, DPDK memif"
    polls = True
    log_level = "info"

    def io(self):
        return ["--io", "dpdk:" + " ".join([*NO_HUGE, memif("server", self.folder)]), "--kernel", "off"]

    def is_ready(self):
        """Not when it says that it is: that waits for a link, and the generator that makes one waits for this."""
        return " answering " in self.log()


class Peer(Subject):
    def prepare(self):
        (self.folder / "conf").write_text(self.configuration())


class Nsd(Peer):
    name = package = "nsd"
    title = "NSD"

    def command(self):
        return [find("nsd"), "-d", "-c", self.folder / "conf"]

    def configuration(self):
        return f"""server:
\tip-address: {self.place.address[0]}@{self.place.address[1]}
\tserver-count: 1
\tusername: ""
\tchroot: ""
\tzonesdir: ""
\tdatabase: ""
\tpidfile: "{self.folder}/pid"
\txfrdir: "{self.folder}"
\txfrdfile: ""
\tzonelistfile: "{self.folder}/zone.list"
\tlogfile: ""
\tverbosity: 0
\tround-robin: no
\tminimal-responses: yes
\ttcp-count: 200
\trrl-ratelimit: 0
remote-control:
\tcontrol-enable: no
zone:
\tname: "{ORIGIN}"
\tzonefile: "{self.zone}"
"""


class Knot(Peer):
    name = package = "knot"
    title = "Knot DNS"

    def command(self):
        return [find("knotd"), "-c", self.folder / "conf"]

    def where(self):
        return f"  listen: {self.place.address[0]}@{self.place.address[1]}\n"

    def configuration(self):
        return f"""server:
  rundir: "{self.folder}"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
{self.where()}control:
  listen: "{self.folder}/control"
database:
  storage: "{self.folder}"
log:
  - target: stderr
    any: warning
zone:
  - domain: "{ORIGIN}"
    file: "{self.zone}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
"""


class KnotXdp(Knot):
    name = "knot-xdp"
    title = "Knot DNS, XDP"

    def where(self):
        return f"xdp:\n  listen: {self.place.device}@{self.place.address[1]}\n"


class Bind(Peer):
    name, package = "bind", "bind9"
    title = "BIND"

    def command(self):
        return [find("named"), "-g", "-4", "-n", "1", "-c", self.folder / "conf"]

    def configuration(self):
        return f"""options {{
\tdirectory "{self.folder}";
\tpid-file none;
\tsession-keyfile none;
\tmanaged-keys-directory "{self.folder}";
\tlisten-on port {self.place.address[1]} {{ {self.place.address[0]}; }};
\tlisten-on-v6 {{ none; }};
\trecursion no;
\tdnssec-validation no;
\tminimal-responses yes;
\tnotify no;
\ttcp-clients 200;
}};
controls {{ }};
zone "{ORIGIN}" {{ type primary; file "{self.zone}"; check-names ignore; }};
"""


def memif(role, folder):
    return f"--vdev=net_memif0,role={role},id=0,socket={folder}/memif.sock,socket-abstract=no"


class Echo(Subject):
    """testpmd returns each frame with MAC and IP addresses and ports exchanged, and looks at nothing else: what the link can do."""

    package = "dpdk-dev"
    polls = True

    def vdev(self):
        raise NotImplementedError

    def launch(self, arguments, environment=None):
        """It ends with its standard input, which is therefore a pipe."""
        self.read, write = os.pipe()
        self.write = write
        self.arguments = [str(argument) for argument in arguments]
        self.log_file = open(self.folder / "log", "ab")
        self.child = subprocess.Popen(self.arguments, stdin=self.read, stdout=self.log_file, stderr=self.log_file, cwd=self.folder,
                                      start_new_session=True, env=environment)

    def command(self):
        # Its main thread sleeps; it is on the other core, as DPDK wants two.
        return ["taskset", "-c", f"{SERVER_CORE},{CLIENT_CORE}", "stdbuf", "-oL", find("dpdk-testpmd"), f"--lcores=0@{CLIENT_CORE},1@{SERVER_CORE}",
                *EAL, self.vdev(), "--", "--forward-mode=5tswap", "--no-flush-rx", "--burst=64", "--total-num-mbufs=16384", "--nb-cores=1",
                "--auto-start"]

    def is_ready(self):
        return "Press enter" in self.log()

    def close(self):
        super().close()
        for pipe in ("read", "write"):
            if getattr(self, pipe, None) is not None:
                os.close(getattr(self, pipe))
                setattr(self, pipe, None)


class EchoMemif(Echo):
    name = "echo-memif"
    title = "testpmd 5tswap, memif"

    def vdev(self):
        return memif("server", self.folder)


class EchoXdp(Echo):
    name = "echo-xdp"
    title = "testpmd 5tswap, AF_XDP"

    def vdev(self):
        return f"--vdev=net_af_xdp0,iface={self.place.device},start_queue=0,queue_count=1"


ALL = {subject.name: subject for subject in (Skua, SkuaXdp, SkuaMemif, Nsd, Knot, KnotXdp, Bind, EchoMemif, EchoXdp)}
