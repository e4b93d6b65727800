/* What is measured, and what is told of it: one JSON object a line, as it happens. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "load.h"

enum {
    LATENCIES = 5000000, /* one bucket for each microsecond; the last takes what is longer */
    SHOWN_ERRORS = 10,
};

uint64_t errors, measured, flooded, flooders_closed;
static uint32_t *latencies;
static uint64_t timed;
static struct rusage usage_began;

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void wrong(const struct client *c, const char *format, ...)
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

void prepare_results(void)
{
    latencies = calloc(LATENCIES, sizeof *latencies);
    if (!latencies)
        fail("starting");
}

/* A latency counts if its question was due while it was measured, however late the answer. */
void record(double asked_at, double at)
{
    if (asked_at < window_began || asked_at >= window_ended)
        return;
    double took = (at - asked_at) * 1e6;
    latencies[took < LATENCIES - 1 ? (uint32_t)took : LATENCIES - 1]++;
    timed++;
}

/* Without any answer, all that can be said is that it takes longer than that. */
static uint32_t percentile(double part)
{
    uint64_t wanted = (uint64_t)(part * (double)timed), seen = 0;
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

void tell_connected(int ready, double seconds)
{
    printf("{\"event\": \"connected\", \"clients\": %d, \"seconds\": %.6f}\n", ready, seconds);
}

void tell_measuring(void)
{
    getrusage(RUSAGE_SELF, &usage_began);
    printf("{\"event\": \"measuring\", \"flooded\": %" PRIu64 "}\n", flooded);
}

void tell_measured(double seconds)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"event\": \"measured\", \"messages\": %" PRIu64 ", \"seconds\": %.6f, "
           "\"load_cpu_seconds\": %.6f, \"flooded\": %" PRIu64 ", \"flooders_closed\": %" PRIu64
           "}\n",
           measured, seconds, cpu_seconds(&usage) - cpu_seconds(&usage_began), flooded,
           flooders_closed);
}

void tell_latencies(void)
{
    printf("{\"event\": \"latencies\", \"timed\": %" PRIu64
           ", \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u}\n",
           timed, percentile(0.5), percentile(0.99), longest());
}

/* What the server answers is JSON by itself. */
void tell_reasons(const char *text, size_t length)
{
    printf("{\"event\": \"reasons\", \"reasons\": %.*s}\n", (int)length, text);
}

void tell_done(void)
{
    printf("{\"event\": \"done\", \"errors\": %" PRIu64 "}\n", errors);
}
