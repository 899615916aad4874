/* order_read.c: finding a name's place in the canonical order of a zone. Nothing in the tree is
 * believed: heights must fall by one from page to page, and names are checked before they are
 * compared. */
#include "zones/image/order.h"
#include "zones/name/name.h"

static const struct order_page *page_at(const struct image *image, image_ref ref)
{
	const struct order_page *page = image_at(image, ref, sizeof(*page));

	if (page == NULL || page->count == 0 || page->count > ORDER_FANOUT ||
	    page->height >= ORDER_HEIGHT_MAX)
		return NULL;
	return page;
}

static const struct image_node *node_at(const struct image *image, image_ref ref)
{
	const struct image_node *node = image_node_at(image, ref);

	if (node == NULL || name_length(node->name, node->name_length) != node->name_length)
		return NULL;
	return node;
}

/* How many keys of the page are at or before the name; -1: damaged. */
static int keys_before(const struct image *image, const struct order_page *page,
		       const uint8_t *name)
{
	const image_ref *key = page->height > 0 ? page->first : page->entry;
	unsigned low = 0, high = page->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct image_node *node = node_at(image, key[middle]);

		if (node == NULL)
			return -1;
		if (name_compare(node->name, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return (int)low;
}

/* NULL for `name`: the last of all. */
static const struct image_node *descend(const struct image *image, const struct order_page *page,
					const uint8_t *name)
{
	for (unsigned steps = 0; steps < ORDER_HEIGHT_MAX; steps++) {
		int before = name == NULL ? page->count : keys_before(image, page, name);
		unsigned height = page->height;

		if (before <= 0)
			return NULL;
		if (height == 0)
			return node_at(image, page->entry[before - 1]);
		page = page_at(image, page->entry[before - 1]);
		if (page == NULL || page->height != height - 1)
			return NULL;
	}
	return NULL;
}

const struct image_node *order_at_or_before(const struct image *image, image_ref tree,
					    const uint8_t *name)
{
	const struct order_page *page = page_at(image, tree);
	int before;

	if (page == NULL)
		return NULL;
	before = keys_before(image, page, name);
	if (before < 0)
		return NULL;
	return descend(image, page, before == 0 ? NULL : name);
}
