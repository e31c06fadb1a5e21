// SPDX-License-Identifier: GPL-2.0
/* endpoint.c, where.c, internal.c: opening what is a device */
#include "lib_test.h"

TEST(every_form_of_where_opens)
{
	static const char *const forms[] = { "/dev/shmipc1", "shmipc1", "1" };

	for (size_t i = 0; i < 3; i++) {
		struct shmipc_endpoint *ep = shmipc_open(forms[i], 0);
		struct shmipc_region *region;

		ASSERT_NE(NULL, ep) TH_LOG("%s: %s", forms[i], strerror(errno));
		region = shmipc_region_get(ep);
		ASSERT_NE(NULL, region);
		EXPECT_EQ(PEER_B, shmipc_region_peer(region));
		shmipc_region_free(region);
		shmipc_close(ep);
	}
}

static uint32_t peer_of_default(void)
{
	struct shmipc_endpoint *ep = shmipc_open(NULL, 0);
	struct shmipc_region *region = ep ? shmipc_region_get(ep) : NULL;
	uint32_t peer = region ? shmipc_region_peer(region) : UINT32_MAX;

	shmipc_region_free(region);
	shmipc_close(ep);
	return peer;
}

TEST(null_is_the_environments_or_the_first)
{
	unsetenv("SHMIPC_DEVICE");
	EXPECT_EQ(PEER_A, peer_of_default());
	setenv("SHMIPC_DEVICE", "shmipc1", 1);
	EXPECT_EQ(PEER_B, peer_of_default());
	setenv("SHMIPC_DEVICE", "", 1);
	EXPECT_EQ(PEER_A, peer_of_default());
}

TEST(descriptors_are_close_on_exec_and_blocking)
{
	struct shmipc_endpoint *ep = shmipc_open(DEV_A, 0);
	struct shmipc_endpoint *nonblocking = shmipc_open(DEV_A, SHMIPC_OPEN_NONBLOCK);

	ASSERT_NE(NULL, ep);
	ASSERT_NE(NULL, nonblocking);
	EXPECT_EQ(FD_CLOEXEC, fcntl(shmipc_fd(ep), F_GETFD));
	EXPECT_EQ(0, fcntl(shmipc_fd(ep), F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(O_RDWR, fcntl(shmipc_fd(ep), F_GETFL) & O_ACCMODE);
	EXPECT_EQ(O_NONBLOCK, fcntl(shmipc_fd(nonblocking), F_GETFL) & O_NONBLOCK);
	shmipc_close(ep);
	shmipc_close(nonblocking);
}

TEST(a_nonblocking_endpoint_never_sleeps)
{
	struct shmipc_endpoint *ep = shmipc_open(DEV_A, SHMIPC_OPEN_NONBLOCK);

	ASSERT_NE(NULL, ep);
	ASSERT_LT(0, shmipc_port_create(ep, SHMIPC_PORT_ANY, NULL));
	FAILS(EAGAIN, shmipc_recv(ep, NULL, 0, NULL, NULL, SHMIPC_FOREVER));
	shmipc_close(ep);
}

TEST(modes_limit_what_can_be_done)
{
	struct shmipc_endpoint *in = shmipc_open(DEV_A, SHMIPC_OPEN_RECV_ONLY);
	struct shmipc_endpoint *out = shmipc_open(DEV_A, SHMIPC_OPEN_SEND_ONLY);
	struct shmipc_address to = { .peer = SHMIPC_PEER_SELF };
	int port;

	ASSERT_NE(NULL, in);
	ASSERT_NE(NULL, out);
	port = shmipc_port_create(in, SHMIPC_PORT_ANY, NULL);
	ASSERT_LT(0, port);
	to.port = port;
	EXPECT_EQ(0, shmipc_send(out, &to, 0, "x", 1, SHMIPC_NOWAIT));
	FAILS(EBADF, shmipc_send(in, &to, 0, "x", 1, SHMIPC_NOWAIT));
	FAILS(EBADF, shmipc_connect(in, &to, NULL));
	FAILS(EBADF, shmipc_port_create(out, SHMIPC_PORT_ANY, NULL));
	FAILS(EBADF, shmipc_recv(out, NULL, 0, NULL, NULL, SHMIPC_NOWAIT));
	shmipc_close(in);
	shmipc_close(out);
}

TEST(from_fd_takes_a_device_and_nothing_else)
{
	int fd = open(DEV_A, O_RDWR), null = open("/dev/null", O_RDWR);
	struct shmipc_endpoint *ep = shmipc_from_fd(fd);
	int ends[2];

	ASSERT_NE(NULL, ep);
	EXPECT_EQ(fd, shmipc_fd(ep));
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	shmipc_close(ep);
	EXPECT_EQ(-1, fcntl(fd, F_GETFD));

	FAILS_NULL(ENOTTY, shmipc_from_fd(null));
	EXPECT_LE(0, fcntl(null, F_GETFD));
	ASSERT_EQ(0, pipe(ends));
	FAILS_NULL(ENODEV, shmipc_from_fd(ends[0]));
	FAILS_NULL(EBADF, shmipc_from_fd(-1));
}

TEST(close_keeps_errno)
{
	struct shmipc_endpoint *ep = shmipc_open(DEV_A, 0);

	ASSERT_NE(NULL, ep);
	errno = EXDEV;
	shmipc_close(ep);
	shmipc_close(NULL);
	EXPECT_EQ(EXDEV, errno);
}

TEST(a_user_without_rights_is_told)
{
	struct stat st;
	char text[200];

	ASSERT_EQ(0, stat(DEV_A, &st));
	ASSERT_EQ(0, chmod(DEV_A, 0600));
	if (fork() == 0) {
		if (setgid(1000) || setuid(1000))
			_exit(99);
		if (shmipc_open(DEV_A, 0) || errno != EACCES)
			_exit(1);
		shmipc_open_error(DEV_A, errno, text, sizeof(text));
		_exit(strstr(text, "group shmipc") ? 0 : 2);
	}
	int status;

	ASSERT_LT(0, wait(&status));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, chmod(DEV_A, st.st_mode & 07777));
}

TEST_HARNESS_MAIN
