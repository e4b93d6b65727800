/* A WebSocket server that does next to nothing: it shows what the load generator itself can do.
 *
 * It sends every message back as it is, remembers who sent "join", and on "fan" writes the asked
 * number of messages to all of them: one send for each client and request, not for each message,
 * so that it outruns the generator. Not a limit for a real server, which sends as messages come.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../websocket.h"

enum { READ_SIZE = 1 << 16, MAX_EVENTS = 512, MAX_MEMBERS = 1 << 16, ROOM = 1 << 22 };

struct client {
    int fd;
    bool open;
    size_t size; /* of the part of a frame that waits in data */
    uint8_t data[READ_SIZE];
};

static struct client *members[MAX_MEMBERS];
static size_t joined;

/* Blocks until all is written; the generator always reads. */
static void send_all(const struct client *c, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t sent = send(c->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0)
            return; /* it left; recv will tell */
        data += sent;
        size -= (size_t)sent;
    }
}

static size_t put(uint8_t *out, const void *text, size_t length)
{
    size_t at = ws_header(out, WS_TEXT, length, NULL);
    memcpy(out + at, text, length);
    return at + length;
}

static void fan_out(uint64_t first, int count, int size)
{
    static uint8_t frames[ROOM];
    static char text[ROOM / 64];
    size_t at = 0;
    if (size < 0 || (size_t)size + 64 > sizeof text)
        return;
    for (int i = 0; i < count && at + sizeof text < sizeof frames; i++) {
        int head = sprintf(text, "42[\"fan\",%" PRIu64 ",\"", first + (uint64_t)i);
        memset(text + head, 'x', (size_t)size);
        memcpy(text + head + size, "\"]", 2);
        at += put(frames + at, text, (size_t)(head + size) + 2);
    }
    for (size_t i = 0; i < joined; i++)
        send_all(members[i], frames, at);
}

static void take(struct client *c, const char *text)
{
    uint64_t first;
    int count, size;
    const char *call = strchr(text, '[');
    if (call && !strncmp(call, "[\"join\"]", 8) && joined < MAX_MEMBERS)
        members[joined++] = c;
    else if (call && sscanf(call, "[\"fan\",%" SCNu64 ",%d,%d]", &first, &count, &size) == 3)
        fan_out(first, count, size);
}

/* Takes all whole frames, and answers them with one send; how many bytes they were. */
static size_t take_frames(struct client *c)
{
    static uint8_t answers[READ_SIZE + WS_MAX_HEADER];
    static char text[READ_SIZE + 1];
    struct frame frame;
    size_t used = 0, at = 0, size;
    while ((size = ws_parse(c->data + used, c->size - used, &frame))) {
        used += size;
        ws_mask((uint8_t *)text, frame.payload, frame.length, frame.mask);
        text[frame.length] = 0;
        take(c, text);
        at += put(answers + at, text, frame.length); /* unmasked, so shorter than what came */
    }
    send_all(c, answers, at);
    return used;
}

static size_t take_handshake(struct client *c)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\nSec-WebSocket-Accept: " WS_ACCEPT
                                 "\r\n\r\n";
    const uint8_t *end = memmem(c->data, c->size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    c->open = true;
    send_all(c, (const uint8_t *)answer, sizeof answer - 1);
    return (size_t)(end - c->data) + 4;
}

static void leave(struct client *c)
{
    for (size_t i = 0; i < joined; i++)
        if (members[i] == c)
            members[i--] = members[--joined];
    close(c->fd);
    free(c);
}

static void on_readable(struct client *c)
{
    ssize_t got = recv(c->fd, c->data + c->size, sizeof c->data - c->size, 0);
    if (got <= 0) {
        leave(c);
        return;
    }
    c->size += (size_t)got;
    size_t used = c->open ? take_frames(c) : take_handshake(c);
    c->size -= used;
    memmove(c->data, c->data + used, c->size);
}

static void accept_one(int epoll_fd, int listener)
{
    int on = 1;
    struct client *c = grow(NULL, sizeof *c);
    c->fd = accept(listener, NULL, NULL);
    c->open = false;
    c->size = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (c->fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event))
        fail("accept");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int listen_on(int port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 1024))
        fail("listen");
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[MAX_EVENTS], event = {.events = EPOLLIN, .data.ptr = NULL};
    if (argc != 3 || strcmp(argv[1], "--port"))
        return 2;
    raise_file_limit();
    int listener = listen_on(atoi(argv[2])), epoll_fd = epoll_create1(0);
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event))
        fail("epoll");
    printf("{\"C compiler\": \"%s\"}\n", __VERSION__);
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                on_readable(events[i].data.ptr);
            else
                accept_one(epoll_fd, listener);
        }
    }
}
