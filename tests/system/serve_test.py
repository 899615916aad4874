"""serve_test: `skua serve` when those around it behave badly: its reader ends, its daemons are stopped, it is stopped early."""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile

import cases
import process
from cases import case, eventually, expect, expect_equal
from skua import SOURCES, Skua, build_folder, program


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


IN_A_NAMESPACE = """
mount -t tmpfs none /run && ip link set dev lo up || exit 99
[ -z "$1" ] || { "$1" serve --listen 127.0.0.1:5300 --http off -r /run/another "$2/zones/examples" & other=$!; }
[ -z "$1" ] || until grep -q "is ready" "$2/another"; do sleep 0.1; done
"$2/scripts/run" --check
code=$?
[ -z "$1" ] || kill -TERM $other && wait
exit $code
"""


@contextlib.contextmanager
def checkout():
    """What scripts/run looks for, already built."""
    with tempfile.TemporaryDirectory(prefix="skua-run-") as name:
        folder = pathlib.Path(name)
        (folder / "scripts").mkdir()
        shutil.copy2(SOURCES / "scripts/run", folder / "scripts")
        for script in ("setup", "build"):
            (folder / "scripts" / script).write_text("#!/bin/sh\n")
            (folder / "scripts" / script).chmod(0o755)
        (folder / "build").symlink_to(build_folder())
        (folder / "zones").symlink_to(SOURCES / "zones")
        yield folder


@case("serve: scripts/run --check shows its own answers, and not those of another Skua on its port")
def run_script():
    if os.geteuid() != 0:
        raise cases.Skip("a network namespace needs root")
    for other, code, says in (("", 0, "every answer is right"), (program(), 1, "can't listen on 127.0.0.1:5300")):
        with checkout() as folder:
            with open(folder / "another", "wb") as log:
                done = subprocess.run(["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", IN_A_NAMESPACE, "sh", str(other), str(folder)],
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, timeout=120, check=False)
            output = (folder / "another").read_text()
            expect_equal(done.returncode, code, f"exit status: {output}")
            expect(says in output, f"no {says!r} in {output}")
            expect(("every answer is right" in output) == (code == 0), output)


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
