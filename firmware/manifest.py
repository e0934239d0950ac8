# Freezes what a board gets: one file, which the tools join of the modules in dhcpc/.
#
# extras: which of the other modules to freeze, too, by their names:
#
#     include("dhcpc/firmware/manifest.py", extras="aio sleep")

import os
import sys

options.defaults(extras="")

TOOLS = os.path.abspath("../tools")

if sys.version_info < (3, 10):
    raise RuntimeError("dhcpc is joined to one file by Python 3.10 or later")
if not os.path.isfile(TOOLS + "/toolchain/package.py"):
    raise RuntimeError(
        "dhcpc is joined to one file by " + TOOLS + ", which is not there: "
        "firmware/ alone is not enough"
    )
sys.path.insert(0, TOOLS)
try:
    from toolchain import cli
    from toolchain import package as joiner
finally:
    sys.path.remove(TOOLS)

metadata(version=cli.version(), description="DHCPv4 client (RFC 2131)", license="MIT")

extras = options.extras.split()
for name in extras:
    if name not in joiner.extras():
        raise RuntimeError(
            "dhcpc has no extra " + name + "; there are " + ", ".join(joiner.extras())
        )
try:
    source = joiner.write_sources()
except OSError as error:
    raise RuntimeError("dhcpc: its one file cannot be written: " + str(error))

package(
    "dhcpc",
    [name + ".py" for name in [joiner.ROOT_MODULE] + extras],
    base_path=str(source),
    opt=3,
)
