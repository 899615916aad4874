"""One record changed: from accepted by control's store to visible in an answer, and how many a second."""
import figure
from figures.answer import memory_available
from results import Failure, Sample

NAME = "update"
TITLE = "Changed records"
WHAT = ("`bench/update`: control's store, compiler and publisher on core 1; the worker's adopting and answering code on core 0, which asks for the "
        "changing name without a pause. A change gives one host another address. Until visible: one change after the other, each from its hand-over "
        "to the store until the worker has answered with the new address. A second: as fast as they can be made, each a commit of its own, or 100 to "
        "a commit; the last is awaited in an answer. Not in it: reading a source before, the network behind.")
SECONDS = {"full": 100, "quick": 25, "smoke": 6}

DRAWN = ("p50 until visible", "p99 until visible", "changes a second, a commit each")
PARTS = {"p50": "p50", "p99": "p99", "p99.9": "p999"}
LARGE = 10_000_000


def run(bench, names, *words):
    output = figure.run([f"{bench.build}/bench/update", "--names", names, *words], 300)
    return figure.fields(" ".join(output.splitlines()))


def measure_one(bench, names):
    case = f"{names:,} names"
    values = run(bench, names, "--changes", bench.choose(20_000, 5000, 200))
    for text, key in PARTS.items():
        yield Sample(NAME, "skua", f"{text} until visible", values[f"visible_{key}"] / 1000, "us", case)
    for text, batch in (("a commit each", 1), ("100 to a commit", 100)):
        values = run(bench, names, "--seconds", bench.choose(3, 1, 1), "--batch", batch)
        yield Sample(NAME, "skua", f"changes a second, {text}", values["changes"] / values["seconds"], "changes/s", case)


def measure(bench):
    sizes = bench.choose([10, 10_000, 1_000_000], [10, 1_000_000], [10, 1000])
    for turn, text in bench.rounds(bench.choose(3, 1, 1)):
        large = [LARGE] if turn == 1 and bench.choose(True, False, False) and memory_available() > 8 << 30 else []
        for names in sizes + large:
            bench.step(f"{names:,} names, {text}")
            try:
                yield from measure_one(bench, names)
            except figure.EXPECTED as error:
                yield Failure(NAME, "skua", f"{names:,} names: {error}")
                return
