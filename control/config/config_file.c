#include "control/config/config_file.h"

#include "control/config/config_entry.h"
#include "control/config/expand.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT	CONFIG_REPORT
#define LARGEST ((size_t)64 << 20) /* octets: what is no configuration may have no end */

/* place: what to point at if the node is no scalar. */
static void load_scalar(struct config *config, enum config_key key, struct fy_node *node,
			struct fy_node *place)
{
	const char *name = config_key_info(key)->name;
	const char *raw = fy_node_is_scalar(node) ? fy_node_get_scalar0(node) : NULL;
	char error[512];
	char *text;

	if (raw == NULL) {
		REPORT(place, "%s: wants a single value, such as \"%s: %s\"", name, name,
		       config_key_info(key)->argument);
		return;
	}
	text = expand_variables(raw, error, sizeof(error));
	if (text == NULL) {
		REPORT(node, "%s: %s", name, error);
		return;
	}
	if (!config_add(config, key, text, error, sizeof(error)))
		REPORT(node, "%s", error);
	else if (config_key_info(key)->kind == KIND_ITEMS)
		config_items_known(config, key, node, text);
	free(text);
}

static void load_list(struct config *config, enum config_key key, struct fy_node *node,
		      struct fy_node *place)
{
	struct fy_node *item;
	void *at = NULL;

	if (!fy_node_is_sequence(node)) {
		load_scalar(config, key, node, place);
		return;
	}
	while ((item = fy_node_sequence_iterate(node, &at)) != NULL) {
		if (config_entry_allowed(key) && fy_node_is_mapping(item))
			config_entry_load(config, key, item);
		else
			load_scalar(config, key, item, place);
	}
}

/* False if the key is no plain word. */
static bool load_pair(struct config *config, struct fy_node_pair *pair)
{
	struct fy_node *node = fy_node_pair_key(pair);
	const char *name = fy_node_is_scalar(node) ? fy_node_get_scalar0(node) : NULL;
	enum config_key key = name == NULL ? CONFIG_KEYS : config_key_from_name(name, strlen(name));
	const char *nearest;

	if (name == NULL)
		return false;
	if (key != CONFIG_KEYS && config_is_list(key)) {
		load_list(config, key, fy_node_pair_value(pair), node);
		return true;
	}
	if (key != CONFIG_KEYS) {
		load_scalar(config, key, fy_node_pair_value(pair), node);
		return true;
	}
	nearest = config_nearest_name(name);
	if (nearest != NULL)
		REPORT(node, "unknown key \"%s\"; did you mean \"%s\"?", name, nearest);
	else
		REPORT(node, "unknown key \"%s\"; `skua help config` lists all keys", name);
	return true;
}

/* Lists are used by views, and both by zones: what is used is read first. */
static unsigned turn_of(struct fy_node_pair *pair)
{
	struct fy_node *node = fy_node_pair_key(pair);
	const char *name = fy_node_is_scalar(node) ? fy_node_get_scalar0(node) : NULL;

	if (name == NULL)
		return 0;
	return strcmp(name, "acl") == 0 ? 0 : strcmp(name, "views") == 0 ? 1 : 2;
}

/* False if it is no document of ours at all. */
static bool load_document(struct config *config, struct fy_node *root)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	if (root == NULL || fy_node_is_null(root))
		return true;
	if (!fy_node_is_mapping(root))
		return false;
	for (unsigned turn = 0; turn < 3; turn++, at = NULL)
		while ((pair = fy_node_mapping_iterate(root, &at)) != NULL)
			if (turn_of(pair) == turn && !load_pair(config, pair))
				return false;
	return true;
}

static bool print_problems(struct fy_diag *diag, const char *path, FILE *messages)
{
	struct fy_diag_error *problem;
	bool any = false;
	void *at = NULL;

	while ((problem = fy_diag_errors_iterate(diag, &at)) != NULL) {
		fprintf(messages, "%s:%d:%d: %s\n", path, problem->line, problem->column,
			problem->msg);
		any = true;
	}
	return any;
}

/* text: what stands in the file, and outlives the document. */
static bool load_text(const char *path, const char *text, size_t length, struct config *config,
		      FILE *messages)
{
	struct fy_parse_cfg cfg = {.flags = FYPCF_DEFAULT_DOC | FYPCF_COLLECT_DIAG};
	struct fy_diag_cfg diag_cfg;
	struct fy_document *document;
	bool bad;

	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	cfg.diag = fy_diag_create(&diag_cfg);
	if (cfg.diag == NULL)
		abort();
	fy_diag_set_collect_errors(cfg.diag, true);
	document = fy_document_build_from_string(&cfg, text, length); /* NULL if nothing is there */
	bad = document != NULL && !load_document(config, fy_document_root(document));
	if (bad)
		fprintf(messages, "%s:1:1: wants lines of the form \"key: value\"\n", path);
	bad |= print_problems(cfg.diag, path, messages);
	fy_document_destroy(document);
	fy_diag_destroy(cfg.diag);
	return !bad;
}

/* All that can be read, be it a file or a pipe: once, since a pipe gives it only once. NULL with
 * errno; to be freed. */
static char *read_whole(FILE *file, size_t *length)
{
	size_t room = 0, got;
	char *text = NULL;

	*length = 0;
	do {
		if (*length == room) {
			room = room == 0 ? 65536 : 2 * room;
			text = realloc(text, room);
			if (text == NULL)
				abort();
		}
		got = fread(text + *length, 1, room - *length, file);
		*length += got;
	} while (got > 0 && *length <= LARGEST);
	if (!ferror(file) && *length <= LARGEST)
		return text;
	if (!ferror(file))
		errno = EFBIG;
	free(text);
	return NULL;
}

bool config_file_load(const char *path, struct config *config, FILE *messages)
{
	FILE *file = fopen(path, "re");
	size_t length = 0;
	char *text = file == NULL ? NULL : read_whole(file, &length);
	bool good = text != NULL;

	if (!good)
		fprintf(messages, "%s: can't read the configuration: %s\n", path, strerror(errno));
	if (file != NULL)
		fclose(file);
	good = good && load_text(path, text, length, config, messages);
	free(text);
	return good;
}
