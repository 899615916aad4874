/* What a process has left, as the kernel tells of it. Each test gives up what it has in a child. */
#include "dataplane/confine/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RAW (UINT64_C(1) << CAP_NET_RAW)

/* A line of /proc/self/status, as a number; all lines of user and group hold four that are alike.
 */
static uint64_t status_of(const char *key, int base)
{
	char line[256];
	uint64_t number = UINT64_MAX;
	FILE *file = fopen("/proc/self/status", "re");

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			number = strtoull(line + strlen(key), NULL, base);
	if (file)
		fclose(file);
	return number;
}

static int in_child(int (*test)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(test());
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* Each returns the number of its line if what stands there does not hold. */
#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return (__LINE__ & 127) | 128;                                             \
	} while (0)

static bool give_up(uint64_t capabilities)
{
	struct account account;
	char error[256];

	return account_find("nobody", &account, error, sizeof(error)) &&
	       privilege_give_up(&account, capabilities, error, sizeof(error));
}

static int nothing_is_left(void)
{
	struct account account;
	char error[256];

	HOLDS(account_find("nobody", &account, error, sizeof(error)));
	HOLDS(privilege_no_new() && give_up(0));
	HOLDS(status_of("Uid:", 10) == account.uid && status_of("Gid:", 10) == account.gid);
	HOLDS(geteuid() == account.uid && getegid() == account.gid);
	HOLDS(status_of("CapPrm:", 16) == 0 && status_of("CapEff:", 16) == 0);
	HOLDS(status_of("CapInh:", 16) == 0 && status_of("CapAmb:", 16) == 0);
	HOLDS(status_of("CapBnd:", 16) == 0 && status_of("NoNewPrivs:", 10) == 1);
	HOLDS(setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0);
	HOLDS(open("/etc/shadow", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
	HOLDS(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP) < 0);
	return 0;
}

static void user_and_capabilities_are_gone(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(nothing_is_left), 0);
}

static int one_is_left(void)
{
	HOLDS(give_up(RAW));
	HOLDS(geteuid() != 0);
	HOLDS(status_of("CapPrm:", 16) == RAW && status_of("CapEff:", 16) == RAW);
	HOLDS(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP) >= 0);
	HOLDS(setuid(0) != 0);
	return 0;
}

static void what_is_needed_is_kept(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(one_is_left), 0);
}

static int out_of_force(void)
{
	uint64_t had = status_of("CapEff:", 16);

	HOLDS(privilege_in_force(false));
	HOLDS(status_of("CapEff:", 16) == 0 && status_of("CapPrm:", 16) == had);
	HOLDS(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP) < 0);
	HOLDS(privilege_in_force(true));
	HOLDS(status_of("CapEff:", 16) == had);
	return 0;
}

static void trying_without_comes_first(void **state)
{
	(void)state;
	assert_int_equal(in_child(out_of_force), 0);
}

/* Not started as root: the user stays, capabilities go. */
static int only_capabilities(void)
{
	struct account account = {.choice = ACCOUNT_ALREADY};
	char error[256];

	HOLDS(privilege_give_up(&account, 0, error, sizeof(error)));
	HOLDS(status_of("CapPrm:", 16) == 0 && status_of("CapEff:", 16) == 0);
	HOLDS(status_of("CapAmb:", 16) == 0 && status_of("CapInh:", 16) == 0);
	return status_of("Uid:", 10) == geteuid() ? 0 : 1;
}

static void who_is_not_root_gives_up_capabilities(void **state)
{
	(void)state;
	assert_int_equal(in_child(only_capabilities), 0);
}

static void names_are_those_of_the_manual(void **state)
{
	char text[128];

	(void)state;
	privilege_text(0, text, sizeof(text));
	assert_string_equal(text, "none");
	privilege_text(RAW | UINT64_C(1) << CAP_NET_ADMIN, text, sizeof(text));
	assert_string_equal(text, "cap_net_admin,cap_net_raw");
	privilege_text(UINT64_MAX, text, 12);
	assert_int_equal(strlen(text), 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(user_and_capabilities_are_gone),
	    cmocka_unit_test(what_is_needed_is_kept),
	    cmocka_unit_test(trying_without_comes_first),
	    cmocka_unit_test(who_is_not_root_gives_up_capabilities),
	    cmocka_unit_test(names_are_those_of_the_manual),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
