/* The course of a run: connecting, warming up, measuring, draining. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "load.h"

enum { MAX_EVENTS = 512 };
static const double SETTLE = 0.2; /* seconds in which nothing more may come */
static const double TICK = 0.01;  /* seconds after which the course is looked at again */

struct client *clients;
int total;
enum phase phase;
double phase_began, window_began, window_ended, last_progress;
static int connecting, ready, first_to_start;
static uint64_t started, ended; /* how many connections were begun, and (churn) ended */
static double began, gathered_at;

/* Members are spread among the servers; each has a control client of its own. */
int port_of(const struct client *c)
{
    int turn = c->role == CONTROL ? c->number - opt.clients : c->number;
    return opt.ports[turn % opt.port_count];
}

void client_joined(struct client *c)
{
    last_progress = now();
    connecting -= c->state != ENTERING;
    if (opt.test == CHURN) {
        client_end(c, ended++ % 2); /* half of them say goodbye */
        c->state = UNUSED;
    } else if (opt.test == FANOUT && c->role != CONTROL && c->state != ENTERING) {
        c->state = ENTERING;
        enter_room(c);
    } else {
        c->state = READY;
        ready++;
        if (c->role == FLOODER)
            flood(c);
    }
}

void client_lost(struct client *c, const char *why)
{
    bool was_ready = c->state == READY;
    client_end(c, false);
    if (c->role == FLOODER && phase > GATHERING) {
        flooders_closed += was_ready;
        ready -= was_ready;
        connecting += 1;
        client_start(c);
        return;
    }
    if (c->role == STALLED && phase > GATHERING)
        return;
    wrong(c, "%s", why);
    for (int i = 0; i < opt.window; i++)
        waiting -= c->slots[i].waiting;
    phase = FINISHED; /* what comes after a lost client is not worth measuring */
}

static void enter(enum phase next, double at)
{
    phase = next;
    phase_began = at;
}

static void begin(double at)
{
    tell_connected(ready, at - began);
    if (opt.test == CONNECT || opt.test == CHURN) {
        enter(FINISHED, at);
        return;
    }
    enter(WARMING, at);
    window_began = window_ended = at + 1e9;
    if (opt.test != IDLE)
        start_traffic(at);
}

static void measure(double at)
{
    enter(MEASURING, at);
    window_began = at;
    window_ended = at + opt.seconds;
    tell_measuring();
}

static void drain(double at)
{
    tell_measured(at - phase_began);
    enter(DRAINING, at);
    for (int i = 0; i < total; i++)
        if (clients[i].role == FLOODER)
            client_end(&clients[i], false);
}

static void check_drained(double at)
{
    double next; /* what was due while it was measured is asked, however late */
    bool all_asked = !opt.rate || pace(window_ended, &next);
    if (!waiting && complete == issued && all_asked) {
        enter(SETTLING, at);
    } else if (at - last_progress > opt.patience) {
        fprintf(stderr, "lost: %" PRIu64 " answers, %" PRIu64 " broadcasts not received by all\n",
                waiting, issued - complete);
        errors++;
        enter(FINISHED, at);
    }
}

static void settled(double at)
{
    tell_latencies();
    if (opt.test == FANOUT && !opt.bare) {
        enter(ASKING, at);
        ask_reasons();
    } else {
        enter(FINISHED, at);
    }
}

static void gather(double at)
{
    uint64_t wanted = opt.test == CHURN ? opt.count : (uint64_t)total;
    int most = opt.at_once < total ? opt.at_once : total;
    for (int i = first_to_start; started < wanted && connecting < most; i = (i + 1) % total) {
        if (clients[i].state != UNUSED)
            continue;
        client_start(&clients[i]);
        first_to_start = (i + 1) % total;
        connecting++;
        started++;
    }
    if (opt.test == CHURN ? ended < opt.count : ready < total)
        return;
    if (!gathered_at)
        gathered_at = at;
    if (opt.port_count == 1 || at - gathered_at >= SETTLE) /* who is where has got about */
        begin(at);
}

static void check_progress(double at)
{
    if (phase >= DRAINING || opt.test == IDLE || at - last_progress <= opt.patience)
        return;
    fprintf(stderr, "nothing came for %.0f s; %d of %d clients ready\n", opt.patience, ready, total);
    errors++;
    enter(FINISHED, at);
}

static void advance(double at)
{
    if (phase == GATHERING)
        gather(at);
    else if (phase == WARMING && opt.test != IDLE && at - phase_began >= opt.warmup)
        measure(at);
    else if (phase == MEASURING && at - phase_began >= opt.seconds)
        drain(at);
    else if (phase == DRAINING)
        check_drained(at);
    else if (phase == SETTLING && at - phase_began >= SETTLE)
        settled(at);
    else if (phase == ASKING && (!waiting || at - phase_began > opt.patience))
        enter(FINISHED, at);
    check_progress(at);
}

/* How long to wait for events at most, in seconds. */
static double leisure(double at)
{
    double next;
    if (!opt.rate || (phase != WARMING && phase != MEASURING) || !pace(at, &next))
        return TICK;
    double left = next - now();
    return left < 0 ? 0 : left < TICK ? left : TICK;
}

/* Finer than milliseconds, which are epoll's. */
static void await_events(double seconds)
{
    struct pollfd any = {.fd = epoll_fd, .events = POLLIN};
    struct timespec time = {.tv_nsec = (long)(seconds * 1e9)};
    ppoll(&any, 1, &time, NULL);
}

void run(void)
{
    struct epoll_event events[MAX_EVENTS];
    began = last_progress = now();
    while (phase != FINISHED) {
        double at = now();
        advance(at);
        if (phase == FINISHED)
            break;
        if (opt.rate)
            await_events(leisure(at));
        int count = epoll_wait(epoll_fd, events, MAX_EVENTS, opt.rate ? 0 : (int)(TICK * 1000));
        for (int i = 0; i < count && phase != FINISHED; i++) {
            if (events[i].data.ptr)
                lane_event(events[i].data.ptr, events[i].events);
            else
                phase = FINISHED; /* standard input ended: whoever started this has seen enough */
        }
    }
    tell_done();
}

static int controls(void)
{
    return opt.test == FANOUT ? opt.port_count : 0;
}

static void prepare_client(struct client *c, int number, struct slot *slots)
{
    int beyond = number - opt.clients - controls();
    c->number = number;
    c->slots = slots;
    for (int j = 0; j < opt.window; j++)
        slots[j].id = (uint64_t)j;
    if (number < opt.clients)
        c->kind = number < opt.old                                  ? OLD
                  : number < opt.old + opt.polling                  ? POLLING
                  : number < opt.old + opt.polling + opt.upgrading ? UPGRADING
                                                                    : WEBSOCKET;
    else
        c->role = beyond < 0 ? CONTROL : beyond < opt.stalled ? STALLED : FLOODER;
}

void prepare(void)
{
    size_t allowed = raise_file_limit();
    total = opt.clients + controls() + opt.stalled + opt.flooders;
    if ((size_t)total + (size_t)(opt.polling + opt.upgrading) + 16 > allowed) {
        fprintf(stderr, "%d clients need more open files than are allowed (%zu): ulimit -Hn\n",
                total, allowed);
        exit(2);
    }
    prctl(PR_SET_TIMERSLACK, 1000); /* ns; the default of 50 us is longer than many an answer */
    clients = calloc((size_t)total, sizeof *clients);
    struct slot *slots = calloc((size_t)total * (size_t)opt.window, sizeof *slots);
    epoll_fd = epoll_create1(0);
    if (!clients || !slots || epoll_fd < 0)
        fail("starting");
    for (int i = 0; i < total; i++)
        prepare_client(&clients[i], i, slots + (size_t)i * (size_t)opt.window);
    if (opt.test == IDLE) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event))
            fail("idle needs a pipe as its standard input, and ends when that ends");
    }
}
