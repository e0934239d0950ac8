/* What lwIP asks of a platform, where its defaults do not serve. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stdlib.h>
#include <sys/time.h>

#define LWIP_TIMEVAL_PRIVATE 0
#define LWIP_RAND() ((u32_t)random())

#endif
