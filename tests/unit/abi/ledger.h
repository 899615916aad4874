/* ledger.h: do the counters of a worker add up, by the groups of zones/abi/counters.def?
 * Threads: any; no allocation. */
#ifndef SKUA_TESTS_UNIT_ABI_LEDGER_H
#define SKUA_TESTS_UNIT_ABI_LEDGER_H

#include "zones/abi/channel.h"

enum ledger_group {
	LEDGER_OTHER,
	LEDGER_RCODE,
	LEDGER_FORMERR,
	LEDGER_SILENT,
	LEDGER_FRAME,
	LEDGER_PASS,
	LEDGER_UNSENT,
};

enum ledger_group ledger_group(enum counter counter);
uint64_t ledger_sum(const uint64_t counts[], enum ledger_group group);

/* The equations of the answer path, or what is wrong: received = answers + silent, answers = the
 * sum by rcode, FORMERR = the sum by reason. */
const char *ledger_wrong(const uint64_t counts[]);

#endif
