"""A device in a managed network: an app.py, for the settings in enterprise.json.

The DHCP server decides by what the device says of itself, its vendor class (60), user class (77)
and name (81), and tells it more than an address: here, what its vendor's options (43) mean.
"""

from dhcpc import options

# The vendor's own options, inside of option 43
COLLECTOR = 1
INTERVAL_S = 2


def text(value):
    """Bytes as text; as they are, if they are none: a server may send anything."""
    try:
        return value.decode()
    except UnicodeError:
        return value


def setup(dhcp):
    """Read what the server has said."""
    lease = dhcp.lease
    vendor = options.get(lease, "vendor_specific_information")
    if isinstance(vendor, dict):  # else the server has sent none, or what has not their form
        print("collector:", text(vendor.get(COLLECTOR, b"none")))
        print("interval: %d s" % int.from_bytes(vendor.get(INTERVAL_S, b"\x3c"), "big"))
    print("time servers:", options.get(lease, "ntp_servers"))
    print("search list:", options.get(lease, "domain_search"))
    print("name:", options.get(lease, "client_fqdn"))
