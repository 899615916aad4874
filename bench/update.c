/* update.c: how long after control's store has accepted a changed record an answer shows it, and
 * how many changes a second it takes.
 *
 *   update [--names N] [--changes C] [--cores CONTROL,WORKER]     default: 1000000, 10000, 1,0
 *   update --seconds S [--batch B] [--names N] [--cores CONTROL,WORKER]
 *   update --publish DIRECTORY [--rate R] [--names N] [--cores CONTROL,0]     default: 100000
 *
 * Two processes on the real parts. Control: zone store, compiler, image writer and publisher
 * (control/store, control/publish), on a runtime directory in memory; what readers have left is
 * reclaimed every 5 ms, as skua-control does. Worker: it adopts (dataplane/adopt) and answers
 * (dataplane/answer) without a pause, a burst of one question for the name that changes next, as a
 * polling worker without other traffic would. Not included: reading a source before, the network
 * behind.
 *
 * A change gives one host another address: the store is handed the changed RRset and publishes it.
 * Prints key=value, times in nanoseconds. The first form makes one change after the other, each
 * when the last was seen, and prints percentiles of apply (until the store returned) and visible
 * (until the worker had answered with the new address), both from the hand-over.
 *
 * With --seconds changes are made as fast as they can be, B to a commit (default 1), and the worker
 * counts the generations that it answered from; in the end it must answer with the last change.
 *
 * With --publish there is no worker: it publishes the zone in that runtime directory, for a real
 * skua-dataplane, says "published", waits for a line on standard input, makes R changes a second
 * (0: as many as it can), each a commit of its own, of a host beyond the first N until the next
 * line, and prints how many in how long. At a given rate they are made in slices of 100 us, ahead
 * of who shares the core. */
#include "bench/update_worker.h"
#include "control/publish/publish.h"
#include "control/store/zone_store.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CAPACITY (16ull << 30)

#define RECLAIM 5000000u /* ns between two looks at what readers have left */
#define TICK	100000u	 /* ns: changes at a fixed rate are made at most so late */

struct settings {
	unsigned names, changes, seconds, batch, rate, cores[2];
	const char *publish; /* NULL: in a directory of its own, with a worker */
};

/* Who makes changes. */
struct changer {
	struct zone_store *store;
	struct publisher *publisher;
	struct zone_changes changes;
	uint8_t apex[NAME_MAX_OCTETS];
	uint64_t reclaimed; /* when */
};

static void add(struct zone *zone, const char *owner, uint16_t type, const uint8_t *rdata,
		size_t length)
{
	uint8_t name[NAME_MAX_OCTETS];

	wire(owner, zone_apex(zone), name);
	zone_add(zone, name, type, 300, rdata, (uint16_t)length, (struct place){0, 0});
}

static void add_host(struct zone *zone, unsigned number, uint32_t address)
{
	char owner[32];
	uint8_t rdata[4];

	snprintf(owner, sizeof(owner), "h%u", number);
	put_u32(rdata, address);
	add(zone, owner, TYPE_A, rdata, sizeof(rdata));
}

static struct zone *make_zone(unsigned names)
{
	uint8_t apex[NAME_MAX_OCTETS], rdata[2 * NAME_MAX_OCTETS + 20] = {0};
	size_t length;

	wire(ORIGIN, NULL, apex);
	struct zone *zone = zone_new(apex);
	length = wire("ns", apex, rdata);
	add(zone, "@", TYPE_NS, rdata, length);
	length += wire("root", apex, rdata + length);
	add(zone, "@", TYPE_SOA, rdata, length + 20);
	for (unsigned i = 0; i < names; i++)
		add_host(zone, i, 0xc6120000u + i % (1u << 17));
	return zone;
}

static uint64_t commit(void *context, char *error, size_t error_size)
{
	return publish_commit(context, error, error_size);
}

static void publish_staged(struct changer *changer)
{
	struct store_change change;
	char error[512] = "";

	if (!zone_store_apply(changer->store, &change, error, sizeof(error)))
		die("apply", error);
	if (change.generation == 0)
		die("apply", "nothing has changed");
}

/* "h<number>" below the apex; short of text, since that is not what is measured. */
static void write_owner(const struct changer *changer, uint32_t number, uint8_t *owner)
{
	unsigned digits = 1;

	for (uint32_t left = number / 10; left > 0; left /= 10)
		digits++;
	owner[0] = (uint8_t)(digits + 1);
	owner[1] = 'h';
	for (unsigned at = digits; at > 0; at--, number /= 10)
		owner[1 + at] = (uint8_t)('0' + number % 10);
	memcpy(owner + 2 + digits, changer->apex, name_length(changer->apex, NAME_MAX_OCTETS));
}

/* Host `number` gets the address of this change. */
static void note_change(struct changer *changer, uint32_t number, uint32_t change)
{
	uint8_t owner[NAME_MAX_OCTETS], record[6] = {0};
	const uint16_t length = 4;

	memcpy(record, &length, sizeof(length));
	put_u32(record + 2, NEW_ADDRESS + change);
	write_owner(changer, number, owner);
	zone_changes_set(&changer->changes, owner,
			 &(struct rrset_view){.type = TYPE_A,
					      .count = 1,
					      .ttl = 300,
					      .records = record,
					      .octets = sizeof(record)});
}

static void make_noted(struct changer *changer)
{
	size_t refused;

	if (zone_store_stage_changes(changer->store, 0, changer->apex, &changer->changes,
				     &refused) != STORE_STAGED)
		die("stage", "refused");
	publish_staged(changer);
	zone_changes_clear(&changer->changes);
}

static void reclaim_now_and_then(struct changer *changer, uint64_t time)
{
	if (time - changer->reclaimed < RECLAIM)
		return;
	publish_reclaim(changer->publisher);
	changer->reclaimed = time;
}

static void wait_until_seen(struct board *board, uint32_t change, pid_t worker)
{
	uint64_t start = now();

	while (atomic_load_explicit(&board->seen, memory_order_acquire) != change)
		if (now() - start > WAIT || waitpid(worker, NULL, WNOHANG) != 0)
			die("the worker", "does not see a change");
}

static void wait_until_ready(struct board *board, pid_t worker)
{
	uint64_t start = now();

	while (!atomic_load_explicit(&board->ready, memory_order_relaxed)) {
		if (now() - start > WAIT || waitpid(worker, NULL, WNOHANG) != 0)
			die("the worker", "does not adopt the image");
		usleep(1000);
	}
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print_times(const char *name, uint64_t *time, unsigned count)
{
	static const struct {
		const char *name;
		double part;
	} point[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};

	qsort(time, count, sizeof(*time), by_size);
	for (unsigned i = 0; i < 4; i++)
		printf("%s_%s=%" PRIu64 " ", name, point[i].name,
		       time[(unsigned)(point[i].part * (count - 1))]);
}

static uint32_t host_of(uint32_t change, unsigned names)
{
	return (uint32_t)(change * 2654435761ull % names);
}

static void time_changes(const struct settings *settings, struct changer *changer,
			 struct board *board, pid_t worker)
{
	uint64_t *time = malloc(2 * (size_t)settings->changes * sizeof(*time));
	uint64_t *applied = time, *visible = time + settings->changes;

	if (time == NULL)
		die("malloc", "out of memory");
	for (uint32_t change = 1; change <= settings->changes; change++) {
		uint32_t name = host_of(change, settings->names);

		board->name = name;
		atomic_store_explicit(&board->asked, change, memory_order_release);
		note_change(changer, name, change);
		uint64_t start = now();
		make_noted(changer);
		applied[change - 1] = now() - start;
		wait_until_seen(board, change, worker);
		visible[change - 1] = board->time - start;
		reclaim_now_and_then(changer, now());
	}
	printf("changes=%u ", settings->changes);
	print_times("apply", applied, settings->changes);
	print_times("visible", visible, settings->changes);
	putchar('\n');
	free(time);
}

static void make_many(const struct settings *settings, struct changer *changer, struct board *board,
		      pid_t worker)
{
	uint64_t start = now(), end = start + settings->seconds * 1000000000ull, time;
	uint32_t change = 0, name = 0;
	uint64_t commits = 0;

	for (; (time = now()) < end; commits++) {
		for (unsigned i = 0; i < settings->batch; i++) {
			name = host_of(++change, settings->names);
			note_change(changer, name, change);
		}
		make_noted(changer);
		reclaim_now_and_then(changer, time);
	}
	time -= start;
	board->name = name;
	atomic_store_explicit(&board->asked, change, memory_order_release);
	wait_until_seen(board, change, worker);
	printf("changes=%u commits=%" PRIu64 " seconds=%.3f ", change, commits, (double)time / 1e9);
}

/* Waits at most so many milliseconds for a line on standard input, or its end. */
static bool told(int milliseconds)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[16];

	return poll(&in, 1, milliseconds) > 0 && read(STDIN_FILENO, line, sizeof(line)) >= 0;
}

static void sleep_until(uint64_t time)
{
	struct timespec at = {(time_t)(time / 1000000000u), (long)(time % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* Where the core is shared with who measures, little and often disturbs less than turns of the
 * scheduler do: 10 changes, then 100 us for others. Without the right to, it takes its turns. */
static void go_first(void)
{
	const struct sched_param lowest = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_FIFO, &lowest) != 0)
		fprintf(stderr, "update: sched_setscheduler: %s\n", strerror(errno));
}

static void change_until_told(const struct settings *settings, struct changer *changer)
{
	uint64_t start = now(), applying = 0, time = start;
	uint32_t changes = 0;

	prctl(PR_SET_TIMERSLACK, 1000ul);
	if (settings->rate > 0)
		go_first();
	while (!told(0)) {
		uint64_t tick = time + TICK, due = UINT32_MAX;

		if (settings->rate > 0)
			due = (tick - start) * settings->rate / 1000000000u;
		while (changes < due && now() < tick) {
			note_change(changer, settings->names, ++changes & 0xffffff);
			make_noted(changer);
		}
		applying += now() - time;
		reclaim_now_and_then(changer, time);
		sleep_until(now() + TICK / 4 > tick ? now() + TICK / 4 : tick);
		time = now();
	}
	printf("changes=%u seconds=%.3f applying=%.3f\n", changes, (double)(time - start) / 1e9,
	       (double)applying / 1e9);
}

static const struct image_settings image_settings = {.udp_size = 1232, .additional = 1};

static struct publisher *open_publisher(const char *path)
{
	struct publish_config config = {.runtime_dir = path, .capacity = CAPACITY};
	char error[512];
	struct publisher *publisher = publish_open(&config, error, sizeof(error));

	if (publisher == NULL)
		die("publish", error);
	return publisher;
}

static void changer_open(struct changer *changer, const char *path, unsigned names)
{
	*changer = (struct changer){.publisher = open_publisher(path)};
	wire(ORIGIN, NULL, changer->apex);
	changer->store = zone_store_new(publish_writer(changer->publisher), &image_settings, commit,
					changer->publisher);
	if (!zone_store_stage(changer->store, (struct zone_terms){0}, make_zone(names)))
		die("stage", "refused");
	publish_staged(changer);
}

static void changer_close(struct changer *changer)
{
	zone_changes_free(&changer->changes);
	zone_store_free(changer->store);
	publish_close(changer->publisher);
}

static int publish(const struct settings *settings)
{
	struct changer changer;

	pin(settings->cores[0]);
	changer_open(&changer, settings->publish, settings->names + 1);
	puts("published");
	fflush(stdout);
	while (!told(5))
		publish_reclaim(changer.publisher);
	change_until_told(settings, &changer);
	changer_close(&changer);
	return 0;
}

static int measure(const struct settings *settings)
{
	struct changer changer;
	int status = 0;
	struct board *board =
	    mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t worker = board == MAP_FAILED ? -1 : fork();

	if (worker < 0)
		die("fork", strerror(errno));
	if (worker == 0) {
		be_worker(board, settings->cores[1]);
		exit(0);
	}
	pin(settings->cores[0]);
	changer_open(&changer, update_directory, settings->names);
	wait_until_ready(board, worker);
	if (settings->seconds > 0)
		make_many(settings, &changer, board, worker);
	else
		time_changes(settings, &changer, board, worker);
	atomic_store_explicit(&board->ending, true, memory_order_relaxed);
	waitpid(worker, &status, 0);
	printf("generations=%" PRIu64 "\n", board->generations);
	changer_close(&changer);
	return status == 0 ? 0 : 1;
}

/* False: that can't be. */
static bool read_options(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
	    {"names", 1, NULL, 'n'},   {"changes", 1, NULL, 'k'}, {"cores", 1, NULL, 'c'},
	    {"batch", 1, NULL, 'b'},   {"seconds", 1, NULL, 's'}, {"rate", 1, NULL, 'r'},
	    {"publish", 1, NULL, 'p'}, {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		unsigned number = optarg == NULL ? 0 : (unsigned)strtoul(optarg, NULL, 10);

		if (option == 'n')
			settings->names = number;
		else if (option == 'k')
			settings->changes = number;
		else if (option == 'b')
			settings->batch = number;
		else if (option == 's')
			settings->seconds = number;
		else if (option == 'r')
			settings->rate = number;
		else if (option == 'p')
			settings->publish = optarg;
		else if (option != 'c' ||
			 sscanf(optarg, "%u,%u", &settings->cores[0], &settings->cores[1]) != 2)
			return false;
	}
	return settings->names > 0 && settings->changes > 0 && settings->batch > 0;
}

int main(int argc, char **argv)
{
	struct settings settings = {
	    .names = 1000000, .changes = 10000, .batch = 1, .rate = 100000, .cores = {1, 0}};

	if (!read_options(argc, argv, &settings))
		return 2;
	if (settings.publish != NULL)
		return publish(&settings);
	make_directory();
	int status = measure(&settings);
	remove_directory();
	return status;
}
