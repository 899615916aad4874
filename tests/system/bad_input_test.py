"""bad_input_test: what a user gets wrong is answered by a message that says what to do, exit code 1, and nothing left behind."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile

import cases
from cases import case, expect
from process import free_port, processes_of_session
from skua import Skua, program

GOOD = "@ IN SOA ns hostmaster 1 3600 900 604800 60\n@ IN NS ns\nns IN A 192.0.2.53\n"


def attempt(*words, seconds=30, **options):
    """(exit code, output) of a program that must end by itself and leave no process."""
    child = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True, **options)
    try:
        output, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, 9)
        raise cases.Failure(f"still runs after {seconds} s: {' '.join(map(str, words))}: {child.communicate()[0][-500:]}") from None
    left = processes_of_session(child.pid)
    expect(not left, f"processes left behind: {left}")
    return child.returncode, output


def serve(folder, *words, **options):
    listen = () if "--io" in words else ("--listen", f"127.0.0.1:{free_port()}")  # a loopback address is for sockets alone
    return attempt(program(), "serve", *listen, "--http", "off", "--runtime-dir", folder / "run", *words, **options)


def refused(result, *patterns):
    code, output = result
    expect(code == 1, f"exit code {code}, expected 1; output: {output[-600:]}")
    for pattern in patterns:
        expect(pattern in output, f"no {pattern!r} in: {output[-600:]}")


class Folder:
    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="skua-bad-")
        return pathlib.Path(self.temporary.name)

    def __exit__(self, *unused):
        self.temporary.cleanup()


def good_zone(folder, name="good.test"):
    path = folder / (name + ".zone")
    path.write_text(GOOD)
    return path


@case("bad input: a zone file that is not there")
def missing_file():
    with Folder() as folder:
        refused(serve(folder, folder / "none.zone"), "none.zone", "No such file")


@case("bad input: a directory without zones")
def empty_directory():
    with Folder() as folder:
        (folder / "zones").mkdir()
        refused(serve(folder, folder / "zones"), "zones", ".zone")


@case("bad input: a file that is not text")
def binary_file():
    with Folder() as folder:
        (folder / "binary.test.zone").write_bytes(bytes(range(256)) * 4000)
        refused(serve(folder, folder / "binary.test.zone"), "binary.test.zone", "text")
        code, output = attempt(program(), "check", folder / "binary.test.zone")
        expect(code == 1 and len(output.splitlines()) < 20, f"{code}, {len(output.splitlines())} lines: {output[:300]}")


@case("bad input: a name of 256 octets, a label of 64")
def long_names():
    with Folder() as folder:
        zone = good_zone(folder)
        zone.write_text(GOOD + "a" * 64 + " IN A 192.0.2.1\n" + ".".join(["b" * 49] * 5) + " IN A 192.0.2.2\n")
        code, output = attempt(program(), "check", zone)
        expect(code == 1, f"exit code {code}")
        expect("good.test.zone:4:1: " in output and "63" in output, output)
        expect("good.test.zone:5:" in output and "255" in output, output)


@case("bad input: 100,000 errors in one file")
def many_errors():
    with Folder() as folder:
        zone = good_zone(folder)
        with zone.open("a") as file:
            file.write("x IN A not-an-address\n" * 100000)
        code, output = attempt(program(), "check", zone, seconds=60)
        lines = output.splitlines()
        expect(code == 1, f"exit code {code}")
        expect("good.test.zone:4:" in output, output[:300])
        expect(len(lines) < 1000, f"{len(lines)} lines of output")
        expect("100000" in output.replace(",", ""), "the count of errors is not said: " + output[-300:])


@case("bad input: every problem is reported, not only the first")
def all_problems():
    with Folder() as folder:
        zone = good_zone(folder)
        zone.write_text(GOOD + "a IN A 192.0.2.300\nb IN NOSUCHTYPE x\nc IN A 192.0.2.1\nc IN CNAME ns\nd IN MX ten ns\n"
                        "e IN NAPTR 1 1 \"a\" \"x\" \"\" nowhere\nother.example. IN A 192.0.2.1\n")
        code, output = attempt(program(), "check", zone)
        expect(code == 1, f"exit code {code}")
        for line in (4, 5, 8, 9, 10):
            expect(f"good.test.zone:{line}:" in output, f"nothing about line {line}: {output}")
        expect("CNAME" in output, output)


@case("bad input: two files of one zone: each is named")
def two_of_one():
    with Folder() as folder:
        first, second = good_zone(folder), folder / "copy.zone"
        second.write_text("$ORIGIN good.test.\n" + GOOD)
        for words in (("check", first, f"good.test={second}"), ("compile", first, f"good.test={second}", "-o", folder / "image")):
            refused(attempt(program(), *words), f"{second}: {first} has the same zone; keep only one of the two")


@case("bad input: a warning about a zone says once in the log that it is one")
def warnings_of_zones():
    with Folder() as folder:
        zone = good_zone(folder)
        zone.write_text(GOOD + "x 60 IN A 192.0.2.1\nx 61 IN A 192.0.2.2\n")
        code, output = attempt(program(), "check", zone)
        expect(code == 0 and re.search(r"good\.test\.zone:5:\d+: warning: ", output), output)
        with Skua([zone]) as server:
            lines = [line for line in server.log().splitlines() if "good.test.zone:5:" in line]
            expect(lines and all(line.count("warning") == 1 and " warning control.zone " in line for line in lines), server.log())


@case("bad input: a port that is in use, UDP and TCP")
def port_in_use():
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with Folder() as folder, socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            if kind == socket.SOCK_STREAM:
                taken.listen()
            port = taken.getsockname()[1]
            refused(attempt(program(), "serve", "--listen", f"127.0.0.1:{port}", "--http", "off", "--runtime-dir", folder / "run",
                            good_zone(folder)), str(port), "in use")


@case("bad input: the HTTP port is in use")
def http_port_in_use():
    with Folder() as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(attempt(program(), "serve", "--listen", f"127.0.0.1:{free_port()}", "--http", f"127.0.0.1:{port}",
                        "--runtime-dir", folder / "run", good_zone(folder)), str(port), "in use")


@case("bad input: an interface that does not exist")
def no_interface():
    with Folder() as folder:
        refused(serve(folder, "--io", "af_xdp:nosuch0", good_zone(folder)), "nosuch0", "lo")


@case("bad input: a back end that does not exist")
def no_back_end():
    with Folder() as folder:
        code, output = serve(folder, "--io", "pigeon", good_zone(folder))
        expect(code in (1, 2), f"exit code {code}")
        expect("pigeon" in output and "socket" in output, output[-400:])


@case("bad input: DPDK without huge pages")
def no_huge_pages():
    if int(pathlib.Path("/proc/sys/vm/nr_hugepages").read_text()) != 0:
        raise cases.Skip("this machine has huge pages")
    with Folder() as folder:
        refused(serve(folder, "--io", "dpdk:--no-pci --vdev=net_null0", good_zone(folder)), "huge", "nr_hugepages")


@case("bad input: no privileges")
def no_privileges():
    if os.geteuid() != 0:
        raise cases.Skip("needs root, to give it up")
    with Folder() as folder:
        folder.chmod(0o777)
        zone = good_zone(folder)
        for io, words in (("socket", ("--listen", "127.0.0.1:53")), ("af_xdp:lo", ())):
            os.chmod(folder, 0o777)
            result = attempt("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
                             "env", "HOME=/", "sh", "-c", "exec \"$0\" \"$@\"", staged_program(folder), "serve", "--io", io, *words, "--http", "off",
                             "--runtime-dir", folder / f"run-{io[:3]}", zone)
            low = unprivileged_port_start()
            if io == "socket" and low <= 53:
                continue
            refused(result, "CAP_" if io != "socket" else "ermission")


def unprivileged_port_start():
    return int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())


def staged_program(folder):
    """The programs where another user may run them, whatever the rights of the build folder."""
    target = folder / "programs"
    if not target.exists():
        target.mkdir(mode=0o755)
        for name in ("skua", "skua-control", "skua-dataplane"):
            subprocess.run(["cp", str(program(name)), str(target)], check=True)
    return target / "skua"


@case("bad input: a runtime directory that can't be made")
def no_runtime_dir():
    with Folder() as folder:
        (folder / "file").write_text("")
        refused(attempt(program(), "serve", "--listen", f"127.0.0.1:{free_port()}", "--http", "off",
                        "--runtime-dir", folder / "file" / "run", good_zone(folder)), "file/run")


@case("bad input: zones that do not fit into the runtime directory's file system")
def full_runtime_dir():
    if os.geteuid() != 0:
        raise cases.Skip("a file system of its own needs root")
    with Folder() as folder:
        (folder / "run").mkdir()
        zone = good_zone(folder)
        zone.write_text(GOOD + "".join(f"h{i} IN A 192.0.2.1\n" for i in range(100000)))
        result = attempt("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=4m none "$0" && exec "$@"', folder / "run",
                         program(), "serve", "--listen", f"127.0.0.1:{free_port()}", "--http", "off", "--runtime-dir", folder / "run", zone)
        refused(result, f"{folder}/run: no room for", "its file system is full (", "of 4 MiB free)", "--runtime-dir")
        expect("--arena-size" not in result[1], result[1])


@case("bad input: an unknown option, and no zone")
def usage():
    for words in (("serve", "--no-such-option"), ("serve",), ("nosuchcommand",)):
        code, output = attempt(program(), *words)
        expect(code == 2 and "skua" in output, f"{words}: exit code {code}: {output[-300:]}")


@case("bad input: configuration with an unknown key, a wrong type, an unset variable")
def configuration():
    with Folder() as folder:
        zone = good_zone(folder)
        for text, place, word in ((f"zones: [{zone}]\nworkerz: 2\n", ":2:1", "workers"),
                                  (f"zones: [{zone}]\nworkers: many\n", ":2:", "number"),
                                  (f"zones: [{zone}]\nlisten: [\"${{NO_SUCH_VARIABLE}}:53\"]\n", ":2:", "NO_SUCH_VARIABLE"),
                                  ("zones: [\n", ":", "skua.yaml")):
            (folder / "skua.yaml").write_text(text)
            refused(serve(folder, "--config", folder / "skua.yaml"), "skua.yaml" + place, word)


@case("bad input: one bad zone of three does not stop the others")
def one_bad_zone():
    with Folder() as folder:
        zones = folder / "zones"
        zones.mkdir()
        for name in ("a.test", "c.test"):
            good_zone(zones, name)
        (zones / "b.test.zone").write_text(GOOD + "x IN A nonsense\n")
        with Skua([zones]) as server:
            for name, rcode in (("ns.a.test", 0), ("ns.b.test", 5), ("ns.c.test", 0)):
                cases.expect_equal(server.query_udp(name).rcode(), rcode, name)
            expect("b.test.zone:4:" in server.log(), server.log())


cases.main()
