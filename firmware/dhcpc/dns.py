"""Which name server the NIC gets: your own, or the one that it has, in place of a lease's."""

from dhcpc import Client, Lease

from ._common import packed


def use(dhcp: Client, servers: "list[str]") -> None:
    """Have the NIC take the first of these name servers, whatever a lease names: they are then its
    `dns`. If there are none, the NIC keeps the name server that it has. Call it before the first
    poll, and once.

    servers: addresses, such as "192.0.2.53". What the DHCP server has named, `lease.ips(6)` says.
    ValueError: one of them is no address; or there are none, and the link has no NIC.
    """
    link = dhcp.link
    apply = link.apply
    for each in servers:
        packed("servers", each)
    if not servers and not getattr(link, "nic", None):
        raise ValueError("servers: none, and the link has no NIC")

    def instead(lease: Lease | None) -> None:
        if lease:
            # ESP32 forgets its name server when an address is set: so that is set again.
            lease.dns = servers or [link.nic.ifconfig()[3]]
        apply(lease)

    link.apply = instead  # type: ignore[method-assign]
