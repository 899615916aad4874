#include "control/policy/access.h"

#include "control/config/access_text.h"
#include "control/policy/prefix_file.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTS_MAX 1000u
#define DEPTH_MAX 8u

/* A list or a view. */
struct named {
	char name[ACCESS_NAME_MAX + 1];
	char *items;
	uint16_t flags; /* enum image_view_flag */
};

struct access {
	struct named *list;
	size_t lists;
	struct named view[IMAGE_VIEWS]; /* [0] is not used */
	unsigned views;			/* one more than there are */
	char *rule[IMAGE_ACCESS_RULES]; /* items of rule number i + 1 */
	unsigned rules;
	char *exempt; /* items; NULL: none */
};

static void *memory_or_abort(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

struct access *access_new(void)
{
	struct access *access = memory_or_abort(calloc(1, sizeof(*access)));

	access->views = 1;
	return access;
}

void access_free(struct access *access)
{
	if (access == NULL)
		return;
	for (size_t i = 0; i < access->lists; i++)
		free(access->list[i].items);
	for (unsigned i = 1; i < access->views; i++)
		free(access->view[i].items);
	for (unsigned i = 0; i < access->rules; i++)
		free(access->rule[i]);
	free(access->list);
	free(access->exempt);
	free(access);
}

static const struct named *list_find(const struct access *access, const char *name)
{
	for (size_t i = 0; i < access->lists; i++)
		if (strcmp(access->list[i].name, name) == 0)
			return &access->list[i];
	return NULL;
}

/* All lists that the items name are there. */
static bool lists_are_known(const struct access *access, const char *items, char *error,
			    size_t error_size)
{
	struct access_item item;
	size_t length;

	while (items != NULL) {
		const char *text = access_items_next(&items, &length);

		if (access_item_read(text, length, &item) != NULL || item.kind != ACCESS_LIST ||
		    list_find(access, item.name) != NULL)
			continue;
		snprintf(error, error_size,
			 "there is no list \"%s\"; define it under acl, before it is used",
			 item.name);
		return false;
	}
	return true;
}

/* Splits NAME=ITEM,… ; the item "ecs" is taken out if flags are wanted. */
static void named_set(struct named *named, const char *text, bool view)
{
	const char *equals = strchr(text, '='), *at = equals + 1;
	char *items = memory_or_abort(calloc(1, strlen(text) + 1));
	size_t length;

	snprintf(named->name, sizeof(named->name), "%.*s", (int)(equals - text), text);
	while (at != NULL) {
		const char *item = access_items_next(&at, &length);

		if (view && length == 3 && memcmp(item, "ecs", 3) == 0) {
			named->flags |= IMAGE_VIEW_ECS;
			continue;
		}
		if (items[0] != '\0')
			strcat(items, ",");
		strncat(items, item, length);
	}
	named->items = items;
}

static bool refuse(char *error, size_t error_size, const char *what, const char *name)
{
	snprintf(error, error_size, "%s \"%s\" is given twice", what, name);
	return false;
}

bool access_add_list(struct access *access, const char *text, char *error, size_t error_size)
{
	struct named list = {0};

	if (!access_text_check(text, error, error_size))
		return false;
	named_set(&list, text, false);
	bool twice = list_find(access, list.name) != NULL;

	if (twice || access->lists == LISTS_MAX ||
	    !lists_are_known(access, list.items, error, error_size)) {
		free(list.items);
		if (access->lists == LISTS_MAX)
			snprintf(error, error_size, "there are more than %u lists", LISTS_MAX);
		return twice ? refuse(error, error_size, "list", list.name) : false;
	}
	access->list =
	    memory_or_abort(realloc(access->list, (access->lists + 1) * sizeof(*access->list)));
	access->list[access->lists++] = list;
	return true;
}

static unsigned view_find(const struct access *access, const char *name)
{
	unsigned number = access->views - 1;

	while (number > 0 && strcmp(access->view[number].name, name) != 0)
		number--;
	return number;
}

bool access_add_view(struct access *access, const char *text, char *error, size_t error_size)
{
	struct named view = {0};

	if (!access_text_check(text, error, error_size))
		return false;
	named_set(&view, text, true);
	bool twice = view_find(access, view.name) != 0;

	if (twice || access->views == IMAGE_VIEWS ||
	    !lists_are_known(access, view.items, error, error_size)) {
		free(view.items);
		if (access->views == IMAGE_VIEWS)
			snprintf(error, error_size, "there are more than %u views",
				 IMAGE_VIEWS - 1);
		return twice ? refuse(error, error_size, "view", view.name) : false;
	}
	access->view[access->views++] = view;
	return true;
}

bool access_view(const struct access *access, const char *name, uint8_t *number, char *error,
		 size_t error_size)
{
	*number = (uint8_t)view_find(access, name);
	if (*number == 0)
		snprintf(error, error_size, "there is no view \"%s\"; define it under views", name);
	return *number != 0;
}

bool access_rule(struct access *access, const char *items, uint8_t *number, char *error,
		 size_t error_size)
{
	*number = IMAGE_ANYONE;
	if (strcmp(items, "any") == 0)
		return true;
	if (!lists_are_known(access, items, error, error_size))
		return false;
	for (unsigned i = 0; i < access->rules; i++) {
		*number = (uint8_t)(i + 1);
		if (strcmp(access->rule[i], items) == 0)
			return true;
	}
	if (access->rules == IMAGE_ACCESS_RULES) {
		snprintf(error, error_size,
			 "there are more than %u different lists of who may ask a zone; let zones "
			 "share some",
			 IMAGE_ACCESS_RULES);
		return false;
	}
	access->rule[access->rules++] = memory_or_abort(strdup(items));
	*number = (uint8_t)access->rules;
	return true;
}

bool access_exempt(struct access *access, const char *items, char *error, size_t error_size)
{
	char *joined;

	if (!lists_are_known(access, items, error, error_size))
		return false;
	if (asprintf(&joined, "%s%s%s", access->exempt != NULL ? access->exempt : "",
		     access->exempt != NULL ? "," : "", items) < 0)
		abort();
	free(access->exempt);
	access->exempt = joined;
	return true;
}

/* Items on their way into the table. */
struct filling {
	const struct access *access;
	struct client_builder *builder;
	struct client_change in;  /* what is said of addresses that the items put in, */
	struct client_change out; /* and of those that they take out */
	const char *taken;	  /* what a view's items can't take out; NULL: nothing so far */
	char *error;
	size_t error_size;
};

static void fill_prefix(void *context, const struct prefix *prefix, bool taken_out)
{
	struct filling *f = context;

	if (taken_out && f->in.view != 0) {
		f->taken = "a view can't take addresses out; give them to another view, or narrow "
			   "the prefix";
		return;
	}
	client_builder_add(f->builder, prefix, taken_out ? &f->out : &f->in);
}

static void fill_all_addresses(struct filling *f, bool taken_out)
{
	const struct prefix v4 = {.family = 4}, v6 = {.family = 6};

	fill_prefix(f, &v4, taken_out);
	fill_prefix(f, &v6, taken_out);
}

/* A list or a file that is taken out: what it takes out is put in. */
struct turned {
	struct filling *filling;
	bool taken_out;
};

static void fill_turned(void *context, const struct prefix *prefix, bool taken_out)
{
	const struct turned *turned = context;

	fill_prefix(turned->filling, prefix, taken_out != turned->taken_out);
}

static bool fill_items(struct filling *f, const char *items, bool taken_out, unsigned depth);

static bool fill_item(struct filling *f, const struct access_item *item, bool taken_out,
		      unsigned depth)
{
	struct turned turned = {f, taken_out};

	switch (item->kind) {
	case ACCESS_PREFIX:
		fill_prefix(f, &item->prefix, taken_out);
		return true;
	case ACCESS_FILE:
		return prefix_file_read(item->name, fill_turned, &turned, f->error, f->error_size);
	case ACCESS_LIST:
		return fill_items(f, list_find(f->access, item->name)->items, taken_out, depth + 1);
	case ACCESS_ANY:
		fill_all_addresses(f, taken_out);
		return true;
	case ACCESS_NONE:
		return true;
	}
	return false;
}

static bool fill_items(struct filling *f, const char *items, bool taken_out, unsigned depth)
{
	struct access_item item;
	size_t length;

	if (depth > DEPTH_MAX) {
		snprintf(f->error, f->error_size, "lists name each other more than %u deep",
			 DEPTH_MAX);
		return false;
	}
	while (items != NULL && *items != '\0') {
		const char *text = access_items_next(&items, &length);

		if (access_item_read(text, length, &item) != NULL)
			return false; /* they were checked when they were added */
		if (!fill_item(f, &item, taken_out != item.taken_out, depth))
			return false;
	}
	if (f->taken != NULL)
		snprintf(f->error, f->error_size, "%s", f->taken);
	return f->taken == NULL;
}

static bool fill_all(const struct access *access, struct client_builder *builder, char *error,
		     size_t error_size)
{
	struct filling f = {access, builder, .error = error, .error_size = error_size};
	bool good = true;

	for (unsigned i = 0; good && i < access->rules; i++) {
		f.in.admits = f.out.refuses = 1ull << i;
		good = fill_items(&f, access->rule[i], false, 0);
	}
	f.in = f.out = (struct client_change){0};
	for (unsigned i = 1; good && i < access->views; i++) {
		f.in.view = (uint8_t)i;
		good = fill_items(&f, access->view[i].items, false, 0);
	}
	f.in = (struct client_change){.sets = IMAGE_CLIENT_EXEMPT};
	f.out = (struct client_change){.clears = IMAGE_CLIENT_EXEMPT};
	return good && fill_items(&f, access->exempt, false, 0);
}

static void problem_text(const struct access *access, const struct client_problem *problem,
			 char *error, size_t error_size)
{
	const struct prefix *prefix = &problem->prefix;
	char text[INET6_ADDRSTRLEN] = "";
	uint8_t octets[16];

	if (problem->view[0] == 0) {
		snprintf(error, error_size,
			 "the access lists, views and exempt networks cross in more than %u ways; "
			 "make them fewer",
			 CLIENT_CLASSES_MAX);
		return;
	}
	prefix_octets(prefix, octets);
	inet_ntop(prefix->family == 4 ? AF_INET : AF_INET6, octets, text, sizeof(text));
	snprintf(error, error_size, "%s/%u belongs to the views \"%s\" and \"%s\"; keep it in one",
		 text, prefix->length, access->view[problem->view[0]].name,
		 access->view[problem->view[1]].name);
}

struct client_table *access_table(const struct access *access, char *error, size_t error_size)
{
	struct client_builder *builder;
	struct client_table *table = NULL;
	struct client_problem problem;

	error[0] = '\0';
	if (access->rules == 0 && access->views == 1 && access->exempt == NULL)
		return NULL;
	builder = client_builder_new();
	if (fill_all(access, builder, error, error_size)) {
		table = client_table_new(builder, &problem);
		if (table == NULL)
			problem_text(access, &problem, error, error_size);
	}
	client_builder_free(builder);
	if (table == NULL)
		return NULL;
	table->view_count = access->views;
	for (unsigned i = 1; i < access->views; i++)
		table->view_flags[i] = access->view[i].flags;
	return table;
}
