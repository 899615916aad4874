"""serve_test: `skua serve` when those around it behave badly: its reader ends, its daemons are stopped, it is stopped early."""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile

import cases
import process
from cases import case, eventually, expect, expect_equal
from skua import SOURCES, Skua, program


def pids(server):
    done = subprocess.run([program(), "status", "--json", "--runtime-dir", server.runtime], capture_output=True, text=True, check=False)
    status = json.loads(done.stdout)
    return status["control"]["pid"], status["dataplane"]["pid"]


def answers(server):
    try:
        return server.query_udp("epc.mnc001.mcc001.3gppnetwork.org", "SOA", seconds=0.5).rcode() == 0
    except Exception:
        return False


ZONES = [SOURCES / "zones" / "examples"]


@case("serve: goes on, and starts what dies again, after the reader of its output has ended")
def reader_ends():
    with Skua(ZONES, start=False) as server:
        server.log_file = open(server.folder / "log", "ab")
        server.arguments = [str(argument) for argument in server.command()]
        server.child = subprocess.Popen(server.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, cwd=server.folder, start_new_session=True)
        server.wait_ready(lambda: server.http("/ready")[0] == 200)
        server.child.stdout.close()
        for which in (1, 0):
            os.kill(pids(server)[which], signal.SIGKILL)
            eventually(lambda: server.http("/ready")[0] == 200 and answers(server), "ready again")
        expect(server.running(), "serve runs")


@case("serve: stops daemons that were stopped with SIGSTOP")
def stopped_daemons():
    with Skua(ZONES) as server:
        for pid in pids(server):
            os.kill(pid, signal.SIGSTOP)
        code, left = server.stop(9.0)
        expect_equal((code, left), (0, []), "exit code, processes left")
        expect("killing" not in server.log(), "asked, not killed")


@case("serve: a request to stop at any moment of its start leaves no process and no memory")
def stopped_early():
    for _ in range(30):
        with Skua(ZONES, start=False) as server:
            server.launch(server.command())
            try:
                server.child.wait(random.random() * 0.06)
            except subprocess.TimeoutExpired:
                pass
            server.child.send_signal(signal.SIGTERM)
            server.child.wait(20)
            eventually(lambda: not server.leftovers(), "no process left", 5.0)
            left = [path.name for path in server.runtime.iterdir() if path.name.startswith("arena.")]
            expect_equal(left, [], "arenas left")


@case("serve: a runtime directory that belongs to somebody else is refused")
def foreign_directory():
    if os.geteuid() != 0:
        raise cases.Skip("needs root, to make a directory of another user")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o1777)  # as /dev/shm: anybody may make a directory there
        runtime = pathlib.Path(folder, "run")
        runtime.mkdir(mode=0o777)
        os.chown(runtime, 12345, 12345)
        done = subprocess.run([program(), "serve", *ZONES, "--http", "off", "--listen", f"127.0.0.1:{process.free_port()}",
                               "--runtime-dir", runtime], capture_output=True, text=True, check=False, timeout=30)
        expect_equal(done.returncode, 1, "exit code")
        expect("another user" in done.stderr and "--runtime-dir" in done.stderr, done.stderr)
        expect_equal(list(runtime.iterdir()), [], "files in it")


@case("serve: HTTP answers again once too many silent clients have gone")
def silent_clients():
    with Skua(ZONES) as server:
        clients = [socket.create_connection(("127.0.0.1", server.http_port), 5) for _ in range(100)]
        for client in clients:
            client.sendall(b"GET /metr")
        expect_equal(pids(server)[0] > 0, True, "status over the unix socket meanwhile")
        for client in clients:
            client.close()
        eventually(lambda: server.http("/health", 1.0)[0] == 200, "HTTP answers", 10.0)


cases.main()
