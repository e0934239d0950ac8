/* A board's IP stack as a process: lwIP behind a TAP, used by a program over file descriptor 3.
 *
 *     stack TAP[,TAP] MAC[,MAC] COMMAND [ARGUMENT...]
 *
 * runs COMMAND and ends with it. COMMAND sends requests and gets a reply to each: struct request,
 * struct reply, each followed by `len` bytes. What each request does is one case of `handle`; when
 * it is sent is the business of host_tests/lwip_shim, which knows the boards' ports. The driver of a
 * NIC is a TAP; it passes frames only while the link is up, and only those for its MAC. */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/prot/dhcp.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "netif/ethernet.h"

#define PIPE 3           /* the file descriptor, in COMMAND */
#define LONGEST 1514     /* an Ethernet frame, without its checksum */
#define NO_NIC (-100)    /* results beside lwIP's err_t */
#define NO_SOCKET (-101)

#define NICS 2
#if ESP32
#define NAMES {"st", "en"}
#define SOCKETS 10    /* CONFIG_LWIP_MAX_SOCKETS */
#define QUEUE 6       /* CONFIG_LWIP_UDP_RECVMBOX_SIZE */
#else
#define NAMES {"w0", "e0"}
#define SOCKETS 16    /* lwIP's own limit comes first */
#define QUEUE 4       /* LWIP_INCOMING_PACKET_QUEUE_LEN, modlwip.c */
#endif

struct request {
    char op;
    u8_t sock;
    u16_t port;
    u32_t arg;
    u8_t ip[4];
    u16_t len, nic;
};

struct reply {
    s32_t result; /* an error if it is negative */
    u16_t port, len;
    u8_t ip[4];
};

struct info {
    u8_t mac[6], up, link, dhcp, supplied;
    u8_t ip[4], mask[4], gw[4], dns[4];
    char name[NETIF_NAMESIZE];
};

struct datagram {
    struct pbuf *pbuf;
    ip_addr_t ip;
    u16_t port;
};

struct sock {
    struct udp_pcb *pcb;
    struct datagram queue[QUEUE];
    int get, put;
};

static struct sock socks[SOCKETS];
static struct nic {
    struct netif netif;
    int present; /* whether lwIP knows it */
    u8_t mac[6];
    int tap;
} nics[NICS];
static int count; /* of the NICs that there are */
static int pipe_fd;

static void fail(const char *what) {
    fprintf(stderr, "stack: %s: %s\n", what, strerror(errno));
    exit(1);
}

u32_t sys_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000u + now.tv_nsec / 1000000;
}

/* The TAP as a NIC */

static err_t transmit(struct nic *nic, const void *frame, size_t len) {
    if (!netif_is_link_up(&nic->netif)) {
        return ESP32 ? ERR_IF : ERR_OK; /* the cyw43 driver does not tell */
    }
    if (len <= LONGEST && write(nic->tap, frame, len) < 0) {
        /* a lost frame, as on a radio */
    }
    return ERR_OK;
}

static err_t output(struct netif *netif, struct pbuf *p) {
    u8_t frame[LONGEST];
    return transmit(netif->state, frame, pbuf_copy_partial(p, frame, sizeof frame, 0));
}

static err_t nic_init(struct netif *netif) {
    static const char names[NICS][3] = NAMES;
    struct nic *nic = netif->state;
    memcpy(netif->name, names[nic - nics], 2);
    memcpy(netif->hwaddr, nic->mac, sizeof nic->mac);
    netif->hwaddr_len = sizeof nic->mac;
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->output = etharp_output;
    netif->linkoutput = output;
    return ERR_OK;
}

static void receive(struct nic *nic, const u8_t *frame, size_t len) {
    int for_us = len >= SIZEOF_ETH_HDR && (frame[0] & 1 || !memcmp(frame, nic->mac, sizeof nic->mac));
    if (!for_us || !nic->present || !netif_is_link_up(&nic->netif)) {
        return;
    }
    struct pbuf *p = pbuf_alloc(PBUF_RAW, len, PBUF_POOL);
    if (p) {
        pbuf_take(p, frame, len);
        if (nic->netif.input(p, &nic->netif) != ERR_OK) {
            pbuf_free(p);
        }
    }
}

static void receive_all_frames(struct nic *nic) {
    u8_t frame[LONGEST];
    ssize_t len;
    while ((len = read(nic->tap, frame, sizeof frame)) > 0) {
        receive(nic, frame, len);
    }
}

/* UDP sockets */

static void arrived(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip, u16_t port) {
    struct sock *s = arg;
    struct datagram *d = &s->queue[s->put];
    (void)pcb;
    if (d->pbuf) { /* the queue is full */
        pbuf_free(p);
        return;
    }
    *d = (struct datagram){p, *ip, port};
    s->put = (s->put + 1) % QUEUE;
}

static int new_socket(void) {
    for (int i = 0; i < SOCKETS; i++) {
        if (!socks[i].pcb) {
            struct udp_pcb *pcb = udp_new();
            if (!pcb) {
                return ERR_MEM;
            }
            socks[i] = (struct sock){.pcb = pcb};
            udp_recv(pcb, arrived, &socks[i]);
            return i;
        }
    }
    return NO_SOCKET;
}

static void close_socket(struct sock *s) {
    for (int i = 0; i < QUEUE; i++) {
        if (s->queue[i].pbuf) {
            pbuf_free(s->queue[i].pbuf);
        }
    }
    udp_remove(s->pcb);
    s->pcb = NULL;
}

static err_t send_to(struct sock *s, const void *data, u16_t len, const ip_addr_t *ip, u16_t port) {
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, len, PBUF_RAM);
    if (!p) {
        return ERR_MEM;
    }
    pbuf_take(p, data, len);
    err_t err = udp_sendto(s->pcb, p, ip, port);
    pbuf_free(p);
    return err;
}

static u16_t take(struct sock *s, void *data, u32_t size, struct reply *reply) {
    struct datagram *d = &s->queue[s->get];
    if (!d->pbuf) {
        reply->result = ERR_WOULDBLOCK;
        return 0;
    }
    u16_t len = pbuf_copy_partial(d->pbuf, data, LWIP_MIN(size, 0xffff), 0);
    memcpy(reply->ip, ip_2_ip4(&d->ip), 4);
    reply->port = d->port;
    pbuf_free(d->pbuf);
    d->pbuf = NULL;
    s->get = (s->get + 1) % QUEUE;
    return len;
}

static u32_t readable(u32_t mask) {
    u32_t ready = 0;
    for (int i = 0; i < SOCKETS; i++) {
        if (mask >> i & 1 && socks[i].pcb && socks[i].queue[socks[i].get].pbuf) {
            ready |= 1u << i;
        }
    }
    return ready;
}

/* Requests */

static int receive_all(void *data, size_t len) {
    return len == 0 || recv(pipe_fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

static void answer(const struct reply *reply, const void *data) {
    if (send(pipe_fd, reply, sizeof *reply, MSG_NOSIGNAL) > 0 && reply->len) {
        send(pipe_fd, data, reply->len, MSG_NOSIGNAL);
    }
}

static u16_t describe(const struct nic *nic, struct info *info) {
    const struct netif *netif = &nic->netif;
    struct dhcp *dhcp = nic->present ? netif_dhcp_data(netif) : NULL;
    memset(info, 0, sizeof *info);
    memcpy(info->mac, nic->mac, sizeof nic->mac);
    info->up = nic->present && netif_is_up(netif);
    info->link = nic->present && netif_is_link_up(netif);
    info->dhcp = dhcp && dhcp->state != DHCP_STATE_OFF;
    info->supplied = nic->present && dhcp_supplied_address(netif);
    memcpy(info->ip, netif_ip4_addr(netif), 4);
    memcpy(info->mask, netif_ip4_netmask(netif), 4);
    memcpy(info->gw, netif_ip4_gw(netif), 4);
    memcpy(info->dns, ip_2_ip4(dns_getserver(0)), 4);
    if (nic->present) {
        snprintf(info->name, sizeof info->name, "%.2s%u", netif->name, netif->num % 256u);
    }
    return sizeof *info;
}

static u32_t awaited, deadline; /* of the request that is answered later */
static int waiting;

/* Do what is asked for; 0 when there is nobody left to ask. */
static int handle(void) {
    static union {
        u8_t bytes[0x10000];
        char name[NETIF_NAMESIZE];
        ip4_addr_t ip[3];
        struct info info;
    } data;
    struct request request;
    struct reply reply = {0};
    if (!receive_all(&request, sizeof request) || !receive_all(data.bytes, request.len)) {
        return 0;
    }
    struct sock *s = &socks[request.sock % SOCKETS];
    struct nic *nic = &nics[request.nic % NICS];
    struct netif *netif = &nic->netif;
    ip_addr_t ip = IPADDR4_INIT(0);
    memcpy(ip_2_ip4(&ip), request.ip, 4);
    switch (request.op) {
    case 'S': /* a new socket: its number */
        reply.result = new_socket();
        break;
    case 'B': /* bind; with `arg` to the IPv6 address :: */
        reply.result = udp_bind(s->pcb, request.arg ? IP6_ADDR_ANY : &ip, request.port);
        break;
    case 'N': /* bind to the NIC of that name */
        data.name[LWIP_MIN(request.len, NETIF_NAMESIZE - 1)] = 0;
        if (netif_find(data.name)) {
            udp_bind_netif(s->pcb, netif_find(data.name));
        } else {
            reply.result = NO_NIC;
        }
        break;
    case 'O': /* set the option SOF_... */
        ip_set_option(s->pcb, request.arg);
        break;
    case 'T': /* send */
        reply.result = send_to(s, data.bytes, request.len, &ip, request.port);
        break;
    case 'R': /* what arrived, at most `arg` bytes, or ERR_WOULDBLOCK */
        reply.len = take(s, data.bytes, request.arg, &reply);
        break;
    case 'C': /* close */
        close_socket(s);
        break;
    case 'P': /* which sockets of the bits `arg` have something, in at most (s32_t)`ip` ms */
        memcpy(&deadline, request.ip, 4);
        deadline += sys_now();
        awaited = request.arg;
        waiting = 1;
        return 1;
    case '+': /* here is a NIC, with address, mask, gateway */
        netif_add(netif, &data.ip[0], &data.ip[1], &data.ip[2], nic, nic_init, ethernet_input);
        nic->present = 1;
        break;
    case '-': /* there it goes */
        dhcp_stop(netif);
        dhcp_cleanup(netif);
        netif_remove(netif);
        netif->flags = 0;
        ip4_addr_set_zero(ip_2_ip4(&netif->ip_addr));
        nic->present = 0;
        break;
    case '0': /* it is the default one */
        netif_set_default(netif);
        break;
    case 'U': /* up, or down */
        (request.arg ? netif_set_up : netif_set_down)(netif);
        break;
    case 'L': /* the link, likewise */
        (request.arg ? netif_set_link_up : netif_set_link_down)(netif);
        break;
    case 'A': /* address, mask, gateway; ARP announces it */
        netif_set_addr(netif, &data.ip[0], &data.ip[1], &data.ip[2]);
        break;
    case 'W': /* the same, but written over lwIP's head */
        ip4_addr_copy(*ip_2_ip4(&netif->ip_addr), data.ip[0]);
        ip4_addr_copy(*ip_2_ip4(&netif->netmask), data.ip[1]);
        ip4_addr_copy(*ip_2_ip4(&netif->gw), data.ip[2]);
        break;
    case 'D': /* the DNS server */
        dns_setserver(0, &ip);
        break;
    case 'H': /* the built-in DHCP client: start */
        reply.result = dhcp_start(netif);
        break;
    case 'h': /* release and stop */
        dhcp_release_and_stop(netif);
        break;
    case 'E': /* an Ethernet frame, whatever is in it */
        transmit(nic, data.bytes, request.len);
        break;
    case 'V': /* whose configuration it is, and how many NICs there are */
        reply.result = ESP32;
        reply.port = count;
        break;
    case 'I': /* struct info */
        reply.len = describe(nic, &data.info);
        break;
    default:
        reply.result = ERR_ARG;
    }
    answer(&reply, data.bytes);
    return 1;
}

static void run(void) {
    for (;;) {
        u32_t sleep = sys_timeouts_sleeptime();
        if (waiting) {
            struct reply reply = {.result = readable(awaited)};
            s32_t left = deadline - sys_now();
            if (reply.result || left <= 0) {
                waiting = 0;
                answer(&reply, NULL);
            } else {
                sleep = LWIP_MIN(sleep, (u32_t)left);
            }
        }
        struct pollfd fds[NICS + 1] = {{pipe_fd, POLLIN, 0}};
        for (int i = 0; i < count; i++) {
            fds[i + 1] = (struct pollfd){nics[i].tap, POLLIN, 0};
        }
        if (poll(fds, count + 1, LWIP_MIN(sleep, 1000)) < 0) {
            fail("poll");
        }
        for (int i = 0; i < count; i++) {
            if (fds[i + 1].revents) {
                receive_all_frames(&nics[i]);
            }
        }
        sys_check_timeouts();
        if (fds[0].revents && !handle()) {
            return;
        }
    }
}

static int open_tap(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request)) {
        fail(name);
    }
    return tap;
}

int main(int argc, char **argv) {
    int pair[2];
    if (argc < 4) {
        fprintf(stderr, "usage: stack TAP[,TAP] MAC[,MAC] COMMAND [ARGUMENT...]\n");
        return 2;
    }
    const char *mac = argv[2];
    for (char *tap = strtok(argv[1], ","); tap && count < NICS; tap = strtok(NULL, ",")) {
        struct nic *nic = &nics[count++];
        nic->tap = open_tap(tap);
        for (int i = 0; i < 6; i++, mac++) {
            char *end;
            nic->mac[i] = strtoul(mac, &end, 16);
            mac = end;
        }
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        fail("socketpair");
    }
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (pair[1] != PIPE && dup2(pair[1], PIPE) < 0) {
            fail("dup2");
        }
        fcntl(PIPE, F_SETFD, 0);
        execvp(argv[3], argv + 3);
        fail(argv[3]);
    }
    close(pair[1]);
    pipe_fd = pair[0];
    srandom(getpid() ^ sys_now());
    lwip_init();
    run();
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
