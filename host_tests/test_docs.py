"""Every block and every command of the pages is run, or read as the program that is meant reads
it; every link leads somewhere. A block that nothing knows what to do with is a failure."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

import doc_commands as commands
from doc_blocks import Block, blocks, broken, links, pages, spans
from doc_commands import Wrong
from doc_rules import check
from toolchain import package, vm

TEXTS = {str(page.relative_to(vm.ROOT)): page.read_text() for page in pages()}
BLOCKS = [block for page, text in TEXTS.items() for block in blocks(text, page)]
COMMANDS = [
    (page, span)
    for page, text in TEXTS.items()
    if page != "CHANGELOG.md"  # tells of commands that there were
    for span in dict.fromkeys(spans(text))
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_is_right(block: Block, tmp_path: Path) -> None:
    check(block, tmp_path)


@pytest.mark.parametrize(
    ("page", "command"), COMMANDS, ids=[f"{page}-{each}" for page, each in COMMANDS]
)
def test_a_command_within_a_text_is_right(page: str, command: str) -> None:
    commands.check(command, brief=True)


@pytest.mark.parametrize("page", TEXTS)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    for link in links(TEXTS[page]):
        assert not (why := broken(vm.ROOT / page, link)), why


def test_every_extra_is_shown_by_a_program_that_is_run() -> None:
    programs = "\n".join(block.text for block in BLOCKS if block.language == "python")
    for extra in package.extras():
        shown = rf"from dhcpc import [\w, ]*\b{extra}\b|from dhcpc\.{extra} import"
        assert re.search(shown, programs), extra


def test_both_readmes_have_the_same_figures_commands_and_pages() -> None:
    english, korean = TEXTS["README.md"], TEXTS["docs/README.ko.md"]
    theirs = {link.split("#")[0].removeprefix("../") for link in links(korean)}
    for link in links(english):
        assert link.split("#")[0].removeprefix("docs/") in {*theirs, "README.ko.md"}, link
    for pattern in (
        r"^    make .*?(?=  #)",
        r"[\d,.]+ (?:B|ms|KB)(?![A-Za-z])",
        r"(?<=`)make \w+(?=`)",
    ):
        assert {*re.findall(pattern, english, re.MULTILINE)} == {
            *re.findall(pattern, korean, re.MULTILINE)
        }


def test_every_page_is_in_the_readme_and_leads_to_the_words() -> None:
    here = {Path(page).name for page in TEXTS if page.startswith("docs/")}
    for name in here:
        assert f"(docs/{name})" in TEXTS["README.md"], name
    made = {"conformance.md", "odd-servers.md", "peers.md"}  # by a command
    others = {"words.md", "README.ko.md", "quick-start.md", "deploy.md", "image.md", "commands.md"}
    for name in here - made - others - {"CONTRIBUTING.md"}:
        assert "(words.md" in TEXTS[f"docs/{name}"], name


# That all this can fail


def check_all(text: str, folder: Path) -> None:
    """Check a made-up page."""
    for block in blocks(text, "made-up.md"):
        check(block, folder)


MADE_UP = {
    "a setting that there is not": """
        ```python
        import dhcpc

        dhcp = dhcpc.Client(nic, host_name="pump")
        ```
        """,
    "a name that nobody has given": """
        ```python
        print(dhcp.acquire().ip, answer)
        ```
        """,
    "a program that never gets a lease": """
        ```python
        import dhcpc

        dhcp = dhcpc.Client(nic)
        while True:
            dhcp.lease
            dhcp.clock()
        ```
        """,
    "an app.py that fails": """
        ```python
        def loop(dhcp):
            print(dhcp.lease.address)
        ```
        """,
    "a program that prints something else": """
        ```python
        print(1)
        ```

        prints

        ```text
        2
        ```
        """,
    "a manifest that freezes what there is not": """
        ```python
        include("dhcpc/firmware/manifest.py", extras="telepathy")
        ```
        """,
    "a package that there is not": """
        ```python
        import mip

        mip.install("dhcpc-telepathy", index="http://192.0.2.1:8000")
        ```
        """,
    "a test helper of another name": """
        ```python
        with VirtualBoard(Path("flash.bin")) as board:
            board.power_off()
        ```
        """,
    "a setting in /dhcpc.json that there is not": """
        ```json
        {"ssid": "home", "password": "correct horse"}
        ```
        """,
    "a target of make that there is not": "\n    make coffee\n",
    "a variable that its target does not take": "\n    make mip BOARD=RPI_PICO_W\n",
    "a board that there is not": "\n    make deploy BOARD=RPI_PICO_X PORT=/dev/ttyACM0\n",
    "an option that a tool does not take": "\n    .venv/bin/python tools/netup.py eth0 --twice\n",
    "a tool that there is not": "\n    .venv/bin/python tools/guess.py eth0\n",
    "a file that a tool cannot read": "\n    .venv/bin/python tools/decode.py README.md\n",
    "a command of mpremote's that there is not": "\n    mpremote install dhcpc\n",
    "a file that is not there to copy": "\n    mpremote cp firmware/examples/none.py :main.py\n",
    "a filter that tcpdump does not know": "\n    sudo tcpdump -i eth0 -U -w - 'port sixty'\n",
    "a command of somebody else that is cut off": "\n    picotool load\n",
    "an output that is another": """

    $ .venv/bin/python tools/decode.py host_tests/captures/failures/no-server.pcap
    02:00:00:00:00:01, host name "lab"
     0.000 -> all          DISCOVER 77fae739 SELECTING
    """,
    "a board of a fleet with a setting that there is not": "\n    hostname,colour\n    a,red\n",
    "a refusal in other words": '\n    /dhcpc.json: hostname: "green house" is too long\n',
    "a line that no board prints": "\n    dhcpc: hello\n",
    "ports that are listed otherwise": """

    make doctor

    doctor: PORT= is missing; serial ports here:
      - /dev/ttyACM0
    """,
    "a deployment that ends otherwise": "\n    hello\n    copied 6 of 6 files, in 0.1 s\n",
    "a story that is not told so": """
        ```
             0.000 s  INIT        link is up
             0.000 s  SELECTING   the board coughs
        ```
        """,
    "a rule that is nowhere": """
        ```
        3.1 request-has-wings MUST
        The REQUEST has wings.
        kept
        ```
        """,
    "a file in a list that is not there": "\n    tools/\n      guess.py   guesses\n",
    "a language that nothing here reads": """
        ```cobol
        STOP RUN.
        ```
        """,
    "words that nothing here knows": "\n    as it were\n",
}


@pytest.mark.parametrize("what", MADE_UP)
def test_a_block_that_is_wrong_is_refused(what: str, tmp_path: Path) -> None:
    text = MADE_UP[what]
    text = dedent(text) if "```" in text else text
    with pytest.raises((Wrong, AssertionError)):
        check_all(text, tmp_path)


@pytest.mark.parametrize(
    "link", ["nowhere.md", "README.md#nowhere", "#nowhere", "../outside.md", "docs/nowhere.svg"]
)
def test_a_link_that_leads_nowhere_is_refused(link: str) -> None:
    page = vm.ROOT / "README.md"
    assert links(f"text, and [a link]({link}).") == [link]
    assert broken(page, link)


def test_a_link_in_code_and_one_to_elsewhere_are_not_looked_at() -> None:
    assert links("`[a](b.md)`\n\n    [c](d.md)\n\n[e](https://example.org/f)\n") == []


def test_a_command_within_a_text_is_found() -> None:
    assert list(spans("Type `make demo`, or `dhcp.poll()`.")) == ["make demo"]
