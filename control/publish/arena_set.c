#include "control/publish/arena_set.h"

#include "runtime/numa.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void arena_set_plan(const char *root, unsigned wanted, struct image_replicas *plan)
{
	int16_t node[IMAGE_REPLICAS_MAX];
	unsigned nodes = numa_nodes(root, node, IMAGE_REPLICAS_MAX);
	unsigned count = wanted != 0 ? wanted : nodes;

	*plan = (struct image_replicas){.count = count == 0 ? 1 : count};
	if (plan->count > IMAGE_REPLICAS_MAX)
		plan->count = IMAGE_REPLICAS_MAX;
	for (unsigned i = 0; i < IMAGE_REPLICAS_MAX; i++)
		plan->node[i] =
		    (int16_t)(i < plan->count && plan->count > 1 && nodes > 0 ? node[i % nodes]
									      : -1);
}

static void say_not_bound(struct arena_set *set, const struct arena_file *file, int reason)
{
	if (set->warning[0] != '\0')
		return;
	snprintf(set->warning, sizeof(set->warning),
		 "%s: its memory can't be bound to NUMA node %d: %s; it may lie on another: allow "
		 "mbind (in a container: CAP_SYS_NICE), or set replicas: 1",
		 file->path, file->node, strerror(reason));
}

/* On a machine with one node there is nothing to bind. */
static bool several_nodes(const struct image_replicas *plan)
{
	for (unsigned i = 1; i < plan->count; i++)
		if (plan->node[i] != plan->node[0])
			return true;
	return false;
}

bool arena_set_make(const struct arena_place *place, uint32_t id, uint64_t capacity,
		    struct image_replicas *plan, struct arena_set *set, char *error,
		    size_t error_size)
{
	bool bind = several_nodes(plan);

	memset(set, 0, sizeof(*set));
	while (set->count < plan->count) {
		struct arena_file *file = &set->file[set->count];
		int node = bind ? plan->node[set->count] : -1;

		if (!arena_file_make(place, id, set->count, node, capacity, file, error,
				     error_size)) {
			arena_set_discard(place, set);
			return false;
		}
		if (node >= 0 && !file->bound)
			say_not_bound(set, file, errno);
		plan->base[set->count++] = file->base;
	}
	return true;
}

bool arena_set_grow(void *context, uint64_t octets)
{
	struct arena_set *set = context;

	for (unsigned i = 0; i < set->count; i++)
		if (!arena_file_grow(&set->file[i], octets))
			return false;
	return true;
}

const char *arena_set_error(const struct arena_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->file[i].error[0] != '\0')
			return set->file[i].error;
	return "";
}

void arena_set_error_clear(struct arena_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		set->file[i].error[0] = '\0';
}

bool arena_set_show(const struct arena_place *place, struct arena_set *set, char *error,
		    size_t error_size)
{
	for (unsigned i = set->count; i-- > 0;)
		if (!arena_file_show(place, &set->file[i], error, error_size))
			return false;
	return true;
}

void arena_set_rest(struct arena_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		arena_file_rest(&set->file[i]);
}

void arena_set_close(struct arena_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		arena_file_close(&set->file[i]);
	set->count = 0;
}

void arena_set_discard(const struct arena_place *place, struct arena_set *set)
{
	if (set->count > 0)
		arena_file_remove(place, set->file[0].id);
	for (unsigned i = 0; i < set->count; i++)
		unlink(set->file[i].path);
	arena_set_close(set);
}
