#include "dataplane/io/interface_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGES                                                                                   \
	16384u /* octets; a longer datagram is cut off, and the state is looked up anyway */

int interface_watch_open(void)
{
	struct sockaddr_nl groups = {
	    .nl_family = AF_NETLINK,
	    .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&groups, sizeof(groups)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool tells_of_removal(const struct nlmsghdr *message, unsigned index)
{
	const struct ifinfomsg *link = NLMSG_DATA(message);

	return message->nlmsg_type == RTM_DELLINK &&
	       message->nlmsg_len >= NLMSG_LENGTH(sizeof(*link)) && link->ifi_family == AF_UNSPEC &&
	       (unsigned)link->ifi_index == index;
}

bool interface_watch_drain(int fd, unsigned index)
{
	alignas(struct nlmsghdr) char messages[MESSAGES];
	bool removed = false;
	ssize_t got;

	if (fd < 0)
		return false;
	/* ENOBUFS: the kernel had more to tell than there was room for; it goes on after that. */
	while ((got = recv(fd, messages, sizeof(messages), 0)) > 0 || errno == ENOBUFS ||
	       errno == EINTR) {
		unsigned left = got > 0 ? (unsigned)got : 0;

		for (struct nlmsghdr *at = (void *)messages; NLMSG_OK(at, left);
		     at = NLMSG_NEXT(at, left))
			removed |= tells_of_removal(at, index);
	}
	return removed;
}

void interface_watch_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
