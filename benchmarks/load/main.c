/* The load generator: many Socket.IO clients in one thread.
 *
 *     load --port PORT[,PORT...] [options] connect|idle|echo|fanout|churn
 *
 * It counts what it receives and checks it: each answer has the id and the value that were sent,
 * each broadcast reaches each client once, and those of a sender in order. What it finds wrong goes to stderr, and it
 * exits with 1. What it measures goes to stdout, one JSON object a line, as it happens:
 * "connected", "measuring", "measured", "latencies", "reasons", "done".
 *
 * With --bare it speaks the same messages over a WebSocket without Engine.IO and Socket.IO, to
 * servers that send every message back as it is.
 */
#define _GNU_SOURCE
#include <getopt.h>

#include "load.h"

struct options opt = {
    .test = ECHO,
    .host = "127.0.0.1",
    .clients = 50,
    .window = 4,
    .batch = 10,
    .size = 32,
    .at_once = 50,
    .count = 1000,
    .warmup = 1.0,
    .seconds = 3.0,
    .patience = 20.0,
};

static int usage(void)
{
    fprintf(stderr,
            "usage: load --port PORT[,PORT...] [options] connect|idle|echo|fanout|churn\n"
            "  --port PORTS     the server's; or several servers', who take the clients in turn\n"
            "  --host ADDRESS   the server's IPv4 address (127.0.0.1)\n"
            "  --clients N      how many clients (50)\n"
            "  --old N          so many of them speak Engine.IO 3,\n"
            "  --polling N      so many poll,\n"
            "  --upgrading N    so many begin with polling; the others come by WebSocket\n"
            "  --window N       echo: questions outstanding for each client (4)\n"
            "                   fanout: broadcasts in flight, of all servers\n"
            "  --rate N         so many questions (fanout: requests for broadcasts) a second,\n"
            "                   whatever is answered\n"
            "  --batch N        fanout: broadcasts that one request asks for (10)\n"
            "  --size BYTES     payload of an echo or a broadcast (32)\n"
            "  --binary         echo: the payload is binary\n"
            "  --object         echo: it is one of five fields of an object\n"
            "  --flooders N     clients more, which send events without end\n"
            "  --stalled N      fanout: members more, which read nothing\n"
            "  --at-once N      how many clients connect at a time (50)\n"
            "  --count N        churn: how many connect and leave again (1000)\n"
            "  --warmup S --seconds S\n"
            "  --patience S     without any progress for so long, the run has failed (20)\n"
            "  --bare           WebSocket only, to a server that sends back what it gets\n");
    return 2;
}

static void read_ports(char *text)
{
    for (char *port; (port = strsep(&text, ",")) && opt.port_count < MAX_PORTS;)
        opt.ports[opt.port_count++] = atoi(port);
}

static bool read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"host", 1, 0, 'h'},     {"port", 1, 0, 'p'},      {"clients", 1, 0, 'c'},
        {"old", 1, 0, 'o'},      {"polling", 1, 0, 'l'},   {"upgrading", 1, 0, 'g'},
        {"window", 1, 0, 'w'},   {"rate", 1, 0, 'r'},      {"batch", 1, 0, 'b'},
        {"size", 1, 0, 's'},     {"binary", 0, 0, 'y'},    {"object", 0, 0, 'j'},
        {"flooders", 1, 0, 'f'},
        {"stalled", 1, 0, 'd'},  {"at-once", 1, 0, 'a'},   {"count", 1, 0, 'n'},
        {"warmup", 1, 0, 'u'},   {"seconds", 1, 0, 't'},   {"patience", 1, 0, 'P'},
        {"bare", 0, 0, 'B'},     {0, 0, 0, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'h': opt.host = optarg; break;
        case 'p': read_ports(optarg); break;
        case 'c': opt.clients = atoi(optarg); break;
        case 'o': opt.old = atoi(optarg); break;
        case 'l': opt.polling = atoi(optarg); break;
        case 'g': opt.upgrading = atoi(optarg); break;
        case 'w': opt.window = atoi(optarg); break;
        case 'r': opt.rate = atof(optarg); break;
        case 'b': opt.batch = atoi(optarg); break;
        case 's': opt.size = atoi(optarg); break;
        case 'y': opt.binary = true; break;
        case 'j': opt.object = true; break;
        case 'f': opt.flooders = atoi(optarg); break;
        case 'd': opt.stalled = atoi(optarg); break;
        case 'a': opt.at_once = atoi(optarg); break;
        case 'n': opt.count = strtoull(optarg, NULL, 10); break;
        case 'u': opt.warmup = atof(optarg); break;
        case 't': opt.seconds = atof(optarg); break;
        case 'P': opt.patience = atof(optarg); break;
        case 'B': opt.bare = true; break;
        default: return false;
        }
    }
    static const char *const tests[] = {"connect", "idle", "echo", "fanout", "churn"};
    size_t test = 0;
    while (optind < argc && test < 5 && strcmp(argv[optind], tests[test]))
        test++;
    opt.test = (enum test)test;
    return optind < argc && test < 5;
}

static bool possible(void)
{
    bool ports = opt.port_count > 0;
    for (int i = 0; i < opt.port_count; i++)
        ports = ports && opt.ports[i] > 0;
    bool positive = ports && opt.clients > 0 && opt.window > 0 && opt.batch > 0 &&
                    opt.size > 0 && opt.at_once > 0 && opt.count > 0;
    bool none_negative = opt.old >= 0 && opt.polling >= 0 && opt.upgrading >= 0 &&
                         opt.flooders >= 0 && opt.stalled >= 0 && opt.rate >= 0;
    bool kinds = opt.old + opt.polling + opt.upgrading <= opt.clients &&
                 !((opt.bare || opt.binary) && opt.old + opt.polling + opt.upgrading);
    return positive && none_negative && kinds && opt.size <= MAX_PAYLOAD &&
           !(opt.test == FANOUT && opt.window < opt.batch * opt.port_count) && !(opt.bare && opt.binary) &&
           !(opt.binary && opt.object) && !(opt.object && opt.test != ECHO) &&
           !(opt.binary && opt.test != ECHO) && !(opt.stalled && opt.test != FANOUT);
}

int main(int argc, char **argv)
{
    if (!read_options(argc, argv) || !possible())
        return usage();
    setvbuf(stdout, NULL, _IOLBF, 0);
    prepare();
    prepare_traffic();
    prepare_results();
    run();
    return errors ? 1 : 0;
}
