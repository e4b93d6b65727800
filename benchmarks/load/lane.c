/* One TCP connection of a client. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

int epoll_fd;

void append(struct buffer *buffer, const void *data, size_t size)
{
    if (buffer->size + size > buffer->room) {
        buffer->room = (buffer->size + size) * 2;
        buffer->data = grow(buffer->data, buffer->room);
    }
    if (data)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static void watch(struct lane *lane, int operation)
{
    uint32_t events = (lane->deaf ? 0 : EPOLLIN) | (lane->wants_write ? EPOLLOUT : 0);
    struct epoll_event event = {.events = events, .data.ptr = lane};
    if (epoll_ctl(epoll_fd, operation, lane->fd, &event))
        fail("epoll_ctl");
}

void lane_open(struct lane *lane)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_of(lane->client))};
    int on = 1, small = 4096;
    inet_pton(AF_INET, opt.host, &to.sin_addr);
    lane->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (lane->fd < 0)
        fail("socket");
    setsockopt(lane->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (lane->client->role == STALLED) /* so that it is the server's memory that fills */
        setsockopt(lane->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (connect(lane->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        fail("connect");
    lane->state = CONNECTING;
    lane->wants_write = true;
    lane->deaf = lane->asked = false;
    lane->in.size = lane->out.size = 0;
    watch(lane, EPOLL_CTL_ADD);
}

void lane_close(struct lane *lane)
{
    if (lane->state != CLOSED)
        close(lane->fd);
    lane->state = CLOSED;
}

/* Reads nothing from now on. */
void lane_deafen(struct lane *lane)
{
    lane->deaf = true;
    watch(lane, EPOLL_CTL_MOD);
}

/* Puts a masked frame into the outbox; lane_flush sends it. */
void lane_put_frame(struct lane *lane, unsigned opcode, const void *data, size_t length)
{
    static uint64_t random = 0x9e3779b97f4a7c15u; /* xorshift: a mask must only vary here */
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    uint8_t mask[4], header[WS_MAX_HEADER];
    memcpy(mask, &random, 4);
    append(&lane->out, header, ws_header(header, opcode, length, mask));
    size_t at = lane->out.size;
    append(&lane->out, NULL, length);
    ws_mask(lane->out.data + at, data, length, mask);
}

void lane_flush(struct lane *lane)
{
    if (lane->state == CLOSED || lane->state == CONNECTING || !lane->out.size)
        return;
    ssize_t sent = send(lane->fd, lane->out.data, lane->out.size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        client_lost(lane->client, strerror(errno));
        return;
    }
    if (sent > 0) {
        lane->out.size -= (size_t)sent;
        memmove(lane->out.data, lane->out.data + sent, lane->out.size);
    }
    bool wants = lane->out.size || lane->client->role == FLOODER; /* who always has more to say */
    if (lane->wants_write != wants) {
        lane->wants_write = wants;
        watch(lane, EPOLL_CTL_MOD);
    }
}

static void on_connected(struct lane *lane)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(lane->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        client_lost(lane->client, strerror(error));
    else
        lane->state = lane->asked ? HTTP : SWITCHING;
}

static void on_end(struct lane *lane, const char *why)
{
    if (lane->state == HTTP && !lane->asked)
        lane_close(lane); /* a kept connection that is no longer kept; the next request opens one */
    else
        client_lost(lane->client, why);
}

static void on_readable(struct lane *lane)
{
    static uint8_t data[READ_SIZE + 1]; /* one more, for a zero that ends the number parsing */
    size_t size = lane->in.size, used = 0;
    if (size)
        memcpy(data, lane->in.data, size);
    if (size == READ_SIZE) {
        client_lost(lane->client, "a message larger than this generator takes");
        return;
    }
    ssize_t got = recv(lane->fd, data + size, READ_SIZE - size, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            on_end(lane, got ? strerror(errno) : "the server closed the connection");
        return;
    }
    size += (size_t)got;
    data[size] = 0;
    lane->in.size = 0;
    take_bytes(lane, data, size, now(), &used);
    if (used < size && lane->state > CONNECTING) /* else it is closed, or another one already */
        append(&lane->in, data + used, size - used);
    client_flush(lane->client);
}

void lane_event(struct lane *lane, uint32_t events)
{
    if (lane->state == CONNECTING)
        on_connected(lane);
    if (events & EPOLLOUT)
        lane_flush(lane);
    if (lane->state == FRAMES && lane->client->role == FLOODER)
        flood(lane->client);
    if (lane->state != CLOSED && !lane->deaf && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(lane);
    else if (lane->deaf && events & (EPOLLHUP | EPOLLERR))
        lane_close(lane);
}
