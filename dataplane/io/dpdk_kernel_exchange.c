/* dpdk_kernel_exchange.c: frames from the workers' rings to the kernel's interface, and from there
 * to the port. */
#include "dataplane/io/dpdk_frame.h"
#include "dataplane/io/dpdk_kernel_vhost.h"

#include "dataplane/net/unfinished.h"
#include "zones/abi/channel.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

/* Naps that the port may take to accept what waits, until that is given up: a tenth of a second. */
#define STALLED_MOST 1000u
#define PARTS	     6 /* of a frame that lies in several buffers; more are refused */

/* Only the thread that puts `asleep` out rings, so that a flood of bursts wakes it once. */
static void ring_bell(struct dpdk_bell *bell)
{
	const uint64_t one = 1;

	/* With dpdk_kernel_sleep(): either it sees what is in the ring now, or we see that it
	 * sleeps. */
	channel_fence();
	if (likely(!atomic_load_explicit(&bell->asleep, memory_order_relaxed)) ||
	    !atomic_exchange_explicit(&bell->asleep, false, memory_order_relaxed))
		return;
	if (write(bell->fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		return; /* it wakes by itself after DPDK_KERNEL_SLEEP */
}

void dpdk_kernel_pass(const struct dpdk_kernel_queue *queue, struct rte_mbuf **frame, unsigned n,
		      uint64_t counts[])
{
	unsigned taken = rte_ring_sp_enqueue_burst(queue->inward, (void **)frame, n, NULL);

	if (unlikely(taken < n)) {
		counts[COUNT_to_kernel_full] += n - taken;
		rte_pktmbuf_free_bulk(frame + taken, n - taken);
	}
	ring_bell(queue->bell);
}

/* What a kernel on this host has left unfinished another one must be told of. */
static void mark_unfinished(const struct rte_mbuf *frame, struct virtio_net_hdr *header)
{
	uint16_t start, offset;

	if (!unfinished_checksum(rte_pktmbuf_mtod(frame, const uint8_t *), frame->data_len, &start,
				 &offset))
		return;
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = start;
	header->csum_offset = offset;
}

static bool give(const struct dpdk_kernel *kernel, const struct rte_mbuf *frame)
{
	struct virtio_net_hdr header = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};
	struct iovec part[PARTS + 1] = {{.iov_base = &header, .iov_len = sizeof(header)}};
	int count = 1;

	if (frame->nb_segs > PARTS)
		return false;
	if (kernel->is_software)
		mark_unfinished(frame, &header);
	for (; frame; frame = frame->next)
		part[count++] = (struct iovec){.iov_base = rte_pktmbuf_mtod(frame, void *),
					       .iov_len = frame->data_len};
	return tap_write(&kernel->tap, part, count);
}

/* Takes all n. */
static void give_burst(const struct dpdk_kernel *kernel, struct rte_mbuf **frame, unsigned n,
		       uint64_t counts[])
{
	unsigned given = 0;

	if (kernel->vhost.on) {
		given = dpdk_kernel_vhost_give(kernel, frame, n);
		counts[COUNT_to_kernel_taken] += given;
		counts[COUNT_to_kernel_refused] += n - given;
	} else {
		for (unsigned i = 0; i < n; i++)
			counts[give(kernel, frame[i]) ? COUNT_to_kernel_taken
						      : COUNT_to_kernel_refused]++;
	}
	if (given < n)
		rte_pktmbuf_free_bulk(frame + given, n - given);
}

static unsigned bring_in(struct dpdk_kernel *kernel, uint64_t counts[])
{
	struct rte_mbuf *frame[DPDK_KERNEL_BURST];
	unsigned sum = 0;

	for (unsigned i = 0; i < kernel->queues; i++) {
		unsigned n = rte_ring_sc_dequeue_burst(kernel->inward[i], (void **)frame,
						       DPDK_KERNEL_BURST, NULL);

		if (n > 0)
			give_burst(kernel, frame, n, counts);
		sum += n;
	}
	return sum;
}

static void hand_over(struct dpdk_kernel *kernel, struct rte_mbuf **query, unsigned n,
		      uint64_t counts[])
{
	unsigned taken = rte_ring_sp_enqueue_burst(kernel->missed, (void **)query, n, NULL);

	counts[COUNT_flow_missed] += n;
	counts[COUNT_drop_rx_full] += n - taken;
	if (taken < n)
		rte_pktmbuf_free_bulk(query + taken, n - taken);
}

/* What the card's rules left for us. The worker that gets a query looks at it once more. */
static unsigned bring_in_rest(struct dpdk_kernel *kernel, uint64_t counts[])
{
	const struct dpdk_ruling *ruling = dpdk_rules_take(kernel->rules, &kernel->taken);
	struct rte_mbuf *frame[DPDK_KERNEL_BURST], *query[DPDK_KERNEL_BURST];
	unsigned n = rte_eth_rx_burst(kernel->port, kernel->rx_queue, frame, DPDK_KERNEL_BURST);
	unsigned queries = 0, kept = 0;
	struct datagram message;
	enum counter reason;

	for (unsigned i = 0; i < n; i++) {
		if (dpdk_frame_take(ruling, frame[i], &message, &reason)) {
			query[queries++] = frame[i];
		} else if (dpdk_frame_is_for_kernel(reason)) {
			counts[counter_of_pass(reason)]++;
			frame[kept++] = frame[i];
		} else {
			counts[reason]++;
			rte_pktmbuf_free(frame[i]);
		}
	}
	if (queries > 0)
		hand_over(kernel, query, queries, counts);
	if (kept > 0)
		give_burst(kernel, frame, kept, counts);
	return n;
}

/* The next frame of the kernel that fits the port; NULL: there is none now. */
static struct rte_mbuf *fetch(struct dpdk_kernel *kernel, uint64_t counts[])
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(kernel->pool);
	struct virtio_net_hdr header;
	struct iovec part[2] = {{.iov_base = &header, .iov_len = sizeof(header)}};
	size_t length;

	if (!frame)
		return NULL;
	part[1] = (struct iovec){.iov_base = rte_pktmbuf_mtod(frame, void *),
				 .iov_len = rte_pktmbuf_tailroom(frame)};
	while ((length = tap_read(&kernel->tap, part, 2)) > 0) {
		counts[COUNT_from_kernel]++;
		if (length <= kernel->frame_most) {
			frame->data_len = (uint16_t)length;
			frame->pkt_len = (uint32_t)length;
			return frame;
		}
		counts[COUNT_from_kernel_unsent]++;
	}
	rte_pktmbuf_free(frame);
	return NULL;
}

static unsigned fetch_burst(struct dpdk_kernel *kernel, struct rte_mbuf **frame, uint64_t counts[])
{
	unsigned n = 0;

	while (n < DPDK_KERNEL_BURST && (frame[n] = fetch(kernel, counts)))
		n++;
	return n;
}

static unsigned fetch_vhost_burst(struct dpdk_kernel *kernel, struct rte_mbuf **frame,
				  uint64_t counts[])
{
	unsigned n = dpdk_kernel_vhost_fetch(kernel, frame, DPDK_KERNEL_BURST), kept = 0;

	counts[COUNT_from_kernel] += n;
	for (unsigned i = 0; i < n; i++) {
		if (likely(frame[i]->pkt_len <= kernel->frame_most && frame[i]->nb_segs == 1)) {
			frame[i]->ol_flags =
			    0; /* what it was on receipt is not what is asked for */
			frame[kept++] = frame[i];
			continue;
		}
		counts[COUNT_from_kernel_unsent]++;
		rte_pktmbuf_free(frame[i]);
	}
	return kept;
}

/* How many the port took. What the worker of queue 0 takes over, it counts. */
static unsigned offer(struct dpdk_kernel *kernel, struct rte_mbuf **frame, unsigned n,
		      uint64_t counts[])
{
	unsigned sent;

	if (!kernel->has_tx_queue)
		return rte_ring_sp_enqueue_burst(kernel->outward, (void **)frame, n, NULL);
	sent = rte_eth_tx_burst(kernel->port, kernel->tx_queue, frame, (uint16_t)n);
	counts[COUNT_from_kernel_sent] += sent;
	return sent;
}

/* Returns how many frames left. While some wait, no more are fetched: then the kernel's queue
 * fills, and its senders slow down. */
static unsigned send_waiting(struct dpdk_kernel *kernel, uint64_t counts[])
{
	struct rte_mbuf **first = kernel->waiting + kernel->waiting_first;
	unsigned sent = offer(kernel, first, kernel->waiting_count, counts);

	kernel->waiting_first += sent;
	kernel->waiting_count -= sent;
	kernel->stalled = sent > 0 ? 0 : kernel->stalled + 1;
	if (kernel->stalled <= STALLED_MOST)
		return sent;
	counts[COUNT_from_kernel_unsent] += kernel->waiting_count;
	rte_pktmbuf_free_bulk(first + sent, kernel->waiting_count);
	kernel->waiting_count = 0;
	return sent;
}

static unsigned bring_out(struct dpdk_kernel *kernel, uint64_t counts[])
{
	if (kernel->waiting_count == 0) {
		kernel->waiting_first = 0;
		kernel->stalled = 0;
		kernel->waiting_count = kernel->vhost.on
					    ? fetch_vhost_burst(kernel, kernel->waiting, counts)
					    : fetch_burst(kernel, kernel->waiting, counts);
	}
	return kernel->waiting_count > 0 ? send_waiting(kernel, counts) : 0;
}

unsigned dpdk_kernel_round(struct dpdk_kernel *kernel, uint64_t counts[])
{
	unsigned moved = bring_in(kernel, counts) + bring_out(kernel, counts);

	return kernel->has_rx_queue ? moved + bring_in_rest(kernel, counts) : moved;
}

static bool is_empty(const struct dpdk_kernel *kernel)
{
	for (unsigned i = 0; i < kernel->queues; i++) {
		if (!rte_ring_empty(kernel->inward[i]))
			return false;
	}
	return true;
}

/* What is readable when the kernel has sent; -1: nothing. While frames wait for the port only time
 * counts, or the interface's further frames would keep us from sleeping. */
static int wake_of(const struct dpdk_kernel *kernel, bool armed)
{
	if (kernel->waiting_count > 0)
		return -1;
	if (kernel->vhost.on)
		return armed ? kernel->vhost.wake : -1;
	return kernel->tap.fd;
}

/* Until the kernel has sent something, or the bell (-1: none, a nap) rings, or time is up. */
static void wait_for_frames(struct dpdk_kernel *const kernel[], unsigned kernels, int bell,
			    struct timespec span)
{
	struct pollfd wait[DPDK_PORTS_MAX + 1];
	uint64_t rung;

	for (unsigned i = 0; i < kernels; i++)
		wait[i] = (struct pollfd){.fd = wake_of(kernel[i], bell >= 0), .events = POLLIN};
	wait[kernels] = (struct pollfd){.fd = bell, .events = POLLIN};
	if (ppoll(wait, kernels + 1, &span, NULL) <= 0 || bell < 0)
		return;
	if (wait[kernels].revents && read(bell, &rung, sizeof(rung)) < 0)
		return; /* somebody else's, and empty: as good */
}

/* With frames that wait, a queue of the port to look at, or a kernel that can't wake us, there are
 * naps only. */
static bool can_sleep(struct dpdk_kernel *const kernel[], unsigned kernels)
{
	for (unsigned i = 0; i < kernels; i++) {
		if (kernel[i]->waiting_count > 0 || kernel[i]->has_rx_queue ||
		    (kernel[i]->vhost.on && kernel[i]->vhost.wake < 0))
			return false;
	}
	return true;
}

/* False: there is something already. */
static bool arm(struct dpdk_kernel *const kernel[], unsigned kernels)
{
	bool quiet = true;

	for (unsigned i = 0; i < kernels; i++) {
		quiet &= is_empty(kernel[i]);
		if (kernel[i]->vhost.on)
			quiet &= dpdk_kernel_vhost_arm(kernel[i]);
	}
	return quiet;
}

void dpdk_kernel_sleep(struct dpdk_kernel *const kernel[], unsigned kernels, struct dpdk_bell *bell,
		       unsigned idle)
{
	const struct timespec nap = {.tv_nsec = DPDK_KERNEL_NAP * 1000};
	const struct timespec sleep = {.tv_nsec = DPDK_KERNEL_SLEEP * 1000000};

	if (idle < DPDK_KERNEL_NAPS || !can_sleep(kernel, kernels)) {
		wait_for_frames(kernel, kernels, -1, nap);
		return;
	}
	atomic_store_explicit(&bell->asleep, true, memory_order_relaxed);
	channel_fence(); /* with ring_bell() */
	if (arm(kernel, kernels))
		wait_for_frames(kernel, kernels, bell->fd, sleep);
	for (unsigned i = 0; i < kernels; i++) {
		if (kernel[i]->vhost.on)
			dpdk_kernel_vhost_disarm(kernel[i]);
	}
	atomic_store_explicit(&bell->asleep, false, memory_order_relaxed);
}
