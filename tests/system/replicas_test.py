"""replicas_test: the image in several replicas: each worker reads its own, all answer alike and follow every change, and
nothing is left of them."""

import json
import os
import pathlib
import re
import signal
import subprocess

import dns.exception

import cases
from cases import case, eventually, expect, expect_equal
from huge_pages import HugePages
from skua import Skua, program
from small_zone import HEAD, ORIGIN

ASKED = 64  # from a port each, so that both workers get some


def write_zone(folder, version):
    path = folder / (ORIGIN + ".zone")
    temporary = path.with_suffix(".new")
    temporary.write_text(HEAD + "".join(f"h{i} IN A 198.18.{version}.{i}\n" for i in range(200)))
    temporary.rename(path)
    return path


def address_of(server, number):
    try:
        reply = server.query_udp(f"h{number}.{ORIGIN}.", "A", seconds=1.0)
    except (dns.exception.Timeout, OSError):
        return None
    return reply.answer[0][0].to_text() if reply.answer else None


def serves(server, version):
    return all(address_of(server, number) == f"198.18.{version}.{number}" for number in range(ASKED))


def status(server):
    done = subprocess.run([program(), "status", "--json", "--runtime-dir", server.runtime], capture_output=True,
                          text=True, check=False)
    return json.loads(done.stdout)


def pid_of(server, which):
    return status(server)[which].get("pid")


def killed(server, which):
    """kill -9, and its pid; returns when another runs and all is ready."""
    pid = pid_of(server, which)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: pid_of(server, which) not in (None, pid), f"another {which}")
    eventually(lambda: server.http("/ready")[0] == 200, f"ready after the {which} was killed")


def arenas(server):
    return sorted(path.name for path in server.runtime.glob("arena.*"))


def mapped(server):
    """Names of the arenas that the dataplane has mapped."""
    maps = pathlib.Path(f"/proc/{pid_of(server, 'dataplane')}/maps").read_text(encoding="utf-8", errors="replace")
    return sorted(set(re.findall(r"arena\.\d+(?:\.\d+)?", maps)))


def expect_replicas(server, count):
    found = status(server)
    replicas = found["image"]["replicas"]
    expect_equal(len(replicas), count, "replicas in the status")
    expect(all(item["arena_bytes"] == replicas[0]["arena_bytes"] > 0 for item in replicas), f"their memory: {replicas}")
    expect_equal(found["image"]["arena_bytes"], count * replicas[0]["arena_bytes"], "memory of all")
    workers = [worker for worker in found["workers"] if worker["io"] != "stream"]
    expect_equal([worker["replica"] for worker in workers], [i % count for i in range(len(workers))],
                 "which replica each worker reads")


def both_answered(server):
    return all(worker["answers"] > 0 for worker in status(server)["workers"] if worker["io"] != "stream")


def settled(server, count):
    """Only the newest arena is there, and mapped."""
    names = arenas(server)
    number = names[0].split(".")[1] if names else ""
    wanted = [f"arena.{number}"] + [f"arena.{number}.{i}" for i in range(1, count)]
    return names == wanted and mapped(server) == wanted


def options(count):
    cores = sorted(os.sched_getaffinity(0))[:2]
    return ["--replicas", str(count), "--workers", "2"] + (["--cores", f"{cores[0]},{cores[1]}"] if len(cores) == 2 else [])


def follow(server, folder):
    """Right answers through a reload and the end of either program."""
    expect(serves(server, 1), "an answer is not of version 1")
    eventually(lambda: serves(server, 1) and both_answered(server), "both workers answer")
    expect_replicas(server, 2)
    write_zone(folder, 2)
    eventually(lambda: serves(server, 2), "version 2 from both workers")
    for version, which in ((3, "control"), (4, "dataplane"), (5, "control")):
        killed(server, which)
        eventually(lambda: serves(server, version - 1), f"answers after the {which} was killed")
        write_zone(folder, version)
        eventually(lambda: serves(server, version), f"version {version} from both workers")
        expect_replicas(server, 2)
        eventually(lambda: settled(server, 2), "older arenas gone")


@case("replicas: two, with a worker on each: reload, restart of both programs, status")
def two():
    folder = pathlib.Path(f"/dev/shm/skua-replicas-{os.getpid()}")
    folder.mkdir()
    try:
        with Skua([write_zone(folder, 1)], *options(2)) as server:
            follow(server, folder)
            expect_equal(server.query_tcp(f"h1.{ORIGIN}.", "A").answer[0][0].to_text(), "198.18.5.1", "over TCP")
            table = subprocess.run([program(), "status", "--runtime-dir", server.runtime], capture_output=True, text=True,
                                   check=False).stdout
            expect("2 replicas: " in table, table)
            expect(server.metrics()["skua_replica_arena_bytes"] == server.metrics()["skua_arena_bytes"] > 0, "metrics")
            server.stop()
            expect_equal(arenas(server), [], "arenas left")
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=False)


@case("replicas: on huge pages; nothing stays there")
def on_huge_pages():
    with HugePages() as huge:
        folder = pathlib.Path(f"/dev/shm/skua-replicas-{os.getpid()}")
        folder.mkdir()
        try:
            with Skua([write_zone(folder, 1)], *options(2), "--huge-pages", huge) as server:
                expect_equal(len(list(huge.iterdir())), 2, "files on the huge pages")
                expect(serves(server, 1), "an answer is not of version 1")
                expect_replicas(server, 2)
                killed(server, "control")
                write_zone(folder, 2)
                eventually(lambda: serves(server, 2), "version 2")
                eventually(lambda: len(list(huge.iterdir())) == 2, "older arenas gone")
            expect_equal(list(huge.iterdir()), [], "left on the huge pages")
        finally:
            subprocess.run(["rm", "-rf", str(folder)], check=False)


def nodes(name):
    """Of a list of the kernel, as 0-1,4; what it does not tell is node 0."""
    try:
        text = pathlib.Path("/sys/devices/system/node", name).read_text(encoding="ascii").strip()
    except OSError:
        return {0}
    found = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


@case("replicas: as many as NUMA nodes if nobody says, and one if told so")
def by_itself():
    folder = pathlib.Path(f"/dev/shm/skua-replicas-{os.getpid()}")
    folder.mkdir()
    try:
        zone = write_zone(folder, 1)
        with Skua([zone]) as server:
            wanted = len(nodes("has_cpu") & nodes("has_memory"))
            expect_equal(len(status(server)["image"]["replicas"]), wanted, "replicas")
        with Skua([zone], "--replicas", "1") as server:
            expect(serves(server, 1), "an answer is not of version 1")
            expect_equal(len(arenas(server)), 1, "arenas")
            expect_equal(status(server)["image"]["replicas"][0]["node"], None, "its node")
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=False)


@case("replicas: a number that can't be is refused")
def refused():
    for value in ("0", "17", "some"):
        done = subprocess.run([program(), "serve", "--replicas", value, "x=y"], capture_output=True, text=True, check=False,
                              timeout=30)
        expect_equal(done.returncode, 2, f"exit code of --replicas {value}")
        expect("replicas" in done.stderr, done.stderr)


cases.main()
