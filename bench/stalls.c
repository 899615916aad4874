/* stalls.c: how long a core is taken away from a program that does nothing but watch the clock: by
 * a virtual machine's host, interrupts, other programs. No server's tail of latency can be shorter.
 *
 *   stalls SECONDS
 *
 * Prints stalls=N share=PERCENT longest_us=L; a stall is more than STALL between two looks. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STALL 100000u /* nanoseconds, as all times here */

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int main(int argc, char **argv)
{
	double seconds = argc == 2 ? strtod(argv[1], NULL) : 0;
	uint64_t start = now(), last = start, end = start + (uint64_t)(seconds * 1e9);
	uint64_t stalls = 0, away = 0, longest = 0;

	if (seconds <= 0)
		return 2;
	while (last < end) {
		uint64_t at = now(), gap = at - last;

		last = at;
		if (gap < STALL)
			continue;
		stalls++;
		away += gap;
		longest = gap > longest ? gap : longest;
	}
	printf("stalls=%" PRIu64 " share=%.3f longest_us=%.0f\n", stalls,
	       100.0 * (double)away / (double)(last - start), (double)longest / 1e3);
	return 0;
}
