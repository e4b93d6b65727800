/* What the parts of the load generator share.
 *
 *     main.c      the command line
 *     course.c    the course of a run: connecting, warming up, measuring, draining
 *     traffic.c   what is asked and what must come back
 *     client.c    one client: how it opens, joins, speaks and hears, on each transport
 *     lane.c      one TCP connection of a client
 *     http.c      HTTP responses
 *     results.c   latencies, and what is told on standard output
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../websocket.h"

enum test { CONNECT, IDLE, ECHO, FANOUT, CHURN };
enum phase { GATHERING, WARMING, MEASURING, DRAINING, SETTLING, ASKING, FINISHED };
enum {
    READ_SIZE = 1 << 21,
    MAX_PAYLOAD = 1 << 16,
    MAX_TEXT = MAX_PAYLOAD + 128, /* an event with such a payload */
    MAX_PORTS = 16,
};

enum kind {
    WEBSOCKET, /* a current client on WebSocket */
    OLD,       /* one that speaks Engine.IO 3 and Socket.IO 4, on WebSocket */
    POLLING,   /* a current client on long polling */
    UPGRADING, /* one that begins with polling, as browsers do */
};
enum role {
    MEMBER,  /* asks (echo) or is in the room (fan-out); what it gets is checked and measured */
    CONTROL, /* asks for the broadcasts of fan-out; one for each port */
    FLOODER, /* sends without end, and asks for no answer; when it is closed it comes again */
    STALLED, /* enters the room, and reads nothing from then on */
};
enum state { UNUSED, OPENING, JOINING, UPGRADABLE, PROBING, ENTERING, READY, GONE };
enum lane_state { CLOSED, CONNECTING, SWITCHING, FRAMES, HTTP };

struct buffer {
    uint8_t *data;
    size_t size, room;
};

/* A TCP connection. A polling client has two: one for what comes, one for what goes. */
struct lane {
    int fd;
    enum lane_state state;
    bool wants_write, deaf;
    bool asked;           /* an HTTP response is to come */
    struct buffer in, out; /* half a message; what the kernel did not take */
    struct client *client;
};

/* A question that waits for its answer. Ids grow by the window, so id % window is the slot. */
struct slot {
    uint64_t id;
    double asked_at;
    bool waiting;
};

struct client {
    int number;
    enum kind kind;
    enum role role;
    enum state state;
    struct lane lanes[2];
    struct buffer outbox; /* polling: packets for the next POST */
    char sid[64];
    struct slot *slots;
    struct slot *attached; /* whose answer's attachment comes next */
    uint64_t next[MAX_PORTS]; /* by sender: which of its broadcasts comes next */
};

struct options {
    enum test test;
    const char *host;
    int ports[MAX_PORTS], port_count; /* of the servers among which the clients are spread */
    int clients, window, batch, size, at_once, old, polling, upgrading, flooders, stalled;
    uint64_t count;
    double warmup, seconds, rate, patience;
    bool bare, binary, object;
};

/* main.c */
extern struct options opt;

/* course.c */
extern struct client *clients;
extern int total; /* with the control clients, flooders and stalled ones */
extern enum phase phase;
extern double phase_began, window_began, window_ended, last_progress;
void run(void);
int port_of(const struct client *c);
void client_joined(struct client *c);
void client_lost(struct client *c, const char *why);
void prepare(void);

/* traffic.c */
extern uint64_t waiting, issued, complete;
void prepare_traffic(void);
void start_traffic(double at);
bool pace(double at, double *next);
void flood(struct client *c);
void enter_room(struct client *c);
void ask_reasons(void);
void take_event(struct client *c, const char *text, size_t length, double at);
void take_answer(struct client *c, const char *text, size_t length, double at);
void take_attachment(struct client *c, const uint8_t *data, size_t length, double at);

/* client.c */
void client_start(struct client *c);
void client_end(struct client *c, bool politely);
void say(struct client *c, const char *text, size_t length);
void say_attachment(struct client *c, const char *data, size_t length);
void client_flush(struct client *c);
void take_bytes(struct lane *lane, uint8_t *data, size_t size, double at, size_t *used);

/* lane.c */
extern int epoll_fd;
void append(struct buffer *buffer, const void *data, size_t size);
void lane_open(struct lane *lane);
void lane_close(struct lane *lane);
void lane_deafen(struct lane *lane);
void lane_put_frame(struct lane *lane, unsigned opcode, const void *data, size_t length);
void lane_flush(struct lane *lane);
void lane_event(struct lane *lane, uint32_t events);

/* http.c */
struct response {
    int status;
    bool closes;
    char *body;
    size_t length;
};
size_t http_parse(char *data, size_t size, struct response *response);

/* results.c */
extern uint64_t errors, measured;
__attribute__((format(printf, 2, 3))) void wrong(const struct client *c, const char *format, ...);
double now(void);
void prepare_results(void);
void record(double asked_at, double at);
void tell_connected(int ready, double seconds);
void tell_measuring(void);
void tell_measured(double seconds);
void tell_latencies(void);
void tell_reasons(const char *text, size_t length);
void tell_done(void);
extern uint64_t flooded, flooders_closed;

#endif
