#include "dataplane/confine/confine.h"

#include "dataplane/confine/privilege.h"
#include "runtime/log.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PART "dataplane.confine"

/* Who may have the port without it (net.ipv4.ip_unprivileged_port_start) does not need it. */
static uint64_t needed_to_bind(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool refused =
	    fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0 && errno == EACCES;

	if (fd >= 0)
		close(fd);
	return refused ? UINT64_C(1) << CAP_NET_BIND_SERVICE : 0;
}

/* What is tried out without any capability in force. */
static uint64_t needed(const struct packet_io_class *io_class, struct packet_io *io, bool follows)
{
	uint64_t capabilities = 0;

	if ((io_class->capabilities == NULL && !follows) || !privilege_in_force(false))
		return 0;
	if (io_class->capabilities != NULL)
		capabilities = io_class->capabilities(io);
	if (follows)
		capabilities |= needed_to_bind();
	privilege_in_force(true);
	return capabilities;
}

static uint64_t had(uint64_t capabilities)
{
	const uint64_t bind = UINT64_C(1) << CAP_NET_BIND_SERVICE;

	if (!(capabilities & bind) || privilege_had(CAP_NET_BIND_SERVICE))
		return capabilities;
	log_warning(PART, "no TCP on addresses that come later: that needs CAP_NET_BIND_SERVICE "
			  "(AmbientCapabilities= in systemd)");
	return capabilities & ~bind;
}

static void log_staying(enum account_choice choice)
{
	if (choice == ACCOUNT_ASKED)
		log_warning(PART, "stays root with all its capabilities, as --user asks");
	else if (choice == ACCOUNT_NOBODY)
		log_warning(
		    PART,
		    "stays root with all its capabilities: there is no user " ACCOUNT_DEFAULT
		    "; make it (useradd --system " ACCOUNT_DEFAULT "), or name another by --user");
	else
		log_warning(PART,
			    "stays root with all its capabilities: to become user " ACCOUNT_DEFAULT
			    " it lacks CAP_SETUID or CAP_SETGID");
}

static bool refuse_unreadable(const struct account *account, char error[IO_ERROR_TEXT])
{
	snprintf(error, IO_ERROR_TEXT,
		 "user %s may not read the runtime directory, or the channel in it: give them to "
		 "its group (mode 0750, 0640), name the user that they belong to by --user, or run "
		 "skua-control as root",
		 account->name);
	return false;
}

bool confine_privileges(const struct account *account, const struct packet_io_class *io_class,
			struct packet_io *io, bool follows, struct adopt *adopt,
			char error[IO_ERROR_TEXT])
{
	bool become = account->choice == ACCOUNT_BECOME;
	uint64_t capabilities;
	char kept[256];

	if (!become && account->choice != ACCOUNT_ALREADY) {
		log_staying(account->choice);
		return true;
	}
	if (become && !adopt_share(adopt, account->gid)) {
		snprintf(
		    error, IO_ERROR_TEXT,
		    "can't give the runtime directory to the group of user %s: %s; give --user "
		    "none to stay root",
		    account->name, strerror(errno));
		return false;
	}
	capabilities = had(needed(io_class, io, follows));
	if (!privilege_give_up(account, capabilities, error, IO_ERROR_TEXT))
		return false;
	if (!adopt_can_read(adopt))
		return refuse_unreadable(account, error);
	privilege_text(capabilities, kept, sizeof(kept));
	log_info(PART, "privileges given up", LOG_UNSIGNED("uid", geteuid()),
		 LOG_UNSIGNED("gid", getegid()), LOG_TEXT("capabilities", kept));
	if (become && adopt_can_write(adopt))
		log_warning(PART, "this user may write what skua-control publishes: run "
				  "skua-control as another one");
	return true;
}

static bool make_filters(const struct packet_io_class *io_class, struct confine_filters *filters,
			 char error[IO_ERROR_TEXT])
{
	filters->process = call_filter_new(CALL_PROCESS, io_class->main_calls,
					   io_class->queue_calls, error, IO_ERROR_TEXT);
	if (filters->process == NULL)
		return false;
	filters->stream = call_filter_new(CALL_STREAM, NULL, NULL, error, IO_ERROR_TEXT);
	if (filters->stream == NULL)
		return false;
	filters->worker =
	    call_filter_new(CALL_WORKER, io_class->queue_calls, NULL, error, IO_ERROR_TEXT);
	return filters->worker != NULL;
}

bool confine_calls(const struct packet_io_class *io_class, struct confine_filters *filters,
		   char error[IO_ERROR_TEXT])
{
	int reason;

	if (!call_filter_in_build()) {
		log_warning(PART, "system calls are not filtered in a build with sanitizers");
		return true;
	}
	if (!make_filters(io_class, filters, error))
		return false;
	reason = call_filter_report() ? call_filter_enter(filters->process, true) : errno;
	if (reason == 0) {
		log_info(PART, "system calls are filtered");
		return true;
	}
	confine_filters_free(filters);
	if (reason == ENOSYS || reason == EINVAL) {
		log_warning(PART,
			    "system calls are not filtered: the kernel can't (CONFIG_SECCOMP)");
		return true;
	}
	snprintf(error, IO_ERROR_TEXT, "can't filter system calls: %s; give --seccomp off",
		 strerror(reason));
	return false;
}

void confine_filters_free(struct confine_filters *filters)
{
	call_filter_free(filters->process);
	call_filter_free(filters->stream);
	call_filter_free(filters->worker);
	*filters = (struct confine_filters){0};
}
