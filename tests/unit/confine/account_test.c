/* Which user it is to be, for root and for others. */
#include "dataplane/confine/account.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNKNOWN "no-such-user-here"
#define OTHER	"nobody" /* on every Debian */

static struct account account;
static char error[256];

static bool find(const char *asked)
{
	error[0] = '\0';
	return account_find(asked, &account, error, sizeof(error));
}

static void needs_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
}

static void root_becomes_who_is_named(void **state)
{
	needs_root(state);
	const struct passwd *entry = getpwnam(OTHER);

	assert_true(find(OTHER));
	assert_int_equal(account.choice, ACCOUNT_BECOME);
	assert_string_equal(account.name, OTHER);
	assert_int_equal(account.uid, entry->pw_uid);
	assert_int_equal(account.gid, entry->pw_gid);
}

static void root_becomes_skua_if_there_is_one(void **state)
{
	needs_root(state);
	const struct passwd *entry = getpwnam(ACCOUNT_DEFAULT);
	uid_t uid = entry ? entry->pw_uid : 0;

	assert_true(find(NULL));
	assert_int_equal(account.choice, uid ? ACCOUNT_BECOME : ACCOUNT_NOBODY);
	assert_int_equal(account.uid, uid);
}

static void root_stays_if_asked(void **state)
{
	needs_root(state);
	assert_true(find(ACCOUNT_STAY));
	assert_int_equal(account.choice, ACCOUNT_ASKED);
	assert_true(find("root"));
	assert_int_equal(account.choice, ACCOUNT_ASKED);
}

static void an_unknown_name_is_refused(void **state)
{
	needs_root(state);
	assert_false(find(UNKNOWN));
	assert_non_null(strstr(error, UNKNOWN));
	assert_non_null(strstr(error, "useradd"));
}

/* In a child, as nothing leads back. Returns its exit status: a letter for what went wrong. */
static int as_other(void)
{
	const struct passwd *entry = getpwnam(OTHER);

	if (geteuid() == 0 && setuid(entry->pw_uid) != 0)
		return 'u';
	if (!find(NULL) || account.choice != ACCOUNT_ALREADY)
		return 'n';
	if (!find(ACCOUNT_STAY) || account.choice != ACCOUNT_ALREADY)
		return 's';
	entry = getpwuid(geteuid());
	if (entry && (!find(entry->pw_name) || account.choice != ACCOUNT_ALREADY))
		return 'o';
	if (find("root") || strstr(error, "only root") == NULL)
		return 'r';
	return find(UNKNOWN) ? 'k' : 0;
}

static void others_stay_who_they_are(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(as_other());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(root_becomes_who_is_named),
	    cmocka_unit_test(root_becomes_skua_if_there_is_one),
	    cmocka_unit_test(root_stays_if_asked),
	    cmocka_unit_test(an_unknown_name_is_refused),
	    cmocka_unit_test(others_stay_who_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
