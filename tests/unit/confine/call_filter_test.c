/* Calls that are allowed go on as ever; one that is not ends the process, and the log names it. */
#include "dataplane/confine/call_filter.h"
#include "dataplane/confine/privilege.h"
#include "runtime/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char output[4096]; /* what the last child logged */

static int enter(enum call_threads threads, const char *const *more)
{
	char error[256];
	struct call_filter *filter = call_filter_new(threads, more, NULL, error, sizeof(error));
	int result;

	if (filter == NULL || !privilege_no_new() || !call_filter_report())
		return -1;
	log_info("test", "the first line"); /* libc reads its time zone once */
	result = call_filter_enter(filter, true);
	call_filter_free(filter);
	return result;
}

/* The wait status of a child that enters a filter and does as told. */
static int in_child(enum call_threads threads, const char *const *more, int (*act)(void))
{
	int ends[2], status;
	size_t length = 0;
	ssize_t got;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		_exit(enter(threads, more) == 0 ? act() : 99);
	}
	close(ends[1]);
	while ((got = read(ends[0], output + length, sizeof(output) - 1 - length)) > 0)
		length += (size_t)got;
	output[length] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void is_refused(enum call_threads threads, int (*act)(void), const char *call)
{
	int status = in_child(threads, NULL, act);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("%s: wait status %x, not SIGSYS; log: %s", call, (unsigned)status, output);
	if (strstr(output, call) == NULL)
		fail_msg("%s is not named: %s", call, output);
}

static int opens_a_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0;
}

static int runs_a_program(void)
{
	execl("/bin/true", "true", NULL);
	return 1;
}

static int maps_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static int makes_code(void)
{
	static char page[8192];

	return mprotect((void *)(((uintptr_t)page + 4095) & ~UINT64_C(4095)), 4096,
			PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int opens_for_writing(void)
{
	return open("/dev/null", O_WRONLY | O_CLOEXEC) < 0;
}

static int opens_for_reading(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC) < 0;
}

static int takes_the_report_away(void)
{
	return signal(SIGSYS, SIG_IGN) == SIG_ERR;
}

static int writes_elsewhere(void)
{
	return write(STDOUT_FILENO, "x", 1) < 0;
}

static void what_no_thread_needs(void **state)
{
	(void)state;
	is_refused(CALL_PROCESS, opens_a_socket, "call=socket number=");
	is_refused(CALL_PROCESS, runs_a_program, "call=execve number=");
	is_refused(CALL_PROCESS, maps_code, "call=mmap number=");
	is_refused(CALL_PROCESS, makes_code, "call=mprotect number=");
	is_refused(CALL_PROCESS, opens_for_writing, "call=openat number=");
	is_refused(CALL_PROCESS, takes_the_report_away, "call=rt_sigaction number=");
}

static void what_a_worker_does_not_need(void **state)
{
	(void)state;
	is_refused(CALL_WORKER, opens_for_reading, "call=openat number=");
	is_refused(CALL_WORKER, writes_elsewhere, "call=write number=");
	assert_int_equal(in_child(CALL_STREAM, NULL, opens_for_reading), 0);
}

static int uses_memory_and_time(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at, 4096, PROT_READ) != 0 || munmap(at, 4096) != 0)
		return 1;
	log_info("test", "still here");
	return nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
}

static void what_all_need_goes_on(void **state)
{
	(void)state;
	assert_int_equal(in_child(CALL_WORKER, NULL, uses_memory_and_time), 0);
	assert_non_null(strstr(output, "still here"));
}

static void what_a_back_end_adds_is_allowed(void **state)
{
	const char *const more[] = {"socket", "poll", NULL};

	(void)state;
	assert_int_equal(in_child(CALL_WORKER, more, opens_a_socket), 0);
}

static void an_unknown_call_is_refused(void **state)
{
	const char *const more[] = {"socket", "no_such_call", NULL};
	char error[256];

	(void)state;
	assert_null(call_filter_new(CALL_WORKER, more, NULL, error, sizeof(error)));
	assert_non_null(strstr(error, "no_such_call"));
}

static sem_t go;

static void *waits_then_opens(void *unused)
{
	pthread_setname_np(pthread_self(), "earlier");
	sem_wait(&go);
	opens_a_socket();
	return unused;
}

static int lets_it_go(void)
{
	sem_post(&go);
	pause();
	return 0;
}

/* A thread that was there before the filter has it, too. */
static int with_an_earlier_thread(void)
{
	pthread_t thread;

	sem_init(&go, 0, 0);
	if (pthread_create(&thread, NULL, waits_then_opens, NULL) != 0)
		return 98;
	return enter(CALL_PROCESS, (const char *const[]){"pause", NULL}) == 0 ? lets_it_go() : 99;
}

static void threads_that_run_already_have_it(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(with_an_earlier_thread());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_no_thread_needs),
	    cmocka_unit_test(what_a_worker_does_not_need),
	    cmocka_unit_test(what_all_need_goes_on),
	    cmocka_unit_test(what_a_back_end_adds_is_allowed),
	    cmocka_unit_test(an_unknown_call_is_refused),
	    cmocka_unit_test(threads_that_run_already_have_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
