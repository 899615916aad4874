/* threads_test.c: a writer and readers on one mapping, so that ThreadSanitizer sees every octet
 * that they share (through files, each side has its own addresses). The root and what readers have
 * seen are passed as channel.h says. */
#include "tests/unit/image/fixture.h"

#include "zones/abi/channel.h"
#include "zones/name/hash.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define READERS	    2u
#define REPLICAS    2u /* a reader on each */
#define NAMES	    300u
#define GENERATIONS 3000u

static struct fixture fixture;
static _Atomic uint64_t root_word;
static struct worker_line line[READERS];
static atomic_uint wrong;
static atomic_bool stop;

static void look(const struct image *image, struct random *random)
{
	uint32_t number = (uint32_t)random_below(random, NAMES);
	const struct image_node *node;
	struct test_name name;
	uint32_t stamp;

	name_numbered(&name, number);
	node = image_find(image, name_hash(image->key, name.wire, name.length), name.wire,
			  name.length);
	if (node == NULL)
		return;
	stamp = stamp_of(node);
	if (stamp == 0 || stamp > image->generation)
		atomic_fetch_add(&wrong, 1);
}

static void *read_images(void *context)
{
	unsigned index = (unsigned)(uintptr_t)context;
	struct random random = {index};

	while (!atomic_load(&stop)) {
		struct image image;
		uint64_t root = atomic_load_explicit(&root_word, memory_order_acquire);

		if (image_open(fixture.replicas.base[index % REPLICAS], fixture.capacity,
			       (image_ref)root, &image) != IMAGE_GOOD) {
			atomic_fetch_add(&wrong, 1);
			break;
		}
		atomic_store_explicit(&line[index].seen, image.generation, memory_order_release);
		for (unsigned i = 0; i < 5; i++)
			look(&image, &random);
	}
	atomic_store_explicit(&line[index].seen, WORKER_OFFLINE, memory_order_release);
	return NULL;
}

static uint64_t least_seen(void)
{
	uint64_t least = UINT64_MAX;

	channel_fence();
	for (unsigned i = 0; i < READERS; i++) {
		uint64_t seen = atomic_load_explicit(&line[i].seen, memory_order_acquire);

		if (seen < least)
			least = seen;
	}
	return least;
}

static void publish_one(struct random *random)
{
	uint32_t stamp = (uint32_t)image_generation(fixture.writer) + 1;

	/* A reader that does not get the processor for a while must not make us run out of memory.
	 */
	while (image_usage(fixture.writer).retired > 4u << 20) {
		sched_yield();
		image_reclaim(fixture.writer, least_seen());
	}
	image_begin(fixture.writer);
	for (uint64_t n = 1 + random_below(random, 20); n > 0; n--) {
		struct test_name name;

		name_numbered(&name, (uint32_t)random_below(random, NAMES));
		if (random_below(random, 4) == 0)
			assert_true(image_delete(fixture.writer, 0, name.wire));
		else
			assert_int_not_equal(
			    image_put(
				fixture.writer,
				node_make(&name, stamp, 8 + (unsigned)random_below(random, 200))),
			    0);
	}
	assert_int_not_equal(fixture_commit(&fixture), 0);
	atomic_store_explicit(&root_word, fixture.root, memory_order_release);
	image_reclaim(fixture.writer, least_seen());
}

static void readers_never_meet_reused_blocks(void **state)
{
	struct random random = random_start("readers_never_meet_reused_blocks");
	pthread_t thread[READERS];

	(void)state;
	fixture_open(&fixture, 16u << 20);
	fixture_replicate(&fixture, REPLICAS);
	publish_one(&random);
	for (unsigned i = 0; i < READERS; i++) {
		atomic_store(&line[i].seen, WORKER_ATTACHING);
		pthread_create(&thread[i], NULL, read_images, (void *)(uintptr_t)i);
	}
	for (unsigned i = 0; i < GENERATIONS; i++)
		publish_one(&random);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(atomic_load(&wrong), 0);
	image_reclaim(fixture.writer, least_seen());
	assert_int_equal(image_usage(fixture.writer).retired, 0);
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(readers_never_meet_reused_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
