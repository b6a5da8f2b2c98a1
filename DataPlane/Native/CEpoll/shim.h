#pragma once
// Glibc as Swift imports it leaves epoll out.
#include <sys/epoll.h>
