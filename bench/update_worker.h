/* update_worker.h: the two processes of bench/update: what they share, and the one that answers.
 *
 * Threads: one in each process. */
#ifndef SKUA_BENCH_UPDATE_WORKER_H
#define SKUA_BENCH_UPDATE_WORKER_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORIGIN	    "epc.mnc001.mcc228.3gppnetwork.org."
#define WAIT	    60000000000ull /* ns; only ends what hangs */
#define NEW_ADDRESS 0x0a000000u	   /* 10/8 + number of the change; others have 198.18/15 */

/* Between the two processes. */
struct board {
	alignas(64) _Atomic uint32_t asked; /* number of the change, release: name is set before;
					       pairs with the worker's acquire */
	uint32_t name;
	_Atomic bool ready; /* the worker has mapped the first image */
	_Atomic bool ending;
	uint64_t generations; /* that the worker has answered from; read when it has ended */
	alignas(64) _Atomic uint32_t seen; /* release: time is set before; pairs with control's
					      acquire */
	uint64_t time;
};

/* Where the two meet; made and removed by control's process. */
extern char update_directory[];

uint64_t now(void); /* CLOCK_MONOTONIC, nanoseconds */
void pin(unsigned core);
/* Wire form of text; returns its length. origin: NULL, or what a relative name is below. */
size_t wire(const char *text, const uint8_t *origin, uint8_t *name);
/* Ends the process, with a line on stderr; the directory goes along. */
_Noreturn void die(const char *what, const char *detail);
void make_directory(void);
void remove_directory(void);

/* Adopts what control publishes and answers until the board says that it is ending. */
void be_worker(struct board *board, unsigned core);

#endif
