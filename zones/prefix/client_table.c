/* client_table.c: see client_table.h. */
#include "zones/prefix/client_table.h"

#include <stdlib.h>
#include <string.h>

#define NESTING_MAX 130u /* prefixes around an address, one of each length, and all addresses */

struct written {
	struct prefix prefix;
	struct client_change change;
	size_t order;
};

struct client_builder {
	struct written *written;
	size_t count, room;
};

static void *memory_or_abort(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

struct client_builder *client_builder_new(void)
{
	return memory_or_abort(calloc(1, sizeof(struct client_builder)));
}

void client_builder_free(struct client_builder *builder)
{
	free(builder->written);
	free(builder);
}

void client_builder_add(struct client_builder *builder, const struct prefix *prefix,
			const struct client_change *change)
{
	if (builder->count == builder->room) {
		builder->room = builder->room == 0 ? 64 : builder->room * 2;
		builder->written = memory_or_abort(
		    realloc(builder->written, builder->room * sizeof(*builder->written)));
	}
	builder->written[builder->count] = (struct written){*prefix, *change, builder->count};
	builder->count++;
}

/* A prefix stands in front of those inside it. */
static int by_place(const void *left, const void *right)
{
	const struct written *a = left, *b = right;

	if (a->prefix.family != b->prefix.family)
		return a->prefix.family < b->prefix.family ? -1 : 1;
	if (prefix_address_before(a->prefix.first, b->prefix.first))
		return -1;
	if (prefix_address_before(b->prefix.first, a->prefix.first))
		return 1;
	if (a->prefix.length != b->prefix.length)
		return a->prefix.length < b->prefix.length ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

/* The prefixes of one family, walked in order of their first addresses. */
struct sweep {
	struct client_table *table;
	struct client_ranges *ranges;
	uint32_t room;
	unsigned depth;
	struct {
		struct image_address last;
		struct image_client_class class;
	} around[NESTING_MAX]; /* the prefixes around where the walk is, outermost first */
	bool too_many;
};

static uint16_t class_number(struct sweep *sweep, const struct image_client_class *class)
{
	struct client_table *table = sweep->table;

	for (uint32_t i = table->class_count; i-- > 0;) /* mostly one of the newest */
		if (memcmp(&table->classes[i], class, sizeof(*class)) == 0)
			return (uint16_t)i;
	if (table->class_count == CLIENT_CLASSES_MAX) {
		sweep->too_many = true;
		return 0;
	}
	table->classes[table->class_count] = *class;
	return (uint16_t)table->class_count++;
}

/* From here on addresses are what the innermost prefix around says. */
static void begin_range(struct sweep *sweep, struct image_address first)
{
	struct client_ranges *ranges = sweep->ranges;
	uint16_t class = class_number(sweep, &sweep->around[sweep->depth - 1].class);
	uint32_t at = ranges->count;

	if (at > 0 && !prefix_address_before(ranges->first[at - 1], first))
		at--; /* the last one ended before it held an address */
	if (at > 0 && ranges->class[at - 1] == class) {
		ranges->count = at;
		return;
	}
	if (at == sweep->room) {
		sweep->room = sweep->room == 0 ? 64 : sweep->room * 2;
		ranges->first =
		    memory_or_abort(realloc(ranges->first, sweep->room * sizeof(*ranges->first)));
		ranges->class =
		    memory_or_abort(realloc(ranges->class, sweep->room * sizeof(*ranges->class)));
	}
	ranges->first[at] = first;
	ranges->class[at] = class;
	ranges->count = at + 1;
}

static struct image_address address_after(struct image_address address)
{
	address.low++;
	address.high += address.low == 0;
	return address;
}

/* Leaves the prefixes that end before `first`; NULL: all. */
static void leave(struct sweep *sweep, const struct image_address *first)
{
	while (sweep->depth > 1) {
		struct image_address last = sweep->around[sweep->depth - 1].last;

		if (first != NULL && !prefix_address_before(last, *first))
			return;
		sweep->depth--;
		last = address_after(last);
		if (last.high != 0 || last.low != 0) /* else there is none */
			begin_range(sweep, last);
	}
}

static void change_class(struct image_client_class *class, const struct client_change *change)
{
	class->rules = (class->rules | change->admits) & ~change->refuses;
	class->flags = (uint8_t)((class->flags | change->sets) & ~change->clears);
	if (change->view != 0)
		class->view = change->view;
}

static bool same_prefix(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && a->length == b->length && a->first.high == b->first.high &&
	       a->first.low == b->first.low;
}

/* Enters the prefixes written[0..count), which are the same one. False: two views claim it. */
static bool enter(struct sweep *sweep, const struct written *written, size_t count,
		  struct client_problem *problem)
{
	struct image_client_class class = sweep->around[sweep->depth - 1].class;
	uint8_t view = 0;

	for (size_t i = 0; i < count; i++) {
		uint8_t claims = written[i].change.view;

		if (view != 0 && claims != 0 && claims != view) {
			*problem = (struct client_problem){{view, claims}, written[i].prefix};
			return false;
		}
		view = claims != 0 ? claims : view;
		change_class(&class, &written[i].change);
	}
	sweep->around[sweep->depth].last = prefix_last(&written->prefix);
	sweep->around[sweep->depth].class = class;
	sweep->depth++;
	begin_range(sweep, written->prefix.first);
	return true;
}

static bool sweep_family(struct client_table *table, struct client_ranges *ranges,
			 const struct written *written, size_t count,
			 struct client_problem *problem)
{
	struct sweep *sweep = memory_or_abort(calloc(1, sizeof(*sweep)));
	bool good = true;

	sweep->table = table;
	sweep->ranges = ranges;
	sweep->depth = 1;
	begin_range(sweep, (struct image_address){0, 0});
	for (size_t i = 0, next; good && i < count; i = next) {
		for (next = i + 1; next < count; next++)
			if (!same_prefix(&written[i].prefix, &written[next].prefix))
				break;
		leave(sweep, &written[i].prefix.first);
		good = enter(sweep, &written[i], next - i, problem);
	}
	leave(sweep, NULL);
	if (ranges->count == 1 && ranges->class[0] == 0)
		ranges->count = 0;
	good = good && !sweep->too_many;
	free(sweep);
	return good;
}

struct client_table *client_table_new(struct client_builder *builder,
				      struct client_problem *problem)
{
	struct client_table *table = memory_or_abort(calloc(1, sizeof(*table)));
	size_t v4 = 0;

	*problem = (struct client_problem){0};
	table->classes = memory_or_abort(calloc(CLIENT_CLASSES_MAX, sizeof(*table->classes)));
	table->class_count = 1;
	if (builder->count > 0)
		qsort(builder->written, builder->count, sizeof(*builder->written), by_place);
	while (v4 < builder->count && builder->written[v4].prefix.family == 4)
		v4++;
	if (sweep_family(table, &table->v4, builder->written, v4, problem) &&
	    sweep_family(table, &table->v6, builder->written + v4, builder->count - v4, problem))
		return table;
	client_table_free(table);
	return NULL;
}

static void ranges_free(struct client_ranges *ranges)
{
	free(ranges->first);
	free(ranges->class);
}

void client_table_free(struct client_table *table)
{
	if (table == NULL)
		return;
	ranges_free(&table->v4);
	ranges_free(&table->v6);
	free(table->classes);
	free(table);
}

static bool ranges_equal(const struct client_ranges *a, const struct client_ranges *b)
{
	return a->count == b->count &&
	       (a->count == 0 || (memcmp(a->first, b->first, a->count * sizeof(*a->first)) == 0 &&
				  memcmp(a->class, b->class, a->count * sizeof(*a->class)) == 0));
}

bool client_table_equal(const struct client_table *a, const struct client_table *b)
{
	return ranges_equal(&a->v4, &b->v4) && ranges_equal(&a->v6, &b->v6) &&
	       a->class_count == b->class_count &&
	       memcmp(a->classes, b->classes, a->class_count * sizeof(*a->classes)) == 0 &&
	       a->view_count == b->view_count &&
	       memcmp(a->view_flags, b->view_flags, sizeof(a->view_flags)) == 0;
}
