/* ledger.c: see ledger.h. */
#include "tests/unit/abi/ledger.h"

#include <stddef.h>

static const unsigned char group_of[COUNTERS] = {
#define COUNT(name, help)	  [COUNT_##name] = LEDGER_OTHER,
#define COUNT_RCODE(name, help)	  [COUNT_##name] = LEDGER_RCODE,
#define COUNT_FORMERR(name, help) [COUNT_##name] = LEDGER_FORMERR,
#define COUNT_SILENT(name, help)  [COUNT_##name] = LEDGER_SILENT,
#define COUNT_FRAME(name, help)	  [COUNT_##name] = LEDGER_FRAME,
#define COUNT_PASS(name, help)	  [COUNT_##name] = LEDGER_PASS,
#define COUNT_UNSENT(name, help)  [COUNT_##name] = LEDGER_UNSENT,
#include "zones/abi/counters.def"
#undef COUNT
};

enum ledger_group ledger_group(enum counter counter)
{
	return (enum ledger_group)group_of[counter];
}

uint64_t ledger_sum(const uint64_t counts[], enum ledger_group group)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < COUNTERS; i++)
		sum += group_of[i] == group ? counts[i] : 0;
	return sum;
}

const char *ledger_wrong(const uint64_t counts[])
{
	if (counts[COUNT_received] != counts[COUNT_answers] + ledger_sum(counts, LEDGER_SILENT))
		return "received is not answers and silences";
	if (counts[COUNT_answers] != ledger_sum(counts, LEDGER_RCODE))
		return "answers are not the sum of rcode_*";
	if (counts[COUNT_rcode_formerr] != ledger_sum(counts, LEDGER_FORMERR))
		return "rcode_formerr is not the sum of formerr_*";
	return NULL;
}
