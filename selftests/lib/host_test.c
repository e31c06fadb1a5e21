// SPDX-License-Identifier: GPL-2.0
/* What the library does without a device: refusing, explaining, keeping memory. */
#include <sys/socket.h>
#include <sys/un.h>

#include <shmipc/vros.h>
#include "lib_test.h"

FIXTURE(folder)
{
	char old[200];
	char path[64];
};

FIXTURE_SETUP(folder)
{
	snprintf(self->path, sizeof(self->path), "/tmp/shmipc-host-test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->path));
	ASSERT_NE(NULL, getcwd(self->old, sizeof(self->old)));
	ASSERT_EQ(0, chdir(self->path));
}

FIXTURE_TEARDOWN(folder)
{
	unlink("file");
	unlink("fifo");
	ASSERT_EQ(0, chdir(self->old));
	ASSERT_EQ(0, rmdir(self->path));
}

/* Opening @where fails with @err and an explanation that has @word in it. */
#define REFUSED(err, where, word) do {						\
	char refused_text[600];							\
	FAILS_NULL(err, shmipc_open(where, 0));					\
	shmipc_open_error(where, err, refused_text, sizeof(refused_text));	\
	EXPECT_NE(NULL, strstr(refused_text, word)) TH_LOG("%s", refused_text);	\
	EXPECT_EQ(NULL, strchr(refused_text, '\n'));				\
} while (0)

TEST_F(folder, a_regular_file_is_not_a_device)
{
	int fd = open("file", O_CREAT | O_WRONLY, 0600);
	char text[600];

	ASSERT_EQ(4, write(fd, "keep", 4));
	close(fd);
	REFUSED(ENODEV, "./file", "is a regular file");
	/* Below /dev it was made by mistake; here it is somebody's data */
	shmipc_open_error("./file", ENODEV, text, sizeof(text));
	EXPECT_EQ(NULL, strstr(text, "remove it"));
}

TEST_F(folder, nothing_is_created)
{
	REFUSED(ENOENT, "./nothing", "does not exist");
	EXPECT_EQ(-1, access("./nothing", F_OK));
}

TEST_F(folder, a_fifo_does_not_hang)
{
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	REFUSED(ENODEV, "./fifo", "is a pipe");
	FAILS_NULL(ENODEV, shmipc_open("./fifo", SHMIPC_OPEN_RECV_ONLY));
	FAILS_NULL(ENXIO, shmipc_open("./fifo", SHMIPC_OPEN_SEND_ONLY));
}

TEST_F(folder, other_kinds)
{
	REFUSED(EINVAL, ".", "not a device");
	REFUSED(EISDIR, "./", "is a directory");
	REFUSED(ENOTTY, "/dev/null", "not one of shmipc");
	REFUSED(ENOTTY, "/dev/zero", "not one of shmipc");
	FAILS_NULL(ENODEV, shmipc_open("./", SHMIPC_OPEN_RECV_ONLY));
}

TEST(addresses_that_are_none)
{
	char path[400];

	REFUSED(ENOENT, "unix:/run/no-such-socket", "shmipc-server");
	REFUSED(ENOENT, "/dev/shm/no-such-region", "truncate");
	REFUSED(ENOENT, "file:no-such-region", "truncate");
	REFUSED(EINVAL, "unix:", "not a device");
	REFUSED(EINVAL, "file:", "not a device");
	REFUSED(EINVAL, "foo", "shmipcN");
	REFUSED(EINVAL, "shmipc", "shmipcN");
	REFUSED(EINVAL, "shmipcx", "shmipcN");
	REFUSED(EINVAL, "shmipc0x", "shmipcN");
	REFUSED(EINVAL, "-1", "shmipcN");
	REFUSED(EINVAL, "0 ", "shmipcN");
	REFUSED(EINVAL, "12345678901", "shmipcN");
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	REFUSED(ENAMETOOLONG, path, "too long");
	FAILS_NULL(EINVAL, shmipc_open("0", 1 << 3));
	FAILS_NULL(EINVAL, shmipc_open("0", SHMIPC_OPEN_RECV_ONLY | SHMIPC_OPEN_SEND_ONLY));
}

TEST(the_environment_is_an_address_too)
{
	setenv("SHMIPC_DEVICE", "unix:x", 1);
	REFUSED(ENOENT, NULL, "x: does not exist: start shmipc-server");
	setenv("SHMIPC_DEVICE", "no form", 1);
	REFUSED(EINVAL, NULL, "SHMIPC_DEVICE");
	setenv("SHMIPC_DEVICE", "/dev/null", 1);
	REFUSED(ENOTTY, NULL, "/dev/null");
}

TEST(explanations_are_cut_and_counted)
{
	char text[10];
	size_t len = shmipc_open_error("/dev/null", ENOTTY, text, sizeof(text));

	EXPECT_LT(sizeof(text), len);
	EXPECT_EQ(sizeof(text) - 1, strlen(text));
	EXPECT_EQ(len, shmipc_open_error("/dev/null", ENOTTY, NULL, 0));
	errno = EXDEV;
	shmipc_open_error("foo", EINVAL, text, sizeof(text));
	EXPECT_EQ(EXDEV, errno);
}

TEST(from_fd_wants_a_device)
{
	int ends[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
	FAILS_NULL(ENODEV, shmipc_from_fd(ends[0]));
	FAILS_NULL(EBADF, shmipc_from_fd(-1));
	EXPECT_LE(0, fcntl(ends[0], F_GETFD));
}

TEST(null_is_closed_and_freed)
{
	shmipc_close(NULL);
	shmipc_region_free(NULL);
	shmipc_peer_table_free(NULL);
	shmipc_port_table_free(NULL);
	shmipc_port_options_free(NULL);
	shmipc_message_free(NULL);
	shmipc_batch_free(NULL);
	shmipc_event_buffer_free(NULL);
	FAILS(EINVAL, shmipc_fd(NULL));
}

TEST(deadlines)
{
	struct timespec now;
	int64_t ns;

	EXPECT_EQ(SHMIPC_FOREVER, shmipc_deadline(-1));
	EXPECT_EQ(SHMIPC_NOWAIT, shmipc_deadline(0));
	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = now.tv_sec * 1000000000LL + now.tv_nsec;
	EXPECT_LE(ns + 1000000, shmipc_deadline(1));
	EXPECT_LE(ns + 2147483647LL * 1000000, shmipc_deadline(2147483647));
	EXPECT_GT(ns + 60000000000LL, shmipc_deadline(1));
}

TEST(messages_keep_what_they_are_given)
{
	struct shmipc_message *msg = shmipc_message_new(0);

	ASSERT_NE(NULL, msg);
	EXPECT_NE(NULL, shmipc_message_data(msg));
	EXPECT_EQ(0, shmipc_message_capacity(msg));
	EXPECT_EQ(0, shmipc_message_length(msg));
	FAILS(EMSGSIZE, shmipc_message_set_length(msg, 1));
	EXPECT_EQ(0, shmipc_message_set_data(msg, "hello", 5));
	EXPECT_EQ(5, shmipc_message_length(msg));
	EXPECT_EQ(5, shmipc_message_capacity(msg));
	EXPECT_EQ(0, shmipc_message_reserve(msg, 100000));
	EXPECT_EQ(0, memcmp("hello", shmipc_message_data(msg), 5));
	EXPECT_EQ(0, shmipc_message_reserve(msg, 1));
	EXPECT_EQ(100000, shmipc_message_capacity(msg));
	EXPECT_EQ(0, shmipc_message_set_data(msg, NULL, 0));
	EXPECT_EQ(0, shmipc_message_length(msg));
	if (sizeof(size_t) > 4) {
		FAILS(EMSGSIZE, shmipc_message_reserve(msg, (size_t)1 << 31 << 1));
		FAILS_NULL(EMSGSIZE, shmipc_message_new((size_t)1 << 31 << 1));
	}
	shmipc_message_set_type(msg, 1);
	shmipc_message_set_priority(msg, 2);
	shmipc_message_set_cookie(msg, 3);
	EXPECT_EQ(1, shmipc_message_type(msg));
	EXPECT_EQ(2, shmipc_message_priority(msg));
	EXPECT_EQ(3, shmipc_message_cookie(msg));
	EXPECT_EQ(SHMIPC_STATE_NOT_SENT, shmipc_message_state(msg));
	shmipc_message_free(msg);
}

TEST(batches_and_buffers_have_limits)
{
	struct shmipc_batch *batch = shmipc_batch_new(SHMIPC_BATCH_MAX, 10);
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(1);

	ASSERT_NE(NULL, batch);
	EXPECT_EQ(SHMIPC_BATCH_MAX, shmipc_batch_count(batch));
	EXPECT_EQ(10, shmipc_message_capacity(shmipc_batch_at(batch, SHMIPC_BATCH_MAX - 1)));
	EXPECT_EQ(NULL, shmipc_batch_at(batch, SHMIPC_BATCH_MAX));
	shmipc_batch_free(batch);
	FAILS_NULL(EINVAL, shmipc_batch_new(0, 1));
	FAILS_NULL(EINVAL, shmipc_batch_new(SHMIPC_BATCH_MAX + 1, 1));
	ASSERT_NE(NULL, buffer);
	EXPECT_EQ(NULL, shmipc_event_buffer_at(buffer, 0));
	shmipc_event_buffer_free(buffer);
	FAILS_NULL(EINVAL, shmipc_event_buffer_new(0));
	FAILS_NULL(EINVAL, shmipc_event_buffer_new(SHMIPC_EVENT_BUFFER_MAX + 1));
}

TEST(words)
{
	EXPECT_STREQ("loopback", shmipc_transport_name(SHMIPC_TRANSPORT_LOOPBACK));
	EXPECT_STREQ("platform", shmipc_transport_name(SHMIPC_TRANSPORT_PLATFORM));
	EXPECT_STREQ("native", shmipc_format_name(SHMIPC_FORMAT_NATIVE));
	EXPECT_STREQ("polling", shmipc_doorbell_name(SHMIPC_DOORBELL_POLLING));
	EXPECT_STREQ("cached", shmipc_memory_name(SHMIPC_MEMORY_CACHED));
	EXPECT_STREQ("absent", shmipc_peer_state_name(SHMIPC_PEER_ABSENT));
	EXPECT_STREQ("foreign", shmipc_peer_state_name(SHMIPC_PEER_FOREIGN));
	EXPECT_STREQ("queued", shmipc_state_name(SHMIPC_STATE_QUEUED));
	EXPECT_STREQ("gone", shmipc_event_name(SHMIPC_EVENT_GONE));
	EXPECT_STREQ("ports", shmipc_feature_name(0));
	EXPECT_STREQ("buf", shmipc_feature_name(__builtin_ctzll(SHMIPC_FEAT_BUF)));
	EXPECT_STREQ("unknown", shmipc_feature_name(63));
	EXPECT_STREQ("unknown", shmipc_transport_name(0));
	EXPECT_STREQ("unknown", shmipc_event_name(UINT32_MAX));
	EXPECT_STREQ("no such port, or it closed", shmipc_strerror(ECONNREFUSED));
	EXPECT_STREQ("Invalid argument", shmipc_strerror(EINVAL));
	EXPECT_STREQ("unknown error", shmipc_strerror(99999));
	EXPECT_STREQ("1.0.0", shmipc_version());
}

TEST(vros_without_a_device)
{
	struct ipc_message msg;
	char data[300] = "";

	EXPECT_EQ(268, sizeof(msg));
	setenv("SHMIPC_DEVICE", "/dev/null", 1);
	FAILS(ENOTTY, ipc_create_port());
	FAILS(ENOTTY, ipc_send(0, 0, data, 1));
	FAILS(EMSGSIZE, ipc_send(0, 0, data, 257));
	FAILS(EFAULT, ipc_send(0, 0, NULL, 1));
	FAILS(EPERM, ipc_send_from_port(0, 0, 0, data, 1));
	FAILS(EPERM, ipc_recv(0, &msg));
	FAILS(EPERM, ipc_try_recv(0, &msg));
	FAILS(EFAULT, ipc_recv(0, NULL));
	FAILS(EINVAL, ipc_recv(32, &msg));
	FAILS(EPERM, ipc_destroy_port(31));
	FAILS(EINVAL, ipc_destroy_port(32));
}

TEST_HARNESS_MAIN
