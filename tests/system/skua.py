"""skua: starts Skua from a build folder in a folder of its own, on free loopback ports.

    with Skua(["zones/examples"]) as server:
        reply = server.query_udp("example.", "SOA")

The build folder is $SKUA_BUILD, else `build` beside the sources. Leaving the `with` block stops the
programs by pid and fails if any of them stays.
"""

import os
import pathlib
import urllib.error
import urllib.request

import dns.message
import dns.query

import cases
import process

SOURCES = pathlib.Path(__file__).resolve().parents[2]


def build_folder():
    return pathlib.Path(os.environ.get("SKUA_BUILD", SOURCES / "build")).resolve()


def program(name="skua"):
    path = build_folder() / name
    if not path.exists():
        raise process.StartFailed(f"{path} is not there: build first, or set SKUA_BUILD")
    return path


class Skua(process.Process):
    """`skua serve`. zones: files, folders or ORIGIN=FILE; options: more of the command line."""

    name = "skua"

    def __init__(self, zones, *options, address="127.0.0.1", start=True):
        super().__init__()
        self.zones = [str(zone) for zone in zones]
        self.options = [str(option) for option in options]
        self.host = address
        self.port = process.free_port(address)
        self.http_port = process.free_port()
        self.runtime = self.folder / "run"
        self.state = self.folder / "state"
        self.runtime.mkdir(mode=0o700)
        self.state.mkdir(mode=0o700)
        if start:
            try:
                self.start()
            except BaseException:
                self.close()
                raise

    @property
    def address(self):
        return (self.host, self.port)

    def listen(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def listen_options(self):
        """What it is told to listen on; nothing: what its back end takes by itself."""
        return ["--listen", self.listen()]

    def command(self):
        return [program(), "serve", *self.zones, *self.listen_options(),
                "--http", f"127.0.0.1:{self.http_port}", "--runtime-dir", self.runtime,
                "--state-dir", self.state, *self.options]

    def start(self):
        self.launch(self.command())
        self.wait_ready(lambda: self.http("/ready")[0] == 200)

    def dataplane(self):
        """The pid of the dataplane that runs, or will in a moment."""
        return cases.eventually(self._look_for_dataplane, "a dataplane process", 10)

    def _look_for_dataplane(self):
        for pid in self.leftovers():
            try:
                if b"skua-dataplane\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
            except OSError:
                pass  # it has just ended
        return None

    def http(self, path, seconds=5.0):
        """(status, text); status 0 if nobody listens."""
        url = f"http://127.0.0.1:{self.http_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=seconds) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metrics(self):
        """{name: value summed over labels} of /metrics."""
        found = {}
        for line in self.http("/metrics")[1].splitlines():
            if not line or line.startswith("#"):
                continue
            name, _, value = line.rpartition(" ")
            name = name.partition("{")[0]
            found[name] = found.get(name, 0.0) + float(value)
        return found

    def query_udp(self, name, rtype="A", seconds=5.0, **options):
        message = dns.message.make_query(name, rtype, **options)
        return dns.query.udp(message, self.host, seconds, self.port)

    def query_tcp(self, name, rtype="A", seconds=5.0, **options):
        message = dns.message.make_query(name, rtype, **options)
        return dns.query.tcp(message, self.host, seconds, self.port)

    def close(self):
        code, left = self.stop()
        log = self.log()
        super().close()
        if left:
            raise process.StartFailed(f"skua left processes behind: {left}; its output:\n{log}")
        return code
