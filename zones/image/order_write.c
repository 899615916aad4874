/* order_write.c: changing an order tree by copying the path from its root.
 *
 * A change first finds its path and compares every name that it has to, and only then takes memory:
 * an entry whose node the same transaction has just replaced is still readable until then. */
#include "zones/image/order.h"

#include "zones/image/writer_private.h"
#include "zones/name/name.h"

#include <string.h>

#define PAGE_SPARSE (ORDER_FANOUT / 4)	   /* fewer entries: look for a neighbour to join */
#define PAGE_JOINED (ORDER_FANOUT * 3 / 4) /* the most that a joined page may have */

/* From the root (level 0) to the page of height 0 (the last level). */
struct path {
	unsigned levels;
	bool exact; /* the last level's entry at index has this very name */
	bool last;  /* the name is behind every other */
	struct order_page *page[ORDER_HEIGHT_MAX];
	image_ref ref[ORDER_HEIGHT_MAX];
	unsigned index[ORDER_HEIGHT_MAX]; /* of the child; in the last level: of the entry */
};

static image_ref *keys(struct order_page *page)
{
	return page->height > 0 ? page->first : page->entry;
}

/* How many keys are at or before the name. *exact: the last of those is the name. */
static unsigned keys_before(const struct image_writer *writer, struct order_page *page,
			    const uint8_t *name, bool *exact)
{
	unsigned low = 0, high = page->count;

	*exact = false;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct image_node *node = writer_at(writer, keys(page)[middle]);
		int order = name_compare(node->name, name);

		if (order <= 0)
			low = middle + 1;
		else
			high = middle;
		*exact |= order == 0;
	}
	return low;
}

static void path_find(const struct image_writer *writer, image_ref tree, const uint8_t *name,
		      struct path *path)
{
	*path = (struct path){.last = true};
	for (;;) {
		unsigned level = path->levels++;
		struct order_page *page = writer_at(writer, tree);
		unsigned before = keys_before(writer, page, name, &path->exact);

		assert(level < ORDER_HEIGHT_MAX);
		path->page[level] = page;
		path->ref[level] = tree;
		path->last &= before == page->count;
		if (page->height == 0) {
			path->index[level] = path->exact ? before - 1 : before;
			return;
		}
		path->index[level] = before == 0 ? 0 : before - 1;
		tree = page->entry[path->index[level]];
	}
}

static struct order_page *page_new(struct image_writer *writer, unsigned height, image_ref *ref)
{
	struct order_page *page;

	*ref = writer_block_new(writer, sizeof(*page), true);
	if (*ref == 0)
		return NULL;
	page = writer_at(writer, *ref);
	memset(page, 0, sizeof(*page));
	page->transaction = writer->transaction;
	page->height = (uint16_t)height;
	return page;
}

static struct order_page *page_writable(struct image_writer *writer, image_ref *ref)
{
	struct order_page *old = writer_at(writer, *ref);
	struct order_page *page;
	image_ref copy;

	if (old->transaction == writer->transaction)
		return old;
	page = page_new(writer, old->height, &copy);
	if (page == NULL)
		return NULL;
	memcpy(page, old, sizeof(*page));
	page->transaction = writer->transaction;
	writer_block_leave(writer, *ref);
	*ref = copy;
	return page;
}

static bool path_writable(struct image_writer *writer, struct path *path)
{
	for (unsigned level = 0; level < path->levels; level++) {
		path->page[level] = page_writable(writer, &path->ref[level]);
		if (path->page[level] == NULL)
			return false;
		if (level > 0)
			path->page[level - 1]->entry[path->index[level - 1]] = path->ref[level];
	}
	return true;
}

static image_ref page_smallest(struct order_page *page)
{
	return keys(page)[0];
}

/* The smallest node below each page of the path, from the bottom up. */
static void path_first(struct path *path)
{
	for (unsigned level = path->levels - 1; level > 0; level--)
		path->page[level - 1]->first[path->index[level - 1]] =
		    page_smallest(path->page[level]);
}

static void entry_insert(struct order_page *page, unsigned index, image_ref entry, image_ref first)
{
	size_t behind = (page->count - index) * sizeof(image_ref);

	memmove(&page->entry[index + 1], &page->entry[index], behind);
	memmove(&page->first[index + 1], &page->first[index], behind);
	page->entry[index] = entry;
	page->first[index] = first;
	page->count++;
}

static void entry_remove(struct order_page *page, unsigned index)
{
	size_t behind = (page->count - index - 1u) * sizeof(image_ref);

	memmove(&page->entry[index], &page->entry[index + 1], behind);
	memmove(&page->first[index], &page->first[index + 1], behind);
	page->count--;
}

static void entries_move(struct order_page *to, struct order_page *from, unsigned first)
{
	size_t size = (from->count - first) * sizeof(image_ref);

	memcpy(&to->entry[to->count], &from->entry[first], size);
	memcpy(&to->first[to->count], &from->first[first], size);
	to->count = (uint16_t)(to->count + from->count - first);
	from->count = (uint16_t)first;
}

/* The full page gives its upper part to a new one. Names that come in order fill their pages. */
static struct order_page *page_split(struct image_writer *writer, struct order_page *page,
				     bool ascending, image_ref *ref)
{
	struct order_page *upper = page_new(writer, page->height, ref);

	if (upper != NULL)
		entries_move(upper, page, ascending ? ORDER_FANOUT - 1 : ORDER_FANOUT / 2);
	return upper;
}

/* A root above the old one and the page that split from it. */
static bool root_raise(struct image_writer *writer, image_ref *tree, struct order_page *upper,
		       image_ref upper_ref)
{
	struct order_page *lower = writer_at(writer, *tree);
	struct order_page *root;
	image_ref ref;

	if (lower->height + 1u >= ORDER_HEIGHT_MAX) {
		writer->failed = true;
		return false;
	}
	root = page_new(writer, lower->height + 1u, &ref);
	if (root == NULL)
		return false;
	entry_insert(root, 0, *tree, page_smallest(lower));
	entry_insert(root, 1, upper_ref, page_smallest(upper));
	*tree = ref;
	return true;
}

static bool path_insert(struct image_writer *writer, image_ref *tree, struct path *path,
			image_ref node)
{
	image_ref entry = node, first = 0, upper_ref = 0;
	unsigned level = path->levels - 1;
	unsigned index = path->index[level];

	for (;;) {
		struct order_page *page = path->page[level];
		struct order_page *upper = NULL;

		if (page->count == ORDER_FANOUT) {
			upper = page_split(writer, page, path->last, &upper_ref);
			if (upper == NULL)
				return false;
		}
		if (upper != NULL && index > page->count)
			entry_insert(upper, index - page->count, entry, first);
		else
			entry_insert(page, index, entry, first);
		if (level > 0)
			path->page[level - 1]->first[path->index[level - 1]] = page_smallest(page);
		if (upper == NULL)
			break;
		if (level == 0)
			return root_raise(writer, tree, upper, upper_ref);
		entry = upper_ref;
		first = page_smallest(upper);
		index = path->index[--level] + 1;
	}
	for (; level > 0; level--)
		path->page[level - 1]->first[path->index[level - 1]] =
		    page_smallest(path->page[level]);
	return true;
}

bool order_put(struct image_writer *writer, image_ref *tree, image_ref node)
{
	const struct image_node *new = writer_at(writer, node);
	struct path path;

	assert(writer->open);
	if (*tree == 0) {
		struct order_page *page = page_new(writer, 0, tree);

		if (page != NULL)
			entry_insert(page, 0, node, 0);
		return page != NULL;
	}
	path_find(writer, *tree, new->name, &path);
	if (!path_writable(writer, &path))
		return false;
	*tree = path.ref[0];
	if (!path.exact)
		return path_insert(writer, tree, &path, node);
	path.page[path.levels - 1]->entry[path.index[path.levels - 1]] = node;
	path_first(&path);
	return true;
}

/* Joins the sparse page at `index` of its parent with a neighbour, if both fit well in one. */
static bool page_join(struct image_writer *writer, struct order_page *parent, unsigned index)
{
	unsigned left = index > 0 ? index - 1 : index;
	struct order_page *lower, *upper;

	if (parent->count < 2)
		return true;
	lower = writer_at(writer, parent->entry[left]);
	upper = writer_at(writer, parent->entry[left + 1]);
	if (lower->count + upper->count > (int)PAGE_JOINED)
		return true;
	lower = page_writable(writer, &parent->entry[left]);
	upper = page_writable(writer, &parent->entry[left + 1]);
	if (lower == NULL || upper == NULL)
		return false;
	entries_move(lower, upper, 0);
	parent->first[left] = page_smallest(lower);
	writer_block_leave(writer, parent->entry[left + 1]);
	entry_remove(parent, left + 1);
	return true;
}

/* From the bottom up: an empty page leaves its parent, a sparse one joins a neighbour. */
static bool path_thin(struct image_writer *writer, struct path *path)
{
	for (unsigned level = path->levels - 1; level > 0; level--) {
		struct order_page *page = path->page[level];
		struct order_page *parent = path->page[level - 1];
		unsigned index = path->index[level - 1];

		if (page->count == 0) {
			writer_block_leave(writer, path->ref[level]);
			entry_remove(parent, index);
			continue;
		}
		parent->first[index] = page_smallest(page);
		if (page->count < PAGE_SPARSE && !page_join(writer, parent, index))
			return false;
	}
	return true;
}

static void root_lower(struct image_writer *writer, image_ref *tree)
{
	for (;;) {
		struct order_page *root = writer_at(writer, *tree);
		image_ref old = *tree;

		if (root->count > 1 || (root->count == 1 && root->height == 0))
			return;
		*tree = root->count == 0 ? 0 : root->entry[0];
		writer_block_leave(writer, old);
		if (*tree == 0)
			return;
	}
}

bool order_delete(struct image_writer *writer, image_ref *tree, const uint8_t *name)
{
	struct path path;
	unsigned bottom;

	assert(writer->open);
	if (*tree == 0)
		return true;
	path_find(writer, *tree, name, &path);
	if (!path.exact)
		return true;
	if (!path_writable(writer, &path))
		return false;
	bottom = path.levels - 1;
	entry_remove(path.page[bottom], path.index[bottom]);
	*tree = path.ref[0];
	if (!path_thin(writer, &path))
		return false;
	root_lower(writer, tree);
	return !writer->failed;
}

void order_retire(struct image_writer *writer, image_ref tree)
{
	struct order_page *page = writer_at(writer, tree);

	if (tree == 0)
		return;
	for (unsigned i = 0; page->height > 0 && i < page->count; i++)
		order_retire(writer, page->entry[i]);
	writer_block_leave(writer, tree);
}

void order_visit(const struct image_writer *writer, image_ref tree,
		 void (*visit)(void *context, image_ref node), void *context)
{
	const struct order_page *page = writer_at(writer, tree);

	for (unsigned i = 0; i < page->count; i++) {
		if (page->height > 0)
			order_visit(writer, page->entry[i], visit, context);
		else
			visit(context, page->entry[i]);
	}
}
