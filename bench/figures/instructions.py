"""Instructions for an answer, by callgrind: the one figure that any machine repeats."""
import os
import re

import figure
from results import Failure, Sample

NAME = "instructions"
TITLE = "Instructions for an answer"
WHAT = ("`valgrind --tool=callgrind` over `bench/answer`, only what `answer_batch()` executes in bursts of 64; no other work of the machine is in it.")
SECONDS = {"full": 60, "quick": 15, "smoke": 6}
DRAWN = ("instructions per answer",)
KINDS = ("hit", "nxdomain", "wildcard", "cname", "naptr", "referral", "signed", "cookie", "mixed")


def count(bench, kind, names, questions):
    out = os.path.join(bench.folder, "callgrind.out")
    words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--toggle-collect=answer_one_burst*", f"{bench.build}/bench/answer",
             "--names", names, "--kinds", kind, "--exactly", questions]
    answered = figure.fields(figure.run(words, 300))["answered"]
    with open(out, encoding="ascii", errors="replace") as file:
        total = re.search(r"^(?:totals|summary): (\d+)", file.read(), re.M)
    os.unlink(out)
    if not total or answered != questions:
        raise figure.Failed(f"callgrind counted nothing, or {answered:.0f} of {questions} questions were answered")
    return int(total[1]) / questions


def measure(bench):
    names = bench.choose(10_000, 10_000, 100)
    questions = bench.choose(65536, 16384, 1024)
    for kind in bench.choose(KINDS, KINDS, KINDS[:2]):
        bench.step(kind)
        try:
            yield Sample(NAME, "skua", "instructions per answer", count(bench, kind, names, questions), "instructions", kind)
        except figure.EXPECTED as error:
            yield Failure(NAME, "skua", f"{kind}: {error}")
            return
