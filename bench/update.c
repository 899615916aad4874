/* update.c: how long after control's store has accepted a changed record an answer shows it.
 *
 *   update [--names N] [--changes C] [--cores CONTROL,WORKER]        default: 1000000, 20, 1,0
 *   update --publish DIRECTORY [--names N] [--cores CONTROL,0]
 *
 * Two processes on the real parts. Control: zone store, compiler, image writer and publisher
 * (control/store, control/publish), on a runtime directory in memory. Worker: it adopts (dataplane/
 * adopt) and answers (dataplane/answer) without a pause, a burst of one question for the name that
 * changes next, as a polling worker without other traffic would. Not included: reading a source
 * before, the network behind.
 *
 * A change gives one host another address. The store is handed the whole zone with it, as the
 * sources do today: what it costs to make that zone is not counted, what it costs the store to find
 * the difference is. Prints key=value, a line for each change, in nanoseconds: apply (until the
 * store returned) and visible (until the worker had answered with the new address), both from the
 * hand-over.
 *
 * With --publish there is no worker: it publishes the zone in that runtime directory, for a real
 * skua-dataplane, says "published", waits for a line on standard input, makes changes of a host
 * beyond the first N one after the other until the next line, and prints how many in how long. */
#include "control/publish/publish.h"
#include "control/store/zone_store.h"
#include "dataplane/adopt/adopt.h"
#include "dataplane/answer/answer.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ORIGIN	    "epc.mnc001.mcc228.3gppnetwork.org."
#define CAPACITY    (16ull << 30)
#define WAIT	    60000000000ull /* ns; only ends what hangs */
#define NEW_ADDRESS 0x0a000000u	   /* 10/8 + number of the change; others have 198.18/15 */

/* Between the two processes. */
struct board {
	alignas(64) _Atomic uint32_t asked; /* number of the change, release: name is set before;
					       pairs with the worker's acquire */
	uint32_t name;
	_Atomic bool ready; /* the worker has mapped the first image */
	_Atomic bool ending;
	alignas(64) _Atomic uint32_t seen; /* release: time is set before; pairs with control's
					      acquire */
	uint64_t time;
};

struct settings {
	unsigned names, changes, cores[2];
	const char *publish; /* NULL: in a directory of its own, with a worker */
};

static char directory[] = "/dev/shm/skua-update-XXXXXX";
static pid_t maker; /* who removes it; 0: not made yet */

static void remove_directory(void)
{
	char command[sizeof(directory) + 16];

	if (maker != getpid())
		return;
	snprintf(command, sizeof(command), "rm -rf -- %s", directory);
	if (system(command) != 0)
		fprintf(stderr, "update: %s is left\n", directory);
}

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "update: %s: %s\n", what, detail);
	remove_directory();
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void pin(unsigned core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		die("sched_setaffinity", strerror(errno));
}

static size_t wire(const char *text, const uint8_t *origin, uint8_t *name)
{
	size_t length, bad;

	if (name_from_text(text, strlen(text), origin, name, &length, &bad) != NAME_OK)
		abort();
	return length;
}

/* ---- the worker ---- */

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

static void be_worker(struct board *board, unsigned core)
{
	char error[512];
	struct adopt *adopt = adopt_open(directory, 1, error, sizeof(error));
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

/* ---- control ---- */

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

/* The zone in which host `changed` has another address; change 0: none has. */
static struct zone *make_zone(unsigned names, unsigned changed, uint32_t change)
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
		add_host(zone, i,
			 change > 0 && i == changed ? NEW_ADDRESS + change
						    : 0xc6120000u + i % (1u << 17));
	return zone;
}

static uint64_t commit(void *context, char *error, size_t error_size)
{
	return publish_commit(context, error, error_size);
}

static void apply(struct zone_store *store, struct zone *zone)
{
	struct store_change change;
	char error[512] = "";

	if (!zone_store_stage(store, (struct zone_terms){0}, zone) ||
	    !zone_store_apply(store, &change, error, sizeof(error)))
		die("apply", error);
}

static void wait_until_seen(struct board *board, struct publisher *publisher, uint32_t change,
			    pid_t worker)
{
	uint64_t start = now();

	while (atomic_load_explicit(&board->seen, memory_order_acquire) != change)
		if (now() - start > WAIT || waitpid(worker, NULL, WNOHANG) != 0)
			die("the worker", "does not see a change");
	publish_reclaim(publisher);
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

static void make_changes(const struct settings *settings, struct zone_store *store,
			 struct publisher *publisher, struct board *board, pid_t worker)
{
	for (uint32_t change = 1; change <= settings->changes; change++) {
		uint32_t name = (uint32_t)(change * 2654435761ull % settings->names);
		struct zone *zone = make_zone(settings->names, name, change);

		board->name = name;
		atomic_store_explicit(&board->asked, change, memory_order_release);
		uint64_t start = now();
		apply(store, zone);
		uint64_t applied = now();
		wait_until_seen(board, publisher, change, worker);
		printf("change=%u apply=%" PRIu64 " visible=%" PRIu64 "\n", change, applied - start,
		       board->time - start);
		fflush(stdout);
	}
}

/* Waits at most so many milliseconds for a line on standard input, or its end. */
static bool told(int milliseconds)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[16];

	return poll(&in, 1, milliseconds) > 0 && read(STDIN_FILENO, line, sizeof(line)) >= 0;
}

static void change_until_told(unsigned names, struct zone_store *store, struct publisher *publisher)
{
	uint64_t start = now(), applying = 0;
	uint32_t changes = 0;

	while (!told(0)) {
		struct zone *zone = make_zone(names + 1, names, ++changes);
		uint64_t before = now();

		apply(store, zone);
		publish_reclaim(publisher);
		applying += now() - before;
	}
	printf("changes=%u seconds=%.3f applying=%.3f\n", changes, (double)(now() - start) / 1e9,
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

static int publish(const struct settings *settings)
{
	pin(settings->cores[0]);
	struct publisher *publisher = open_publisher(settings->publish);
	struct zone_store *store =
	    zone_store_new(publish_writer(publisher), &image_settings, commit, publisher);
	apply(store, make_zone(settings->names + 1, 0, 0));
	puts("published");
	fflush(stdout);
	while (!told(5))
		publish_reclaim(publisher);
	change_until_told(settings->names, store, publisher);
	zone_store_free(store);
	publish_close(publisher);
	return 0;
}

static int measure(const struct settings *settings)
{
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
	struct publisher *publisher = open_publisher(directory);
	struct zone_store *store =
	    zone_store_new(publish_writer(publisher), &image_settings, commit, publisher);
	apply(store, make_zone(settings->names, 0, 0));
	wait_until_ready(board, worker);
	make_changes(settings, store, publisher, board, worker);
	atomic_store_explicit(&board->ending, true, memory_order_relaxed);
	waitpid(worker, &status, 0);
	zone_store_free(store);
	publish_close(publisher);
	return status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"names", 1, NULL, 'n'},   {"changes", 1, NULL, 'k'}, {"cores", 1, NULL, 'c'},
	    {"publish", 1, NULL, 'p'}, {NULL, 0, NULL, 0},
	};
	struct settings settings = {.names = 1000000, .changes = 20, .cores = {1, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n')
			settings.names = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'k')
			settings.changes = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'p')
			settings.publish = optarg;
		else if (option != 'c' ||
			 sscanf(optarg, "%u,%u", &settings.cores[0], &settings.cores[1]) != 2)
			return 2;
	}
	if (settings.names == 0 || settings.changes >= 1u << 24)
		return 2;
	if (settings.publish != NULL)
		return publish(&settings);
	if (mkdtemp(directory) == NULL)
		die(directory, strerror(errno));
	maker = getpid();
	int status = measure(&settings);
	remove_directory();
	return status;
}
