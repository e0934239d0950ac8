"""Which name server the NIC uses: your own, or the one that it has, in place of the lease's."""

from dhcpc import Client, Lease

from ._common import once, packed


def use(dhcp: Client, servers: "list[str]") -> None:
    """Have the NIC use the first of these name servers, whatever a lease names. `lease.dns` is
    then this list, and `lease.ips(6)` gives the server's own list. If the list is empty, the NIC
    keeps the name server that it has. Call it before the first poll.

    servers: addresses such as "192.0.2.53". ValueError: one of them is no address; or there are
    none, and the link has no NIC; "dns: called twice".
    """
    link = dhcp.link
    apply = link.apply
    for each in servers:
        packed("servers", each)
    if not servers and not getattr(link, "nic", None):
        raise ValueError("servers: none, and the link has no NIC")
    once(dhcp, "dns")

    def instead(lease: Lease | None) -> None:
        if lease:
            # ESP32 forgets its name server when an address is set, so it is set again.
            lease.dns = servers or [link.nic.ifconfig()[3]]
        apply(lease)

    link.apply = instead  # type: ignore[method-assign]
