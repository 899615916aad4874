"""Two workers against one, without I/O."""
import figure
from results import Failure, Sample

NAME = "scaling"
TITLE = "Two workers against one, without packet I/O"
WHAT = ("`bench/scaling`: A hits of one shared image on core 0, on core 1 and on both, in turns. The ratio is the rate of both over the mean of "
        "the two alone. Two hyperthreads of one core, or a machine that others use, give less than two cores.")
SECONDS = {"full": 30, "quick": 5, "smoke": 3}

DRAWN = ("rate",)


def measure(bench):
    names = bench.choose(100_000, 100_000, 100)
    words = [f"{bench.build}/bench/scaling", "--names", names, "--samples", bench.choose(7, 3, 1), "--seconds", bench.choose(1, 0.5, 0.02)]
    bench.step(f"{names:,} names")
    rates = {}
    try:
        for line in figure.run(words, 300).splitlines():
            values = figure.fields(line)
            rates.setdefault(values["sample"], {})[values["workers"]] = values["answers_per_s"]
    except figure.EXPECTED as error:
        yield Failure(NAME, "skua", str(error))
        return
    for rate in rates.values():
        for workers, value in rate.items():
            yield Sample(NAME, "skua", "rate", value, "answers/s", {"first": "core 0", "second": "core 1", "both": "both"}[workers])
        yield Sample(NAME, "skua", "both over one", 2 * rate["both"] / (rate["first"] + rate["second"]), "times")
