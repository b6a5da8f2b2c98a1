#pragma once
// Glibc as Swift imports it leaves epoll and recvmmsg out.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

// The kernel's struct mmsghdr.
struct clinux_message {
    struct msghdr head;
    unsigned int length;
};

int clinux_receive_many(int socket, struct clinux_message *messages, unsigned int count, int flags,
                        struct timespec *timeout) __asm__("recvmmsg");
