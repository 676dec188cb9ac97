import time
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.errors import TidingsError
from tidings.model.delivery import Attachment, Outgoing
from tidings.providers.mime import build_mime, encode_text

KEY = "0123456789abcdef0123456789abcdef"

# Letters with their marks, Chinese, signs that mean something in a header, and plain words.
alphabet = st.sampled_from(list("aăâđêôơưẠệữỹ中文牛奶打折，。—“”😀 \\\"'()<>,;:=?_@.-AZaz09"))
line = st.text(alphabet, max_size=120)
body = st.text(st.one_of(alphabet, st.just("\n")), max_size=400)


def outgoing(**changes: Any) -> Outgoing:
    """A message with these changes."""
    fields = {
        "send_key": KEY,
        "channel": "email",
        "to": "lan@example.com",
        "sender": "shop@example.org",
        "text": "xin chào",
    }
    return Outgoing(**{**fields, **changes})


def parsed(message: Outgoing, **options: Any) -> EmailMessage:
    """What the standard library reads of it."""
    return message_from_bytes(build_mime(message, **options), _class=EmailMessage, policy=policy.default)


@given(subject=line, name=line, text=body, html=body)
@example(subject="Bơ ", name='Lan, the "boss" \\ 牛奶', text=".\n..\n", html="")
@example(subject="=?utf-8?B?eA==?=", name="=?utf-8?B?eA==?=", text="", html="a" * 400)
@example(subject="a  b", name="x" * 120, text="", html="\n")
@example(subject="ữ" * 120, name="牛" * 120, text="", html="")
def test_what_is_written_is_read(subject: str, name: str, text: str, html: str) -> None:
    """The standard library reads back the very subject, name and bodies, in any script."""
    message = parsed(outgoing(subject=subject, sender_name=name, text=text, html=html))
    assert [] == message.defects
    assert subject == message["Subject"]
    assert (name, "shop@example.org") == _mailbox(build_mime(outgoing(sender_name=name)))
    assert text == message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert html == message.get_body(("html",)).get_content().replace("\r\n", "\n")


def _mailbox(octets: bytes) -> tuple[str, str]:
    # The newer parser puts a space between the encoded words of a long name, against RFC 2047, 6.2.
    name, address = parseaddr(message_from_bytes(octets)["From"])
    return str(make_header(decode_header(name))), address


@given(subject=line, text=body)
@example(subject="ữ" * 120, text="")
@example(subject="牛奶a" * 30, text=".")
def test_lines_are_short_and_ascii(subject: str, text: str) -> None:
    """Every line is ASCII, ends in CRLF, fits SMTP and begins with no dot; encoded words fit RFC 2047."""
    octets = build_mime(outgoing(subject=subject, text=text, html=text, sender_name=subject))
    assert octets.isascii()
    assert octets.endswith(b"\r\n")
    lines = octets.split(b"\r\n")
    assert not [one for one in lines if b"\r" in one or b"\n" in one or one.startswith(b".") or len(one) > 998]
    assert not [one for one in lines if b"=?utf-8?" in one and len(one) > 76]


def test_fields() -> None:
    """Identity, answer address and the one-click headers are written as given (R21)."""
    one_click = {
        "List-Unsubscribe": f"<https://shop.example/u/{'x' * 200}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    message = parsed(outgoing(html="<p>x</p>", reply_to="hi@example.org", headers=one_click))
    assert "multipart/alternative" == message.get_content_type()
    assert ["text/plain", "text/html"] == [part.get_content_type() for part in message.iter_parts()]
    assert KEY == message["X-Tidings-Key"]
    assert ("lan@example.com", "hi@example.org") == (message["To"], message["Reply-To"])
    assert one_click == {name: message[name] for name in one_click}


def test_text_alone() -> None:
    """Without HTML the message is plain text, not a multipart of one."""
    message = parsed(outgoing())
    assert ("text/plain", "xin chào") == (message.get_content_type(), message.get_content())


def test_the_same_message_has_the_same_bytes() -> None:
    """All but the date comes from the message; the Message-ID is its key at the sender's or the given domain."""
    dated = outgoing(headers={"Date": "Sun, 01 Nov 2026 09:00:00 +0700"}, html="<p>x</p>")
    assert build_mime(dated) == build_mime(dated)
    assert f"<{KEY}@example.org>" == parsed(dated)["Message-ID"]
    assert f"<{KEY}@mail.example.net>" == parsed(dated, message_id_domain="mail.example.net")["Message-ID"]
    assert ["Sun, 01 Nov 2026 09:00:00 +0700"] == parsed(dated).get_all("Date")


def test_the_date_is_now() -> None:
    """A message without a date of its own is dated when it is written."""
    assert abs(parsedate_to_datetime(parsed(outgoing())["Date"]).timestamp() - time.time()) < 60


def test_a_domain_beyond_ascii() -> None:
    """A domain is written in its IDNA form; a mailbox name beyond ASCII cannot be."""
    assert "lan@xn--fiq228c.example" == parsed(outgoing(to="lan@中文.example"))["To"]
    with pytest.raises(TidingsError, match="address cannot be written"):
        build_mime(outgoing(to="ngọc@example.com"))


@pytest.mark.parametrize("injection", ["\r\nBcc: eve@example.com", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028"])
@pytest.mark.parametrize("field", ["to", "sender", "sender_name", "reply_to", "subject", "send_key"])
def test_no_field_holds_a_line_break(field: str, injection: str) -> None:
    """CR, LF, NUL and what else may end a line are refused in every field, by its name (R48)."""
    with pytest.raises(TidingsError, match=field):
        build_mime(outgoing(**{field: f"x{injection}@example.com"}))


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"X-Note": "a\r\nBcc: eve@example.com"}, "X-Note"),
        ({"X-Note\r\nBcc": "eve@example.com"}, "not a header name"),
        ({"X Note": "a"}, "not a header name"),
        ({"": "a"}, "not a header name"),
        ({"bcc": "eve@example.com"}, "written by tidings"),
        ({"SUBJECT": "another"}, "written by tidings"),
        ({"List-Unsubscribe": "<https://shop.example/" + "x" * 998 + ">"}, "longer than 998"),
    ],
)
def test_headers_are_checked(headers: dict[str, str], problem: str) -> None:
    """A header of `headers` has a name, one line, and is none that the message itself writes (R48)."""
    with pytest.raises(TidingsError, match=problem):
        build_mime(outgoing(headers=headers))


@pytest.mark.parametrize("address", ["", "lan", "@example.com", "a@x, b@y", "<a@x>", "a b@x", "a@x;b@y", "a@b@c"])
def test_an_address_is_one_address(address: str) -> None:
    """What is not one plain address is refused, so no second recipient comes in."""
    with pytest.raises(TidingsError, match="address cannot be written"):
        build_mime(outgoing(to=address))


def test_a_domain_for_ids_is_checked() -> None:
    """The Message-ID's domain cannot carry anything else."""
    with pytest.raises(TidingsError, match="message_id_domain"):
        build_mime(outgoing(), message_id_domain="x>\r\nBcc: eve@example.com")


@given(line)
def test_encoding_is_left_out_where_it_is_not_needed(text: str) -> None:
    """Short plain text stays readable in the source."""
    if text.isascii() and len(text) <= 78 and text == " ".join(text.split()) and "=?" not in text:
        assert text == encode_text(text)
    else:
        assert encode_text(text).startswith("=?utf-8?B?")


def test_attachments_arrive_where_they_belong() -> None:
    """A picture with a content id stands beside the HTML, a file beside everything, both byte for byte."""
    picture = Attachment(name="lift.png", media_type="image/png", content=bytes(range(256)), content_id="lift@tidings")
    sheet = Attachment(name="arms.csv", media_type="text/csv; charset=utf-8", content="người,1\r\n".encode())
    sent = outgoing(html='<img src="cid:lift@tidings">').model_copy(update={"attachments": (picture, sheet)})

    message = parsed(sent)

    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/csv",
    ]
    found = {part.get_filename(): part for part in message.walk() if part.get_filename()}
    assert found["lift.png"].get_payload(decode=True) == picture.content
    assert found["lift.png"]["Content-ID"] == "<lift@tidings>"
    assert found["arms.csv"].get_payload(decode=True) == sheet.content


@pytest.mark.parametrize(
    "change", [{"name": 'a"\r\nX: y'}, {"media_type": "text/csv\r\nX: y"}, {"content_id": "a>\r\nX: y"}]
)
def test_an_attachment_cannot_add_a_header(change: dict[str, str]) -> None:
    """R48: a line break in a name, type or content id is refused."""
    picture = Attachment(name="a.png", media_type="image/png", content=b"", content_id="a@tidings").model_copy(
        update=change
    )
    with pytest.raises(TidingsError):
        build_mime(outgoing(html="x").model_copy(update={"attachments": (picture,)}))
