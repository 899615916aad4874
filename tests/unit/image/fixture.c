#include "tests/unit/image/fixture.h"

#include "zones/name/hash.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

uint8_t *guarded_map(uint64_t capacity)
{
	size_t size = capacity + IMAGE_NODE_MAX;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *base =
	    mmap(NULL, size + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(base != MAP_FAILED);
	assert_int_equal(mprotect(base, size, PROT_READ | PROT_WRITE), 0);
	return base;
}

void guarded_unmap(uint8_t *base, uint64_t capacity)
{
	munmap(base, capacity + IMAGE_NODE_MAX + (size_t)sysconf(_SC_PAGESIZE));
}

static bool fixture_grow(void *context, uint64_t octets)
{
	const struct fixture *fixture = context;

	return octets <= fixture->granted;
}

void fixture_open(struct fixture *fixture, uint64_t capacity)
{
	static const uint64_t key[2] = {0x0123456789abcdefull, 0xfedcba9876543210ull};

	*fixture = (struct fixture){.capacity = capacity, .granted = capacity};
	fixture->base = guarded_map(capacity);
	fixture->writer =
	    image_writer_new(fixture->base, capacity, 7, key, 2, fixture_grow, fixture);
	assert_non_null(fixture->writer);
}

void fixture_replicate(struct fixture *fixture, unsigned count)
{
	replicas_open(&fixture->replicas, fixture->writer, fixture->base, fixture->capacity, count);
}

void fixture_close(struct fixture *fixture)
{
	replicas_close(&fixture->replicas, fixture->capacity);
	image_writer_free(fixture->writer);
	guarded_unmap(fixture->base, fixture->capacity);
}

image_ref fixture_commit(struct fixture *fixture)
{
	fixture->root = image_commit(fixture->writer);
	return fixture->root;
}

struct image fixture_image(const struct fixture *fixture)
{
	const struct image_replicas *replicas = &fixture->replicas;
	const uint8_t *base = fixture->base;
	struct image image;

	if (replicas->count > 1) {
		if (replicas_fault(fixture->writer) != NULL)
			fail_msg("%s", replicas_fault(fixture->writer));
		base = replicas->base[image_generation(fixture->writer) % replicas->count];
	}
	assert_int_equal(image_verify(base, fixture->capacity), IMAGE_GOOD);
	assert_int_equal(image_open(base, fixture->capacity, fixture->root, &image), IMAGE_GOOD);
	return image;
}

struct random random_start(const char *test)
{
	const char *given = getenv("SKUA_TEST_SEED");
	struct random random;

	if (given != NULL)
		random.state = strtoull(given, NULL, 0);
	else
		assert_int_equal(getrandom(&random.state, sizeof(random.state), 0),
				 sizeof(random.state));
	printf("%s: SKUA_TEST_SEED=0x%llx\n", test, (unsigned long long)random.state);
	fflush(stdout);
	return random;
}

/* splitmix64 */
uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static bool label_add(struct test_name *name, const char *label, size_t length)
{
	if (name->length + length + 2 > 255 || name->labels == 127)
		return false;
	name->wire[name->length] = (uint8_t)length;
	memcpy(name->wire + name->length + 1, label, length);
	name->length = (uint8_t)(name->length + length + 1);
	name->labels++;
	return true;
}

static void name_end(struct test_name *name)
{
	name->wire[name->length++] = 0;
}

void name_random(struct random *random, struct test_name *name)
{
	static const char *const label[] = {
	    "a",      "b",     "*",	   "epc",
	    "mnc001", "topon", "\001\377", "0123456789012345678901234567890123456789"};
	unsigned kind = (unsigned)random_below(random, 16);
	unsigned labels = kind == 0 ? 127 : (unsigned)random_below(random, 7);

	*name = (struct test_name){0};
	for (unsigned i = 0; i < labels; i++) {
		unsigned pick = (unsigned)random_below(random, kind == 0 ? 2 : 8);

		if (!label_add(name, label[pick], strlen(label[pick])))
			break;
	}
	name_end(name);
}

void name_numbered(struct test_name *name, uint32_t number)
{
	char label[16];
	int length = snprintf(label, sizeof(label), "n%u", number);

	*name = (struct test_name){0};
	label_add(name, label, (size_t)length);
	label_add(name, "epc", 3);
	label_add(name, "example", 7);
	name_end(name);
}

/* What the tail of a node must hold: wrong after any mix of two nodes or generations. */
static void tail_fill(uint8_t *tail, unsigned length, const uint8_t *name, size_t name_octets,
		      uint32_t stamp)
{
	const uint64_t key[2] = {stamp, 0x5ca1ab1e};
	struct random random = {name_hash(key, name, name_octets)};

	memcpy(tail, &stamp, 4);
	for (unsigned i = 4; i < length; i++)
		tail[i] = (uint8_t)random_next(&random);
}

const struct image_node *node_make(const struct test_name *name, uint32_t stamp, unsigned extra)
{
	static _Thread_local _Alignas(16) uint8_t block[IMAGE_NODE_MAX];
	struct image_node *node = (void *)block;
	size_t table = (sizeof(*node) + name->length + 3u) & ~(size_t)3;
	size_t tail = table + sizeof(struct image_rrset);
	size_t targets = (tail + extra + 7) & ~(size_t)7;
	size_t size = (targets + 2 * sizeof(struct image_target) + 15) & ~(size_t)15;
	struct image_rrset *rrset = (void *)(block + table);
	struct image_target *target = (void *)(block + targets);

	memset(block, 0, size);
	*node = (struct image_node){
	    .units = (uint16_t)(size / IMAGE_UNIT),
	    .name_length = name->length,
	    .labels = name->labels,
	    .apex_labels = IMAGE_NONE,
	    .cut_labels = IMAGE_NONE,
	    .parent_apex_labels = IMAGE_NONE,
	    .rrset_count = 1,
	};
	memcpy(node->name, name->wire, name->length);
	*rrset = (struct image_rrset){
	    .type = STAMP_TYPE,
	    .tail = (uint16_t)(tail / 4),
	    .count = 1,
	    .length = (uint16_t)extra,
	    .signed_count = 1,
	    .signed_length = (uint16_t)extra,
	    .target_count = 2,
	};
	tail_fill(block + tail, extra, name->wire, name->length, stamp);
	target[0] = (struct image_target){.hash = stamp, .kind = IMAGE_TARGET_ADDRESS};
	target[1] = (struct image_target){.hash = ~(uint64_t)stamp, .kind = IMAGE_TARGET_SRV};
	return node;
}

uint32_t stamp_of(const struct image_node *node)
{
	const struct image_rrset *rrset = image_rrset(node, STAMP_TYPE);
	const struct image_target *target;
	uint8_t wanted[65536];
	uint32_t stamp;

	if (rrset == NULL || rrset->length < 8 || rrset->target_count != 2)
		return 0;
	memcpy(&stamp, image_tail(node, rrset), 4);
	tail_fill(wanted, rrset->length, node->name, node->name_length, stamp);
	target = image_targets(node, rrset);
	if (memcmp(wanted, image_tail(node, rrset), rrset->length) != 0 ||
	    target[0].hash != stamp || target[1].hash != ~(uint64_t)stamp)
		return 0;
	return stamp;
}
