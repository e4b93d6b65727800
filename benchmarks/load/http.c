/* HTTP/1.1 responses, as far as a polling client needs them. */
#define _GNU_SOURCE
#include <strings.h>

#include "load.h"

/* The value of a header in a head that ends with a line break; NULL if it is not there. */
static const char *header(const char *head, const char *name)
{
    const char *found = strcasestr(head, name);
    return found ? found + strlen(name) : NULL;
}

/* Puts the chunks of a body together where they are; the end of the last, or NULL. */
static char *join_chunks(char *at, char *end, struct response *response)
{
    char *out = at;
    response->body = at;
    for (;;) {
        char *line = memmem(at, (size_t)(end - at), "\r\n", 2);
        if (!line)
            return NULL;
        size_t size = strtoul(at, NULL, 16);
        at = line + 2;
        if ((size_t)(end - at) < size + 2)
            return NULL;
        if (!size) {
            response->length = (size_t)(out - response->body);
            return at + 2;
        }
        memmove(out, at, size);
        out += size;
        at += size + 2;
    }
}

/* Whether all chunks are there: nothing may be moved before. */
static bool has_chunks(const char *at, const char *end)
{
    for (;;) {
        const char *line = memmem(at, (size_t)(end - at), "\r\n", 2);
        if (!line)
            return false;
        size_t size = strtoul(at, NULL, 16);
        at = line + 2;
        if ((size_t)(end - at) < size + 2)
            return false;
        if (!size)
            return true;
        at += size + 2;
    }
}

/* Reads the response at the start of data; its size, or 0 if it is not all there yet.
 * A status of 0 says that it is none that this generator knows. */
size_t http_parse(char *data, size_t size, struct response *response)
{
    char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    char kept = end[2];
    end[2] = 0;
    const char *length = header(data, "\r\ncontent-length:");
    const char *encoding = header(data, "\r\ntransfer-encoding:");
    const char *connection = header(data, "\r\nconnection:");
    response->status = strncmp(data, "HTTP/1.1 ", 9) ? 0 : atoi(data + 9);
    response->closes = connection && !strncasecmp(connection, " close", 6);
    response->length = length ? strtoul(length, NULL, 10) : 0;
    response->body = end + 4;
    if (!length && !encoding)
        response->status = 0;
    end[2] = kept;
    if (encoding) {
        if (!has_chunks(end + 4, data + size))
            return 0;
        return (size_t)(join_chunks(end + 4, data + size, response) - data);
    }
    size_t whole = (size_t)(end - data) + 4 + response->length;
    return whole <= size ? whole : 0;
}
