"""One record changed: from accepted by control's store to visible in an answer."""
import figure
from results import Failure, Sample, quantile

NAME = "update"
TITLE = "One changed record"
WHAT = ("`bench/update`: control's store, compiler and publisher on core 1; the worker's adopting and answering code on core 0, which asks for the "
        "changing name without a pause. From the hand-over of the changed zone to the store until the worker has answered with the new address. "
        "Not in it: reading a source before, the network behind. The rate is that of such changes one after the other, each a commit of its own.")
SECONDS = {"full": 90, "quick": 20, "smoke": 4}

DRAWN = ("p50 until visible", "p99 until visible")


def samples(names, changes):
    visible = {}
    for change in changes:
        visible[int(change["visible"])] = visible.get(int(change["visible"]), 0) + 1
    case = f"{names:,} names"
    for part in (0.5, 0.99):
        yield Sample(NAME, "skua", f"p{100 * part:g} until visible", quantile(visible, part) / 1000, "us", case)
    rate = len(changes) * 1e9 / sum(change["apply"] for change in changes)
    yield Sample(NAME, "skua", "changes one after the other", rate, "changes/s", case)


def measure(bench):
    changes = bench.choose(100, 10, 3)
    for _, text in bench.rounds(bench.choose(3, 2, 1)):
        for names in bench.choose((10, 10_000, 1_000_000), (10, 1_000_000), (10, 1000)):
            bench.step(f"{names:,} names, {text}")
            few = changes if names < 1_000_000 else max(changes // 10, 3)
            try:
                output = figure.run([f"{bench.build}/bench/update", "--names", names, "--changes", few], 300)
                yield from samples(names, [figure.fields(line) for line in output.splitlines()])
            except figure.EXPECTED as error:
                yield Failure(NAME, "skua", f"{names:,} names: {error}")
                return
