#pragma once
// Glibc as Swift imports it leaves epoll, recvmmsg and what sendmsg says beside the data out.
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

// The kernel's struct mmsghdr.
struct clinux_message {
    struct msghdr head;
    unsigned int length;
};

int clinux_receive_many(int socket, struct clinux_message *messages, unsigned int count, int flags,
                        struct timespec *timeout) __asm__("recvmmsg");

// Of linux/udp.h, which Glibc's netinet/udp.h does not go with.
#define CLINUX_UDP_SEGMENT 103

// RFC 3542 section 6.1.
struct clinux_in6_pktinfo {
  struct in6_addr address;
  uint32_t interface;
};

static inline void clinux_append(struct msghdr *head, int level, int type, const void *value, size_t size) {
  struct cmsghdr *item = (struct cmsghdr *)((char *)head->msg_control + head->msg_controllen);
  item->cmsg_level = level;
  item->cmsg_type = type;
  item->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(item), value, size);
  head->msg_controllen += CMSG_SPACE(size);
}

// Sends datagrams of `segment` bytes (0: one datagram) from an address of this host: of the family of `to`, in network order.
static inline ssize_t clinux_send_from(int socket, const void *source, const struct sockaddr *to, socklen_t to_length,
                                       const void *bytes, size_t count, uint16_t segment) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct clinux_in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
  } control;
  memset(&control, 0, sizeof control);
  struct iovec data = {(void *)bytes, count};
  struct msghdr head;
  memset(&head, 0, sizeof head);
  head.msg_name = (void *)to;
  head.msg_namelen = to_length;
  head.msg_iov = &data;
  head.msg_iovlen = 1;
  head.msg_control = &control;
  if (to->sa_family == AF_INET6) {
    struct clinux_in6_pktinfo info = {.interface = 0};
    memcpy(&info.address, source, sizeof info.address);
    clinux_append(&head, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
  } else {
    // struct in_pktinfo: interface, source, and the destination of what is received.
    uint32_t info[3] = {0, 0, 0};
    memcpy(&info[1], source, sizeof info[1]);
    clinux_append(&head, IPPROTO_IP, IP_PKTINFO, info, sizeof info);
  }
  if (segment > 0) clinux_append(&head, IPPROTO_UDP, CLINUX_UDP_SEGMENT, &segment, sizeof segment);
  return sendmsg(socket, &head, MSG_DONTWAIT | MSG_NOSIGNAL);
}
