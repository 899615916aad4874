"""Answers a second from one core over memif, every answer checked; and what the link itself can do.

Usage: memif.py BUILD [--names N] [--seconds S] [--runs R] [--rate QPS] [--zero-copy]
Core 0 answers, core 1 asks (bench/memif_generator). First testpmd's 5tswap takes Skua's place: it returns frames as
they are, and so gives the ceiling. Neither huge pages nor a network card are needed."""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from make_zone import write_zone

MEMORY = ["--no-huge", "-m", "512"]
EAL = MEMORY + ["--no-shconf", "--no-pci", "--no-telemetry", "--log-level=*:error"]


def device(folder, role, more=""):
    return f"--vdev=net_memif0,role={role},id=0,socket={folder}/memif.sock,socket-abstract=no{more}"


def generate(options, folder, *more):
    """One run of the generator, its line as a dictionary."""
    command = [f"{options.build}/bench/memif_generator", "-l", "1", *EAL,
               device(folder, "client", ",zero-copy=yes" if options.zero_copy else ""),
               *(["--single-file-segments"] if options.zero_copy else []), "--",
               "--names", str(options.names), "--seconds", str(options.seconds), *more]
    if options.rate:
        command += ["--rate", str(options.rate)]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=options.seconds + 60, check=False)
    fields = dict(word.split("=") for word in output.stdout.split())
    if "answered_per_s" not in fields:
        sys.exit("memif: the generator failed")
    return {key: float(value) for key, value in fields.items()}


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ceiling(options, folder):
    with open(f"{folder}/testpmd.log", "wb") as log:
        testpmd = subprocess.Popen(["stdbuf", "-oL", "dpdk-testpmd", "--lcores=0@1,1@0", *EAL, device(folder, "server"), "--",
                                    "--forward-mode=5tswap", "--no-flush-rx", "--burst=64", "--total-num-mbufs=16384", "--nb-cores=1", "--auto-start"],
                                   stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        wait_for(lambda: b"Press enter" in open(f"{folder}/testpmd.log", "rb").read(), "testpmd (Debian: dpdk-dev)")
        return [generate(options, folder, "--echo") for _ in range(options.runs)]
    finally:
        stop(testpmd)


def wait_for(condition, who):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"memif: {who} does not start")
        time.sleep(0.01)


def skua(options, folder):
    zone = f"{folder}/epc.zone"
    with open(zone, "w", encoding="ascii") as file:
        write_zone(file, options.names)
    places = ["--runtime-dir", f"{folder}/run"]
    os.mkdir(f"{folder}/run")
    control = subprocess.Popen([f"{options.build}/skua-control", zone, "--http", "off", "--state-dir", f"{folder}/state", *places])
    with open(f"{folder}/dataplane.log", "wb") as log:
        dataplane = subprocess.Popen([f"{options.build}/skua-dataplane", "--cores", "0", *places, "--io",
                                      "dpdk:" + " ".join(MEMORY + [device(folder, "server")])], stderr=log)
    try:
        wait_for(lambda: b" answering " in open(f"{folder}/dataplane.log", "rb").read(), "Skua")
        return [generate(options, folder) for _ in range(options.runs)]
    finally:
        stop(dataplane)
        stop(control)


def show(what, runs):
    best = max(runs, key=lambda run: run["answered_per_s"])
    rates = " ".join(f"{run['answered_per_s'] / 1e6:.2f}" for run in runs)
    lost = sum(run["lost"] for run in runs)
    wrong = sum(run["wrong"] for run in runs)
    print(f"{what:<16} best {best['answered_per_s'] / 1e6:.2f} million answers/s  (runs: {rates})  lost {lost:.0f}  wrong {wrong:.0f}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--names", type=int, default=100000)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rate", type=int, help="queries a second to offer; default: as fast as answered")
    parser.add_argument("--zero-copy", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        show("testpmd 5tswap", ceiling(options, folder))
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        sys.exit(1 if show("skua", skua(options, folder)) else 0)


if __name__ == "__main__":
    main()
