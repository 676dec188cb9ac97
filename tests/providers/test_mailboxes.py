import fcntl
import mailbox
import multiprocessing
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from tidings.errors import TidingsError
from tidings.providers.bounce_text import MAX_MESSAGE
from tidings.providers.mailboxes import Mark, read_mailbox


def mail(number: int, text: str = "Gone.") -> EmailMessage:
    """A small message with a subject to know it by."""
    message = EmailMessage()
    message["Subject"] = f"bounce {number}"
    message.set_content(text)
    return message


def subjects(path: Path) -> list[str]:
    """The first lines of the messages there, in order."""
    return [raw.split(b"\n")[0].decode().removeprefix("Subject: ") for raw in read_mailbox(path)]


def test_an_mbox(tmp_path: Path) -> None:
    """Each message once, a line `From ` in a text being none, and the file as it was."""
    path = tmp_path / "bounces"
    box = mailbox.mbox(path)
    for number in range(3):
        box.add(mail(number, "From here\n\nFrom there\n"))
    box.close()
    before = path.read_bytes()
    assert ["bounce 0", "bounce 1", "bounce 2"] == subjects(path) == subjects(path)
    assert before == path.read_bytes()


def test_an_mbox_with_crlf_and_without_a_last_line_end(tmp_path: Path) -> None:
    """Line ends of either kind, and none at the end, part messages just as well."""
    path = tmp_path / "bounces"
    path.write_bytes(b"From a\r\nSubject: one\r\n\r\ntext\r\nFrom me\r\n\r\nFrom b\r\nSubject: two\r\n\r\nlast")
    assert [
        b"Subject: one\r\n\r\ntext\r\nFrom me\r\n\r\n",
        b"Subject: two\r\n\r\nlast",
    ] == list(read_mailbox(path))


def test_a_maildir(tmp_path: Path) -> None:
    """New and read messages, each once; what is not yet delivered is left alone."""
    path = tmp_path / "Maildir"
    box = mailbox.Maildir(path)
    keys = [box.add(mail(number)) for number in range(3)]
    read = box[keys[1]]
    read.set_subdir("cur")
    read.set_flags("S")
    box[keys[1]] = read
    (path / "tmp" / "half").write_bytes(b"Subject: half")
    (path / "new" / ".hidden").write_bytes(b"Subject: hidden")
    (path / "new" / "folder").mkdir()
    assert ["bounce 0", "bounce 1", "bounce 2"] == sorted(subjects(path)) == sorted(subjects(path))


def test_a_maildir_at_work(tmp_path: Path) -> None:
    """A message that a mail reader moves or deletes meanwhile is read once or not at all."""
    path = tmp_path / "Maildir"
    box = mailbox.Maildir(path)
    for number in range(4):
        box.add(mail(number))
    reading = read_mailbox(path)
    found = [next(reading)]
    names = sorted((path / "new").iterdir())
    for file in names[:2]:
        file.rename(path / "cur" / f"{file.name}:2,S")
    names[2].unlink()
    found += reading
    assert (3, 3) == (len(found), len(set(found)))


def test_an_empty_mbox(tmp_path: Path) -> None:
    """What a mail reader leaves after it moved everything away."""
    (tmp_path / "bounces").touch()
    assert [] == subjects(tmp_path / "bounces")


def test_a_long_message_is_cut(tmp_path: Path) -> None:
    """A message has at most a megabyte, and the next one is found behind it."""
    box = tmp_path / "bounces"
    box.write_bytes(b"From a\nSubject: long\n\n" + b"x" * 3_000_000 + b"\n\nFrom b\nSubject: next\n\n")
    folder = tmp_path / "Maildir"
    for name in ("cur", "new"):
        (folder / name).mkdir(parents=True)
    (folder / "new" / "1").write_bytes(b"Subject: long\n\n" + b"x" * 3_000_000)
    assert ["long", "next"] == subjects(box)
    assert [MAX_MESSAGE, MAX_MESSAGE] == [len(next(read_mailbox(path))) for path in (box, folder)]


def test_neither(tmp_path: Path) -> None:
    """Anything else is one clear error, which names the path and says what to do."""
    (tmp_path / "text").write_text("Dear shop,\n")
    (tmp_path / "folder").mkdir()
    for name, problem in (("text", "is not an mbox"), ("folder", "is neither"), ("nothing", "is neither")):
        with pytest.raises(TidingsError, match=f"{name} {problem}") as error:
            list(read_mailbox(tmp_path / name))
        assert error.value.fix


def _hold(path: Path, held: "multiprocessing.synchronize.Event", done: "multiprocessing.synchronize.Event") -> None:
    with path.open("rb+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        held.set()
        done.wait(30)


def test_an_mbox_that_is_being_written(tmp_path: Path) -> None:
    """Half a message would be another event than the whole one: it is read when the server is done."""
    path = tmp_path / "bounces"
    path.write_bytes(b"From a\nSubject: one\n\nhalf")
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    writer = context.Process(target=_hold, args=(path, held, done))
    writer.start()
    try:
        assert held.wait(30)
        with pytest.raises(TidingsError, match="is being written"):
            list(read_mailbox(path))
    finally:
        done.set()
        writer.join(30)
    assert ["one"] == subjects(path)


def box_of(path: Path, *numbers: int) -> None:
    """Messages at the end of an mbox, as a mail server puts them there."""
    with path.open("ab") as file:
        for number in numbers:
            file.write(b"From mailer\nSubject: bounce %d\n\nGone.\n\n" % number)


def seen(path: Path, mark: Mark) -> list[int]:
    """The numbers of the messages that are read with a mark."""
    return [int(raw.split(b"\n")[0].rpartition(b" ")[2]) for raw in read_mailbox(path, mark)]


def test_an_mbox_that_grew_is_read_from_where_it_ended(tmp_path: Path) -> None:
    """Nothing twice and nothing left out, however long it was before."""
    path, mark = tmp_path / "bounces", Mark()
    path.touch()
    assert [] == seen(path, mark)
    for numbers in ([*range(300)], [], [300], [301, 302]):
        box_of(path, *numbers)
        assert numbers == seen(path, mark)
        mark = Mark(mark.text)  # as it comes back from the ledger


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),  # rotated, and still shorter
        lambda path: path.write_bytes(b""),  # cut
        lambda path: (path.unlink(), box_of(path, *range(100, 200))),  # rotated, and longer by now
        lambda path: path.write_bytes(path.read_bytes().replace(b"bounce 29", b"bounce 99")),  # rewritten at its end
        lambda path: path.write_bytes(path.read_bytes().replace(b"bounce 0", b"bounce 7")),  # at its beginning
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"and more\n\n"),  # the last message went on
    ],
    ids=["rotated", "cut", "rotated and longer", "last", "first", "went on"],
)
def test_an_mbox_that_did_not_just_grow_is_read_whole(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """What was put in its place, or written over, is read as well."""
    path, mark = tmp_path / "bounces", Mark()
    box_of(path, *range(30))
    assert 30 == len(seen(path, mark))
    change(path)
    box_of(path, 30)
    assert seen(path, Mark()) == seen(path, mark)


def test_a_message_without_an_end_is_read_again(tmp_path: Path) -> None:
    """More of it may come: the mark stays where all was whole."""
    path, mark = tmp_path / "bounces", Mark()
    box_of(path, 1)
    path.write_bytes(path.read_bytes()[:-1])
    assert [1] == seen(path, mark)
    path.write_bytes(path.read_bytes() + b"More.\n\n")
    assert [b"Subject: bounce 1\n\nGone.\nMore.\n\n"] == list(read_mailbox(path, mark))
