#include "dataplane/confine/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool privilege_no_new(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool privilege_in_force(bool on)
{
	if (capng_get_caps_process() != 0)
		return false;
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
		if (capng_have_capability(CAPNG_PERMITTED, i) == 1)
			capng_update(on ? CAPNG_ADD : CAPNG_DROP, CAPNG_EFFECTIVE, i);
	return capng_apply(CAPNG_SELECT_CAPS) == 0;
}

bool privilege_had(unsigned capability)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_PERMITTED, capability) == 1;
}

static void want(uint64_t capabilities)
{
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
		if (capabilities >> i & 1)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, i);
}

/* The bounding set can only be emptied with CAP_SETPCAP; without, there is nothing to gain from it
 * either, as no program is started. */
static bool become(const struct account *account, uint64_t capabilities)
{
	bool bounding = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;

	capng_clear(CAPNG_SELECT_ALL);
	want(capabilities);
	return capng_change_id((int)account->uid, (int)account->gid,
			       CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_AMBIENT |
				   (bounding ? CAPNG_CLEAR_BOUNDING : 0)) == 0;
}

/* A change of user makes the kernel forget what to do when the parent dies (prctl(2)): a dataplane
 * that outlives `skua serve` would keep the next one from starting. */
static bool become_under(const struct account *account, uint64_t capabilities)
{
	pid_t parent = getppid();
	int on_death = 0;

	if (prctl(PR_GET_PDEATHSIG, &on_death) != 0)
		on_death = 0;
	if (!become(account, capabilities))
		return false;
	if (on_death == 0)
		return true;
	if (prctl(PR_SET_PDEATHSIG, on_death) != 0)
		return false;
	if (getppid() != parent) /* it died in between */
		raise(on_death);
	return true;
}

bool privilege_give_up(const struct account *account, uint64_t capabilities, char *error,
		       size_t error_size)
{
	bool good;

	errno = 0;
	if (capng_get_caps_process() != 0) {
		snprintf(error, error_size,
			 "can't read this process's capabilities: is /proc "
			 "mounted?");
		return false;
	}
	if (account->choice == ACCOUNT_BECOME) {
		good = become_under(account, capabilities);
	} else {
		capng_clear(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT);
		want(capabilities);
		good = capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) == 0;
	}
	if (!good)
		snprintf(error, error_size,
			 "can't give up privileges (user %.60s): %s; give --user none to keep them",
			 account->name, strerror(errno));
	return good;
}

/* By the system call: libcap-ng would read /proc, which a thread that starts may not. */
bool privilege_drop(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return syscall(SYS_capset, &header, none) == 0;
}

void privilege_text(uint64_t capabilities, char *text, size_t size)
{
	size_t at = 0;

	snprintf(text, size, "none");
	for (unsigned i = 0; i <= CAP_LAST_CAP && at < size; i++)
		if (capabilities >> i & 1)
			at += (size_t)snprintf(text + at, size - at, "%scap_%s", at ? "," : "",
					       capng_capability_to_name(i));
}
