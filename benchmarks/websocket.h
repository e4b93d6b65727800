/* WebSocket frames (RFC 6455, section 5), and the little else that both C programs need. */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* The key and its answer out of the RFC's own example: a benchmark needs no secret key, and with a
 * known one neither program has to compute a hash. The answer is still checked. */
#define WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum { WS_MAX_HEADER = 14 };

struct frame {
    unsigned opcode;
    bool plain; /* final, and without reserved bits: what this benchmark expects of everybody */
    bool masked;
    uint8_t mask[4];
    uint8_t *payload;
    size_t length;
};

/* Reads the frame at the start of data; its size, or 0 if it is not all there yet. */
static inline size_t ws_parse(uint8_t *data, size_t size, struct frame *frame)
{
    if (size < 2)
        return 0;
    size_t at = 2, length = data[1] & 0x7f;
    int wide = length == 127 ? 8 : length == 126 ? 2 : 0;
    frame->opcode = data[0] & 0x0f;
    frame->plain = (data[0] & 0xf0) == 0x80;
    frame->masked = data[1] & 0x80;
    if (size < at + wide + (frame->masked ? 4 : 0))
        return 0;
    if (wide)
        length = 0;
    for (int i = 0; i < wide; i++)
        length = length << 8 | data[at++];
    if (frame->masked) {
        memcpy(frame->mask, data + at, 4);
        at += 4;
    }
    frame->payload = data + at;
    frame->length = length;
    return size - at < length ? 0 : at + length;
}

/* Writes the header of a final frame; its size. Without a mask, it is a server's. */
static inline size_t ws_header(uint8_t *out, unsigned opcode, size_t length, const uint8_t *mask)
{
    size_t at = 2;
    uint8_t masked = mask ? 0x80 : 0;
    int wide = length < 126 ? 0 : length < 65536 ? 2 : 8;
    out[0] = (uint8_t)(0x80 | opcode);
    out[1] = (uint8_t)(masked | (wide == 0 ? length : wide == 2 ? 126 : 127));
    for (int i = wide; i-- > 0;)
        out[at++] = (uint8_t)(length >> (8 * i));
    if (mask) {
        memcpy(out + at, mask, 4);
        at += 4;
    }
    return at;
}

/* Masks or unmasks; the two are the same. */
static inline void ws_mask(uint8_t *out, const uint8_t *in, size_t length, const uint8_t *mask)
{
    uint64_t wide, word;
    size_t i = 0;
    memcpy(&wide, mask, 4);
    memcpy((uint8_t *)&wide + 4, mask, 4);
    for (; i + 8 <= length; i += 8) {
        memcpy(&word, in + i, 8);
        word ^= wide;
        memcpy(out + i, &word, 8);
    }
    for (; i < length; i++)
        out[i] = in[i] ^ mask[i & 3];
}

static inline void fail(const char *what)
{
    perror(what);
    exit(2);
}

/* Memory, or the end of the program. */
static inline void *grow(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (!memory)
        fail("realloc");
    return memory;
}

/* Allows as many open files as this process may allow itself; how many. */
static inline size_t raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        fail("setrlimit");
    return limit.rlim_cur;
}

#endif
