/* runtime_dir_test.c: all programs of an instance find the same directory, and trust only a good
 * one. */
#include "runtime/runtime_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char parent[] = "/tmp/skua-runtime-XXXXXX", path[64], error[256];

static int make_parent(void **state)
{
	(void)state;
	strcpy(parent + strlen(parent) - 6, "XXXXXX");
	if (mkdtemp(parent) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/run", parent);
	return 0;
}

static int remove_parent(void **state)
{
	(void)state;
	rmdir(path);
	unlink(path);
	return rmdir(parent);
}

/* Images and counters are for one user and group: the threat model says so. */
static void a_new_one_is_not_for_all(void **state)
{
	struct stat at;

	(void)state;
	assert_true(runtime_dir_make(path, error, sizeof(error)));
	assert_int_equal(stat(path, &at), 0);
	assert_int_equal(at.st_mode & 07, 0);
	assert_true(runtime_dir_make(path, error, sizeof(error)));
}

static void what_is_no_directory_is_refused(void **state)
{
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	fclose(file);
	assert_false(runtime_dir_make(path, error, sizeof(error)));
	assert_non_null(strstr(error, "--runtime-dir"));
}

/* Where anybody may make directories, another user's is refused; elsewhere it was given to us. */
static void a_planted_one_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chown(path, 12345, 12345), 0);
	assert_true(runtime_dir_make(path, error, sizeof(error)));
	assert_int_equal(chmod(parent, 01777), 0);
	assert_false(runtime_dir_make(path, error, sizeof(error)));
	assert_non_null(strstr(error, "another user (12345)"));
}

static void a_relative_session_directory_is_not_taken(void **state)
{
	char relative[256], none[256], absolute[256];

	(void)state;
	setenv("XDG_RUNTIME_DIR", "somewhere", 1);
	runtime_dir_default(relative, sizeof(relative));
	unsetenv("XDG_RUNTIME_DIR");
	runtime_dir_default(none, sizeof(none));
	setenv("XDG_RUNTIME_DIR", "/somewhere", 1);
	runtime_dir_default(absolute, sizeof(absolute));
	assert_string_equal(relative, none);
	/* Root has /run, if that is in memory. */
	if (strcmp(none, "/run/skua") != 0)
		assert_string_equal(absolute, "/somewhere/skua");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_new_one_is_not_for_all, make_parent, remove_parent),
	    cmocka_unit_test_setup_teardown(what_is_no_directory_is_refused, make_parent,
					    remove_parent),
	    cmocka_unit_test_setup_teardown(a_planted_one_is_refused, make_parent, remove_parent),
	    cmocka_unit_test(a_relative_session_directory_is_not_taken),
	};
	return cmocka_run_group_tests_name("runtime_dir", tests, NULL, NULL);
}
