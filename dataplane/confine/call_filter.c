#include "dataplane/confine/call_filter.h"

#include "runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAMES 512u

struct call_filter {
	struct sock_fprog program;
};

/* A call, and what its arguments must be: (argument & mask) == value; mask 0: anything. */
struct allowed {
	const char *name;
	unsigned threads;
	unsigned argument;
	uint64_t mask, value;
};

enum { MAIN = CALL_MAIN, STREAM = CALL_STREAM, WORKER = CALL_WORKER, ALL = CALL_PROCESS };

static const struct allowed allowed[] = {
#define CALL(name, threads)			    {#name, threads, 0, 0, 0},
#define CALL_CLEAR(name, threads, argument, bits)   {#name, threads, argument, bits, 0},
#define CALL_EQUAL(name, threads, argument, wanted) {#name, threads, argument, UINT32_MAX, wanted},
#include "dataplane/confine/calls.def"
#undef CALL
#undef CALL_CLEAR
#undef CALL_EQUAL
};

/* By number, for the log: looked up before, since the library's own look-up allocates. */
static const char *names[NAMES];

bool call_filter_in_build(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	return false;
#else
	return true;
#endif
#else
	return true;
#endif
}

/* A call that this machine has not gets a negative number, and no rule. */
static int allow(scmp_filter_ctx context, const struct allowed *call)
{
	struct scmp_arg_cmp condition =
	    SCMP_CMP(call->argument, SCMP_CMP_MASKED_EQ, call->mask, call->value);
	int number = seccomp_syscall_resolve_name(call->name), result;

	if (number == __NR_SCMP_ERROR)
		return -EINVAL;
	if (number < 0)
		return 0;
	result =
	    seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, call->mask != 0, &condition);
	return result == -EEXIST ? 0 : result;
}

/* Each gives the name of a call for which there is no rule to be had, or NULL. */
static const char *allow_listed(scmp_filter_ctx context, enum call_threads threads)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if ((allowed[i].threads & threads) && allow(context, &allowed[i]) != 0)
			return allowed[i].name;
	return NULL;
}

static const char *allow_names(scmp_filter_ctx context, const char *const *name)
{
	for (; name && *name; name++)
		if (allow(context, &(struct allowed){.name = *name}) != 0)
			return *name;
	return NULL;
}

/* The library writes the program to a file only. */
static struct call_filter *export(scmp_filter_ctx context)
{
	struct call_filter *filter = calloc(1, sizeof(*filter));
	int fd = memfd_create("skua-calls", MFD_CLOEXEC);
	off_t size = 0;

	if (filter != NULL && fd >= 0 && seccomp_export_bpf(context, fd) == 0)
		size = lseek(fd, 0, SEEK_END);
	if (size > 0)
		filter->program.filter = malloc((size_t)size);
	if (size > 0 && filter->program.filter != NULL &&
	    pread(fd, filter->program.filter, (size_t)size, 0) == size)
		filter->program.len = (unsigned short)((size_t)size / sizeof(struct sock_filter));
	if (fd >= 0)
		close(fd);
	if (filter == NULL || filter->program.len > 0)
		return filter;
	call_filter_free(filter);
	return NULL;
}

struct call_filter *call_filter_new(enum call_threads threads, const char *const *first,
				    const char *const *second, char *error, size_t error_size)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_TRAP);
	struct call_filter *filter = NULL;
	const char *refused = NULL;

	if (context != NULL) {
		refused = allow_listed(context, threads);
		refused = refused != NULL ? refused : allow_names(context, first);
		refused = refused != NULL ? refused : allow_names(context, second);
		filter = refused == NULL ? export(context) : NULL;
		seccomp_release(context);
	}
	if (filter == NULL)
		snprintf(error, error_size, "can't make a filter of system calls: %s%s",
			 refused != NULL ? "no rule to be had for " : "out of memory",
			 refused != NULL ? refused : "");
	return filter;
}

void call_filter_free(struct call_filter *filter)
{
	if (filter == NULL)
		return;
	free(filter->program.filter);
	free(filter);
}

/* Runs in the thread that made the call, at that very place. SA_RESETHAND has put the default back:
 * so the same call again, which is refused again, ends the process with SIGSYS. */
static void refused(int number, siginfo_t *info, void *context)
{
	unsigned call = (unsigned)info->si_syscall;
	char thread[16] = "";

	(void)number;
	(void)context;
	pthread_getname_np(pthread_self(), thread, sizeof(thread));
	log_error("dataplane.confine",
		  "a system call was refused, which ends this program; --seccomp off allows all",
		  LOG_TEXT("call", call < NAMES && names[call] ? names[call] : "?"),
		  LOG_UNSIGNED("number", call), LOG_TEXT("thread", thread));
	syscall(SYS_getppid); /* in no list */
}

bool call_filter_report(void)
{
	struct sigaction action = {.sa_sigaction = refused,
				   .sa_flags = SA_SIGINFO | (int)SA_RESETHAND};

	for (unsigned i = 0; i < NAMES && names[i] == NULL; i++)
		names[i] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)i);
	return sigaction(SIGSYS, &action, NULL) == 0;
}

/* The worker's answers are not for any other user's code to guess at: no reason to pay for the
 * closing of speculative side channels, as kernels before 5.16 do with every filter. */
int call_filter_enter(const struct call_filter *filter, bool all)
{
	unsigned long flags =
	    SECCOMP_FILTER_FLAG_SPEC_ALLOW | (all ? SECCOMP_FILTER_FLAG_TSYNC : 0);
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter->program);

	if (result > 0) /* a thread that could not follow */
		return EBUSY;
	return result == 0 ? 0 : errno;
}
