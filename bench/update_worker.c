#include "bench/update_worker.h"

#include "dataplane/adopt/adopt.h"
#include "dataplane/answer/answer.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

char update_directory[] = "/dev/shm/skua-update-XXXXXX";
static pid_t maker; /* who removes it; 0: not made yet */

void make_directory(void)
{
	if (mkdtemp(update_directory) == NULL)
		die(update_directory, strerror(errno));
	maker = getpid();
}

void remove_directory(void)
{
	char command[sizeof(update_directory) + 16];

	if (maker != getpid())
		return;
	snprintf(command, sizeof(command), "rm -rf -- %s", update_directory);
	if (system(command) != 0)
		fprintf(stderr, "update: %s is left\n", update_directory);
}

void die(const char *what, const char *detail)
{
	fprintf(stderr, "update: %s: %s\n", what, detail);
	remove_directory();
	exit(1);
}

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void pin(unsigned core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		die("sched_setaffinity", strerror(errno));
}

size_t wire(const char *text, const uint8_t *origin, uint8_t *name)
{
	size_t length, bad;

	if (name_from_text(text, strlen(text), origin, name, &length, &bad) != NAME_OK)
		abort();
	return length;
}

static unsigned write_question(uint32_t number, uint8_t *at)
{
	static const uint8_t header[12] = {0x12, 0x34, 0, 0, 0, 1};
	char text[96];
	size_t end;

	memcpy(at, header, sizeof(header));
	snprintf(text, sizeof(text), "h%u." ORIGIN, number);
	end = sizeof(header) + wire(text, NULL, at + sizeof(header));
	put_u16(at + end, TYPE_A);
	put_u16(at + end + 2, CLASS_IN);
	return (unsigned)end + 4;
}

/* The address that the name has now; 0: no answer. */
static uint32_t ask(const struct image *image, struct answer_state *state, const uint8_t *question,
		    unsigned length, uint64_t counts[])
{
	static uint8_t packet[2048];
	struct datagram burst = {.payload = packet, .length = length, .capacity = sizeof(packet)};
	uint32_t address;

	memcpy(packet, question, length);
	answer_batch(image, state, &burst, 1, TRANSPORT_UDP, counts);
	if (burst.length < length + 16)
		return 0;
	memcpy(&address, packet + burst.length - 4, 4);
	return __builtin_bswap32(address);
}

static void answer_until_end(struct adopt *adopt, struct board *board)
{
	static struct answer_state state;
	static uint64_t counts[COUNTERS];
	uint8_t question[512];
	uint32_t change = 0;
	unsigned length = write_question(0, question);

	while (!atomic_load_explicit(&board->ending, memory_order_relaxed)) {
		bool changed;
		/* Quiescent point, as in a worker's loop. */
		const struct image *image = adopt_newest(adopt, 0, &changed);
		board->generations += changed;
		uint32_t asked = atomic_load_explicit(&board->asked, memory_order_acquire);

		if (asked != change) {
			change = asked;
			length = write_question(board->name, question);
		}
		if (ask(image, &state, question, length, counts) != NEW_ADDRESS + change ||
		    atomic_load_explicit(&board->seen, memory_order_relaxed) == change)
			continue;
		board->time = now();
		atomic_store_explicit(&board->seen, change, memory_order_release);
	}
	adopt_offline(adopt, 0);
}

void be_worker(struct board *board, unsigned core)
{
	char error[512];
	struct adopt *adopt = adopt_open(update_directory, 1, error, sizeof(error));
	const char *refused = NULL;
	uint64_t start = now();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (adopt == NULL)
		die("adopt", error);
	pin(core);
	while (!adopt_poll(adopt, &refused)) {
		if (refused != NULL || now() - start > WAIT)
			die("adopt", refused != NULL ? refused : "no image");
		usleep(1000);
	}
	atomic_store_explicit(&board->ready, true, memory_order_relaxed);
	answer_until_end(adopt, board);
	adopt_close(adopt);
}
