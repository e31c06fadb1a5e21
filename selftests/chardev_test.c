// SPDX-License-Identifier: GPL-2.0
/*
 * driver/chardev.c: how commands are decoded, the same for every command. A row of the
 * table (a variant of the fixture) knows how to make a call that succeeds and one that
 * fails for the state of the endpoint; the tests vary size, flags, pointers and file mode.
 *
 * Red when: a command is missing; a short struct is accepted; a dirty tail is ignored, or
 * a clean one refused; @size or another input is written; unknown flags or reserved fields
 * are ignored; a struct is read beyond its size or twice; user pointers are trusted; the
 * mode of the file is not looked at; results are left as the caller had them; a call that
 * cannot report its result has had an effect; 32-bit layout differs.
 */
#include "shmipc_job.h"

#define LAYOUT(type, bytes, last, at) \
	_Static_assert(sizeof(struct type) == (bytes), #type); \
	_Static_assert(offsetof(struct type, last) == (at), #type "." #last)

LAYOUT(shmipc_info, 144, out_name, 112);
LAYOUT(shmipc_peer_info, 96, name, 64);
LAYOUT(shmipc_peers, 32, out_total, 28);
LAYOUT(shmipc_port_info, 112, name, 80);
LAYOUT(shmipc_ports, 40, out_total, 36);
LAYOUT(shmipc_port_create, 64, out_generation, 60);
LAYOUT(shmipc_port_destroy, 16, out_reserved, 12);
LAYOUT(shmipc_lookup, 72, out_reserved, 68);
LAYOUT(shmipc_connect, 32, out_reserved, 28);
LAYOUT(shmipc_send, 64, out_reserved, 60);
LAYOUT(shmipc_sendv, 32, out_error, 28);
LAYOUT(shmipc_recv, 104, out_uid, 100);
LAYOUT(shmipc_recvv, 32, out_error, 28);
LAYOUT(shmipc_event_mask, 16, out_mask, 12);
LAYOUT(shmipc_event, 56, time, 48);
LAYOUT(shmipc_events, 40, out_nr, 36);
LAYOUT(shmipc_watch, 72, name, 40);
LAYOUT(shmipc_notify, 24, out_reserved, 20);
LAYOUT(shmipc_eventfd, 24, out_reserved, 20);
_Static_assert(offsetof(struct shmipc_send, cookie) == 48, "send");
_Static_assert(offsetof(struct shmipc_recv, out_endpoint) == 56, "recv");
_Static_assert(offsetof(struct shmipc_info, out_uid_bytes) == 96, "info");

#include "chardev_rows.h"

static void *page_of(FIXTURE_DATA(abi) *self, unsigned int nr)
{
	return self->map + nr * self->page;
}

/* The call as it succeeds, its results not yet there; @at has room for it and a tail */
static void *good_at(struct __test_metadata *_metadata, FIXTURE_DATA(abi) *self,
		     const FIXTURE_VARIANT(abi) *variant, void *at)
{
	memset(at, 0, variant->size);
	ASSERT_EQ(0, variant->good(self, at));
	memcpy(at, &(__u32){ variant->size }, 4);
	memset(at + variant->out, 0xee, variant->size - variant->out);
	return at;
}

#define good(where)	good_at(_metadata, self, variant, where)
#define call(arg)	try_ioctl(self->fd, variant->cmd, arg)

static void set_size(void *arg, __u32 size)
{
	memcpy(arg, &size, 4);
}

static bool all(const void *buf, int byte, size_t len)
{
	const unsigned char *p = buf;

	while (len--)
		if (*p++ != byte)
			return false;
	return true;
}

TEST_F(abi, exact)
{
	unsigned char before[SIZE_MAX_ARG];
	unsigned char *arg = good(page_of(self, 0));

	memset(arg + variant->size, 0xee, 64);
	memcpy(before, arg, variant->size);
	ASSERT_EQ(0, call(arg));
	EXPECT_EQ(0, memcmp(before, arg, variant->out));
	if (variant->out < variant->size)
		EXPECT_FALSE(all(arg + variant->out, 0xee, variant->size - variant->out));
	if (variant->zero)
		EXPECT_TRUE(all(arg + variant->zero, 0, 4));
	EXPECT_TRUE(all(arg + variant->size, 0xee, 64));
}

TEST_F(abi, short_struct)
{
	unsigned char before[SIZE_MAX_ARG];
	__u32 size;

	for (size = 0; size < variant->size; size++) {
		unsigned char *arg = good(page_of(self, 0));

		set_size(arg, size);
		memcpy(before, arg, variant->size);
		EXPECT_EQ(EINVAL, call(arg))
			TH_LOG("size %u of %u", size, (unsigned int)variant->size);
		EXPECT_EQ(0, memcmp(before, arg, variant->size));
	}
}

/* Nothing beyond @size is looked at: a short struct may end where memory ends */
TEST_F(abi, short_struct_at_the_end_of_memory)
{
	void *arg = page_of(self, HOLE) - 8;

	memcpy(arg, (__u32[]){ 8, 0 }, 8);
	EXPECT_EQ(EINVAL, call(arg));
}

TEST_F(abi, clean_tail)
{
	static const unsigned int longer[] = { 1, 4, 8, 64, 1024 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(longer); i++) {
		unsigned char *arg = good(page_of(self, 0));

		memset(arg + variant->size, 0, longer[i]);
		memset(arg + variant->size + longer[i], 0xee, 8);
		set_size(arg, variant->size + longer[i]);
		EXPECT_EQ(0, call(arg)) TH_LOG("tail %u", longer[i]);
		EXPECT_TRUE(all(arg + variant->size, 0, longer[i]));
		EXPECT_TRUE(all(arg + variant->size + longer[i], 0xee, 8));
		EXPECT_EQ(variant->size + longer[i], *(__u32 *)arg);
	}
}

TEST_F(abi, dirty_tail)
{
	static const unsigned int longer[] = { 1, 4, 8, 64, 1024 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(longer); i++) {
		unsigned char *arg = good(page_of(self, 0));

		memset(arg + variant->size, 0, longer[i]);
		arg[variant->size + longer[i] - 1] = 1;
		set_size(arg, variant->size + longer[i]);
		EXPECT_EQ(E2BIG, call(arg)) TH_LOG("tail %u", longer[i]);
		EXPECT_EQ(1, arg[variant->size + longer[i] - 1]);

		memset(arg + variant->size, 0, longer[i]);
		arg[variant->size] = 0x80;
		EXPECT_EQ(E2BIG, call(arg)) TH_LOG("tail %u, first byte", longer[i]);
	}
}

/* A page, and more than a page: nobody's struct is that long */
TEST_F(abi, huge_struct)
{
	unsigned char *arg = good(page_of(self, 0));
	const __u32 sizes[] = { self->page + 1, 2 * self->page, 1U << 31, ~0U };
	unsigned int i;

	memset(arg + variant->size, 0, self->page - variant->size);
	set_size(arg, self->page);
	EXPECT_EQ(0, call(arg));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		good(arg);
		set_size(arg, sizes[i]);
		EXPECT_EQ(E2BIG, call(arg)) TH_LOG("size %u", sizes[i]);
	}
	EXPECT_TRUE(all(arg + self->page, 0, self->page));
}

TEST_F(abi, unknown_flags)
{
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		unsigned char *arg;

		if (variant->flags & (1U << bit))
			continue;
		arg = good(page_of(self, 0));
		*(__u32 *)(arg + 4) |= 1U << bit;
		EXPECT_EQ(EOPNOTSUPP, call(arg)) TH_LOG("bit %u", bit);
	}
}

TEST_F(abi, reserved_fields)
{
	static const __u32 values[] = { 1, 0x100, 0x80000000 };
	unsigned int i;

	if (!variant->reserved)
		return;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		unsigned char *arg = good(page_of(self, 0));

		*(__u32 *)(arg + variant->reserved) = values[i];
		EXPECT_EQ(EOPNOTSUPP, call(arg)) TH_LOG("%#x", values[i]);
	}
}

TEST_F(abi, bad_struct_pointer)
{
	void *arg;

	EXPECT_EQ(EFAULT, call(NULL));
	EXPECT_EQ(EFAULT, call((void *)8));
	EXPECT_EQ(EFAULT, call(page_of(self, HOLE)));
	EXPECT_EQ(EFAULT, call((void *)-4096L));
	EXPECT_EQ(EFAULT, call((void *)-4L));

	/* @size is readable, the rest is not */
	arg = page_of(self, HOLE) - 8;
	memcpy(arg, (__u32[]){ variant->size, 0 }, 8);
	EXPECT_EQ(EFAULT, call(arg));
	arg = page_of(self, HOLE) - 4;
	memcpy(arg, &(__u32){ variant->size }, 4);
	EXPECT_EQ(EFAULT, call(arg));
	/* all but the last byte is */
	arg = page_of(self, HOLE) - variant->size + 1;
	set_size(arg, variant->size);
	EXPECT_EQ(EFAULT, call(arg));
	/* the tail that it claims to have is not */
	arg = good(page_of(self, HOLE) - variant->size);
	set_size(arg, variant->size + 8);
	EXPECT_EQ(EFAULT, call(arg));
}

/* Results cannot be written: EFAULT, and then nothing has happened */
TEST_F(abi, read_only_struct)
{
	void *arg = good(page_of(self, READONLY));

	if (variant->out == variant->size)
		return;
	ASSERT_EQ(0, mprotect(page_of(self, READONLY), self->page, PROT_READ));
	EXPECT_EQ(EFAULT, call(arg));
	if (variant->untouched)
		EXPECT_TRUE(variant->untouched(self));
	ASSERT_EQ(0, mprotect(page_of(self, READONLY), self->page, PROT_READ | PROT_WRITE));
}

TEST_F(abi, bad_data_pointer)
{
	const __u64 bad[] = {
		0, 8, uptr(page_of(self, HOLE)), (__u64)-4096, 1ULL << 63, 0xffff888000000000ULL,
		uptr(page_of(self, 0)) | 1ULL << 62,
	};
	unsigned int i;

	if (!variant->data)
		return;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		unsigned char *arg = good(page_of(self, 0));

		memcpy(arg + variant->data, &bad[i], 8);
		EXPECT_EQ(EFAULT, call(arg)) TH_LOG("%#llx", (unsigned long long)bad[i]);
		EXPECT_EQ(0, memcmp(arg + variant->data, &bad[i], 8));
	}
}

TEST_F(abi, file_mode)
{
	void *arg = good(page_of(self, 0));
	int rd, wr;

	rd = open_dev(0, O_RDONLY);
	ASSERT_LE(0, rd);
	wr = open_dev(0, O_WRONLY);
	ASSERT_LE(0, wr);
	if (variant->needs == O_RDONLY)
		EXPECT_EQ(EBADF, try_ioctl(wr, variant->cmd, arg));
	if (variant->needs == O_WRONLY)
		EXPECT_EQ(EBADF, try_ioctl(rd, variant->cmd, arg));
	if (variant->needs == O_RDWR) {
		EXPECT_EQ(0, try_ioctl(rd, variant->cmd, good(arg)));
		EXPECT_EQ(0, try_ioctl(wr, variant->cmd, good(arg)));
	}
	close(rd);
	close(wr);
}

/* The wrong state of the endpoint: its errno, and results that say nothing */
TEST_F(abi, wrong_state)
{
	unsigned char before[SIZE_MAX_ARG];
	unsigned char *arg = page_of(self, 0);
	int err;

	if (!variant->bad)
		return;
	memset(arg, 0, variant->size);
	memset(arg + variant->out, 0xee, variant->size - variant->out);
	err = variant->bad(self, arg);
	ASSERT_LT(0, err);
	set_size(arg, variant->size);
	memcpy(before, arg, variant->size);
	EXPECT_EQ(err, call(arg));
	EXPECT_EQ(0, memcmp(before, arg, variant->out));
	if (variant->out < variant->size && !variant->fails_with_result)
		EXPECT_TRUE(all(arg + variant->out, 0, variant->size - variant->out));
}

/* A duplicate of the file is the same endpoint */
TEST_F(abi, duplicate)
{
	int fd = dup(self->fd);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, try_ioctl(fd, variant->cmd, good(page_of(self, 0))));
	close(fd);
}

TEST(unknown_command)
{
	static char arg[4096];
	int fd = open_dev(0, O_RDWR);
	unsigned int nr;

	ASSERT_LE(0, fd);
	*(__u32 *)arg = 64;
	for (nr = 0x10; nr < 0x100; nr++)
		EXPECT_EQ(ENOTTY, try_ioctl(fd, _IO(SHMIPC_IOC_TYPE, nr), arg)) TH_LOG("%#x", nr);
	for (nr = 0; nr < 0x10; nr++) {
		EXPECT_EQ(ENOTTY, try_ioctl(fd, _IO(0xBD, nr), arg));
		EXPECT_EQ(ENOTTY, try_ioctl(fd, _IOWR(SHMIPC_IOC_TYPE, nr, __u64), arg));
		EXPECT_EQ(ENOTTY, try_ioctl(fd, _IOR(SHMIPC_IOC_TYPE, nr, __u32), arg));
	}
	EXPECT_EQ(ENOTTY, try_ioctl(fd, 0, arg));
	EXPECT_EQ(ENOTTY, try_ioctl(fd, 0x5401, arg));
	EXPECT_EQ(ENOTTY, try_ioctl(fd, ~0U, arg));
	close(fd);
}

/* What a device of messages is not */
TEST(not_a_file)
{
	int fd = open_dev(0, O_RDWR);
	char byte = 0;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(ENODEV, errno);
	close(fd);
}

TEST_HARNESS_MAIN
