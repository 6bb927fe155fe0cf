/*
 * The load of the benchmark in C; load.py does the same where there is no compiler, and tells the arguments.
 * Replies are compared byte for byte as they come.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 20 };

struct client {
    int fd;
    long rounds;
    size_t unsent, received;
};

static char *request, *reply, buffer[READ_SIZE];
static size_t request_length, reply_length;
static int port, poller;

static void fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

/* Say a word to the benchmark and wait for its byte. */
static void tell(const char *word)
{
    char byte;
    printf("%s\n", word);
    fflush(stdout);
    if (read(0, &byte, 1) != 1)
        exit(1);
}

static char *take(size_t length)
{
    char *data = malloc(length + 1);
    for (size_t at = 0; at < length;) {
        ssize_t count = read(0, data + at, length - at);
        if (count <= 0)
            fail("the texts did not come");
        at += count;
    }
    return data;
}

static int connected(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        fail("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static struct client *clients_on(long count, long rounds)
{
    struct client *clients = calloc(count, sizeof *clients);
    for (long i = 0; i < count; i++) {
        clients[i].fd = connected();
        clients[i].rounds = rounds;
        fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
        epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].fd, &event);
    }
    return clients;
}

static void compare(const char *data, size_t count, const char *expected, size_t length, size_t at)
{
    while (count) {
        size_t part = length - at % length < count ? length - at % length : count;
        if (memcmp(data, expected + at % length, part))
            fail("a reply is not what it must be");
        data += part, at += part, count -= part;
    }
}

static void send_rest(struct client *client)
{
    int was_unsent = client->unsent < request_length;
    while (client->unsent) {
        ssize_t count = send(client->fd, request + request_length - client->unsent, client->unsent, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN)
            fail("cannot send");
        if (count < 0)
            break;
        client->unsent -= count;
    }
    if (client->unsent || was_unsent) {
        struct epoll_event event = {.events = EPOLLIN | (client->unsent ? EPOLLOUT : 0), .data.ptr = client};
        epoll_ctl(poller, EPOLL_CTL_MOD, client->fd, &event);
    }
}

static void begin(struct client *client)
{
    client->received = 0;
    client->unsent = request_length;
    send_rest(client);
}

/* Read once; return the bytes, 0 when there were none after all. */
static size_t receive(int fd, size_t most)
{
    ssize_t count = recv(fd, buffer, most < READ_SIZE ? most : READ_SIZE, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN))
        fail("the server closed a connection");
    return count < 0 ? 0 : count;
}

/* Exchange requests for replies on all connections at once, beside idle ones. */
static void exchange(long connections, long rounds, long idle)
{
    struct epoll_event events[256];
    for (long i = 0; i < idle; i++)
        connected();
    struct client *clients = clients_on(connections, rounds);
    tell("ready");
    double start = now();
    for (long i = 0; i < connections; i++)
        begin(&clients[i]);
    while (connections) {
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                send_rest(client);
            size_t got = receive(client->fd, READ_SIZE);
            if (client->received + got > reply_length)
                fail("more came than was asked for");
            compare(buffer, got, reply, reply_length, client->received);
            client->received += got;
            if (got && client->received == reply_length) {
                if (--client->rounds)
                    begin(client);
                else
                    connections--;
            }
        }
    }
    printf("%.9f 0\n", now() - start);
}

/* Send one request and read much, at first not at all. */
static void swallow(long total, long asleep)
{
    int fd = connected();
    size_t at = 0;
    tell("ready");
    double start = now();
    if (send(fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length)
        fail("cannot send");
    if (asleep)
        tell("asleep");
    double awake = now();
    while (at < (size_t)total) {
        size_t got = receive(fd, total - at);
        compare(buffer, got, reply, reply_length, at);
        at += got;
    }
    printf("%.9f %.9f\n", now() - start, now() - awake);
}

/* One member speaks and all read it: so many lines, a batch of them in each request. */
static void room(long members, long lines, long batch)
{
    struct epoll_event events[256];
    struct client *clients = clients_on(members, 1);
    tell("ready");
    double start = now();
    for (long said = 0; said < lines; said += batch) {
        if (send(clients[0].fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length)
            fail("cannot send");
        for (long left = members; left;) {
            int count = epoll_wait(poller, events, 256, -1);
            for (int i = 0; i < count; i++) {
                struct client *client = events[i].data.ptr;
                size_t got = receive(client->fd, READ_SIZE);
                compare(buffer, got, reply, reply_length, client->received);
                client->received += got;
                if (got && client->received == request_length)
                    left--;
            }
        }
        for (long i = 0; i < members; i++)
            clients[i].received = 0;
    }
    printf("%.9f 0\n", now() - start);
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    char byte;

    if (argc != 8)
        return 2;
    port = atoi(argv[2]);
    long a = atol(argv[3]), b = atol(argv[4]), c = atol(argv[5]);
    request_length = strtoul(argv[6], NULL, 10);
    reply_length = strtoul(argv[7], NULL, 10);
    request = take(request_length);
    reply = take(reply_length);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    poller = epoll_create1(0);
    if (!strcmp(argv[1], "exchange"))
        exchange(a, b, c);
    else if (!strcmp(argv[1], "swallow"))
        swallow(a, b);
    else
        room(a, b, c);
    fflush(stdout);
    /* The connections stay until the server's processor time has been read. */
    return read(0, &byte, 1) < 0;
}
