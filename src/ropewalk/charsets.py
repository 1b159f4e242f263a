"""The charsets in which text is read and sent.

This list is fixed, because clients name charsets, and some of Python's codecs take quadratic time (punycode, idna) or
are not charsets at all. It has the charsets of the WHATWG Encoding Standard, US-ASCII, ISO-8859-1, ISO-8859-9 and
ISO-8859-11 without the changes of that standard, and UTF-32. Their codecs are written in C and take linear time.
"""

from codecs import getincrementalencoder
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from ropewalk.errors import HandlerError, shown
from ropewalk.headers import content_type

UTF_8: Final = "utf-8"

_LABELS: Final = {
    UTF_8: "utf-8 utf8 utf_8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "utf-16": "utf-16 utf16 utf_16 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be unicodefffe",
    "utf-32": "utf-32 utf32 utf_32 csutf32 ucs-4 iso-10646-ucs-4",
    "utf-32-le": "utf-32le csutf32le",
    "utf-32-be": "utf-32be csutf32be",
    "ascii": "us-ascii ascii ansi_x3.4-1968 csascii iso646-us iso-ir-6",
    "iso8859-1": "iso-8859-1 latin1 latin-1 l1 cp819 ibm819 csisolatin1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 "
    "iso_8859-1:1987",
    "iso8859-2": "iso-8859-2 latin2 l2 csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987",
    "iso8859-3": "iso-8859-3 latin3 l3 csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988",
    "iso8859-4": "iso-8859-4 latin4 l4 csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988",
    "iso8859-5": "iso-8859-5 cyrillic csisolatincyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    "iso8859-6": "iso-8859-6 arabic asmo-708 ecma-114 csiso88596e csiso88596i csisolatinarabic iso-8859-6-e "
    "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso8859-7": "iso-8859-7 greek greek8 ecma-118 elot_928 csisolatingreek iso-ir-126 iso8859-7 iso88597 iso_8859-7 "
    "iso_8859-7:1987 sun_eu_greek",
    "iso8859-8": "iso-8859-8 hebrew visual logical csiso88598e csiso88598i csisolatinhebrew iso-8859-8-e iso-8859-8-i "
    "iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988",
    "iso8859-9": "iso-8859-9 latin5 l5 csisolatin5 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989",
    "iso8859-10": "iso-8859-10 latin6 l6 csisolatin6 iso-ir-157 iso8859-10 iso885910",
    "iso8859-11": "iso-8859-11 iso8859-11 iso885911 tis-620",
    "iso8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso8859-15": "iso-8859-15 latin9 latin-9 l9 csisolatin9 iso8859-15 iso885915 iso_8859-15",
    "iso8859-16": "iso-8859-16",
    "cp874": "windows-874 dos-874",
    **{f"cp{page}": f"windows-{page} cp{page} x-cp{page}" for page in range(1250, 1259)},
    "cp866": "ibm866 cp866 866 csibm866",
    "koi8-r": "koi8-r koi8 koi koi8_r cskoi8r",
    "koi8-u": "koi8-u koi8-ru",
    "mac-roman": "macintosh mac csmacintosh x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    # As in the Encoding Standard, the labels gb2312, big5, Shift_JIS and EUC-KR stand for charsets that extend them.
    "gbk": "gbk gb2312 gb_2312 gb_2312-80 chinese csgb2312 csiso58gb231280 iso-ir-58 x-gbk cp936",
    "gb18030": "gb18030",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "euc-jp cseucpkdfmtjapanese x-euc-jp",
    "iso2022-jp": "iso-2022-jp csiso2022jp",
    "cp932": "shift_jis shift-jis sjis x-sjis csshiftjis ms932 ms_kanji windows-31j cp932",
    "cp949": "euc-kr korean cseuckr csksc56011987 iso-ir-149 ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 "
    "windows-949 cp949",
}
"""For each Python codec, the charset labels that select it: the labels in the Encoding Standard, and others in use."""


class _Codec(str):
    """The name of a codec. `written` is the charset as the Content-Type names it, for messages."""

    __slots__ = ("written",)

    written: str

    def __new__(cls, codec: str, written: str) -> "_Codec":
        self = super().__new__(cls, codec)
        self.written = written
        return self


_CODECS: Final = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}


def find_codec(charset: str) -> str | None:
    """The name of Python's codec for a charset; None if it is not supported. Case does not matter."""
    return _CODECS.get(charset.strip().lower())


@lru_cache(maxsize=512)
def codec_for(field: str | None) -> str:
    """The codec for text that is sent with a Content-Type: UTF-8 if it names no charset.

    Raises HandlerError (RW213) for an unsupported charset.
    """
    charset = content_type(field)[1].get("charset")
    if charset is None:
        return UTF_8
    codec = find_codec(charset)
    if codec is None:
        what = f"Text cannot be sent as {shown(field)}: the charset {shown(charset)} is not supported."
        raise HandlerError("RW213", what)
    return codec if codec == UTF_8 else _Codec(codec, charset)


@lru_cache(maxsize=512)
def is_utf_8(field: str) -> bool:
    """Whether a Content-Type names UTF-8, or no charset."""
    charset = content_type(field)[1].get("charset", UTF_8)
    return find_codec(charset) == UTF_8


def encode(text: str, codec: str) -> bytes:
    """Encode text with a supported codec. Empty text gets no byte order mark.

    Raises HandlerError (RW213) for a character that the codec cannot encode.
    """
    try:
        return text.encode(codec) if text else b""
    except UnicodeEncodeError as error:
        raise _unfit(error, codec) from None


def encoder(codec: str) -> Callable[..., bytes]:
    """Return a function that encodes one text part by part. It raises the same errors as `encode`."""
    encode_part = getincrementalencoder(codec)().encode

    def encode(part: str, final: bool = False) -> bytes:
        try:
            return encode_part(part, final)
        except UnicodeEncodeError as error:
            raise _unfit(error, codec) from None

    return encode


def _unfit(error: UnicodeEncodeError, codec: str) -> HandlerError:
    character = shown(error.object[error.start])
    charset = shown(codec.written)[1:-1] if isinstance(codec, _Codec) else codec
    return HandlerError(
        "RW213", f"Text with {character} cannot be sent as {charset}, which does not have that character."
    )
