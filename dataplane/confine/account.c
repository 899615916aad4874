#include "dataplane/confine/account.h"

#include <cap-ng.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool may_change(void)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) == 1 &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID) == 1;
}

static bool refuse(const char *name, const char *why, char *error, size_t error_size)
{
	snprintf(error, error_size, "--user %.60s: %s", name, why);
	return false;
}

/* Not root: the same user may be named, another can't be had. */
static bool stay(const char *asked, const struct passwd *entry, struct account *account,
		 char *error, size_t error_size)
{
	account->choice = ACCOUNT_ALREADY;
	if (asked == NULL || (entry != NULL && entry->pw_uid == geteuid()))
		return true;
	return refuse(asked, "only root can become another user: leave it out", error, error_size);
}

bool account_find(const char *asked, struct account *account, char *error, size_t error_size)
{
	const char *name = asked != NULL ? asked : ACCOUNT_DEFAULT;
	bool asked_to_stay = strcmp(name, ACCOUNT_STAY) == 0;
	const struct passwd *entry = asked_to_stay ? NULL : getpwnam(name);

	memset(account, 0, sizeof(*account));
	snprintf(account->name, sizeof(account->name), "%s", name);
	if (geteuid() != 0)
		return stay(asked_to_stay ? NULL : asked, entry, account, error, error_size);
	account->choice = ACCOUNT_ASKED;
	if (asked_to_stay || (entry != NULL && entry->pw_uid == 0))
		return true;
	account->choice = entry == NULL	 ? ACCOUNT_NOBODY
			  : may_change() ? ACCOUNT_BECOME
					 : ACCOUNT_UNABLE;
	if (entry != NULL) {
		account->uid = entry->pw_uid;
		account->gid = entry->pw_gid;
	}
	if (asked == NULL || account->choice == ACCOUNT_BECOME)
		return true;
	return refuse(asked,
		      entry == NULL
			  ? "there is no such user: make it (useradd --system), or give none"
			  : "becoming it needs CAP_SETUID and CAP_SETGID: add them, or give none",
		      error, error_size);
}
