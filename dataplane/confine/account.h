/* account.h: which user the dataplane becomes once everything is open.
 *
 * Threads: the main thread (the user database is read). Errors: one line for the user. */
#ifndef SKUA_DATAPLANE_CONFINE_ACCOUNT_H
#define SKUA_DATAPLANE_CONFINE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ACCOUNT_DEFAULT "skua"
#define ACCOUNT_STAY	"none"
#define ACCOUNT_NAME	64u

enum account_choice {
	ACCOUNT_BECOME,	 /* root, and name, uid and gid say who it becomes */
	ACCOUNT_ALREADY, /* was not started as root: only capabilities can be given up */
	ACCOUNT_ASKED,	 /* root, and is to stay so: --user none, or a name of user 0 */
	ACCOUNT_NOBODY,	 /* root, no name was given, and there is no user of the default name */
	ACCOUNT_UNABLE,	 /* the same, but root without CAP_SETUID or CAP_SETGID */
};

struct account {
	enum account_choice choice;
	char name[ACCOUNT_NAME];
	uid_t uid;
	gid_t gid;
};

/* asked: a name, ACCOUNT_STAY, or NULL: ACCOUNT_DEFAULT if that can be had. False if what was asked
 * for can't be had. */
bool account_find(const char *asked, struct account *account, char *error, size_t error_size);

#endif
