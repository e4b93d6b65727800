/* The load generator: many Socket.IO v5 clients over WebSocket, in one thread.
 *
 *     load [options] connect|idle|echo|fanout
 *
 * It counts what it receives and checks it: each answer has the id and the value that were sent,
 * each fan-out message reaches each client once and in order. What it finds wrong goes to stderr,
 * and it exits with 1. What it measures goes to stdout, one JSON object a line, as it happens:
 * "connected", "measuring", "measured", "done".
 *
 * With --bare it speaks the same messages over a WebSocket without Engine.IO and Socket.IO, to
 * servers that send every message back as it is.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "websocket.h"

enum state { UNUSED, CONNECTING, UPGRADING, OPENING, JOINING, READY, GONE };
enum phase { GATHERING, WARMING, MEASURING, DRAINING, SETTLING, FINISHED };
enum test { CONNECT, IDLE, ECHO, FANOUT };
static const char *const TESTS[] = {"connect", "idle", "echo", "fanout"};

enum {
    READ_SIZE = 1 << 20,
    MAX_PAYLOAD = 1 << 16,
    MAX_EVENTS = 512,
    LATENCIES = 2000000, /* one bucket for each microsecond; the last takes what is longer */
    SHOWN_ERRORS = 10,
};
static const double PATIENCE = 20.0; /* seconds without any progress before it is a failure */
static const double SETTLE = 0.2;    /* seconds in which nothing more may come */

struct buffer {
    uint8_t *data;
    size_t size, room;
};

/* A question that waits for its answer. Ids grow by the window, so id % window is the slot. */
struct slot {
    uint64_t id;
    double asked_at;
    bool waiting;
};

struct client {
    int fd, number;
    enum state state;
    bool wants_write;
    struct buffer in, out; /* half a frame; what the kernel did not take */
    struct slot *slots;
    uint64_t next; /* the sequence number of the fan-out message that comes next */
};

static struct {
    enum test test;
    const char *host;
    int port, clients, window, batch, size, at_once;
    double warmup, seconds;
    bool bare;
} opt = {ECHO, "127.0.0.1", 0, 50, 4, 10, 32, 50, 1.0, 3.0, false};

static struct client *clients;
static int total, started, connecting, ready; /* total: one more than asked for, in fan-out */
static int epoll_fd;
static enum phase phase;
static double phase_began, last_progress, began;
static struct rusage usage_began;
static uint64_t errors, waiting, measured;
static uint64_t issued, complete; /* fan-out messages: asked for, and received by everybody */
static uint32_t *arrived;         /* how many clients have a message, by number % window */
static uint32_t *latencies;
static char *padding; /* the x's of a payload */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

__attribute__((format(printf, 2, 3))) static void wrong(const struct client *c, const char *format,
                                                        ...)
{
    if (errors++ >= SHOWN_ERRORS)
        return;
    va_list args;
    va_start(args, format);
    fprintf(stderr, "client %d: ", c->number);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

/* Sending. */

static void append(struct buffer *buffer, const void *data, size_t size)
{
    if (buffer->size + size > buffer->room) {
        buffer->room = (buffer->size + size) * 2;
        buffer->data = grow(buffer->data, buffer->room);
    }
    if (data)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static void watch(struct client *c, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(epoll_fd, operation, c->fd, &event))
        fail("epoll_ctl");
}

/* Puts a masked frame into the outbox; flush sends it. */
static void put(struct client *c, unsigned opcode, const void *text, size_t length)
{
    static uint64_t random = 0x9e3779b97f4a7c15u; /* xorshift: a mask must only vary here */
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    uint8_t mask[4], header[WS_MAX_HEADER];
    memcpy(mask, &random, 4);
    append(&c->out, header, ws_header(header, opcode, length, mask));
    size_t at = c->out.size;
    append(&c->out, NULL, length);
    ws_mask(c->out.data + at, text, length, mask);
}

static void gone(struct client *c, const char *why)
{
    wrong(c, "%s", why);
    close(c->fd);
    c->state = GONE;
    for (int i = 0; i < opt.window; i++)
        waiting -= c->slots[i].waiting;
    phase = FINISHED; /* what comes after a lost client is not worth measuring */
}

static void flush(struct client *c)
{
    if (c->state == GONE || !c->out.size)
        return;
    ssize_t sent = send(c->fd, c->out.data, c->out.size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        gone(c, strerror(errno));
        return;
    }
    if (sent > 0) {
        c->out.size -= (size_t)sent;
        memmove(c->out.data, c->out.data + sent, c->out.size);
    }
    if (c->wants_write != (c->out.size > 0)) {
        c->wants_write = c->out.size > 0;
        watch(c, EPOLL_CTL_MOD);
    }
}

/* Questions, each of which the server answers. */

/* What follows the id in a question of echo, and in its answer. */
static int echo_value(char *out, size_t room, const struct client *c, uint64_t id)
{
    int length = snprintf(out, room, "%d:%" PRIu64 ":", c->number, id);
    int rest = opt.size > length ? opt.size - length : 0;
    memcpy(out + length, padding, (size_t)rest);
    return length + rest;
}

static void ask(struct client *c, struct slot *slot, const char *text, int length, double at)
{
    slot->waiting = true;
    slot->asked_at = at;
    waiting++;
    put(c, WS_TEXT, text, (size_t)length);
}

static void ask_echo(struct client *c, struct slot *slot, double at)
{
    static char text[MAX_PAYLOAD + 128];
    int length = snprintf(text, sizeof text, "42%" PRIu64 "[\"echo\",\"", slot->id);
    length += echo_value(text + length, sizeof text - (size_t)length, c, slot->id);
    memcpy(text + length, "\"]", 2);
    ask(c, slot, text, length + 2, at);
}

static int join_question(char *out, size_t room, uint64_t id)
{
    return snprintf(out, room, "42%" PRIu64 "[\"join\"]", id);
}

static int fan_question(char *out, size_t room, uint64_t id, uint64_t first)
{
    return snprintf(out, room, "42%" PRIu64 "[\"fan\",%" PRIu64 ",%d,%d]", id, first, opt.batch,
                    opt.size);
}

static void ask_join(struct client *c)
{
    char text[64];
    ask(c, c->slots, text, join_question(text, sizeof text, c->slots->id), now());
}

/* Asks for broadcasts until the window is full, so that the server always has one to do. */
static void ask_fan(void)
{
    struct client *control = &clients[opt.clients];
    char text[128];
    while (issued + (uint64_t)opt.batch - complete <= (uint64_t)opt.window) {
        struct slot *slot = &control->slots[issued / (uint64_t)opt.batch % (uint64_t)opt.window];
        if (slot->waiting)
            return; /* its answer is on the way */
        ask(control, slot, text, fan_question(text, sizeof text, slot->id, issued), now());
        issued += (uint64_t)opt.batch;
    }
    flush(control);
}

/* The text that answers a question, in a static buffer; its length. */
static int expected(const struct client *c, uint64_t id, char **answer)
{
    static char text[MAX_PAYLOAD + 128];
    *answer = text;
    int length = 0;
    if (opt.test == ECHO) {
        length = snprintf(text, sizeof text, opt.bare ? "42%" PRIu64 "[\"echo\",\"" : "43%" PRIu64
                          "[\"", id);
        length += echo_value(text + length, sizeof text - (size_t)length, c, id);
        memcpy(text + length, "\"]", 2);
        return length + 2;
    }
    if (!opt.bare)
        return snprintf(text, sizeof text, "43%" PRIu64 "[]", id);
    if (c->number < opt.clients)
        return join_question(text, sizeof text, id);
    return fan_question(text, sizeof text, id, id * (uint64_t)opt.batch);
}

static void take_answer(struct client *c, const char *text, size_t length, double at)
{
    uint64_t id = strtoull(text + 2, NULL, 10);
    struct slot *slot = &c->slots[id % (uint64_t)opt.window];
    char *answer;
    if (!slot->waiting || slot->id != id) {
        wrong(c, "an answer that nothing waits for: %.*s", (int)length, text);
        return;
    }
    if ((size_t)expected(c, id, &answer) != length || memcmp(answer, text, length))
        wrong(c, "a wrong answer: %.*s", (int)length, text);
    slot->waiting = false;
    slot->id += (uint64_t)opt.window;
    waiting--;
    if (c->state == JOINING) {
        c->state = READY;
        ready++;
    } else if (opt.test == ECHO) {
        if (phase == MEASURING) {
            double took = (at - slot->asked_at) * 1e6;
            latencies[took < LATENCIES - 1 ? (uint32_t)took : LATENCIES - 1]++;
            measured++;
        }
        if (phase < DRAINING)
            ask_echo(c, slot, at);
    } else if (phase < DRAINING) {
        ask_fan();
    }
}

static void take_fan(struct client *c, const char *text, size_t length)
{
    static const char head[] = "42[\"fan\",";
    char *end;
    uint64_t number = strtoull(text + sizeof head - 1, &end, 10);
    size_t rest = length - (size_t)(end - text);
    if (rest != (size_t)opt.size + 4 || memcmp(end, ",\"", 2) ||
        memcmp(end + 2, padding, (size_t)opt.size) || memcmp(text + length - 2, "\"]", 2))
        wrong(c, "a wrong message: %.*s", (int)length, text);
    if (number != c->next || number >= issued) {
        wrong(c, "got message %" PRIu64 ", expected %" PRIu64, number, c->next);
        return;
    }
    c->next++;
    measured += phase == MEASURING;
    if (++arrived[number % (uint64_t)opt.window] == (uint32_t)opt.clients) {
        arrived[number % (uint64_t)opt.window] = 0;
        complete++;
        if (phase < DRAINING)
            ask_fan();
    }
}

/* Receiving. */

static void joined(struct client *c)
{
    connecting--;
    last_progress = now();
    if (opt.test == FANOUT && c->number < opt.clients) {
        c->state = JOINING;
        ask_join(c);
    } else {
        c->state = READY;
        ready++;
    }
}

static bool starts(const char *text, size_t length, const char *prefix)
{
    size_t size = strlen(prefix);
    return length >= size && !memcmp(text, prefix, size);
}

static void take_text(struct client *c, const char *text, size_t length, double at)
{
    if (c->state == OPENING && starts(text, length, "0{")) {
        put(c, WS_TEXT, "40", 2);
    } else if (c->state == OPENING && starts(text, length, "40{\"sid\":")) {
        joined(c);
    } else if (length == 1 && text[0] == '2' && !opt.bare) {
        put(c, WS_TEXT, "3", 1);
        return; /* no progress: a server that hangs may still ping */
    } else if (starts(text, length, "42[\"fan\",") && opt.test == FANOUT) {
        take_fan(c, text, length);
    } else if (starts(text, length, opt.bare ? "42" : "43")) {
        take_answer(c, text, length, at);
    } else {
        wrong(c, "an unexpected message: %.*s", (int)length, text);
    }
    last_progress = at;
}

/* How many bytes the answer to the opening handshake took; 0 if it is not all there yet. */
static size_t take_handshake(struct client *c, const char *text, size_t length)
{
    const char *end = memmem(text, length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    char *head = strndup(text, (size_t)(end - text) + 2);
    const char *accept = head ? strcasestr(head, "\r\nsec-websocket-accept: ") : NULL;
    if (!accept || strncmp(head, "HTTP/1.1 101", 12) || strncmp(accept + 24, WS_ACCEPT "\r\n", 30))
        gone(c, head ? head : "out of memory");
    free(head);
    if (c->state == GONE)
        return length;
    c->state = OPENING;
    if (opt.bare)
        joined(c);
    return (size_t)(end - text) + 4;
}

static void take_frame(struct client *c, const struct frame *frame, double at)
{
    if (!frame->plain || frame->masked)
        wrong(c, "a frame that is fragmented, compressed or masked");
    else if (frame->opcode == WS_TEXT)
        take_text(c, (const char *)frame->payload, frame->length, at);
    else if (frame->opcode == WS_PING)
        put(c, WS_PONG, frame->payload, frame->length);
    else if (frame->opcode == WS_CLOSE)
        gone(c, "the server closed the WebSocket");
    else if (frame->opcode != WS_PONG)
        wrong(c, "a frame with opcode %u", frame->opcode);
}

static size_t take_bytes(struct client *c, uint8_t *data, size_t size, double at)
{
    size_t used = 0;
    if (c->state == UPGRADING)
        used = take_handshake(c, (const char *)data, size);
    while (c->state > UPGRADING && c->state != GONE) {
        struct frame frame;
        size_t taken = ws_parse(data + used, size - used, &frame);
        if (!taken)
            break;
        take_frame(c, &frame, at);
        used += taken;
    }
    return used;
}

static void on_readable(struct client *c)
{
    static uint8_t data[READ_SIZE + 1]; /* one more, for a zero that ends the number parsing */
    size_t size = c->in.size;
    memcpy(data, c->in.data ? c->in.data : data, size);
    ssize_t got = recv(c->fd, data + size, READ_SIZE - size, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            gone(c, got ? strerror(errno) : "the server closed the connection");
        return;
    }
    size += (size_t)got;
    data[size] = 0;
    size_t used = take_bytes(c, data, size, now());
    c->in.size = 0;
    if (used < size && c->state != GONE)
        append(&c->in, data + used, size - used);
    flush(c);
}

/* Connecting. */

static void start_client(struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    int on = 1;
    inet_pton(AF_INET, opt.host, &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        fail("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        fail("connect");
    c->state = CONNECTING;
    c->wants_write = true;
    watch(c, EPOLL_CTL_ADD);
    connecting++;
}

/* A browser's headers, since a server may keep them for as long as the client stays. Without
 * permessage-deflate, which JavaScript's server does not use by default either. */
static void send_handshake(struct client *c)
{
    char text[1024];
    int length = snprintf(
        text, sizeof text,
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s:%d\r\n"
        "Connection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/140.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://%s:%d\r\n"
        "Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br\r\n"
        "Accept-Language: en-US,en;q=0.9\r\nSec-WebSocket-Key: " WS_KEY "\r\n\r\n",
        opt.host, opt.port, opt.host, opt.port);
    append(&c->out, text, (size_t)length);
    c->state = UPGRADING;
}

static void on_event(struct client *c, uint32_t events)
{
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
            gone(c, strerror(error));
            return;
        }
        send_handshake(c);
    }
    if (events & EPOLLOUT)
        flush(c);
    if (c->state != GONE && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(c);
}

/* The course of a run. */

static uint32_t percentile(double part)
{
    uint64_t wanted = (uint64_t)(part * (double)measured), seen = 0;
    uint32_t at = 0;
    while (at < LATENCIES - 1 && (seen += latencies[at]) <= wanted)
        at++;
    return at;
}

static uint32_t longest(void)
{
    uint32_t at = LATENCIES - 1;
    while (at > 0 && !latencies[at])
        at--;
    return at;
}

static double cpu_seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1e-6;
}

static void tell_measured(double at)
{
    struct rusage usage;
    double seconds = at - phase_began;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"event\": \"measured\", \"messages\": %" PRIu64 ", \"seconds\": %.6f, "
           "\"load_cpu_seconds\": %.6f",
           measured, seconds, cpu_seconds(&usage) - cpu_seconds(&usage_began));
    if (opt.test == ECHO)
        printf(", \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u", percentile(0.5),
               percentile(0.99), longest());
    printf("}\n");
}

static void enter(enum phase next, double at)
{
    phase = next;
    phase_began = at;
    if (next == MEASURING) {
        getrusage(RUSAGE_SELF, &usage_began);
        printf("{\"event\": \"measuring\"}\n");
    }
}

static void begin(double at)
{
    printf("{\"event\": \"connected\", \"clients\": %d, \"seconds\": %.6f}\n", ready, at - began);
    if (opt.test == CONNECT) {
        enter(FINISHED, at);
        return;
    }
    enter(WARMING, at);
    for (int i = 0; i < opt.clients && opt.test == ECHO; i++) {
        for (int j = 0; j < opt.window; j++)
            ask_echo(&clients[i], &clients[i].slots[j], at);
        flush(&clients[i]);
    }
    if (opt.test == FANOUT)
        ask_fan();
}

static void check_drained(double at)
{
    if (!waiting && complete == issued) {
        enter(SETTLING, at);
    } else if (at - last_progress > PATIENCE) {
        fprintf(stderr, "lost: %" PRIu64 " answers, %" PRIu64 " broadcasts not received by all\n",
                waiting, issued - complete);
        errors++;
        enter(FINISHED, at);
    }
}

static void advance(double at)
{
    if (phase == GATHERING) {
        while (started < total && connecting < opt.at_once)
            start_client(&clients[started++]);
        if (ready == total)
            begin(at);
    } else if (phase == WARMING && opt.test != IDLE && at - phase_began >= opt.warmup) {
        enter(MEASURING, at);
    } else if (phase == MEASURING && at - phase_began >= opt.seconds) {
        tell_measured(at);
        enter(DRAINING, at);
    } else if (phase == DRAINING) {
        check_drained(at);
    } else if (phase == SETTLING && at - phase_began >= SETTLE) {
        enter(FINISHED, at);
    }
    if (phase < DRAINING && opt.test != IDLE && at - last_progress > PATIENCE) {
        fprintf(stderr, "nothing came for %.0f s; %d of %d clients ready\n", PATIENCE, ready,
                total);
        errors++;
        enter(FINISHED, at);
    }
}

static void run(void)
{
    struct epoll_event events[MAX_EVENTS];
    began = last_progress = now();
    while (phase != FINISHED) {
        advance(now());
        int count = phase == FINISHED ? 0 : epoll_wait(epoll_fd, events, MAX_EVENTS, 10);
        for (int i = 0; i < count && phase != FINISHED; i++) {
            if (events[i].data.ptr)
                on_event(events[i].data.ptr, events[i].events);
            else
                phase = FINISHED; /* standard input ended: whoever started this has seen enough */
        }
    }
    printf("{\"event\": \"done\", \"errors\": %" PRIu64 "}\n", errors);
}

static void prepare(void)
{
    size_t allowed = raise_file_limit();
    total = opt.clients + (opt.test == FANOUT);
    if ((size_t)total + 16 > allowed) {
        fprintf(stderr, "%d clients need more open files than are allowed (%zu): ulimit -Hn\n",
                total, allowed);
        exit(2);
    }
    clients = calloc((size_t)total, sizeof *clients);
    struct slot *slots = calloc((size_t)total * (size_t)opt.window, sizeof *slots);
    arrived = calloc((size_t)opt.window, sizeof *arrived);
    latencies = calloc(LATENCIES, sizeof *latencies);
    padding = malloc((size_t)opt.size);
    epoll_fd = epoll_create1(0);
    if (!clients || !slots || !arrived || !latencies || !padding || epoll_fd < 0)
        fail("starting");
    memset(padding, 'x', (size_t)opt.size);
    for (int i = 0; i < total; i++) {
        clients[i].number = i;
        clients[i].slots = slots + (size_t)i * (size_t)opt.window;
        for (int j = 0; j < opt.window; j++)
            clients[i].slots[j].id = (uint64_t)j;
    }
    if (opt.test == IDLE) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event))
            fail("idle needs a pipe as its standard input, and ends when that ends");
    }
}

static int usage(void)
{
    fprintf(stderr,
            "usage: load --port PORT [options] connect|idle|echo|fanout\n"
            "  --host ADDRESS   the server's IPv4 address (127.0.0.1)\n"
            "  --clients N      how many clients (50)\n"
            "  --window N       echo: questions outstanding for each client (4)\n"
            "                   fanout: broadcasts in flight\n"
            "  --batch N        fanout: broadcasts that one request asks for (10)\n"
            "  --size BYTES     payload of an echo or a broadcast (32)\n"
            "  --at-once N      how many clients connect at a time (50)\n"
            "  --warmup S --seconds S\n"
            "  --bare           WebSocket only, to a server that sends back what it gets\n");
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"host", 1, 0, 'h'},    {"port", 1, 0, 'p'},   {"clients", 1, 0, 'c'},
        {"window", 1, 0, 'w'},  {"batch", 1, 0, 'b'},  {"size", 1, 0, 's'},
        {"at-once", 1, 0, 'a'}, {"warmup", 1, 0, 'u'}, {"seconds", 1, 0, 't'},
        {"bare", 0, 0, 'B'},    {0, 0, 0, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'h': opt.host = optarg; break;
        case 'p': opt.port = atoi(optarg); break;
        case 'c': opt.clients = atoi(optarg); break;
        case 'w': opt.window = atoi(optarg); break;
        case 'b': opt.batch = atoi(optarg); break;
        case 's': opt.size = atoi(optarg); break;
        case 'a': opt.at_once = atoi(optarg); break;
        case 'u': opt.warmup = atof(optarg); break;
        case 't': opt.seconds = atof(optarg); break;
        case 'B': opt.bare = true; break;
        default: return usage();
        }
    }
    size_t test = 0;
    while (optind < argc && test < 4 && strcmp(argv[optind], TESTS[test]))
        test++;
    if (optind >= argc || test == 4 || opt.port < 1 || opt.clients < 1 || opt.window < 1 ||
        opt.batch < 1 || opt.size < 1 || opt.size > MAX_PAYLOAD || opt.at_once < 1 ||
        (test == FANOUT && opt.window < opt.batch))
        return usage();
    opt.test = (enum test)test;
    setvbuf(stdout, NULL, _IOLBF, 0);
    prepare();
    run();
    return errors ? 1 : 0;
}
