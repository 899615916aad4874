/* arena.c: spans of blocks of one size; the bookkeeping is not in the arena. */
#include "zones/image/arena.h"

#include <stdlib.h>

struct block_class {
	uint16_t class;
	uint16_t units;
};

/* Small blocks have a class for each count of units. Above, a class is "n in a span": each wastes
 * less than one unit a block, and there are few of them where sizes are large and rare. */
static struct block_class class_of(uint32_t units, bool page)
{
	uint32_t n;

	if (page)
		units = (units + 3) & ~3u;
	if (units <= ARENA_EXACT)
		return (struct block_class){(uint16_t)units, (uint16_t)units};
	n = ARENA_SPAN_UNITS / units;
	if (page)
		return (struct block_class){(uint16_t)(ARENA_PACKED + n),
					    (uint16_t)(ARENA_SPAN_UNITS / n & ~3u)};
	return (struct block_class){(uint16_t)(ARENA_EXACT + n), (uint16_t)(ARENA_SPAN_UNITS / n)};
}

uint64_t arena_limit(const struct arena *arena)
{
	return (uint64_t)arena->spans * ARENA_SPAN;
}

static void list_add(struct arena *arena, uint32_t index)
{
	struct arena_span *span = &arena->span[index];
	uint32_t head = arena->with_room[span->class];

	span->previous = ARENA_NO_SPAN;
	span->next = head;
	if (head != ARENA_NO_SPAN)
		arena->span[head].previous = index;
	arena->with_room[span->class] = index;
}

static void list_remove(struct arena *arena, uint32_t index)
{
	struct arena_span *span = &arena->span[index];

	if (span->previous != ARENA_NO_SPAN)
		arena->span[span->previous].next = span->next;
	else
		arena->with_room[span->class] = span->next;
	if (span->next != ARENA_NO_SPAN)
		arena->span[span->next].previous = span->previous;
}

static bool back(struct arena *arena, uint64_t octets)
{
	uint64_t capacity = (uint64_t)arena->span_max * ARENA_SPAN;
	uint64_t wanted = (octets + ARENA_OVERRUN + ARENA_CHUNK - 1) / ARENA_CHUNK * ARENA_CHUNK;

	if (wanted > capacity)
		wanted = capacity;
	if (wanted <= arena->backed)
		return true;
	if (!arena->grow(arena->context, wanted))
		return false;
	arena->backed = wanted;
	return true;
}

static bool room_for_spans(struct arena *arena, uint32_t count)
{
	uint32_t room = arena->span_room;
	struct arena_span *span;

	while (room < count)
		room = room == 0 ? 64 : room * 2;
	if (room == arena->span_room)
		return true;
	span = realloc(arena->span, room * sizeof(*span));
	if (span == NULL)
		return false;
	arena->span = span;
	arena->span_room = room;
	return true;
}

static uint32_t spans_append(struct arena *arena, uint32_t run)
{
	uint32_t first = arena->spans;

	/* 32 bits suffice: the arena has at most 2^20 spans. */
	if (run > arena->span_max - first || !room_for_spans(arena, first + run) ||
	    !back(arena, (uint64_t)(first + run) * ARENA_SPAN))
		return ARENA_NO_SPAN;
	for (uint32_t i = first; i < first + run; i++)
		arena->span[i] = (struct arena_span){.state = ARENA_SPAN_FREE};
	arena->spans += run;
	arena->free_spans += run;
	return first;
}

/* The lowest run of free spans: neighbours that became free apart are found together. */
static uint32_t spans_find(struct arena *arena, uint32_t run)
{
	uint32_t length = 0;

	if (arena->free_spans < run)
		return ARENA_NO_SPAN;
	for (uint32_t i = arena->free_hint; i < arena->spans; i++) {
		length = arena->span[i].state == ARENA_SPAN_FREE ? length + 1 : 0;
		if (length == run)
			return i + 1 - run;
	}
	return ARENA_NO_SPAN;
}

static uint32_t spans_take(struct arena *arena, uint32_t run)
{
	uint32_t first = spans_find(arena, run);

	if (first == ARENA_NO_SPAN)
		first = spans_append(arena, run);
	if (first == ARENA_NO_SPAN)
		return ARENA_NO_SPAN;
	arena->free_spans -= run;
	if (run == 1)
		arena->free_hint = first + 1;
	return first;
}

static void spans_release(struct arena *arena, uint32_t first, uint32_t run)
{
	for (uint32_t i = first; i < first + run; i++)
		arena->span[i] = (struct arena_span){.state = ARENA_SPAN_FREE};
	arena->free_spans += run;
	if (first < arena->free_hint)
		arena->free_hint = first;
}

static uint32_t span_open(struct arena *arena, struct block_class kind)
{
	uint32_t blocks = ARENA_SPAN_UNITS / kind.units;
	uint64_t *vacant = malloc((blocks + 63) / 64 * sizeof(*vacant));
	uint32_t index;

	if (vacant == NULL)
		return ARENA_NO_SPAN;
	index = spans_take(arena, 1);
	if (index == ARENA_NO_SPAN) {
		free(vacant);
		return ARENA_NO_SPAN;
	}
	for (uint32_t word = 0; word < (blocks + 63) / 64; word++)
		vacant[word] = blocks - word * 64 >= 64 ? UINT64_MAX : (1ull << (blocks & 63)) - 1;
	arena->span[index] = (struct arena_span){
	    .vacant = vacant,
	    .class = kind.class,
	    .units = kind.units,
	    .blocks = (uint16_t)blocks,
	    .state = ARENA_SPAN_SMALL,
	};
	list_add(arena, index);
	return index;
}

static uint32_t vacant_take(struct arena_span *span)
{
	uint64_t *word = span->vacant;
	uint32_t bit;

	while (*word == 0)
		word++;
	bit = (uint32_t)__builtin_ctzll(*word);
	*word &= *word - 1;
	span->used++;
	return (uint32_t)(word - span->vacant) * 64 + bit;
}

static image_ref small_new(struct arena *arena, struct block_class kind)
{
	uint32_t index = arena->with_room[kind.class];
	struct arena_span *span;
	uint32_t block;

	if (index == ARENA_NO_SPAN)
		index = span_open(arena, kind);
	if (index == ARENA_NO_SPAN)
		return 0;
	span = &arena->span[index];
	block = vacant_take(span);
	if (span->used == span->blocks)
		list_remove(arena, index);
	arena->used += (uint64_t)span->units * IMAGE_UNIT;
	return index * ARENA_SPAN_UNITS + block * span->units;
}

static image_ref large_new(struct arena *arena, uint64_t octets)
{
	uint32_t run = (uint32_t)((octets + ARENA_SPAN - 1) / ARENA_SPAN);
	uint32_t first = spans_take(arena, run);

	if (first == ARENA_NO_SPAN)
		return 0;
	for (uint32_t i = 1; i < run; i++)
		arena->span[first + i].state = ARENA_SPAN_TAIL;
	arena->span[first].state = ARENA_SPAN_LARGE;
	arena->span[first].run = run;
	arena->used += (uint64_t)run * ARENA_SPAN;
	return first * ARENA_SPAN_UNITS;
}

image_ref arena_new(struct arena *arena, uint64_t octets, bool page)
{
	uint64_t units = (octets + IMAGE_UNIT - 1) / IMAGE_UNIT;

	if (octets == 0 || octets > (uint64_t)arena->span_max * ARENA_SPAN)
		return 0;
	if (units > ARENA_SMALL)
		return large_new(arena, octets);
	return small_new(arena, class_of((uint32_t)units, page));
}

uint64_t arena_block_octets(const struct arena *arena, image_ref ref)
{
	const struct arena_span *span = &arena->span[ref / ARENA_SPAN_UNITS];

	if (span->state == ARENA_SPAN_LARGE)
		return (uint64_t)span->run * ARENA_SPAN;
	return (uint64_t)span->units * IMAGE_UNIT;
}

/* The last empty span of a class is kept, or one block put and deleted would open it each time. */
static void small_free(struct arena *arena, uint32_t index, uint32_t block)
{
	struct arena_span *span = &arena->span[index];

	assert(!(span->vacant[block / 64] >> (block % 64) & 1));
	span->vacant[block / 64] |= 1ull << (block % 64);
	if (span->used-- == span->blocks)
		list_add(arena, index);
	if (span->used > 0 || (span->next == ARENA_NO_SPAN && span->previous == ARENA_NO_SPAN))
		return;
	list_remove(arena, index);
	free(span->vacant);
	spans_release(arena, index, 1);
}

void arena_free(struct arena *arena, image_ref ref)
{
	uint32_t index = ref / ARENA_SPAN_UNITS;
	struct arena_span *span = &arena->span[index];

	arena->used -= arena_block_octets(arena, ref);
	if (span->state == ARENA_SPAN_LARGE)
		spans_release(arena, index, span->run);
	else
		small_free(arena, index, ref % ARENA_SPAN_UNITS / span->units);
}

bool arena_init(struct arena *arena, uint8_t *base, uint64_t capacity, arena_grow grow,
		void *context)
{
	uint64_t spans = capacity / ARENA_SPAN;

	*arena = (struct arena){.base = base, .grow = grow, .context = context};
	arena->span_max = spans > (1u << 20) ? 1u << 20 : (uint32_t)spans;
	for (unsigned i = 0; i < ARENA_CLASSES; i++)
		arena->with_room[i] = ARENA_NO_SPAN;
	/* The first block of the first span is at offset 0: the header's, and the reference "none".
	 * It has the size of root blocks, so that the span is not opened for the header alone. */
	return small_new(arena, class_of(sizeof(struct image_root) / IMAGE_UNIT, true)) == 0 &&
	       arena->spans == 1;
}

void arena_done(struct arena *arena)
{
	for (uint32_t i = 0; i < arena->spans; i++)
		free(arena->span[i].vacant);
	free(arena->span);
}
