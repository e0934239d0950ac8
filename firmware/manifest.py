metadata(version="0.1.0", description="DHCPv4 client (RFC 2131)", license="MIT")

package("dhcpc", opt=3)
