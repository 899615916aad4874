"""What each --idle costs: latency of single queries at a low rate, and CPU time. Usage: idle.py BUILD [ROUNDS] [QUERIES]

Sockets and AF_XDP on a veth pair between two network namespaces; all modes take turns in each round. The client's own
time (Python, two system calls, the veth) is in every latency. Needs root."""
import glob
import os
import random
import socket
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [os.path.dirname(__file__), os.path.join(os.path.dirname(__file__), "..", "tests", "system")]
from namespace import Link
from make_zone import ORIGIN, write_zone

NAMES = 1000
RATE = 500  # queries a second on average, at random moments: also short after each other
BACK_ENDS = {"socket": ["--listen", "198.18.0.1:53"], "af_xdp": ["--io", "af_xdp:dns0"]}
MODES = ("poll", "adaptive", "interrupt")


def query(number):
    name = b"".join(bytes([len(part)]) + part.encode() for part in f"h{number % NAMES}.{ORIGIN}".rstrip(".").split("."))
    return number.to_bytes(2, "big") + bytes.fromhex("01000001000000000000") + name + bytes.fromhex("0000010001")


def ask(count):
    """Prints the nanoseconds of each query, one a line. Runs on the client."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("198.18.0.1", 53))
        client.settimeout(1)
        for number in range(count):
            message = query(number)
            time.sleep(random.expovariate(RATE))
            started = time.perf_counter_ns()
            client.send(message)
            reply = client.recv(4096)
            took = time.perf_counter_ns() - started
            assert reply[:2] == message[:2] and reply[3] & 15 == 0, reply
            print(took)


def cpu_seconds(pid):
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def wait_for_answers(link):
    for _ in range(200):
        done = subprocess.run(["ip", "netns", "exec", link.client, "kdig", "@198.18.0.1", f"h0.{ORIGIN}", "+time=1", "+retry=0"],
                              capture_output=True, text=True, check=False)
        if "NOERROR" in done.stdout:
            return
        time.sleep(0.05)
    sys.exit("no answer")


def measure(link, build, run, back_end, mode, count):
    """(latencies in ns, CPU seconds, seconds)"""
    server = subprocess.Popen(["ip", "netns", "exec", link.server, "taskset", "-c", "0", f"{build}/skua-dataplane", *BACK_ENDS[back_end],
                               "--idle", mode, "--runtime-dir", run, "--log-level", "error"])
    try:
        wait_for_answers(link)
        before, started = cpu_seconds(server.pid), time.monotonic()
        output = subprocess.run(["ip", "netns", "exec", link.client, "taskset", "-c", "1", sys.executable, __file__, "--ask", str(count)],
                                check=True, capture_output=True, text=True).stdout
        return [int(line) for line in output.split()], cpu_seconds(server.pid) - before, time.monotonic() - started
    finally:
        server.terminate()
        server.wait()


def report(back_end, mode, results):
    took = sorted(value for latencies, _, _ in results for value in latencies)
    cpu, seconds = sum(result[1] for result in results), sum(result[2] for result in results)
    points = "  ".join(f"{name} {took[int(len(took) * part)] / 1000:7.0f}" for name, part in
                       (("50 %", 0.5), ("90 %", 0.9), ("99 %", 0.99), ("99.9 %", 0.999)))
    print(f"{back_end:7} {mode:9}  us: {points}  CPU {100 * cpu / seconds:5.1f} % of a core  ({len(took)} queries)", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--ask":
        ask(int(sys.argv[2]))
        return
    build = os.path.abspath(sys.argv[1])
    rounds, count = (int(word) for word in (sys.argv[2:] + ["5", "1000"][len(sys.argv) - 2:]))
    results = {(back_end, mode): [] for back_end in BACK_ENDS for mode in MODES}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory, Link() as link:
        zone, run = os.path.join(directory, ORIGIN + "zone"), os.path.join(directory, "run")
        with open(zone, "w", encoding="ascii") as file:
            write_zone(file, NAMES)
        control = subprocess.Popen([f"{build}/skua-control", "--http", "off", "--runtime-dir", run, "--log-level", "error", zone])
        try:
            for _ in range(rounds):
                for back_end, mode in results:
                    results[back_end, mode].append(measure(link, build, run, back_end, mode, count))
        finally:
            control.terminate()
            control.wait()
    for (back_end, mode), measured in results.items():
        report(back_end, mode, measured)


if __name__ == "__main__":
    main()
