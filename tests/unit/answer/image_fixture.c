/* image_fixture.c: see image_fixture.h. */
#include "tests/unit/answer/image_fixture.h"

#include "control/policy/access.h"
#include "control/store/zone_store.h"
#include "zones/image/writer.h"
#include "zones/name/name.h"
#include "zones/text/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CAPACITY (1ull << 30)
#define ARENA_ID 7u

struct image_fixture {
	uint8_t *base;
	uint64_t capacity;
	struct image_writer *writer;
	struct image_settings settings;
	struct zone_store *store; /* made with the first zone: then the settings are fixed */
	struct access *access;	  /* NULL: anyone sees all */
	struct client_table *clients;
	struct zone_terms terms;
	struct image_policy policy;
	bool policy_given; /* policy or access are not staged yet */
	image_ref root;
	struct image image;
};

static void fail(const char *what, const char *detail)
{
	fprintf(stderr, "image fixture: %s: %s\n", what, detail);
	abort();
}

static bool grow(void *context, uint64_t octets)
{
	const struct image_fixture *f = context;

	return octets <= f->capacity;
}

static uint64_t commit(void *context, char *error, size_t error_size)
{
	struct image_fixture *f = context;

	f->root = image_commit(f->writer);
	if (f->root == 0)
		snprintf(error, error_size, "no room for the image");
	return f->root == 0 ? 0 : image_generation(f->writer);
}

struct image_fixture *image_fixture_new(uint64_t capacity)
{
	static const uint64_t key[2] = {0x243f6a8885a308d3ull, 0x13198a2e03707344ull};
	struct image_fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		fail("calloc", "out of memory");
	f->capacity = capacity == 0 ? CAPACITY : capacity;
	f->base = mmap(NULL, f->capacity + IMAGE_NODE_MAX, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f->base == MAP_FAILED)
		fail("mmap", "no address space");
	madvise(f->base, f->capacity, MADV_HUGEPAGE); /* as an arena has them (arena_file.c) */
	f->settings = (struct image_settings){.udp_size = 1232, .additional = 1};
	f->writer = image_writer_new(f->base, f->capacity, ARENA_ID, key, 2, grow, f);
	if (f->writer == NULL)
		fail("image_writer_new", "refused");
	return f;
}

void image_fixture_free(struct image_fixture *f)
{
	if (f->store != NULL)
		zone_store_free(f->store);
	access_free(f->access);
	client_table_free(f->clients);
	image_writer_free(f->writer);
	munmap(f->base, f->capacity + IMAGE_NODE_MAX);
	free(f);
}

void image_fixture_settings(struct image_fixture *f, struct image_settings settings)
{
	f->settings = settings;
}

static void open_store(struct image_fixture *f)
{
	if (f->store == NULL)
		f->store = zone_store_new(f->writer, &f->settings, commit, f);
}

void image_fixture_policy(struct image_fixture *f, const struct image_policy *policy)
{
	static const struct image_policy nothing;

	f->policy = policy == NULL ? nothing : *policy;
	f->policy_given = true;
}

static struct access *access_of(struct image_fixture *f)
{
	f->policy_given = true;
	if (f->access == NULL)
		f->access = access_new();
	return f->access;
}

void image_fixture_acl(struct image_fixture *f, const char *text)
{
	char error[512];

	if (!access_add_list(access_of(f), text, error, sizeof(error)))
		fail(text, error);
}

void image_fixture_view(struct image_fixture *f, const char *text)
{
	char error[512];

	if (!access_add_view(access_of(f), text, error, sizeof(error)))
		fail(text, error);
}

void image_fixture_exempt(struct image_fixture *f, const char *items)
{
	char error[512];

	if (!access_exempt(access_of(f), items, error, sizeof(error)))
		fail(items, error);
}

void image_fixture_terms(struct image_fixture *f, const char *view, const char *allow)
{
	char error[512];

	f->terms = (struct zone_terms){0};
	if (view != NULL && !access_view(access_of(f), view, &f->terms.view, error, sizeof(error)))
		fail(view, error);
	if (allow != NULL && !access_rule(access_of(f), allow, &f->terms.acl, error, sizeof(error)))
		fail(allow, error);
}

static void stage_policy(struct image_fixture *f)
{
	struct client_table *clients = NULL;
	char error[512] = "";

	if (f->access != NULL)
		clients = access_table(f->access, error, sizeof(error));
	if (error[0] != '\0')
		fail("access", error);
	zone_store_stage_policy(f->store, &f->settings, &f->policy, clients);
	client_table_free(f->clients);
	f->clients = clients;
	f->policy_given = false;
}

void image_fixture_zone(struct image_fixture *f, struct zone *zone)
{
	open_store(f);
	if (!zone_store_stage(f->store, f->terms, zone))
		fail("zone_store_stage", "refused");
}

static void show(void *context, enum severity severity, const char *line)
{
	(void)context;
	if (severity == SEVERITY_ERROR)
		fprintf(stderr, "%s\n", line);
}

static void add_record(void *context, const struct text_record *record)
{
	enum zone_add added = zone_add(context, record->owner, record->type, record->ttl,
				       record->rdata, record->rdata_length, record->place);

	if (added == ZONE_OUT_OF_ZONE || added == ZONE_TOO_LARGE)
		fail("zone_add", "a record was refused");
}

void image_fixture_text(struct image_fixture *f, const char *origin, const char *text)
{
	uint8_t apex[NAME_MAX_OCTETS];
	struct diagnostics all;
	size_t length, bad;

	if (name_from_text(origin, strlen(origin), NULL, apex, &length, &bad) != NAME_OK)
		fail("origin", origin);
	struct zone *zone = zone_new(apex);
	diagnostics_init(&all, show, NULL);
	if (!text_read_memory("zone", text, strlen(text), false, apex, add_record, zone, &all) ||
	    all.errors > 0)
		fail("zone text", origin);
	diagnostics_free(&all);
	image_fixture_zone(f, zone);
}

void image_fixture_files(struct image_fixture *f, const char *argument)
{
	struct zone_sources sources = {0};
	struct diagnostics all;

	diagnostics_init(&all, show, NULL);
	if (!zone_sources_add(&sources, argument, &all))
		fail("zones", argument);
	for (size_t i = 0; i < sources.count; i++) {
		struct zone *zone = zone_read(&sources.list[i], &all);

		if (zone == NULL || all.errors > 0)
			fail("zone file", sources.list[i].path);
		image_fixture_zone(f, zone);
	}
	zone_sources_free(&sources);
	diagnostics_free(&all);
}

const struct image *image_fixture_image(struct image_fixture *f)
{
	struct store_change change;
	char error[256];

	open_store(f);
	if (f->policy_given)
		stage_policy(f);
	if (!zone_store_apply(f->store, &change, error, sizeof(error)))
		fail("zone_store_apply", error);
	if (image_verify(f->base, f->capacity) != IMAGE_GOOD ||
	    image_open(f->base, f->capacity, f->root, &f->image) != IMAGE_GOOD)
		fail("image_open", "refused");
	return &f->image;
}

uint8_t *image_fixture_octets(struct image_fixture *f, uint64_t *length)
{
	*length = f->image.limit;
	return f->base;
}
