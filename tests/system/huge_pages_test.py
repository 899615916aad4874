"""huge_pages_test: the image on huge pages, where the host has some."""

import cases
from cases import case, expect, expect_equal
from huge_pages import RESERVE, HugePages
from skua import SOURCES, Skua


@case("huge pages: the arena lies on them, answers are right, nothing stays")
def served():
    with HugePages() as folder:
        with Skua([SOURCES / "zones" / "examples"], "--huge-pages", folder) as server:
            reply = server.query_udp("pcrf.epc.mnc001.mcc001.3gppnetwork.org.", "A")
            expect_equal([item.to_text() for item in reply.answer[0]], ["192.0.2.41"], "the answer")
            expect(list(folder.iterdir()), "no arena on the huge pages")
            links = [path for path in server.runtime.glob("arena.*") if path.is_symlink()]
            expect(links, "the runtime directory does not point at the arena")
        expect(not list(folder.iterdir()), f"left on the huge pages: {list(folder.iterdir())}")


@case("huge pages: too few of them is said, with what to set")
def too_few():
    with HugePages() as folder:
        RESERVE.write_text("0")
        server = Skua([SOURCES / "zones" / "examples"], "--huge-pages", folder, start=False)
        try:
            server.launch(server.command())
            expect_equal(server.child.wait(30), 1, "exit code")
            expect("nr_hugepages" in server.log(), server.log())
        finally:
            server.close()


cases.main()
