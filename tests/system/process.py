"""process: a server under test: started in a session of its own, waited for, stopped by its pid.

Nothing is ever looked for by name: other tests may run the same programs at the same time.
"""

import errno
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

READY_SECONDS = 60.0  # only ends a hung start


class StartFailed(Exception):
    pass


def _leave(number, frame):
    raise SystemExit(128 + number)


# A test that is told to stop (by `timeout`, by CI) still stops its servers: `finally` is run.
signal.signal(signal.SIGTERM, _leave)


def free_port(address="127.0.0.1"):
    """A port that is free for UDP and TCP, outside the range that the kernel gives to clients."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as udp, \
                 socket.socket(family, socket.SOCK_STREAM) as tcp:
                udp.bind((address, port))
                tcp.bind((address, port))
                return port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise StartFailed("no free port between 20000 and 32000")


def processes_of_session(session):
    """Pids of the living processes of a session."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = pathlib.Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[3]) == session:
            found.append(int(entry))
    return found


def alive(pid):
    """False: it has ended, though its parent may not know yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Process:
    """One program with a temporary folder, its output in <folder>/log."""

    name = "process"

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"skua-test-{self.name}-"))
        self.child = None

    def launch(self, arguments, environment=None):
        self.arguments = [str(argument) for argument in arguments]
        self.log_file = open(self.folder / "log", "ab")
        self.child = subprocess.Popen(
            self.arguments, stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=self.log_file,
            cwd=self.folder, start_new_session=True, env=environment)

    def log(self):
        try:
            return (self.folder / "log").read_text(errors="replace")
        except OSError:
            return ""

    def explain(self, what):
        lines = self.log().splitlines()[-15:]
        output = "".join(f"\n    {line}" for line in lines) or " (no output)"
        return f"{self.name}: {what}; command: {' '.join(self.arguments)}; its output:{output}"

    def wait_ready(self, question, seconds=READY_SECONDS):
        """Asks until the server is ready; if it ends or never is, says what it wrote."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.child.poll() is not None:
                raise StartFailed(self.explain(f"ended with {self.child.returncode}"))
            if question():
                return
            time.sleep(0.02)
        raise StartFailed(self.explain(f"not ready within {seconds:g} s"))

    def running(self):
        return self.child is not None and self.child.poll() is None

    def leftovers(self):
        return processes_of_session(self.child.pid) if self.child else []

    def stop(self, seconds=20.0):
        """Ends it as an operator would; returns (exit code, leftover pids that had to be killed)."""
        if self.child is None:
            return None, []
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        end = time.monotonic() + 2.0
        while self.leftovers() and time.monotonic() < end:
            time.sleep(0.02)
        left = self.leftovers()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        code = self.child.wait()
        self.child = None
        self.log_file.close()
        return code, left

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
