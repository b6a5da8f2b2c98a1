#pragma once
#include <mongoc/mongoc.h>
#include <stdlib.h>

/* bson_t is aligned to 128 bytes, which Swift does not know: it must never lie in Swift's memory. Documents cross as bytes:
 * bson_new_from_data in, these two out. */
static inline const uint8_t *millrace_bson_bytes(const bson_t *document) { return bson_get_data(document); }
static inline uint32_t millrace_bson_count(const bson_t *document) { return document->len; }

/* libmongoc fills a reply with bson_init(), after which bson_destroy() does not free the struct itself: its storage is ours. */
static inline bson_t *millrace_reply_new(void) {
    bson_t *reply = (bson_t *) aligned_alloc(128, sizeof(bson_t));
    if (reply) bson_init(reply);
    return reply;
}

static inline void millrace_reply_free(bson_t *reply) {
    if (reply) bson_destroy(reply);
    free(reply);
}

/* The message is an array, which Swift sees as a tuple. */
static inline const char *millrace_error_message(const bson_error_t *error) { return error->message; }
static inline const char *millrace_host_and_port(const mongoc_host_list_t *host) { return host->host_and_port; }
