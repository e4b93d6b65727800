/* One client: how it opens, joins the namespace, speaks and hears, on each transport. */
#define _GNU_SOURCE
#include <strings.h>

#include "load.h"

enum { SEPARATOR = 0x1e }; /* between the packets of a polled payload */

static struct lane *wire(struct client *c)
{
    return &c->lanes[c->kind == UPGRADING && c->state >= PROBING];
}

static bool polls(const struct client *c)
{
    return c->kind == POLLING || (c->kind == UPGRADING && c->state < PROBING);
}

/* Requests. A browser's headers, since a server may keep them for as long as the client stays. */

static void put_head(struct lane *lane, const char *method, const char *transport, const char *more)
{
    const struct client *c = lane->client;
    char text[1024];
    int length = snprintf(
        text, sizeof text,
        "%s /socket.io/?EIO=%d&transport=%s%s%s HTTP/1.1\r\nHost: %s:%d\r\n"
        "Pragma: no-cache\r\nCache-Control: no-cache\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/140.0.0.0 Safari/537.36\r\nOrigin: http://%s:%d\r\n"
        "Accept-Language: en-US,en;q=0.9\r\n%s\r\n",
        method, c->kind == OLD ? 3 : 4, transport, *c->sid ? "&sid=" : "", c->sid, opt.host,
        port_of(c), opt.host, port_of(c), more);
    append(&lane->out, text, (size_t)length);
}

/* Without permessage-deflate, which JavaScript's server does not use by default either. */
static void put_handshake(struct lane *lane)
{
    put_head(lane, "GET", "websocket",
             "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             "Accept-Encoding: gzip, deflate, br\r\nSec-WebSocket-Key: " WS_KEY "\r\n");
}

static void poll_again(struct client *c)
{
    struct lane *lane = &c->lanes[0];
    if (lane->state == CLOSED)
        lane_open(lane);
    lane->asked = true;
    put_head(lane, "GET", "polling", "Accept: */*\r\n");
}

static void post(struct client *c)
{
    struct lane *lane = &c->lanes[1];
    char more[128];
    if (lane->state == CLOSED)
        lane_open(lane);
    lane->asked = true;
    snprintf(more, sizeof more, "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n",
             c->outbox.size);
    put_head(lane, "POST", "polling", more);
    append(&lane->out, c->outbox.data, c->outbox.size);
    c->outbox.size = 0;
}

/* Speaking. */

void say(struct client *c, const char *text, size_t length)
{
    if (!polls(c)) {
        lane_put_frame(wire(c), WS_TEXT, text, length);
        return;
    }
    if (c->outbox.size)
        append(&c->outbox, &(uint8_t){SEPARATOR}, 1);
    append(&c->outbox, text, length);
}

void say_attachment(struct client *c, const char *data, size_t length)
{
    lane_put_frame(wire(c), WS_BINARY, data, length);
}

void client_flush(struct client *c)
{
    if (c->state == GONE)
        return;
    if (c->outbox.size && !c->lanes[1].asked)
        post(c);
    lane_flush(&c->lanes[0]);
    lane_flush(&c->lanes[1]);
}

/* Coming and going. */

void client_start(struct client *c)
{
    c->lanes[0].client = c->lanes[1].client = c;
    c->outbox.size = 0;
    *c->sid = 0;
    c->state = OPENING;
    lane_open(&c->lanes[0]);
    if (polls(c))
        poll_again(c);
    else
        put_handshake(&c->lanes[0]);
}

void client_end(struct client *c, bool politely)
{
    if (politely && wire(c)->state == FRAMES) {
        lane_put_frame(wire(c), WS_CLOSE, "\x03\xe8", 2);
        lane_flush(wire(c));
    }
    lane_close(&c->lanes[0]);
    lane_close(&c->lanes[1]);
    c->state = GONE;
}

/* Goes on by WebSocket, once nothing is under way any more. */
static void probe(struct client *c)
{
    if (c->lanes[0].asked || c->lanes[1].asked)
        return;
    lane_close(&c->lanes[1]);
    lane_open(&c->lanes[1]);
    put_handshake(&c->lanes[1]);
    c->state = PROBING;
}

static void namespace_joined(struct client *c)
{
    if (c->kind == UPGRADING)
        c->state = UPGRADABLE; /* it polls no more */
    else
        client_joined(c);
}

static void upgraded(struct client *c)
{
    say(c, "5", 1);
    lane_close(&c->lanes[0]);
    client_joined(c);
}

/* Hearing. */

static bool starts(const char *text, size_t length, const char *prefix)
{
    size_t size = strlen(prefix);
    return length >= size && !memcmp(text, prefix, size);
}

static void take_open(struct client *c, const char *text, size_t length)
{
    static const char key[] = "\"sid\":\"";
    const char *sid = memmem(text, length, key, sizeof key - 1);
    if (c->kind == POLLING || c->kind == UPGRADING) {
        const char *end = sid ? memchr(sid + sizeof key, '"', length) : NULL;
        if (!end || (size_t)(end - sid) >= sizeof c->sid) {
            client_lost(c, "an opening without a sid");
            return;
        }
        size_t size = (size_t)(end - sid) - (sizeof key - 1);
        memcpy(c->sid, sid + sizeof key - 1, size);
        c->sid[size] = 0;
    }
    c->state = JOINING;
    if (c->kind != OLD) /* whom the server connects by itself */
        say(c, "40", 2);
}

static void take_text(struct client *c, const char *text, size_t length, double at)
{
    if (length == 1 && text[0] == '2' && !opt.bare) {
        say(c, "3", 1);
        return; /* no progress: a server that hangs may still ping */
    }
    if (c->state == OPENING && starts(text, length, "0{"))
        take_open(c, text, length);
    else if (c->state == JOINING && starts(text, length, c->kind == OLD ? "40" : "40{\"sid\":"))
        namespace_joined(c);
    else if (c->state == PROBING && starts(text, length, "3probe"))
        upgraded(c);
    else if (starts(text, length, "42[\"fan\","))
        take_event(c, text, length, at);
    else if (starts(text, length, opt.bare ? "42" : opt.binary ? "461-" : "43"))
        take_answer(c, text, length, at);
    else if (!(length == 1 && text[0] == '6')) /* a NOOP */
        wrong(c, "an unexpected message: %.*s", (int)length, text);
    last_progress = at;
}

static void take_frame(struct client *c, const struct frame *frame, double at)
{
    if (!frame->plain || frame->masked)
        wrong(c, "a frame that is fragmented, compressed or masked");
    else if (frame->opcode == WS_TEXT)
        take_text(c, (const char *)frame->payload, frame->length, at);
    else if (frame->opcode == WS_BINARY)
        take_attachment(c, frame->payload, frame->length, at);
    else if (frame->opcode == WS_PING)
        lane_put_frame(wire(c), WS_PONG, frame->payload, frame->length);
    else if (frame->opcode == WS_CLOSE)
        client_lost(c, "the server closed the WebSocket");
    else if (frame->opcode != WS_PONG)
        wrong(c, "a frame with opcode %u", frame->opcode);
}

/* How many bytes the answer to the opening handshake took; 0 if it is not all there yet. */
static size_t take_handshake(struct lane *lane, const char *text, size_t length)
{
    const char *end = memmem(text, length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    char *head = strndup(text, (size_t)(end - text) + 2);
    const char *accept = head ? strcasestr(head, "\r\nsec-websocket-accept: ") : NULL;
    if (!accept || strncmp(head, "HTTP/1.1 101", 12) || strncmp(accept + 24, WS_ACCEPT "\r\n", 30))
        client_lost(lane->client, head ? head : "out of memory");
    else
        lane->state = FRAMES;
    free(head);
    if (lane->state == FRAMES && lane->client->state == PROBING)
        lane_put_frame(lane, WS_TEXT, "2probe", 6);
    else if (lane->state == FRAMES && opt.bare)
        client_joined(lane->client);
    return (size_t)(end - text) + 4;
}

static void take_payload(struct client *c, char *body, size_t length, double at)
{
    for (char *end = body + length; body < end && c->state != GONE;) {
        char *next = memchr(body, SEPARATOR, (size_t)(end - body));
        char *stop = next ? next : end;
        char kept = *stop;
        *stop = 0; /* so that numbers end */
        take_text(c, body, (size_t)(stop - body), at);
        *stop = kept;
        body = stop + 1;
    }
}

/* How many bytes an HTTP response took; 0 if it is not all there yet. */
static size_t take_response(struct lane *lane, char *data, size_t size, double at)
{
    struct client *c = lane->client;
    struct response response;
    size_t used = http_parse(data, size, &response);
    if (!used)
        return 0;
    lane->asked = false;
    if (response.status != 200) {
        data[used < 400 ? used : 400] = 0;
        client_lost(c, data);
        return used;
    }
    if (response.closes)
        lane_close(lane);
    if (lane == &c->lanes[0])
        take_payload(c, response.body, response.length, at);
    else if (response.length != 2 || strncasecmp(response.body, "ok", 2))
        wrong(c, "a POST answered: %.*s", (int)response.length, response.body);
    if (c->state == UPGRADABLE)
        probe(c);
    else if (c->state != GONE && lane == &c->lanes[0])
        poll_again(c);
    return used;
}

/* Takes what is whole of the bytes that came, and tells how many those were. */
void take_bytes(struct lane *lane, uint8_t *data, size_t size, double at, size_t *used)
{
    size_t taken;
    do {
        taken = 0;
        if (lane->state == SWITCHING) {
            taken = take_handshake(lane, (const char *)data + *used, size - *used);
        } else if (lane->state == HTTP) {
            taken = take_response(lane, (char *)data + *used, size - *used, at);
        } else if (lane->state == FRAMES) {
            struct frame frame;
            taken = ws_parse(data + *used, size - *used, &frame);
            if (taken)
                take_frame(lane->client, &frame, at);
        }
        *used += taken;
    } while (taken && *used < size && !lane->deaf);
}
