"""peers: NSD, Knot DNS and BIND from Debian on a free loopback port, with a configuration made here.

Each serves the same files as Skua: no recursion, no rate limit, EDNS of 1232 octets, minimal
responses, nothing written back. Ready means: every zone's SOA is answered.
"""

import os
import shutil
import subprocess

import exchange
import process
import wire


class Missing(Exception):
    """The program is not installed."""


def find(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{program} is not installed")
    return path


class Peer(process.Process):
    """zones: list of (origin as wire name, path of the file)."""

    def __init__(self, zones):
        self.program_path = find(self.program)
        super().__init__()
        self.zones = [zone for zone in zones if self.takes(*zone)]
        self.port = process.free_port()
        self.address = ("127.0.0.1", self.port)
        (self.folder / "conf").write_text(self.configuration())
        try:
            self.launch(self.command())
            self.wait_ready(self.serves_all)
        except BaseException:
            self.close()
            raise

    def takes(self, origin, path):
        """False if this server can't load the file; such a zone is compared with the others."""
        return True

    def has(self, origin):
        return any(origin == mine for mine, _ in self.zones)

    def serves_all(self):
        for origin, _ in self.zones:
            octets = exchange.udp_one(self.address, wire.question(1, origin, wire.SOA), 1.0)
            if octets is None:
                return False
            reply = wire.Reply(octets)
            if reply.rcode != 0 or not reply.answer:
                return False
        return True


class Nsd(Peer):
    name = program = "nsd"

    def command(self):
        return [self.program_path, "-d", "-c", self.folder / "conf"]

    def configuration(self):
        lines = f"""server:
\tip-address: 127.0.0.1@{self.port}
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
\tverbosity: 1
\thide-version: yes
\tround-robin: no
\tminimal-responses: yes
\trefuse-any: no
\tipv4-edns-size: 1232
\ttcp-count: 100
\ttcp-timeout: 60
\trrl-ratelimit: 0
remote-control:
\tcontrol-enable: no
"""
        for origin, path in self.zones:
            lines += f'zone:\n\tname: "{wire.text(origin)}"\n\tzonefile: "{path}"\n'
        return lines


class Knot(Peer):
    name, program = "knot", "knotd"

    def command(self):
        return [self.program_path, "-c", self.folder / "conf"]

    def configuration(self):
        lines = f"""server:
  rundir: "{self.folder}"
  listen: 127.0.0.1@{self.port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  udp-max-payload: 1232
  tcp-idle-timeout: 60
  tcp-io-timeout: 0
  answer-rotation: off
log:
  - target: stderr
    any: warning
control:
  listen: "{self.folder}/control"
database:
  storage: "{self.folder}"
template:
  - id: default
    storage: "{self.folder}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
"""
        for origin, path in self.zones:
            lines += f'  - domain: "{wire.text(origin)}"\n    file: "{path}"\n'
        return lines


class Bind(Peer):
    name, program = "bind", "named"

    def takes(self, origin, path):
        check = [find("named-checkzone"), "-q", "-i", "none", "-k", "ignore", wire.text(origin), path]
        return subprocess.run(check, stdin=subprocess.DEVNULL, check=False).returncode == 0

    def command(self):
        return [self.program_path, "-g", "-4", "-n", "1", "-c", self.folder / "conf"]

    def configuration(self):
        lines = f"""options {{
\tdirectory "{self.folder}";
\tpid-file none;
\tsession-keyfile none;
\tmanaged-keys-directory "{self.folder}";
\tlisten-on port {self.port} {{ 127.0.0.1; }};
\tlisten-on-v6 {{ none; }};
\trecursion no;
\tallow-query {{ any; }};
\tdnssec-validation no;
\tminimal-responses no-auth;
\tcheck-names primary ignore;
\tcheck-integrity no;
\tnotify no;
\tedns-udp-size 1232;
\tmax-udp-size 1232;
\tnocookie-udp-size 1232;
\tanswer-cookie no;
\tzero-no-soa-ttl no;
\tmax-records-per-type 0;
\tmax-types-per-name 0;
\trrset-order {{ order none; }};
\ttcp-idle-timeout 600;
}};
controls {{ }};
"""
        for origin, path in self.zones:
            lines += f'zone "{wire.text(origin)}" {{ type primary; file "{path}"; }};\n'
        return lines


ALL = {"nsd": Nsd, "knot": Knot, "bind": Bind}
