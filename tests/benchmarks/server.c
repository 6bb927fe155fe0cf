/* The servers of the benchmark in C, on epoll: what the same messages cost without Python. server KIND prints its port. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 262144, PIECE = 65536, MOST_FDS = 65536 };
#define PRODUCED (256UL << 20)

struct buffer {
    char *data;
    size_t at, length, capacity;
};
struct connection {
    int fd, watches_output;
    struct buffer in, out;
    size_t to_produce;
};

static struct connection *connections[MOST_FDS];
static char read_buffer[READ_SIZE], piece[PIECE];
static int poller, highest;
static const char *kind;

static void append(struct buffer *buffer, const char *data, size_t length)
{
    if (buffer->length + length > buffer->capacity) {
        buffer->capacity = (buffer->length + length) * 2;
        buffer->data = realloc(buffer->data, buffer->capacity);
        if (!buffer->data)
            abort();
    }
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
}

/* An empty buffer costs an idle connection nothing. */
static void release(struct buffer *buffer)
{
    free(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}

static void forget(struct connection *connection)
{
    connections[connection->fd] = NULL;
    close(connection->fd);
    release(&connection->in);
    release(&connection->out);
    free(connection);
}

static void watch(struct connection *connection, int output)
{
    struct epoll_event event = {.events = EPOLLIN | (output ? EPOLLOUT : 0), .data.fd = connection->fd};
    if (connection->watches_output != output)
        epoll_ctl(poller, EPOLL_CTL_MOD, connection->fd, &event);
    connection->watches_output = output;
}

static void flush(struct connection *connection)
{
    struct buffer *out = &connection->out;
    for (;;) {
        size_t length = out->length - out->at;
        const char *data = out->data + out->at;
        if (!length && connection->to_produce) {
            data = piece;
            length = connection->to_produce < PIECE ? connection->to_produce : PIECE;
        }
        if (!length)
            break;
        ssize_t count = send(connection->fd, data, length, MSG_NOSIGNAL);
        if (count < 0) {
            /* What else went wrong, the next read tells. */
            watch(connection, errno == EAGAIN);
            return;
        }
        if (data == piece)
            connection->to_produce -= count;
        else
            out->at += count;
    }
    release(out);
    watch(connection, 0);
}

/* Handle the frame that begins at data; return its length, 0 while it is not whole. */
static size_t handle_frame(struct connection *connection, const char *data, size_t length)
{
    const char *newline = memchr(data, '\n', length);
    if (!newline)
        return 0;
    size_t size = newline + 1 - data;
    if (!strcmp(kind, "bodies")) {
        size += strtoul(data, NULL, 10);
        if (size > length)
            return 0;
    }
    if (!strcmp(kind, "producer"))
        connection->to_produce = PRODUCED;
    else if (!strcmp(kind, "room"))
        for (int fd = 0; fd <= highest; fd++) {
            if (connections[fd])
                append(&connections[fd]->out, data, size);
        }
    else
        append(&connection->out, data, size);
    return size;
}

static void handle_read(struct connection *connection)
{
    ssize_t count = recv(connection->fd, read_buffer, READ_SIZE, 0);
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN)
            forget(connection);
        return;
    }
    const char *data = read_buffer;
    size_t at = 0, length = count, size;
    if (connection->in.length) {
        append(&connection->in, read_buffer, count);
        data = connection->in.data;
        length = connection->in.length;
        /* A long line is searched once: only what came now can end it. */
        if (strcmp(kind, "bodies") && !memchr(read_buffer, '\n', count))
            return;
    }
    while ((size = handle_frame(connection, data + at, length - at)))
        at += size;
    if (data == read_buffer) {
        if (at < length)
            append(&connection->in, data + at, length - at);
    } else if (at == length) {
        release(&connection->in);
    } else if (at) {
        memmove(connection->in.data, data + at, length - at);
        connection->in.length = length - at;
    }
    if (!strcmp(kind, "room")) {
        for (int fd = 0; fd <= highest; fd++)
            if (connections[fd] && connections[fd]->out.length)
                flush(connections[fd]);
    } else
        flush(connection);
}

static void handle_accept(int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = fd < MOST_FDS ? calloc(1, sizeof *connection) : NULL;
        if (!connection)
            abort();
        connection->fd = fd;
        connections[fd] = connection;
        highest = fd > highest ? fd : highest;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct epoll_event events[256];
    struct rlimit limit;

    if (argc != 2)
        return 2;
    kind = argv[1];
    memset(piece, 'p', PIECE);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1024))
        return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                handle_accept(listener);
                continue;
            }
            if (connections[fd] && events[i].events & EPOLLOUT)
                flush(connections[fd]);
            if (connections[fd] && events[i].events & ~EPOLLOUT)
                handle_read(connections[fd]);
        }
    }
}
