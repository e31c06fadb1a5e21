// SPDX-License-Identifier: GPL-2.0
/*
 * Every failure point of every command: the nth allocation or user copy of a call fails,
 * for n = 1, 2, ... until the call is through without meeting one (/proc/self/fail-nth,
 * kernels with fault injection only; others skip).
 *
 * A command may absorb the failure and succeed. If it fails, it must say ENOMEM or EFAULT,
 * and must have done nothing: each test looks afterwards. Only the very last copy, of the
 * results to where they could be written a moment ago, may fail after the deed; then the
 * deed is done completely. SEND and RECV are not granted that. The kernel's own checkers
 * (KASAN, kmemleak, lockdep) look for the rest.
 *
 * Red when: an unwind path leaks, frees twice or forgets to undo; a failed allocation is
 * not noticed; a message is lost between taking and copying it out.
 */
#include "shmipc_pair.h"

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Sleeping allocations fail as well, of all sizes, quietly */
static bool prepare(void)
{
	static const struct {
		const char *path;
		const char *text;
	} files[] = {
		{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/failslab/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
		{ "/sys/kernel/debug/fail_usercopy/verbose", "0" },
	};
	unsigned int i;

	if (access("/proc/self/fail-nth", W_OK))
		return false;
	if (access("/sys/kernel/debug/failslab", F_OK))
		syscall(SYS_mount, "none", "/sys/kernel/debug", "debugfs", 0, NULL);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (!write_to(files[i].path, files[i].text))
			return false;
	return true;
}

/* The files of fail-nth are kept open: opening one would meet the failure */
static int nth_fd = -1;

static bool arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (nth_fd < 0)
		nth_fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	return pwrite(nth_fd, text, len, 0) == len;
}

/* True if the failure has happened; disarms in any case */
static bool met(void)
{
	char text[16] = "";
	bool hit;

	if (pread(nth_fd, text, sizeof(text) - 1, 0) < 1)
		return false;
	hit = text[0] == '0';
	arm(0);
	return hit;
}

/*
 * One sweep: @before brings about the state, @call is the call, its errno in ret, @after
 * looks whether all is as before the call if it failed, and cleans up.
 */
#define sweep(before, call, after) do { \
	unsigned int nth__; \
	bool hit__ = true; \
	for (nth__ = 1; hit__; nth__++) { \
		int ret; \
		before; \
		ASSERT_TRUE(arm(nth__)); \
		ret = (call); \
		hit__ = met(); \
		EXPECT_TRUE(hit__ ? ret == 0 || ret == ENOMEM || ret == EFAULT : ret == 0) { \
			TH_LOG("failure %u: %s", nth__, strerror(ret)); \
		} \
		after; \
		ASSERT_GT(1000, nth__); \
	} \
	/* nothing could fail: then nothing was tested */ \
	EXPECT_LT(2, nth__); \
} while (0)

#define nothing		((void)0)

#define need_faults() do { \
	if (!prepare()) \
		SKIP(return, "this kernel injects no failures"); \
} while (0)

static char in[200000], out[200000];

TEST_F(pair, open)
{
	int fd = -1;

	need_faults();
	sweep(nothing, (fd = open_dev(variant->rx_dev, O_RDWR)) < 0 ? errno : 0, {
		if (fd >= 0)
			close(fd);
	});
}

TEST_F(pair, port_create)
{
	struct shmipc_port_create arg;

	need_faults();
	sweep(arg = port_create_arg(.port = 100, .name = "wanted"),
	      try_port_create(self->rx, &arg), {
		int made = ports_total(self->rx);

		EXPECT_TRUE(ret == EFAULT || made == !ret);
		EXPECT_EQ(made ? 0 : ENOTCONN, try_destroy(self->rx));
		EXPECT_EQ(-1, port_generation(self->tx, self->peer, 100));
	});
}

TEST_F(pair, port_destroy)
{
	struct shmipc_port_destroy arg = port_destroy_arg();

	need_faults();
	sweep({ must_own(.port = 100); must_send(self->tx, &pair_arg()); },
	      try_port_destroy(self->rx, &arg), {
		int left = ports_total(self->rx);

		EXPECT_TRUE(ret == EFAULT || left == !!ret);
		EXPECT_EQ(left ? 0 : ENOTCONN, try_destroy(self->rx));
		EXPECT_EQ(0, ports_total(self->rx));
	});
}

TEST_F(pair, connect)
{
	struct shmipc_connect arg;

	need_faults();
	must_own();
	sweep(arg = connect_arg(.peer = self->peer, .port = self->port),
	      try_connect(self->tx, &arg), {
		int sent = try_send(self->tx, &send_arg());

		EXPECT_TRUE(ret == EFAULT || sent == (ret ? EDESTADDRREQ : 0));
		EXPECT_EQ(0, try_connect(self->tx, &connect_arg()));
		if (!sent)
			must_recv(self->rx, &recv_arg());
	});
}

/* Whatever happened to the call: what it sent arrives whole, what it did not send does not */
#define send_sweep(length) \
	sweep(fill(out, length, 1), \
	      try_send(self->tx, &pair_arg(.data = uptr(out), .len = length)), { \
		struct shmipc_recv got = recv_arg(.data = uptr(in), .len = sizeof(in)); \
		if (!ret) { \
			must_recv(self->rx, &got); \
			EXPECT_EQ(length, got.out_len); \
			EXPECT_TRUE(filled(in, length, 1)); \
		} \
		fail_recv_now(EAGAIN, self->rx, in, sizeof(in)); \
		EXPECT_EQ(8, fill_window(self->tx, self->peer, self->port)); \
		for (i = 0; i < 8; i++) \
			must_recv(self->rx, &got); \
	})

TEST_F(pair, send)
{
	unsigned int i;

	need_faults();
	must_own(.depth = 8, .max_size = 200000, .flags = SHMIPC_PORT_META);
	send_sweep(10);
	send_sweep(5000);
	send_sweep(150000);
}

#define recv_sweep(length, how) \
	sweep({ \
		fill(out, length, 2); \
		must_send(self->tx, &pair_arg(.data = uptr(out), .len = length, .type = 1)); \
		must_send(self->tx, &pair_arg(.data = uptr("2"), .len = 1, .type = 2)); \
		ASSERT_TRUE(arrived(self, 2)); \
	}, how, { \
		struct shmipc_recv got = recv_arg(.data = uptr(in), .len = sizeof(in)); \
		if (ret) { \
			memset(in, 0, length); \
			must_recv(self->rx, &got); \
			EXPECT_EQ(1, got.out_type); \
		} \
		EXPECT_TRUE(filled(in, length, 2)); \
		must_recv(self->rx, &got); \
		EXPECT_EQ(2, got.out_type); \
		fail_recv_now(EAGAIN, self->rx, in, sizeof(in)); \
	})

TEST_F(pair, recv)
{
	struct shmipc_recv arg = recv_arg(.data = uptr(in), .len = sizeof(in));

	need_faults();
	must_own(.max_size = 200000);
	recv_sweep(10, try_recv(self->rx, &arg));
	recv_sweep(20000, try_recv(self->rx, &arg));
	recv_sweep(20000, read(self->rx, in, sizeof(in)) < 0 ? errno : 0);
}

TEST_F(pair, write)
{
	unsigned int i;

	need_faults();
	must_own(.depth = 8);
	must_connect(self->tx, &connect_arg(.peer = self->peer, .port = self->port));
	sweep(fill(out, 5000, 1), write(self->tx, out, 5000) < 0 ? errno : 0, {
		if (!ret) {
			EXPECT_EQ(5000, read(self->rx, in, sizeof(in)));
			EXPECT_TRUE(filled(in, 5000, 1));
		}
		EXPECT_EQ(8, fill_window(self->tx, self->peer, self->port));
		for (i = 0; i < 8; i++)
			EXPECT_EQ(1, read(self->rx, in, sizeof(in)));
	});
}

/* Of a vector the part before the failure is done, and said to be */
TEST_F(pair, sendv)
{
	struct shmipc_send elems[4];
	struct shmipc_sendv arg;
	unsigned int i;

	need_faults();
	must_own();
	sweep({
		for (i = 0; i < 4; i++)
			elems[i] = pair_arg(.data = uptr(out), .len = 100, .type = i);
		arg = sendv_arg(.elems = uptr(elems), .nr = 4);
	}, try_sendv(self->tx, &arg), {
		struct shmipc_recv got = recv_arg(.data = uptr(in), .len = sizeof(in),
						  .deadline = 1);

		if (ret)
			EXPECT_EQ(0, arg.out_done);
		ASSERT_TRUE(arg.out_done == 0 || arrived(self, arg.out_done));
		for (i = 0; !try_recv(self->rx, &got); i++)
			EXPECT_EQ(i, got.out_type);
		EXPECT_TRUE(i == arg.out_done || (ret == EFAULT && i == 4));
	});
}

TEST_F(pair, recvv)
{
	struct shmipc_recv elems[4];
	struct shmipc_recvv arg;
	unsigned int i;

	need_faults();
	must_own();
	sweep({
		for (i = 0; i < 4; i++) {
			must_send(self->tx, &pair_arg(.type = i));
			elems[i] = recv_arg();
		}
		ASSERT_TRUE(arrived(self, 4));
		arg = recvv_arg(.elems = uptr(elems), .nr = 4);
	}, try_recvv(self->rx, &arg), {
		__s64 left = port_queued(self->rx, SELF, self->port);

		if (ret)
			EXPECT_EQ(0, arg.out_done);
		EXPECT_TRUE(left == 4 - arg.out_done || (ret == EFAULT && !left));
		for (i = 4 - left; i < 4; i++) {
			struct shmipc_recv got = recv_arg();

			must_recv(self->rx, &got);
			EXPECT_EQ(i, got.out_type);
		}
	});
}

TEST_F(pair, tables)
{
	struct shmipc_port_info rows[4];
	struct shmipc_peer_info peers[4];
	struct shmipc_info info = info_arg();

	need_faults();
	must_own(.name = "wanted");
	sweep(nothing, try_info(self->tx, &info), nothing);
	sweep(nothing, try_peers(self->tx, &peers_arg(.elems = uptr(peers), .nr = 4)), nothing);
	sweep(nothing,
	      try_ports(self->tx, &ports_arg(.elems = uptr(rows), .nr = 4, .peer = ANY)),
	      nothing);
	sweep(nothing,
	      try_lookup(self->tx, &lookup_arg(.peer = self->peer, .name = "wanted")),
	      nothing);
}

TEST_F(pair, events)
{
	struct shmipc_event event;
	struct shmipc_events arg = events_arg(.data = uptr(&event), .len = sizeof(event));
	struct shmipc_watch watch = watch_arg(.kind = SHMIPC_WATCH_PORT, .peer = self->peer,
					      .port = 9, .cookie = 5);
	struct shmipc_event_mask mask = event_mask_arg(.mask = SHMIPC_MASK_PEER);

	need_faults();
	sweep(nothing, try_watch(self->tx, &watch), {
		arg.deadline = 1;
		EXPECT_EQ(ret ? ETIMEDOUT : 0, try_events(self->tx, &arg));
		arg.deadline = 0;
	});
	sweep(must_watch(self->tx, &watch), try_events(self->tx, &arg), {
		int again = try_events(self->tx, &events_arg(.data = uptr(&event), .deadline = 1,
							     .len = sizeof(event)));

		EXPECT_TRUE(ret == EFAULT || again == (ret ? 0 : ETIMEDOUT));
		EXPECT_EQ(5, event.cookie);
		fail_events(ETIMEDOUT, self->tx, &events_arg(.data = uptr(&event), .deadline = 1,
							     .len = sizeof(event)));
	});
	sweep(nothing, try_event_mask(self->tx, &mask), nothing);
}

TEST_HARNESS_MAIN
