/* lwIP's options: what MicroPython sets for all ports with lwIP (extmod/lwip-include) and for rp2
 * (ports/rp2/lwip_inc); with -DESP32=1 what differs there for UDP and DHCP (ESP-IDF's lwipopts.h).
 * Not here: mDNS with its fifth UDP slot, SLIP, PPP. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_STATS 0
#define MEM_ALIGNMENT 8 /* 4 on a board, whose pointers are shorter */

#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_ND6_NUM_DESTINATIONS 4
#define LWIP_ND6_QUEUEING 0
#define IPV6_FRAG_COPYHEADER 1 /* likewise */
#define LWIP_IGMP 1
#define LWIP_RAW 1
#define LWIP_ARP 1
#define LWIP_ETHERNET 1
#define LWIP_CHKSUM_ALGORITHM 3
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_NETIF_HOSTNAME 1
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1
#define LWIP_DNS 1
#define LWIP_DHCP 1
#define LWIP_DHCP_CHECK_LINK_UP 1
#define SO_REUSE 1
#define TCP_LISTEN_BACKLOG 1

#define MEM_SIZE 8000
#define TCP_MSS 800
#define TCP_WND (8 * TCP_MSS)
#define TCP_SND_BUF (8 * TCP_MSS)
#define MEMP_NUM_TCP_SEG 32

/* The check of an offered address by ARP is called one thing up to lwIP 2.1, another from 2.2. */
#if ESP32
#define DHCP_DOES_ARP_CHECK 1
#define LWIP_DHCP_DOES_ACD_CHECK 1
#define MEMP_NUM_UDP_PCB 16
#define LWIP_HAVE_LOOPIF 1
#else
#define DHCP_DOES_ARP_CHECK 0
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define MEMP_NUM_UDP_PCB 4
#endif

#endif
