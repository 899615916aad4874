#include "dataplane/io/tap.h"

#include "dataplane/io/interface.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEVICE "/dev/net/tun"

/* queues: IFF_MULTI_QUEUE, so that vhost-net can be attached beside us; a tap that an operator made
 * for one queue refuses that. */
static int attach(const char *name, unsigned queues)
{
	struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | queues)};
	int fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC), code;

	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	code = errno;
	close(fd);
	errno = code;
	return -1;
}

static void explain(const char *name, int code, char *error, size_t size)
{
	if (access(DEVICE, F_OK) != 0)
		snprintf(error, size,
			 "can't make the kernel interface %s: there is no " DEVICE ": load the "
			 "module (modprobe tun), or let the container have the device, or give "
			 "--kernel off",
			 name);
	else if (code == EPERM || code == EACCES)
		snprintf(error, size,
			 "can't make the kernel interface %s: no permission: run with "
			 "CAP_NET_ADMIN, or make it for this user before (ip tuntap add dev %s "
			 "mode tap multi_queue vnet_hdr user NAME), or give --kernel off",
			 name, name);
	else if (code == EBUSY)
		snprintf(error, size,
			 "the kernel interface %s is in use by another process: give another name "
			 "by --kernel",
			 name);
	else if (code == EINVAL || code == E2BIG)
		snprintf(error, size,
			 "%s exists and is no tap that can be taken: give another name by "
			 "--kernel, or remove it (ip link del %s)",
			 name, name);
	else
		snprintf(error, size, "can't make the kernel interface %s: %s", name,
			 strerror(code));
}

/* One ioctl on the interface; errno says what was refused. */
static bool ask(const struct tap *tap, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), code;
	bool done;

	if (fd < 0)
		return false;
	memcpy(request->ifr_name, tap->name, sizeof(request->ifr_name));
	done = ioctl(fd, what, request) == 0;
	code = errno;
	close(fd);
	errno = code;
	return done;
}

/* On the descriptor itself: who has the tap may do that, without any privilege. */
static bool set_mac(const struct tap *tap, const uint8_t mac[6])
{
	struct ifreq request = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};

	if (!ask(tap, SIOCGIFHWADDR, &request))
		return false;
	if (memcmp(request.ifr_hwaddr.sa_data, mac, 6) == 0)
		return true;
	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, mac, 6);
	return ioctl(tap->fd, SIOCSIFHWADDR, &request) == 0;
}

static bool set_mtu(const struct tap *tap, bool raise, unsigned mtu)
{
	unsigned now = interface_mtu(tap->name);
	struct ifreq request = {.ifr_mtu = (int)mtu};

	if (now == mtu || (!raise && now < mtu))
		return true;
	return ask(tap, SIOCSIFMTU, &request);
}

static bool set_up(const struct tap *tap)
{
	struct ifreq request = {0};

	if (!ask(tap, SIOCGIFFLAGS, &request))
		return false;
	if (request.ifr_flags & IFF_UP)
		return true;
	request.ifr_flags |= IFF_UP;
	return ask(tap, SIOCSIFFLAGS, &request);
}

/* Both are the interface's, not the descriptor's, and stay when a program ends: vhost-net has a
 * longer header, and leaves checksums and segments to whoever reads. */
static bool set_frames(const struct tap *tap)
{
	int header = sizeof(struct virtio_net_hdr);

	return ioctl(tap->fd, TUNSETVNETHDRSZ, &header) == 0 &&
	       ioctl(tap->fd, TUNSETOFFLOAD, 0) == 0;
}

/* What fails, in words; NULL: nothing. */
static const char *prepare(const struct tap *tap, bool is_new, const uint8_t mac[6],
			   const struct tap_mtu *mtu)
{
	/* Whoever made it for us has made it persistent: then it need not be allowed. */
	if (is_new && ioctl(tap->fd, TUNSETPERSIST, 1) != 0)
		return "be made to stay";
	if (!set_frames(tap))
		return "have plain frames";
	if (!set_mac(tap, mac))
		return "get the port's MAC address";
	if (!set_mtu(tap, is_new || mtu->asked, mtu->octets))
		return "get the port's MTU";
	return set_up(tap) ? NULL : "be set up";
}

bool tap_open(struct tap *tap, const char *name, const uint8_t mac[6], const struct tap_mtu *mtu,
	      char *error, size_t error_size)
{
	bool is_new = if_nametoindex(name) == 0;
	const char *failed;

	snprintf(tap->name, sizeof(tap->name), "%s", name);
	tap->fd = attach(name, IFF_MULTI_QUEUE);
	if (tap->fd < 0 && errno == EINVAL)
		tap->fd = attach(name, 0);
	if (tap->fd < 0) {
		explain(name, errno, error, error_size);
		return false;
	}
	if (interface_queues(name) > 1) {
		explain(name, EBUSY, error, error_size);
		tap_close(tap);
		return false;
	}
	failed = prepare(tap, is_new, mac, mtu);
	if (!failed)
		return true;
	snprintf(error, error_size, "the kernel interface %s can't %s: %s: run with CAP_NET_ADMIN",
		 name, failed, strerror(errno));
	if (is_new)
		ioctl(tap->fd, TUNSETPERSIST, 0);
	tap_close(tap);
	return false;
}

bool tap_set_aside(const struct tap *tap, bool aside)
{
	struct ifreq request = {.ifr_flags = aside ? IFF_DETACH_QUEUE : IFF_ATTACH_QUEUE};

	return ioctl(tap->fd, TUNSETQUEUE, &request) == 0 && (aside || set_frames(tap));
}

size_t tap_read(const struct tap *tap, const struct iovec *parts, int count)
{
	ssize_t got = readv(tap->fd, parts, count);

	return got > (ssize_t)parts[0].iov_len ? (size_t)got - parts[0].iov_len : 0;
}

bool tap_write(const struct tap *tap, const struct iovec *parts, int count)
{
	return writev(tap->fd, parts, count) > 0;
}

void tap_set_carrier(const struct tap *tap, bool on)
{
	int carrier = on;

	ioctl(tap->fd, TUNSETCARRIER, &carrier);
}

void tap_close(struct tap *tap)
{
	if (tap->fd >= 0)
		close(tap->fd);
	tap->fd = -1;
}
