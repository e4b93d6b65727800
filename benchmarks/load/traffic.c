/* What is asked, and what must come back: each answer with the id and the value that were sent,
 * each broadcast once to each client, and those of a sender in order. */
#define _GNU_SOURCE
#include <inttypes.h>

#include "load.h"

enum {
    FLOOD_BYTES = 1 << 16,
    SENDER_SHIFT = 32, /* the number of a broadcast: whose it is, and above which of theirs */
};

/* A control client, one on each server, and what became of the broadcasts that it asked for. */
struct sender {
    uint64_t issued, complete;
    uint32_t *arrived; /* how many clients have a broadcast, by number % window */
};

static char *padding;             /* the x's of a payload */
static struct sender senders[MAX_PORTS];
static struct buffer flood_frames; /* a good lot of events, sent again and again */
static uint64_t flood_events;
uint64_t waiting, issued, complete; /* broadcasts: asked for, and received by everybody */
static uint64_t paced;              /* how many paced questions were asked */
static double pace_began;

/* How much of a message is worth to be shown. */
static int shown(size_t length)
{
    return length < 80 ? (int)length : 80;
}

void prepare_traffic(void)
{
    padding = malloc((size_t)opt.size);
    for (int i = 0; i < opt.port_count; i++)
        if (!(senders[i].arrived = calloc((size_t)opt.window, sizeof *senders[i].arrived)))
            fail("starting");
    if (!padding)
        fail("starting");
    memset(padding, 'x', (size_t)opt.size);
}

static void ask(struct client *c, struct slot *slot, const char *text, int length, double at)
{
    slot->waiting = true;
    slot->asked_at = at;
    waiting++;
    say(c, text, (size_t)length);
}

/* What stands before and behind the value of an echo in JSON: a text alone, or one of the five
 * fields of an object. */
static const char *before(void)
{
    return opt.object ? "{\"count\":3,\"kind\":\"order\",\"name\":\"" : "\"";
}

static const char *behind(void)
{
    return opt.object ? "\",\"price\":12.5,\"urgent\":true}" : "\"";
}

/* Echo: what follows the id in a question, and in its answer. */
static int echo_value(char *out, size_t room, const struct client *c, uint64_t id)
{
    int length = snprintf(out, room, "%d:%" PRIu64 ":", c->number, id);
    int rest = opt.size > length ? opt.size - length : 0;
    memcpy(out + length, padding, (size_t)rest);
    return length + rest;
}

static void ask_echo(struct client *c, struct slot *slot, double at)
{
    static char text[MAX_TEXT], value[MAX_TEXT];
    int length;
    if (opt.binary) {
        length = snprintf(text, sizeof text,
                          "451-%" PRIu64 "[\"echo\",{\"_placeholder\":true,\"num\":0}]", slot->id);
        ask(c, slot, text, length, at);
        say_attachment(c, value, (size_t)echo_value(value, sizeof value, c, slot->id));
        return;
    }
    length = snprintf(text, sizeof text, "42%" PRIu64 "[\"echo\",%s", slot->id, before());
    length += echo_value(text + length, sizeof text - (size_t)length, c, slot->id);
    length += snprintf(text + length, sizeof text - (size_t)length, "%s]", behind());
    ask(c, slot, text, length, at);
}

/* Fan-out: members ask to be let into the room, the control clients for broadcasts. */
static int join_question(char *out, size_t room, uint64_t id)
{
    return snprintf(out, room, "42%" PRIu64 "[\"join\"]", id);
}

static int fan_question(char *out, size_t room, const struct client *control, uint64_t id)
{
    uint64_t sender = (uint64_t)(control->number - opt.clients);
    uint64_t first = sender << SENDER_SHIFT | id * (uint64_t)opt.batch;
    return snprintf(out, room, "42%" PRIu64 "[\"fan\",%" PRIu64 ",%d,%d]", id, first, opt.batch,
                    opt.size);
}

void enter_room(struct client *c)
{
    char text[64];
    ask(c, c->slots, text, join_question(text, sizeof text, c->slots->id), now());
}

static struct slot *slot_of(const struct client *control, uint64_t broadcast)
{
    uint64_t request = broadcast / (uint64_t)opt.batch;
    return &control->slots[request % (uint64_t)opt.window];
}

/* Asks for broadcasts; false if others, or an answer, must come first. */
static bool ask_fan(struct client *control, double at)
{
    struct sender *sender = &senders[control->number - opt.clients];
    struct slot *slot = slot_of(control, sender->issued);
    uint64_t batch = (uint64_t)opt.batch, share = (uint64_t)(opt.window / opt.port_count);
    char text[128];
    if (slot->waiting || sender->issued + batch - sender->complete > share)
        return false;
    ask(control, slot, text, fan_question(text, sizeof text, control, slot->id), at);
    sender->issued += batch;
    issued += batch;
    return true;
}

/* Until the window is full, so that the server always has one to do; at a fixed rate, see pace. */
static void keep_asking(struct client *control)
{
    if (phase >= DRAINING || opt.rate)
        return;
    while (ask_fan(control, now()))
        ;
    client_flush(control);
}

/* Why clients left, as the server's handlers were told. */
void ask_reasons(void)
{
    struct client *control = &clients[opt.clients];
    char text[64];
    int length = snprintf(text, sizeof text, "42%" PRIu64 "[\"reasons\"]", control->slots->id);
    ask(control, control->slots, text, length, now());
    client_flush(control);
}

/* The text that answers a question, in a static buffer; its length. */
static int expected(const struct client *c, uint64_t id, char **answer)
{
    static char text[MAX_TEXT];
    *answer = text;
    if (opt.test == ECHO && opt.binary)
        return snprintf(text, sizeof text, "461-%" PRIu64 "[{\"_placeholder\":true,\"num\":0}]", id);
    if (opt.test == ECHO) {
        int length = snprintf(text, sizeof text,
                              opt.bare ? "42%" PRIu64 "[\"echo\",%s" : "43%" PRIu64 "[%s", id, before());
        length += echo_value(text + length, sizeof text - (size_t)length, c, id);
        return length + snprintf(text + length, sizeof text - (size_t)length, "%s]", behind());
    }
    if (!opt.bare)
        return snprintf(text, sizeof text, "43%" PRIu64 "[]", id);
    if (c->role != CONTROL)
        return join_question(text, sizeof text, id);
    return fan_question(text, sizeof text, c, id);
}

static void answered(struct client *c, struct slot *slot, double at)
{
    slot->waiting = false;
    slot->id += (uint64_t)opt.window;
    waiting--;
    if (c->state == ENTERING) {
        client_joined(c);
    } else if (opt.test == ECHO) {
        record(slot->asked_at, at);
        measured += phase == MEASURING;
        if (phase < DRAINING && !opt.rate)
            ask_echo(c, slot, at);
    } else {
        keep_asking(c);
    }
}

void take_answer(struct client *c, const char *text, size_t length, double at)
{
    uint64_t id = strtoull(text + (opt.binary ? 4 : 2), NULL, 10);
    struct slot *slot = &c->slots[id % (uint64_t)opt.window];
    char *answer;
    if (!slot->waiting || slot->id != id) {
        wrong(c, "an answer that nothing waits for: %.*s", shown(length), text);
        return;
    }
    if (phase == ASKING) {
        const char *list = memchr(text, '[', length);
        tell_reasons(list ? list : "[]", list ? length - (size_t)(list - text) : 2);
        waiting--;
        slot->waiting = false;
        return;
    }
    if ((size_t)expected(c, id, &answer) != length || memcmp(answer, text, length))
        wrong(c, "a wrong answer: %.*s", shown(length), text);
    if (opt.binary)
        c->attached = slot;
    else
        answered(c, slot, at);
}

void take_attachment(struct client *c, const uint8_t *data, size_t length, double at)
{
    static char value[MAX_TEXT];
    struct slot *slot = c->attached;
    if (!slot) {
        wrong(c, "an attachment of %zu bytes that no answer announced", length);
        return;
    }
    c->attached = NULL;
    if ((size_t)echo_value(value, sizeof value, c, slot->id) != length ||
        memcmp(value, data, length))
        wrong(c, "a wrong attachment of %zu bytes", length);
    answered(c, slot, at);
}

void take_event(struct client *c, const char *text, size_t length, double at)
{
    static const char head[] = "42[\"fan\",";
    char *end;
    uint64_t number = strtoull(text + sizeof head - 1, &end, 10);
    size_t rest = length - (size_t)(end - text);
    if (rest != (size_t)opt.size + 4 || memcmp(end, ",\"", 2) ||
        memcmp(end + 2, padding, (size_t)opt.size) || memcmp(text + length - 2, "\"]", 2))
        wrong(c, "a wrong message: %.*s", shown(length), text);
    uint64_t from = number >> SENDER_SHIFT, which = number & ((1ull << SENDER_SHIFT) - 1);
    struct sender *sender = &senders[from % MAX_PORTS];
    uint64_t *next = &c->next[from % MAX_PORTS];
    if (from >= (uint64_t)opt.port_count || which != *next || which >= sender->issued) {
        wrong(c, "got message %" PRIu64 ", expected %" PRIu64 ", of server %" PRIu64, which, *next,
              from);
        return;
    }
    ++*next;
    if (c->role != MEMBER)
        return;
    struct client *control = &clients[(uint64_t)opt.clients + from];
    measured += phase == MEASURING;
    record(slot_of(control, which)->asked_at, at);
    if (++sender->arrived[which % (uint64_t)opt.window] == (uint32_t)opt.clients) {
        sender->arrived[which % (uint64_t)opt.window] = 0;
        sender->complete++;
        complete++;
        keep_asking(control);
    }
}

/* The course of it. */

void start_traffic(double at)
{
    pace_began = at;
    for (int i = 0; i < opt.clients && opt.test == ECHO && !opt.rate; i++) {
        for (int j = 0; j < opt.window; j++)
            ask_echo(&clients[i], &clients[i].slots[j], at);
        client_flush(&clients[i]);
    }
    for (int i = 0; i < total; i++) {
        if (clients[i].role == FLOODER)
            flood(&clients[i]);
        else if (clients[i].role == STALLED)
            lane_deafen(&clients[i].lanes[0]);
    }
    for (int i = 0; i < opt.port_count && opt.test == FANOUT; i++)
        keep_asking(&clients[opt.clients + i]);
}

static bool ask_next(struct client *c, uint64_t turn, double due)
{
    struct slot *slot = &c->slots[turn % (uint64_t)opt.window];
    if (opt.test == FANOUT)
        return ask_fan(c, due);
    if (slot->waiting)
        return false;
    ask_echo(c, slot, due);
    return true;
}

/* Asks what is due at a fixed rate, whatever has been answered. A question that must wait for its
 * client's window counts from when it was due, and so do those behind it: a server that stands
 * still for a while cannot hide the questions that it kept from being asked.
 * When the next one is due; false if it waits for an answer. */
bool pace(double at, double *next)
{
    uint64_t first = opt.test == FANOUT ? (uint64_t)opt.clients : 0;
    uint64_t askers = (uint64_t)(opt.test == FANOUT ? opt.port_count : opt.clients);
    for (;;) {
        double due = pace_began + (double)paced / opt.rate;
        *next = due;
        if (due > at)
            return true;
        struct client *c = &clients[first + paced % askers];
        if (!ask_next(c, paced / askers, due))
            return false;
        client_flush(c);
        paced++;
    }
}

static void prepare_flood(struct client *c)
{
    struct buffer kept = c->lanes[0].out;
    char text[MAX_TEXT];
    int length = snprintf(text, sizeof text, "42[\"flood\",\"%.*s\"]", opt.size, padding);
    c->lanes[0].out = (struct buffer){0};
    while (c->lanes[0].out.size < FLOOD_BYTES) {
        say(c, text, (size_t)length);
        flood_events++;
    }
    flood_frames = c->lanes[0].out;
    c->lanes[0].out = kept;
}

/* Sends more whenever the server has taken what was sent. */
void flood(struct client *c)
{
    if (phase < WARMING || phase >= DRAINING || c->state != READY || c->lanes[0].out.size)
        return;
    if (!flood_events)
        prepare_flood(c);
    append(&c->lanes[0].out, flood_frames.data, flood_frames.size);
    flooded += flood_events;
    lane_flush(&c->lanes[0]);
}
