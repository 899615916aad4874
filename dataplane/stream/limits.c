#include "dataplane/stream/limits.h"
#include "zones/name/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define KEY_OCTETS 17u /* the family, then 16 octets */

struct place {
	uint8_t key[KEY_OCTETS];
	uint32_t count; /* 0: the place is free */
};

/* Open addressing with linear probing; at most half of the places are ever taken. */
struct limits {
	uint64_t hash_key[2];
	uint32_t all;
	uint32_t each;
	uint32_t count;
	uint32_t mask;
	struct place place[];
};

struct limits *limits_new(uint32_t all, uint32_t each)
{
	uint32_t places = 64;
	struct limits *limits;

	while (places < 2 * (uint64_t)all)
		places *= 2;
	limits = calloc(1, sizeof(*limits) + (size_t)places * sizeof(limits->place[0]));
	if (!limits)
		return NULL;
	limits->all = all;
	limits->each = each;
	limits->mask = places - 1;
	/* Without a random key the limits still hold; only their cost could be aimed at. */
	if (getrandom(limits->hash_key, sizeof(limits->hash_key), GRND_NONBLOCK) < 0)
		limits->hash_key[0] = (uintptr_t)limits;
	return limits;
}

void limits_free(struct limits *limits)
{
	free(limits);
}

static void client_key(const struct client *client, uint8_t key[KEY_OCTETS])
{
	memset(key, 0, KEY_OCTETS);
	key[0] = (uint8_t)client->family;
	memcpy(key + 1, client->address, client->family == 6 ? 8 : 4);
}

static uint32_t home(const struct limits *limits, const uint8_t key[KEY_OCTETS])
{
	return (uint32_t)name_hash(limits->hash_key, key, KEY_OCTETS) & limits->mask;
}

/* The client's place, or the free one where it belongs. */
static uint32_t find(const struct limits *limits, const uint8_t key[KEY_OCTETS])
{
	uint32_t at = home(limits, key);

	while (limits->place[at].count != 0 && memcmp(limits->place[at].key, key, KEY_OCTETS) != 0)
		at = (at + 1) & limits->mask;
	return at;
}

bool limits_enter(struct limits *limits, const struct client *client)
{
	uint8_t key[KEY_OCTETS];
	struct place *place;

	if (limits->count >= limits->all)
		return false;
	client_key(client, key);
	place = &limits->place[find(limits, key)];
	if (place->count >= limits->each)
		return false;
	memcpy(place->key, key, KEY_OCTETS);
	place->count++;
	limits->count++;
	return true;
}

/* Frees a place and moves up what probing had pushed past it, so that no search stops too early. */
static void vacate(struct limits *limits, uint32_t hole)
{
	uint32_t at = hole;

	for (;;) {
		limits->place[hole].count = 0;
		for (;;) {
			at = (at + 1) & limits->mask;
			if (limits->place[at].count == 0)
				return;
			/* Distances run from the home: the hole must not lie before it. */
			uint32_t from = home(limits, limits->place[at].key);
			if (((at - from) & limits->mask) >= ((at - hole) & limits->mask))
				break;
		}
		limits->place[hole] = limits->place[at];
		hole = at;
	}
}

void limits_leave(struct limits *limits, const struct client *client)
{
	uint8_t key[KEY_OCTETS];
	uint32_t at;

	client_key(client, key);
	at = find(limits, key);
	if (limits->place[at].count == 0)
		return;
	limits->count--;
	if (--limits->place[at].count == 0)
		vacate(limits, at);
}

uint32_t limits_count(const struct limits *limits)
{
	return limits->count;
}

bool limits_full(const struct limits *limits)
{
	return limits->count >= limits->all;
}

uint32_t limits_client(const struct limits *limits, const struct client *client)
{
	uint8_t key[KEY_OCTETS];

	client_key(client, key);
	return limits->place[find(limits, key)].count;
}

uint64_t limits_hash(const struct limits *limits, const struct client *client)
{
	uint8_t key[KEY_OCTETS];

	client_key(client, key);
	return name_hash(limits->hash_key, key, KEY_OCTETS);
}
