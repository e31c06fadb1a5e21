// SPDX-License-Identifier: LGPL-2.1-or-later
/* Many messages in one call. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* @send and @recv: the arrays that the kernel sees, filled anew by each call. */
struct shmipc_batch {
	size_t count;
	struct shmipc_message **messages;
	struct shmipc_send *send;
	struct shmipc_recv *recv;
};

static int allocate(struct shmipc_batch *batch, size_t count, size_t capacity)
{
	batch->messages = calloc(count, sizeof(*batch->messages));
	batch->send = calloc(count, sizeof(*batch->send));
	batch->recv = calloc(count, sizeof(*batch->recv));
	if (!batch->messages || !batch->send || !batch->recv)
		return -1;
	for (; batch->count < count; batch->count++) {
		batch->messages[batch->count] = shmipc_message_new(capacity);
		if (!batch->messages[batch->count])
			return -1;
	}
	return 0;
}

SHMIPC_API struct shmipc_batch *shmipc_batch_new(size_t count, size_t capacity)
{
	struct shmipc_batch *batch;

	if (!count || count > SHMIPC_BATCH_MAX) {
		errno = EINVAL;
		return NULL;
	}
	batch = calloc(1, sizeof(*batch));
	if (batch && allocate(batch, count, capacity) < 0) {
		shmipc_batch_free(batch);
		return NULL;
	}
	return batch;
}

SHMIPC_API void shmipc_batch_free(struct shmipc_batch *batch)
{
	if (!batch)
		return;
	for (size_t i = 0; i < batch->count; i++)
		shmipc_message_free(batch->messages[i]);
	free(batch->messages);
	free(batch->send);
	free(batch->recv);
	free(batch);
}

SHMIPC_API size_t shmipc_batch_count(const struct shmipc_batch *batch)
{
	return batch->count;
}

SHMIPC_API struct shmipc_message *shmipc_batch_at(struct shmipc_batch *batch, size_t index)
{
	return index < batch->count ? batch->messages[index] : NULL;
}

/* Not one was done */
static int refuse(int *error, int why)
{
	if (error)
		*error = why;
	errno = why;
	return -1;
}

SHMIPC_API int shmipc_sendv(struct shmipc_endpoint *ep, struct shmipc_batch *batch,
			    size_t first, size_t count, int64_t deadline, int *error)
{
	struct shmipc_sendv arg = {
		.size = sizeof(arg),
		.elems = shmipc_ptr_to_uapi(batch->send),
		.nr = count,
		.elem_size = sizeof(struct shmipc_send),
	};
	int ret, stop = 0;

	if (!count || first >= batch->count || count > batch->count - first)
		return refuse(error, EINVAL);
	for (size_t i = 0; i < count && !stop; i++)
		if (shmipc_message_to_send(batch->messages[first + i], deadline,
					   &batch->send[i]) < 0) {
			/* What stands before it is sent all the same. */
			stop = errno;
			arg.nr = i;
		}
	if (!arg.nr)
		return refuse(error, stop);
	ret = shmipc_do_ioctl(ep, SHMIPC_SENDV, &arg);
	for (size_t i = 0; i < arg.nr; i++)
		shmipc_message_from_send(batch->messages[first + i], &batch->send[i]);
	if (ret < 0)
		return refuse(error, errno);
	if (error)
		*error = arg.out_done == arg.nr ? stop : (int)arg.out_error;
	return arg.out_done;
}

SHMIPC_API int shmipc_recvv(struct shmipc_endpoint *ep, struct shmipc_batch *batch,
			    int64_t deadline, int *error)
{
	struct shmipc_recvv arg = {
		.size = sizeof(arg),
		.elems = shmipc_ptr_to_uapi(batch->recv),
		.nr = batch->count,
		.elem_size = sizeof(struct shmipc_recv),
	};
	size_t told;
	int ret, stop;

	for (size_t i = 0; i < batch->count; i++)
		if (shmipc_message_to_recv(batch->messages[i], deadline, &batch->recv[i]) < 0)
			return refuse(error, errno);
	ret = shmipc_do_ioctl(ep, SHMIPC_RECVV, &arg);
	stop = ret < 0 ? errno : (int)arg.out_error;
	/* The one that stopped it tells its length if it did not fit. */
	told = arg.out_done + (stop == EMSGSIZE);
	for (size_t i = 0; i < batch->count && i < told; i++)
		shmipc_message_from_recv(batch->messages[i], &batch->recv[i]);
	if (ret < 0)
		return refuse(error, stop);
	if (error)
		*error = stop;
	return arg.out_done;
}
