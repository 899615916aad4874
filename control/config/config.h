/* config.h: the settings of one instance, whoever gave them: skua.yaml, the command line, defaults.
 *
 * Values are kept as the text that was given, after config_add() has found it to be of its key's
 * kind; so what was accepted once can be passed on to another program unchanged.
 * Threads:   one. Ownership: a config owns its texts; results borrow until the next change.
 * Errors:    a line for the user without the place, which the caller knows. */
#ifndef SKUA_CONTROL_CONFIG_CONFIG_H
#define SKUA_CONTROL_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_key {
#define KEY(name, kind, program, low, high, argument, fallback, help) KEY_##name,
#include "control/config/keys.def"
#undef KEY
	CONFIG_KEYS
};

enum config_kind {
	KIND_TEXT,
	KIND_NUMBER,
	KIND_NUMBER_OR_AUTO, /* config_number() of auto is 0 */
	KIND_SIZE,	     /* octets, with K, M or G */
	KIND_FLAG,	     /* true, false, yes, no, on, off, 1, 0 */
	KIND_CHOICE, /* a word of those in `argument`; where on and off are, also what a FLAG takes
		      */
	KIND_LEVEL,
	KIND_ADDRESS_OR_OFF,
	KIND_ADDRESSES, /* a list of ADDR:PORT */
	KIND_ZONES,	/* a list of ZONE arguments */
	KIND_ACCESS,	/* a list of NAME=ITEM,… (access_text.h) */
	KIND_ITEMS,	/* a list of ITEM,… */
};

enum config_program {
	PROGRAM_CONTROL = 1,
	PROGRAM_DATAPLANE = 2,
	PROGRAM_BOTH = 3,
};

struct config_key_info {
	const char *name; /* as in skua.yaml; on the command line with '-' for '_' */
	enum config_kind kind;
	enum config_program program;
	uint64_t low, high;
	const char *argument;
	const char *fallback; /* or NULL */
	const char *help;
};
const struct config_key_info *config_key_info(enum config_key key);
bool config_is_list(enum config_key key);
/* CONFIG_KEYS if there is no such key. */
enum config_key config_key_from_name(const char *name, size_t length);
/* The key whose name is nearest to a mistyped one, or NULL if none is near. */
const char *config_nearest_name(const char *name);

struct config {
	struct config_value {
		char **text;
		size_t count;
	} value[CONFIG_KEYS];
};

void config_init(struct config *config);
void config_free(struct config *config);

/* Appends to a list, replaces another value. False, with *error set, if text is not of the kind. */
bool config_add(struct config *config, enum config_key key, const char *text, char *error,
		size_t error_size);
/* Every key that `over` sets takes its place in `base`. */
void config_overlay(struct config *base, const struct config *over);

/* 1 for true, yes, on or 1; 0 for false, no, off or 0; -1 for anything else. */
int config_flag_from_text(const char *text);

bool config_is_set(const struct config *config, enum config_key key);
const char *config_text(const struct config *config, enum config_key key); /* or the default */
uint64_t config_number(const struct config *config, enum config_key key);
bool config_flag(const struct config *config, enum config_key key);
/* Which of its words a CHOICE is, counted from 0. */
unsigned config_choice(const struct config *config, enum config_key key);

#endif
