// SPDX-License-Identifier: GPL-2.0
/*
 * driver/chardev.c: read() and write(), the payload alone. One call, one message.
 *
 * Red when: a message is cut or split; a small buffer loses it; several buffers make
 * several messages; the modes, states and signals of RECV and SEND do not hold for them.
 */
#include <sys/uio.h>

#include "shmipc_pair.h"

static char in[1 << 20], out[1 << 20];

#define CONNECTED(...) do { \
	must_own(__VA_ARGS__); \
	must_connect(self->tx, &connect_arg(.peer = self->peer, .port = self->port)); \
} while (0)

#define must_write(len)	ASSERT_EQ((ssize_t)(len), write(self->tx, out, len))

static int try_read(int fd, size_t len)
{
	return read(fd, in, len) < 0 ? errno : 0;
}

/* Through the system call: the compiler need not judge what is a test of bad pointers */
static int try_write(int fd, const void *data, size_t len)
{
	return syscall(SYS_write, fd, data, len) < 0 ? errno : 0;
}

TEST_F(pair, sizes)
{
	static const unsigned int sizes[] = { 1, 63, 64, 65, 4096, 5000, 65536, 1 << 20 };
	unsigned int i;

	CONNECTED(.max_size = 1 << 20);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(out, sizes[i], i);
		must_write(sizes[i]);
		ASSERT_EQ((ssize_t)sizes[i], read(self->rx, in, sizeof(in)));
		EXPECT_TRUE(filled(in, sizes[i], i));
	}
}

TEST_F(pair, boundaries_are_kept)
{
	CONNECTED();
	must_write(3);
	must_write(5);
	EXPECT_EQ(3, read(self->rx, in, sizeof(in)));
	EXPECT_EQ(5, read(self->rx, in, sizeof(in)));
}

TEST_F(pair, states)
{
	EXPECT_EQ(ENOTCONN, try_read(self->rx, 1));
	EXPECT_EQ(EDESTADDRREQ, try_write(self->tx, out, 1));
	CONNECTED();
	must_destroy(self->rx);
	EXPECT_EQ(ENOTCONN, try_read(self->rx, 1));
	EXPECT_EQ(ECONNREFUSED, try_write(self->tx, out, 1));
	must_own(.port = self->port);
	EXPECT_EQ(ECONNRESET, try_write(self->tx, out, 1));
}

TEST_F(pair, too_large)
{
	CONNECTED(.max_size = 100);
	EXPECT_EQ(EMSGSIZE, try_write(self->tx, out, 101));
	must_write(100);
	EXPECT_EQ(EMSGSIZE, try_read(self->rx, 99));
	EXPECT_EQ(EMSGSIZE, try_read(self->rx, 1));
	EXPECT_EQ(1, port_queued(self->rx, SELF, self->port));
	EXPECT_EQ(100, read(self->rx, in, 100));
}

TEST_F(pair, several_buffers_one_message)
{
	struct iovec wr[3] = { { out, 10 }, { out + 100, 0 }, { out + 10, 90 } };
	struct iovec rd[3] = { { in, 1 }, { in + 500, 9 }, { in + 1000, 500 } };

	CONNECTED();
	fill(out, 100, 3);
	ASSERT_EQ(100, writev(self->tx, wr, 3));
	ASSERT_TRUE(arrived(self, 1));
	ASSERT_EQ(100, readv(self->rx, rd, 3));
	memmove(in + 1, in + 500, 9);
	memmove(in + 10, in + 1000, 90);
	EXPECT_TRUE(filled(in, 100, 3));
	fail_recv_now(EAGAIN, self->rx, in, sizeof(in));
}

/* What write() sends is of type and priority 0; read() takes any message */
TEST_F(pair, mixes_with_send_and_recv)
{
	struct shmipc_recv arg = recv_arg(.data = uptr(in), .len = sizeof(in), .out_type = 9);

	CONNECTED();
	must_write(4);
	must_recv(self->rx, &arg);
	EXPECT_EQ(0, arg.out_type);
	EXPECT_EQ(0, arg.out_priority);
	EXPECT_EQ(4, arg.out_len);
	must_send(self->tx, &pair_arg(.data = uptr(out), .len = 7, .type = 1, .priority = 1));
	EXPECT_EQ(7, read(self->rx, in, sizeof(in)));
}

TEST_F(pair, empty_message_reads_as_zero)
{
	CONNECTED();
	must_send(self->tx, &send_arg());
	ASSERT_TRUE(arrived(self, 1));
	EXPECT_EQ(0, read(self->rx, in, sizeof(in)));
	EXPECT_EQ(0, port_queued(self->rx, SELF, self->port));
}

TEST_F(pair, faults)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	unsigned int i;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + page, page));
	CONNECTED(.depth = 2);
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(EFAULT, try_write(self->tx, map + page - 10, 20));
		EXPECT_EQ(EFAULT, try_write(self->tx, (void *)8, 20));
	}
	EXPECT_EQ(0, port_queued(self->rx, SELF, self->port));
	fill(out, 20, 1);
	must_write(20);
	must_write(10);
	ASSERT_TRUE(arrived(self, 2));
	EXPECT_EQ(-1, read(self->rx, map + page - 10, 20));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(20, read(self->rx, in, sizeof(in)));
	EXPECT_TRUE(filled(in, 20, 1));
	EXPECT_EQ(10, read(self->rx, in, sizeof(in)));
}

TEST_F(pair, without_sleeping)
{
	CONNECTED(.depth = 1);
	ASSERT_EQ(0, fcntl(self->rx, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, fcntl(self->tx, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(EAGAIN, try_read(self->rx, 1));
	must_write(1);
	EXPECT_EQ(EAGAIN, try_write(self->tx, out, 1));
	ASSERT_TRUE(arrived(self, 1));
	EXPECT_EQ(1, read(self->rx, in, 1));
}

TEST_F(pair, sleepers_are_woken)
{
	struct job job;

	CONNECTED(.depth = 1);
	must_start_read(&job, self->rx, in, sizeof(in));
	ASSERT_TRUE(job_blocked(&job));
	must_write(5);
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(5, job.count);
	must_write(6);
	must_start_write(&job, self->tx, out, 7);
	ASSERT_TRUE(job_blocked(&job));
	EXPECT_EQ(6, read(self->rx, in, sizeof(in)));
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(7, job.count);
	EXPECT_EQ(7, read(self->rx, in, sizeof(in)));
}

static atomic_int caught;

static void on_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&caught, 1);
}

TEST_F(pair, signals)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct job job;

	CONNECTED();
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	must_start_read(&job, self->rx, in, sizeof(in));
	ASSERT_TRUE(job_blocked(&job));
	pthread_kill(job.thread, SIGUSR1);
	EXPECT_EQ(EINTR, job_end(&job));

	action.sa_flags = SA_RESTART;
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	must_start_read(&job, self->rx, in, sizeof(in));
	ASSERT_TRUE(job_blocked(&job));
	pthread_kill(job.thread, SIGUSR1);
	ASSERT_TRUE(happens(atomic_load(&caught) == 2));
	ASSERT_TRUE(job_blocked(&job));
	must_write(3);
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(3, job.count);
}

TEST_F(pair, modes)
{
	int rd = open_dev(variant->rx_dev, O_RDONLY), wr = open_dev(variant->rx_dev, O_WRONLY);

	EXPECT_EQ(EBADF, try_read(wr, 1));
	EXPECT_EQ(EBADF, try_write(rd, out, 1));
	close(rd);
	close(wr);
}

TEST_HARNESS_MAIN
