// SPDX-License-Identifier: GPL-2.0
/* Opening what is no region, and servers that are none: one clear error each, no hang. */
#include <endian.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "host_test.h"
#include <shmipc/vros.h>

FIXTURE(place)
{
	char folder[40];
	char file[60];
	char sock[60];
	char where_file[70];
	char where_sock[70];
	pid_t server;
};

FIXTURE_SETUP(place)
{
	snprintf(self->folder, sizeof(self->folder), "/tmp/shmipc-open.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->folder));
	snprintf(self->file, sizeof(self->file), "%s/file", self->folder);
	snprintf(self->sock, sizeof(self->sock), "%s/sock", self->folder);
	snprintf(self->where_file, sizeof(self->where_file), "file:%s", self->file);
	snprintf(self->where_sock, sizeof(self->where_sock), "unix:%s", self->sock);
}

FIXTURE_TEARDOWN(place)
{
	if (self->server > 0) {
		kill(self->server, SIGKILL);
		waitpid(self->server, NULL, 0);
	}
	unlink(self->file);
	unlink(self->sock);
	rmdir(self->folder);
}

/* Opening @where fails with @err and an explanation that has @word in it. */
#define REFUSED(err, where, word) do {						\
	char refused_text[600];							\
	FAILS_NULL(err, shmipc_open(where, 0));					\
	shmipc_open_error(where, err, refused_text, sizeof(refused_text));	\
	EXPECT_NE(NULL, strstr(refused_text, word)) TH_LOG("%s", refused_text);	\
} while (0)

static void make_file(const char *path, off_t size, const void *data, size_t len, off_t at)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);

	if (fd < 0 || ftruncate(fd, size) < 0 || pwrite(fd, data, len, at) != (ssize_t)len)
		_exit(2);
	close(fd);
}

TEST_F(place, files_that_are_no_region)
{
	uint32_t word;

	REFUSED(ENOENT, self->where_file, "does not exist");
	make_file(self->file, 0, NULL, 0, 0);
	REFUSED(ENOSPC, self->where_file, "too small");
	make_file(self->file, 20000, NULL, 0, 0);
	REFUSED(ENOSPC, self->where_file, "too small");
	make_file(self->file, MEET_BYTES, "foreign", 7, 0);
	REFUSED(ENOTTY, self->where_file, "something else");
	make_file(self->file, MEET_BYTES, "foreign", 7, 3000);
	REFUSED(ENOTTY, self->where_file, "something else");
	word = htole32(0x534du << 16 | 2 << 12 | 8);
	make_file(self->file, MEET_BYTES, &word, sizeof(word), 0);
	FAILS_NULL(errno, shmipc_open(self->where_file, 0));
	EXPECT_EQ(-1, rmdir(self->file));
	unlink(self->file);
	mkfifo(self->file, 0600);
	REFUSED(ENODEV, self->where_file, "not a regular file");
	REFUSED(EISDIR, "file:/tmp", "directory");
	REFUSED(ENODEV, "file:/dev/null", "not a regular file");
}

/* What is left of the dead does not keep anybody from starting */
TEST_F(place, a_stale_file_is_a_region)
{
	struct shmipc_endpoint *ep;
	pid_t pid;

	make_file(self->file, MEET_BYTES, NULL, 0, 0);
	pid = fork();
	if (!pid) {
		must_join(self->where_file, 5);
		_exit(0);	/* without a close */
	}
	waitpid(pid, NULL, 0);
	ep = must_join(self->where_file, 5);
	EXPECT_EQ(1, own_peer(ep));
	shmipc_close(ep);
}

/* One number, with a descriptor if @fd is one */
static void say(int sock, int64_t number, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = "" };
	int64_t word = htole64(number);
	struct iovec iov = { &word, sizeof(word) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	}
	sendmsg(sock, &msg, MSG_NOSIGNAL);
}

static int memory_of(off_t size)
{
	int fd = memfd_create("region", MFD_CLOEXEC);

	return ftruncate(fd, size) < 0 ? -1 : fd;
}

enum act {
	SAYS_NOTHING, HANGS_UP, SAYS_TEXT, OTHER_VERSION, NO_ID, HUGE_ID, NO_MEMORY, SOCKET_AS_MEMORY,
	SMALL_MEMORY, FILE_AS_BELL, BELL_OF_NOBODY, VERSION_WITH_FD, STOPS_HALFWAY, CLASSIC, NO_BELLS,
};

static void act(int sock, enum act act)
{
	int memory = memory_of(act == SMALL_MEMORY ? 4096 : MEET_BYTES);

	if (act == SAYS_TEXT)
		send(sock, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
	if (act <= SAYS_TEXT)
		return;
	say(sock, act == OTHER_VERSION, act == VERSION_WITH_FD ? memory : -1);
	if (act == NO_ID)
		return say(sock, -1, memory);
	say(sock, act == HUGE_ID ? 1 << 20 : 4711, -1);
	if (act == STOPS_HALFWAY)
		send(sock, "\xff\xff\xff", 3, MSG_NOSIGNAL);
	if (act == STOPS_HALFWAY)
		return;
	say(sock, -1, act == NO_MEMORY ? -1 : act == SOCKET_AS_MEMORY ? sock : memory);
	if (act == BELL_OF_NOBODY)
		return say(sock, 17, -1);
	if (act != NO_BELLS)
		say(sock, 4711, act == FILE_AS_BELL ? memory : eventfd(0, EFD_NONBLOCK));
}

/* A server for one client, which then stays or not */
static void serve(const char *path, enum act what, bool stays, pid_t *pid)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, path);
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(sock, 1) < 0)
		_exit(2);
	*pid = fork();
	if (!*pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sock = accept(sock, NULL, NULL);
		act(sock, what);
		while (stays)
			pause();
		_exit(0);
	}
	close(sock);
}

static const struct {
	enum act act;
	bool stays;
	int error;
	const char *word;
} acts[] = {
	{ SAYS_NOTHING, true, ETIMEDOUT, "does not answer" },
	{ HANGS_UP, false, ECONNRESET, "hung up" },
	{ SAYS_TEXT, true, EBADMSG, "garbage" },
	{ OTHER_VERSION, true, EBADMSG, "garbage" },
	{ NO_ID, true, EBADMSG, "garbage" },
	{ HUGE_ID, true, EBADMSG, "garbage" },
	{ NO_MEMORY, true, EBADMSG, "garbage" },
	{ SOCKET_AS_MEMORY, true, EBADMSG, "wrong descriptor" },
	{ SMALL_MEMORY, true, ENOSPC, "too small" },
	{ FILE_AS_BELL, true, EBADMSG, "wrong descriptor" },
	{ BELL_OF_NOBODY, true, EBADMSG, "garbage" },
	{ VERSION_WITH_FD, true, EBADMSG, "garbage" },
	{ STOPS_HALFWAY, false, EBADMSG, "garbage" },
};

TEST_F(place, servers_that_are_none)
{
	int before = open("/dev/null", O_RDONLY);

	REFUSED(ENOENT, self->where_sock, "does not exist");
	make_file(self->sock, 0, NULL, 0, 0);
	REFUSED(ECONNREFUSED, self->where_sock, "nobody listens");
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		unlink(self->sock);
		serve(self->sock, acts[i].act, acts[i].stays, &self->server);
		TH_LOG("act %d", acts[i].act);
		ASSERT_LT(0, self->server);
		REFUSED(acts[i].error, self->where_sock, acts[i].word);
		kill(self->server, SIGKILL);
		waitpid(self->server, NULL, 0);
		self->server = 0;
	}
	/* No descriptor is left behind */
	close(before);
	EXPECT_EQ(before, open("/dev/null", O_RDONLY));
}

/* As QEMU's own: ids that have nothing to do with slots; those are claimed */
TEST_F(place, a_server_that_hands_out_no_slots)
{
	struct shmipc_endpoint *ep;
	struct shmipc_region *region;

	serve(self->sock, CLASSIC, true, &self->server);
	ep = must_join(self->where_sock, 3);
	region = shmipc_region_get(ep);
	ASSERT_NE(NULL, region);
	EXPECT_EQ(0, shmipc_region_peer(region));
	EXPECT_EQ(8, shmipc_region_peers(region));
	EXPECT_EQ(1, shmipc_region_vectors(region));
	EXPECT_EQ(SHMIPC_DOORBELL_EVENTFD, shmipc_region_doorbell(region));
	EXPECT_EQ(SHMIPC_TRANSPORT_IVSHMEM_V1, shmipc_region_transport(region));
	shmipc_region_free(region);
	shmipc_close(ep);
}

TEST_F(place, a_server_without_doorbells_is_polled)
{
	struct shmipc_endpoint *ep;
	struct shmipc_region *region;

	serve(self->sock, NO_BELLS, true, &self->server);
	ep = must_join(self->where_sock, 3);
	region = shmipc_region_get(ep);
	ASSERT_NE(NULL, region);
	EXPECT_EQ(0, shmipc_region_vectors(region));
	EXPECT_EQ(SHMIPC_DOORBELL_POLLING, shmipc_region_doorbell(region));
	shmipc_region_free(region);
	shmipc_close(ep);
}

/* All ports of VROS in one process are of one peer */
TEST_F(place, vros)
{
	struct ipc_message msg;
	uint32_t sender;
	int a, b;

	make_file(self->file, MEET_BYTES, NULL, 0, 0);
	setenv("SHMIPC_DEVICE", self->where_file, 1);
	a = ipc_create_port();
	b = ipc_create_port();
	EXPECT_EQ(0, a);
	EXPECT_EQ(1, b);
	EXPECT_EQ(0, ipc_send_from_port(a, b, 42, "hello", 5));
	EXPECT_EQ(0, ipc_recv_from(b, &msg, &sender));
	EXPECT_EQ(42, msg.type);
	EXPECT_EQ(5, msg.size);
	EXPECT_EQ(a, sender);
	EXPECT_EQ(getpid(), msg.sender_pid);
	EXPECT_EQ(-2, ipc_try_recv(b, &msg));
	EXPECT_EQ(0, ipc_destroy_port(a));
	EXPECT_EQ(0, ipc_destroy_port(b));
}

TEST_HARNESS_MAIN
