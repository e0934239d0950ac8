"""The settings of /dhcpc.json: any text is settings, or a ValueError that names the file; settings
make a Client, or a ValueError that says which will not do."""

from cable import Cable
from dhcpc import Client, config
from records import Memory
from script import refused

LINES = 20_000, 120
BYTES = 200_000, 400
WORDS = [
    b'"link-local"',
    b'"address": "10.0.0.5"',
    b'"allow": ["10.0.0.1"]',
    b'"window_ms": 9',
    b"true",
    b"false",
]
for name in sorted(config._SETTINGS):
    WORDS.append(('"' + name + '": ').encode())

PATH = "config.json"


def target(data):
    whole(data)
    try:
        text = data.decode()
    except ValueError:
        return
    whole(text)


def whole(text):
    found, error = refused(config.parsed, text, PATH)
    if error:
        said = str(error)
        assert said.startswith(PATH + ": ")
        if said.startswith(PATH + ": key: "):
            assert said == PATH + ": key: it is not 8 to 63 ASCII characters, or 64 hex digits"
        return
    assert isinstance(found, dict)
    config.check(found)
    config.extras(found)
    client, error = refused(settled, found)
    if error:
        assert str(error)
        return
    assert isinstance(client, Client)
    client.poll()


def settled(settings):
    cable = Cable()
    return config.client(cable, clock=cable.clock, store=Memory(), **settings)
