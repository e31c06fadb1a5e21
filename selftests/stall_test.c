// SPDX-License-Identifier: GPL-2.0
/*
 * driver/chardev.c: user memory that takes for ever to appear (userfaultfd) stalls the
 * call that touches it, and nobody else: neither those who use the same port, endpoint or
 * link, nor the removal of the region.
 *
 * Red when: user memory is touched with a lock held, in a section that removal waits for, or
 * while a message is neither in the queue nor anybody's; a receiver that dies while
 * copying takes its message with it.
 */
#include <linux/userfaultfd.h>

#include "shmipc_bind.h"
#include "shmipc_pair.h"

#define PAGES	4

/* Memory that is not there until it is given */
struct slow {
	int uffd;
	size_t page;
	char *map;
};

static bool slow_make(struct slow *slow)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	slow->page = sysconf(_SC_PAGESIZE);
	slow->map = mmap(NULL, PAGES * slow->page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	slow->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (slow->map == MAP_FAILED || slow->uffd < 0 || ioctl(slow->uffd, UFFDIO_API, &api))
		return false;
	reg.range.start = uptr(slow->map);
	reg.range.len = PAGES * slow->page;
	return !ioctl(slow->uffd, UFFDIO_REGISTER, &reg);
}

/* Somebody waits for a page */
static bool slow_hit(struct slow *slow)
{
	struct pollfd pfd = { .fd = slow->uffd, .events = POLLIN };

	return poll(&pfd, 1, GUARD_S * 1000) == 1 && pfd.revents == POLLIN;
}

/* Give all pages, with this content */
static bool slow_give(struct slow *slow, const char *content)
{
	struct uffdio_copy copy = { .len = PAGES * slow->page, .dst = uptr(slow->map),
				    .src = uptr(content) };

	return !ioctl(slow->uffd, UFFDIO_COPY, &copy);
}

#define need_slow(slow) do { \
	if (!slow_make(slow)) \
		SKIP(return, "no userfaultfd"); \
} while (0)

static char content[PAGES * 65536], in[PAGES * 65536];

TEST_F(pair, stalled_sender)
{
	struct shmipc_recv got = recv_arg(.data = uptr(in), .len = sizeof(in));
	struct shmipc_send arg;
	struct slow slow;
	unsigned int i, room;
	struct job job;

	need_slow(&slow);
	must_own(.depth = 4);
	fill(content, sizeof(content), 1);
	arg = pair_arg(.data = uptr(slow.map), .len = 2 * slow.page, .type = 1);
	must_start(&job, self->tx, SHMIPC_SEND, &arg);
	ASSERT_TRUE(slow_hit(&slow));
	/* the same endpoint, link and port go on, also when the window is full meanwhile */
	for (i = 0; i < 20; i++) {
		must_send(self->tx, &pair_arg(.data = uptr("x"), .len = 1, .type = 2));
		must_recv(self->rx, &got);
		EXPECT_EQ(2, got.out_type);
	}
	/* A place at a port of our own peer is taken before the payload is looked at */
	room = fill_window(self->tx, self->peer, self->port);
	EXPECT_EQ(is_local(variant) ? 3 : 4, room);
	ASSERT_TRUE(slow_give(&slow, content));
	for (i = 0; i < room; i++)
		must_recv(self->rx, &got);
	EXPECT_EQ(0, job_end(&job));
	must_recv(self->rx, &got);
	EXPECT_EQ(1, got.out_type);
	EXPECT_TRUE(filled(in, 2 * slow.page, 1));
}

TEST_F(pair, stalled_receiver)
{
	struct shmipc_recv arg, got = recv_arg(.data = uptr(in), .len = sizeof(in));
	struct slow slow;
	struct job job;
	unsigned int i;

	need_slow(&slow);
	must_own(.depth = 4);
	fill(in, 5000, 1);
	must_send(self->tx, &pair_arg(.data = uptr(in), .len = 5000, .type = 1));
	arg = recv_arg(.data = uptr(slow.map), .len = 2 * slow.page);
	must_start(&job, self->rx, SHMIPC_RECV, &arg);
	ASSERT_TRUE(slow_hit(&slow));
	for (i = 0; i < 20; i++) {
		must_send(self->tx, &pair_arg(.data = uptr("x"), .len = 1, .type = 2));
		must_recv(self->rx, &got);
		EXPECT_EQ(2, got.out_type);
	}
	ASSERT_TRUE(slow_give(&slow, content));
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(1, arg.out_type);
	EXPECT_EQ(1, arg.out_seq);
	EXPECT_TRUE(filled(slow.map, 5000, 1));
	EXPECT_EQ(4, fill_window(self->tx, self->peer, self->port));
}

/* The port goes while somebody still copies a message from it */
TEST_F(pair, port_goes_meanwhile)
{
	struct shmipc_recv arg;
	struct slow slow;
	struct job job;
	int ret;

	need_slow(&slow);
	must_own();
	must_send(self->tx, &pair_arg(.data = uptr(content), .len = 5000));
	arg = recv_arg(.data = uptr(slow.map), .len = 2 * slow.page);
	must_start(&job, self->rx, SHMIPC_RECV, &arg);
	ASSERT_TRUE(slow_hit(&slow));
	must_destroy(self->rx);
	fail_send(ECONNREFUSED, self->tx, &pair_arg());
	must_own();
	must_send(self->tx, &pair_arg());
	ASSERT_TRUE(slow_give(&slow, content));
	ret = job_end(&job);
	EXPECT_TRUE(ret == 0 || ret == ENOTCONN) TH_LOG("%d", ret);
	ASSERT_TRUE(arrived(self, 1));
}

static int receive_slowly(FIXTURE_DATA(pair) *self, int told)
{
	struct shmipc_recv arg = recv_arg();
	struct slow slow;
	struct job job;

	if (!slow_make(&slow))
		return 2;
	arg.data = uptr(slow.map);
	arg.len = 2 * slow.page;
	if (try_start(&job, self->rx, SHMIPC_RECV, &arg) || !slow_hit(&slow) ||
	    write(told, "x", 1) != 1)
		return 3;
	job_end(&job);
	return 4;
}

/* Killed in the middle of copying: the message is the next receiver's */
TEST_F(pair, receiver_dies_meanwhile)
{
	struct shmipc_recv got = recv_arg(.data = uptr(in), .len = sizeof(in));
	int told[2], status;
	struct slow slow;
	char byte;
	pid_t pid;

	need_slow(&slow);
	must_own();
	fill(in, 5000, 1);
	must_send(self->tx, &pair_arg(.data = uptr(in), .len = 5000, .type = 1));
	must_send(self->tx, &pair_arg(.type = 2));
	ASSERT_TRUE(arrived(self, 2));
	ASSERT_EQ(0, pipe(told));
	pid = fork();
	if (!pid)
		_exit(receive_slowly(self, told[1]));
	close(told[1]);
	ASSERT_EQ(1, read(told[0], &byte, 1));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(arrived(self, 2));
	memset(in, 0, 5000);
	must_recv(self->rx, &got);
	EXPECT_EQ(1, got.out_type);
	EXPECT_EQ(1, got.out_seq);
	EXPECT_TRUE(filled(in, 5000, 1));
	must_recv(self->rx, &got);
	EXPECT_EQ(2, got.out_type);
}

/* Each side's call is stalled while its region goes: removal does not wait for them */
TEST_F(pair, region_goes_meanwhile)
{
	struct shmipc_send send;
	struct shmipc_recv recv;
	struct slow slow[2];
	struct job job[2];
	int fd[2], i, ret;

	if (!can_bind())
		SKIP(return, "not the owner of the machine");
	need_slow(&slow[0]);
	need_slow(&slow[1]);
	must_own();
	must_send(self->tx, &pair_arg(.data = uptr(content), .len = 5000));
	ASSERT_TRUE(arrived(self, 1));
	send = pair_arg(.data = uptr(slow[0].map), .len = 5000);
	recv = recv_arg(.data = uptr(slow[1].map), .len = 5000);
	must_start(&job[0], self->tx, SHMIPC_SEND, &send);
	must_start(&job[1], self->rx, SHMIPC_RECV, &recv);
	ASSERT_TRUE(slow_hit(&slow[0]));
	ASSERT_TRUE(slow_hit(&slow[1]));
	must_unbind(variant->rx_dev);
	must_bind(variant->rx_dev);
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(slow_give(&slow[i], content));
		ret = job_end(&job[i]);
		/* It was in time, or learns what happened to whom */
		EXPECT_TRUE(!ret || ret == ENODEV ||
			    (!i && (ret == ECONNREFUSED || ret == ECONNRESET || ret == EHOSTDOWN)))
			TH_LOG("job %d: %s", i, strerror(ret));
	}
	EXPECT_TRUE(both_there(&fd[0], &fd[1]));
}

TEST_HARNESS_MAIN
