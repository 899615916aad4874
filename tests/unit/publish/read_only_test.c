/* read_only_test.c: what a dataplane that was taken over can do to what control publishes: read it.
 * The dataplane's part runs in a child that opens as root and becomes another user, as the program
 * does; control is the test itself. */
#include "dataplane/confine/privilege.h"
#include "tests/unit/publish/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 4096u

/* Each part returns the number of its line if what stands there does not hold. */
#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return (__LINE__ & 127) | 128;                                             \
	} while (0)

/* Opens the dataplane's part. The child of control lets go of what is control's. */
static bool shares(struct stage *stage, struct account *account)
{
	publish_close(stage->publisher);
	stage->adopt = adopt_open(stage->path, 1, stage->error, sizeof(stage->error));
	return stage->adopt != NULL &&
	       account_find("nobody", account, stage->error, sizeof(stage->error)) &&
	       adopt_share(stage->adopt, account->gid);
}

static bool becomes(struct stage *stage, const struct account *account)
{
	return privilege_give_up(account, 0, stage->error, sizeof(stage->error)) &&
	       geteuid() != 0 && adopt_can_read(stage->adopt) && !adopt_can_write(stage->adopt);
}

static bool enter(struct stage *stage)
{
	struct account account;

	return shares(stage, &account) && becomes(stage, &account);
}

/* The wait status of a child that plays the part. */
static int played(int (*part)(struct stage *), struct stage *stage)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(part(stage));
	return waitpid(child, &status, 0) == child ? status : -1;
}

static void control_publishes(struct stage *stage)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(stage->path, 0700), 0);
	control_start(stage);
	assert_true(scene_publish(stage->publisher, &stage->random, true));
}

static const struct image *image_of(struct stage *stage)
{
	bool changed;

	return polled(stage) ? adopt_newest(stage->adopt, 0, &changed) : NULL;
}

/* By the one that has the mapping. */
static int stores(struct stage *stage)
{
	const struct image *image = image_of(stage);

	signal(SIGSEGV, SIG_DFL); /* cmocka has one of its own */
	if (image != NULL)
		((volatile uint8_t *)(uintptr_t)image->base)[PAGE] = 1;
	return 0;
}

static int tries_the_mapping(struct stage *stage)
{
	const struct image *image;
	int status;

	HOLDS(enter(stage));
	image = image_of(stage);
	HOLDS(image != NULL && scene_fault(image) == NULL);
	HOLDS(mprotect((void *)(uintptr_t)image->base, PAGE, PROT_READ | PROT_WRITE) != 0);
	HOLDS(errno == EACCES);
	status = played(stores, stage);
	/* A sanitizer makes an exit status of the signal. */
	HOLDS((WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) ||
	      (WIFEXITED(status) && WEXITSTATUS(status) != 0));
	HOLDS(scene_fault(image) == NULL);
	return 0;
}

static void the_mapping_takes_no_store(void **state)
{
	control_publishes(*state);
	assert_int_equal(played(tries_the_mapping, *state), 0);
}

static int tries_file(int directory, const char *name)
{
	int fd;

	HOLDS(openat(directory, name, O_RDWR | O_CLOEXEC) < 0 && errno == EACCES);
	HOLDS(openat(directory, name, O_WRONLY | O_TRUNC | O_CLOEXEC) < 0 && errno == EACCES);
	HOLDS(unlinkat(directory, name, 0) != 0 && errno == EACCES);
	HOLDS(renameat(directory, name, directory, "x") != 0 && errno == EACCES);
	fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	HOLDS(fd >= 0);
	HOLDS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	HOLDS(errno == EACCES);
	HOLDS(pwrite(fd, "x", 1, 0) < 0 && errno == EBADF);
	HOLDS(ftruncate(fd, 0) != 0 && fchmod(fd, 0666) != 0 && fchown(fd, geteuid(), 0) != 0);
	close(fd);
	return 0;
}

static int tries_the_files(struct stage *stage)
{
	int directory = open(stage->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), line;

	HOLDS(directory >= 0 && enter(stage));
	line = tries_file(directory, "arena.1");
	HOLDS(line == 0);
	line = tries_file(directory, CHANNEL_FILE);
	HOLDS(line == 0);
	HOLDS(openat(directory, "arena.2", O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0);
	HOLDS(openat(directory, DATAPLANE_FILE, O_RDWR | O_CLOEXEC) < 0 && errno == EACCES);
	return 0;
}

static void the_files_take_none(void **state)
{
	control_publishes(*state);
	assert_int_equal(played(tries_the_files, *state), 0);
}

/* Descriptors of arenas, also of those for reading, that this process has. */
static unsigned arenas_open(const char *path)
{
	DIR *files = opendir("/proc/self/fd");
	const struct dirent *entry;
	unsigned count = 0;

	while (files != NULL && (entry = readdir(files)) != NULL) {
		char target[PATH_MAX] = "";

		if (readlinkat(dirfd(files), entry->d_name, target, sizeof(target) - 1) > 0)
			count += strncmp(target, path, strlen(path)) == 0 &&
				 strstr(target, "/arena.") != NULL;
	}
	closedir(files);
	return count;
}

static void no_descriptor_stays(void **state)
{
	struct stage *stage = *state;

	control_publishes(stage);
	assert_int_equal(arenas_open(stage->path), 1); /* control's */
	dataplane_start(stage, 1);
	assert_non_null(image_of(stage));
	assert_int_equal(arenas_open(stage->path), 1);
}

static int entered[2]; /* a pipe: the child is another user by now */

/* Another control's arena, which it makes once this process is another user. */
static int follows(struct stage *stage)
{
	uint64_t first, now;
	int more = 2000;

	HOLDS(enter(stage));
	HOLDS(polled(stage) && (first = adopted(stage, 0)) != 0);
	HOLDS(write(entered[1], "", 1) == 1);
	do {
		usleep(5000);
		polled(stage);
		now = adopted(stage, 0);
	} while (now == first && more-- > 0);
	HOLDS(now > first);
	HOLDS(atomic_load(&adopt_file(stage->adopt)->mapped_arena) == 2);
	adopt_close(stage->adopt);
	return 0;
}

static void what_is_published_later_is_read(void **state)
{
	struct stage *stage = *state;
	char octet;
	int status;
	pid_t child;

	control_publishes(stage);
	assert_int_equal(pipe(entered), 0);
	child = fork();
	if (child == 0)
		_exit(follows(stage));
	close(entered[1]);
	assert_int_equal(read(entered[0], &octet, 1), 1);
	close(entered[0]);
	control_stop(stage);
	control_start(stage);
	assert_true(scene_publish(stage->publisher, &stage->random, true));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	/* It could not remove its file. The next dataplane takes its place, and can. */
	assert_int_equal(scene_files(stage->path, DATAPLANE_FILE, NULL), 1);
	dataplane_start(stage, 1);
	adopt_close(stage->adopt);
	stage->adopt = NULL;
	assert_int_equal(scene_files(stage->path, DATAPLANE_FILE, NULL), 0);
}

/* Control gives the channel its group an instant after its name: here, when we are no longer root.
 */
static int waits_for_the_group(struct stage *stage)
{
	struct account account;
	char channel[96];
	int status;
	pid_t late;

	snprintf(channel, sizeof(channel), "%s/" CHANNEL_FILE, stage->path);
	HOLDS(shares(stage, &account));
	HOLDS(chown(channel, (uid_t)-1, 0) == 0);
	late = fork();
	if (late == 0) {
		usleep(50000);
		_exit(chown(channel, (uid_t)-1, account.gid) == 0 ? 0 : 1);
	}
	HOLDS(becomes(stage, &account));
	HOLDS(waitpid(late, &status, 0) == late && status == 0);
	return 0;
}

static void a_channel_without_its_group_yet_is_waited_for(void **state)
{
	control_publishes(*state);
	assert_int_equal(played(waits_for_the_group, *state), 0);
}

/* Whose directory it is says who reads it; one that all may write to is nobody's. */
static void a_directory_of_others_is_left_alone(void **state)
{
	struct stage *stage = *state;
	struct stat at;

	control_publishes(stage);
	dataplane_start(stage, 1);
	assert_int_equal(chmod(stage->path, 01777), 0);
	assert_true(adopt_share(stage->adopt, 12345));
	assert_int_equal(chmod(stage->path, 0750), 0);
	assert_int_equal(chown(stage->path, 54321, 54321), 0);
	assert_true(adopt_share(stage->adopt, 12345));
	assert_int_equal(stat(stage->path, &at), 0);
	assert_int_equal(at.st_gid, 54321);
	assert_int_equal(chown(stage->path, 0, 0), 0);
	assert_true(adopt_share(stage->adopt, 12345));
	assert_int_equal(stat(stage->path, &at), 0);
	assert_int_equal(at.st_gid, 12345);
	assert_int_equal(mode_of(stage, ""), 0750);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STEP(the_mapping_takes_no_store),
	    STEP(the_files_take_none),
	    STEP(no_descriptor_stays),
	    STEP(what_is_published_later_is_read),
	    STEP(a_channel_without_its_group_yet_is_waited_for),
	    STEP(a_directory_of_others_is_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
