/* client.c: see client.h. */
#include "dataplane/answer/client.h"

#include "zones/name/hash.h"
#include "zones/name/name.h"
#include "zones/prefix/prefix.h"
#include "zones/record/record.h"

/* A client's address among the ranges of its family. */
struct place {
	struct image_address address;
	struct image_address first, last; /* the range; RFC 7871's scope is made of it */
	uint32_t class;
};

static uint32_t class_at(const struct image *image, image_ref classes, uint32_t count, uint32_t at)
{
	const uint16_t *class = image_at(image, classes, (uint64_t)count * sizeof(*class));

	return class == NULL ? 0 : class[at];
}

static struct image_address before(struct image_address address)
{
	address.high -= address.low == 0;
	address.low--;
	return address;
}

static void find_place4(const struct image *image, struct place *place)
{
	const struct image_clients *clients = &image->policy->clients;
	uint32_t count = clients->count4;
	const uint32_t *first = image_at(image, clients->first4, (uint64_t)count * sizeof(*first));

	if (count == 0 || first == NULL)
		return;
	uint32_t at = prefix_find4(first, count, (uint32_t)(place->address.high >> 32));
	place->class = class_at(image, clients->class4, count, at);
	place->first.high = (uint64_t)first[at] << 32;
	if (at + 1 < count)
		place->last = before((struct image_address){(uint64_t)first[at + 1] << 32, 0});
}

static void find_place6(const struct image *image, struct place *place)
{
	const struct image_clients *clients = &image->policy->clients;
	uint32_t count = clients->count6;
	const struct image_address *first =
	    image_at(image, clients->first6, (uint64_t)count * sizeof(*first));

	if (count == 0 || first == NULL)
		return;
	uint32_t at = prefix_find6(first, count, place->address);
	place->class = class_at(image, clients->class6, count, at);
	place->first = first[at];
	if (at + 1 < count)
		place->last = before(first[at + 1]);
}

/* Returns the family: an IPv4-mapped address is IPv4. */
static unsigned find_place(const struct image *image, unsigned family, const uint8_t *address,
			   struct place *place)
{
	*place = (struct place){.last = {UINT64_MAX, UINT64_MAX}};
	place->address = prefix_address(&family, address);
	if (family == 4)
		find_place4(image, place);
	else
		find_place6(image, place);
	return family;
}

/* The class of that number, or NULL: the image is damaged. */
static const struct image_client_class *class_of(const struct image *image, uint32_t number)
{
	const struct image_clients *clients = &image->policy->clients;
	const struct image_client_class *class =
	    image_at(image, clients->classes, (uint64_t)clients->class_count * sizeof(*class));

	return class == NULL || number >= clients->class_count ? NULL : &class[number];
}

static const struct image_view *view_of(const struct image *image, unsigned number)
{
	const struct image_clients *clients = &image->policy->clients;
	const struct image_view *view =
	    image_at(image, clients->views, (uint64_t)clients->view_count * sizeof(*view));

	return view == NULL || number >= clients->view_count || number == 0 ? NULL : &view[number];
}

static void set_view(struct client *client, unsigned view, const struct image_view *names)
{
	client->view = view;
	client->names = names;
	if (names != NULL)
		image_of_view(client->common, view, &client->own);
}

void client_of(const struct image *image, unsigned family, const uint8_t *source,
	       struct client *client)
{
	const struct image_client_class *class;
	struct place place;

	client->common = image;
	client->rules = 0;
	client->view = 0;
	client->names = NULL;
	if (!(image->policy->clients.flags & IMAGE_CLIENTS_SEE))
		return;
	client->flags = 0;
	find_place(image, family, source, &place);
	class = class_of(image, place.class);
	if (class == NULL)
		return;
	client->rules = class->rules;
	client->flags = class->flags;
	if (class->view != 0)
		set_view(client, class->view, view_of(image, class->view));
}

uint8_t client_see_subnet(struct client *client, unsigned family, const uint8_t *address)
{
	const struct image *image = client->common;
	const struct image_client_class *class;
	const struct image_view *names;
	struct place place;

	if (!(image->policy->clients.flags & IMAGE_CLIENTS_ECS))
		return 0;
	unsigned found = find_place(image, family, address, &place);
	unsigned bits = found == 4 ? 32 : 128;
	class = class_of(image, place.class);
	names = class == NULL ? NULL : view_of(image, class->view);
	if (names != NULL && names->flags & IMAGE_VIEW_ECS)
		set_view(client, class->view, names);
	if (prefix_address_before(place.address, place.first)) /* only in a damaged image */
		return 0;
	unsigned scope = prefix_length_within(place.address, place.first, place.last, bits);
	return (uint8_t)(found == family ? scope : scope + 96);
}

/* The slot of an apex, by its hash: which is keyed, so nobody can make a name of the same. */
static const struct image_view_apex *find_apex(const struct client *client,
					       const struct image_view_apex *slot, uint64_t hash)
{
	uint32_t mask = client->names->slots - 1;

	for (uint32_t probe = 0; probe < IMAGE_VIEW_PROBES; probe++) {
		const struct image_view_apex *at = &slot[(hash + probe) & mask];

		if (at->flags == 0)
			return NULL;
		if (at->hash == hash)
			return at;
	}
	return NULL;
}

bool client_has_own(const struct client *client, const uint8_t *name, size_t length, uint16_t type)
{
	const struct image_view *view = client->names;
	const struct image_view_apex *slot = NULL;
	unsigned labels = name_labels(name);
	size_t at = 0;

	if (view->slots != 0 && (view->slots & (view->slots - 1)) == 0)
		slot =
		    image_at(client->common, view->apexes, (uint64_t)view->slots * sizeof(*slot));
	if (slot == NULL)
		return false;
	for (unsigned left = labels + 1; left-- > 0 && at < length; at += 1u + name[at]) {
		const struct image_view_apex *apex;

		if (!(view->labels[left / 64 & 1] >> left % 64 & 1))
			continue;
		apex =
		    find_apex(client, slot, name_hash(client->common->key, name + at, length - at));
		if (apex != NULL && (left != labels || type != TYPE_DS ||
				     !(apex->flags & IMAGE_VIEW_PARENT_COMMON)))
			return true;
	}
	return false;
}

bool client_passes(const struct client *client, uint16_t zone_index)
{
	const struct image_zone *zone = image_zone(client->common, zone_index);

	if (zone == NULL || zone->acl > IMAGE_ACCESS_RULES)
		return false; /* the image is damaged: what is not known to be allowed is not */
	return zone->acl == IMAGE_ANYONE || client->rules >> (zone->acl - 1) & 1;
}

bool client_is_exempt(const struct client *client, unsigned family, const uint8_t *source)
{
	const struct image *image = client->common;
	const struct image_client_class *class;
	struct place place;

	if (image->policy->clients.flags & IMAGE_CLIENTS_SEE)
		return client->flags & IMAGE_CLIENT_EXEMPT; /* client_of() has searched */
	if (image->policy->clients.classes == 0)
		return false;
	find_place(image, family, source, &place);
	class = class_of(image, place.class);
	return class != NULL && class->flags & IMAGE_CLIENT_EXEMPT;
}
