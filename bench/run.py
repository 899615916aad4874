"""Measures this machine and writes docs/bench: tables, JSON and plots. See scripts/bench --help."""
import argparse
import importlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[1:1] = [str(HERE.parent / "tests" / "system")]
import figures as order  # noqa: E402
import machine  # noqa: E402
import plan  # noqa: E402
import report  # noqa: E402
from results import Failure, Results  # noqa: E402

DOCS = HERE.parent / "docs" / "bench"
# Programs with a table of their own, for questions beside the headline figures (docs/bench/more.md).
PROGRAMS = {
    "views": ["taskset", "-c", "0", "{build}/bench/views"],
    "limits": ["taskset", "-c", "0", "{build}/bench/limits"],
    "idle": ["/usr/bin/python3", str(HERE / "idle.py"), "{build}"],
}
ISOLATED = "SKUA_BENCH_ISOLATED"
GRACE = 1.15  # of the time for all: then whatever runs is ended


def isolate():
    """Runs this again with namespaces of its own for network, mounts and processes: whatever happens, even kill -9, the kernel then
    takes away every process, link, mount and temporary file that the run has made. Returns where this is that run, or not root."""
    if os.environ.get(ISOLATED):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        os.makedirs("/run/netns", exist_ok=True)
        for folder in ("/dev/shm", "/run/netns"):
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90%", "skua-bench", folder], check=True)
        return True
    if os.geteuid() != 0:
        return False
    # Dies with this process, and all in its namespace of processes with it.
    child = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                              sys.executable, "-B", *sys.argv], env=dict(os.environ, **{ISOLATED: "1"}))

    def leave(number, _):
        child.kill()
        raise SystemExit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, leave)
    sys.exit(child.wait())


def time_over(*_):
    raise plan.TimeOver()


def measure_all(bench, chosen):
    """What was measured until the time was over is kept, and what was not is said."""
    results, waiting = Results(), list(chosen)
    signal.signal(signal.SIGALRM, time_over)
    signal.alarm(int(plan.SCALES[bench.scale] * GRACE))
    try:
        while waiting:
            bench.begin(waiting[0])
            for item in waiting[0].measure(bench):
                results.add(item)
            waiting.pop(0)
    except plan.TimeOver:
        for figure in waiting:
            results.add(Failure(figure.NAME, "all", "the time was over"))
    finally:
        signal.alarm(0)
        bench.progress.end()
    return results


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures Skua against Debian's Knot DNS, NSD, BIND and testpmd on this machine, side by "
                                     "side. Without names: all figures, and docs/bench is written. Needs root for namespaces; sends nothing outside of them.")
    names = [*order.ALL, *PROGRAMS]
    parser.add_argument("figure", nargs="*", metavar="FIGURE", help="only these, printed: " + " ".join(names))
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument("--quick", dest="scale", action="store_const", const="quick", default="full", help="5 minutes instead of 30")
    scale.add_argument("--smoke", dest="scale", action="store_const", const="smoke", help="tiny sizes, a minute: shows that all runs; the figures mean nothing")
    parser.add_argument("--out", metavar="DIR", help="write there; default: docs/bench if all figures are measured, else nowhere")
    parser.add_argument("--build", default=str(HERE.parent / "build"), help="release build; default: build")
    options = parser.parse_args()
    unknown = [name for name in options.figure if name not in names]
    if unknown:
        parser.error(f"no such figure: {', '.join(unknown)}; there are {' '.join(names)}")
    options.build = os.path.abspath(options.build)
    return options


def run_programs(options):
    for name in options.figure:
        if name in PROGRAMS:
            subprocess.run([word.format(build=options.build) for word in PROGRAMS[name]], check=True)


def main():
    options = parse()
    names = [name for name in order.ALL if not options.figure or name in options.figure]
    out = options.out or (None if options.figure else str(DOCS))
    if options.scale == "smoke" and not options.out:
        out = None
    chosen = [importlib.import_module(f"figures.{name}") for name in names]
    isolated = isolate()
    run_programs(options)
    if not chosen:
        return
    with tempfile.TemporaryDirectory(prefix="skua-bench-", dir="/dev/shm") as folder:
        tempfile.tempdir = folder
        os.chmod(folder, 0o755)
        described = machine.describe(options.scale, options.build)
        results = measure_all(plan.Bench(options.scale, options.build, folder, isolated, chosen), chosen)
    if out:
        report.write(out, chosen, results, described)
        print(f"{out}: README.md, results.json and plots")
    else:
        print(report.markdown(chosen, results, described, {}))
    for failure in results.failures:
        print(f"bench: {failure.figure}: {failure.subject}: not measured: {failure.reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
