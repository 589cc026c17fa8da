"""Which address is the client's, and that no client can choose it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from signalkit.conf import parse
from signalkit.conf.context import UNIX, ContextSettings
from signalkit.context import use
from signalkit.context.address import client_address, read_address
from signalkit.exceptions import ConfigurationError
from tests.context.site import Settings, site


def behind(*proxies: str) -> Settings:
    return site(SIGNALKIT={"CONTEXT": {"TRUSTED_PROXIES": list(proxies)}})


def reported(peer: str, forwarded: str | None = None) -> str | None:
    meta = {"REMOTE_ADDR": peer}
    if forwarded is not None:
        meta["HTTP_X_FORWARDED_FOR"] = forwarded
    return client_address(meta)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1 ", "192.0.2.1"),
            ("192.0.2.1:8080", "192.0.2.1"),
            ("2001:DB8::0001", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ('"[2001:db8::1]:443"', "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
            ("fe80::1%eth0", "fe80::1"),
            ("fe80::1%25eth0", "fe80::1"),
        ],
    )
    def test_what_is_an_address(self, text: str, expected: str) -> None:
        assert str(read_address(text)) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "unknown",
            "_hidden",
            "localhost",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.1:",
            "192.0.2.1:http",
            "192.0.2.1%eth0",
            "[2001:db8::1",
            "[2001:db8::1]443",
            "[2001:db8::1]:https",
            "2001:db8::1]:443",
            "192.0.2.1 192.0.2.2",
            "192.0.2.1\x00",
            "１９２.0.2.1",
            "192.0.2.1:８０",
        ],
    )
    def test_what_is_none(self, text: str) -> None:
        assert read_address(text) is None


class TestWalk:
    def test_nobody_is_trusted_by_default(self) -> None:
        assert reported("192.0.2.9", "198.51.100.1") == "192.0.2.9"

    @behind("10.0.0.0/8")
    def test_a_trusted_peer_reports_the_client(self) -> None:
        assert reported("10.0.0.1", "198.51.100.1") == "198.51.100.1"

    @behind("10.0.0.0/8")
    def test_an_untrusted_peer_does_not(self) -> None:
        assert reported("192.0.2.9", "198.51.100.1") == "192.0.2.9"

    @behind("10.0.0.0/8")
    def test_it_ends_at_the_first_who_is_not_trusted(self) -> None:
        assert reported("10.0.0.1", "203.0.113.7, 198.51.100.1, 10.0.0.2") == "198.51.100.1"

    @behind("10.0.0.0/8")
    def test_where_all_are_trusted_it_is_the_first(self) -> None:
        assert reported("10.0.0.1", "10.0.0.3, 10.0.0.2") == "10.0.0.3"

    @behind("10.0.0.0/8")
    def test_what_is_malformed_ends_it(self) -> None:
        assert reported("10.0.0.1", "203.0.113.7, unknown, 10.0.0.2") == "10.0.0.2"
        assert reported("10.0.0.1", "203.0.113.7, ") == "10.0.0.1"

    @behind("10.0.0.0/8")
    def test_a_proxy_s_own_request(self) -> None:
        assert reported("10.0.0.1") == "10.0.0.1"
        assert reported("10.0.0.1", "") == "10.0.0.1"

    @behind("2001:db8::/32")
    def test_ipv6(self) -> None:
        assert reported("2001:db8::1", "[2a00::1]:5000, [2001:db8::2]:443") == "2a00::1"

    @behind("10.0.0.1")
    def test_a_mapped_peer(self) -> None:
        assert reported("::ffff:10.0.0.1", "198.51.100.1") == "198.51.100.1"

    def test_a_unix_socket(self) -> None:
        assert reported("", "198.51.100.1") is None
        with behind("10.0.0.0/8"):
            assert reported("", "198.51.100.1") is None
        with behind("unix", "10.0.0.0/8"):
            assert reported("", "198.51.100.1, 10.0.0.2") == "198.51.100.1"
            assert reported("") is None
            assert reported("192.0.2.9", "198.51.100.1") == "192.0.2.9"
            assert reported("nonsense", "198.51.100.1") is None
        assert client_address({}) is None

    def test_it_is_in_the_context(self, rf: RequestFactory) -> None:
        with use(request=rf.get("/", REMOTE_ADDR="192.0.2.9")) as context:
            assert context.address == "192.0.2.9"


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
proxies = ip_network("10.0.0.0/8")
outside = addresses.filter(lambda text: read_address(text) not in proxies)
whatever = st.text(
    st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40
) | st.lists(addresses | st.just("10.0.0.7") | st.text(max_size=5)).map(",".join)


@given(client=outside, claimed=whatever, hops=st.lists(st.just("10.0.0.2"), max_size=3))
def test_no_client_can_choose_its_address(client: str, claimed: str, hops: list[str]) -> None:
    """Whatever a client claims: directly, and through proxies that append what they see."""
    canonical = str(read_address(client))
    with behind("10.0.0.0/8", "unix"):
        assert reported(client, claimed) == canonical
        through = ",".join([claimed, client, *hops])
        assert reported("10.0.0.1", through) == canonical
        assert reported("", through) == canonical


@given(peer=st.text(max_size=60), claimed=st.text(max_size=200))
def test_whatever_is_sent_the_answer_is_an_address_or_nothing(peer: str, claimed: str) -> None:
    with behind("0.0.0.0/0", "::/0", "unix"):
        answer = reported(peer, claimed)
    assert answer is None or str(ip_address(answer)) == answer


class TestSettings:
    def test_what_is_right(self) -> None:
        config = parse({"CONTEXT": {"TRUSTED_PROXIES": ["127.0.0.1", "fd00::/8", "unix"]}}).CONTEXT
        assert (ip_network("127.0.0.1"), ip_network("fd00::/8"), UNIX) == config.TRUSTED_PROXIES
        assert config.CORRELATION_HEADER == "X-Request-ID"
        assert parse({}).CONTEXT == parse({"CONTEXT": {}}).CONTEXT == ContextSettings()
        header = parse({"CONTEXT": {"CORRELATION_HEADER": None}}).CONTEXT.CORRELATION_HEADER
        assert header is None

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (None, "SIGNALKIT['CONTEXT'] is None; expected a dictionary such as {'TRUSTED_PROX"),
            ({"TRUSTED": []}, "SIGNALKIT['CONTEXT'] has no key 'TRUSTED'. Did you mean 'TRUSTED_"),
            ({"TRUSTED_PROXIES": "10.0.0.1"}, "is '10.0.0.1'; expected a list of addresses and n"),
            ({"TRUSTED_PROXIES": ["10.0.0.300"]}, "or 'unix', which '10.0.0.300' is not ("),
            ({"TRUSTED_PROXIES": ["10.0.0.1/8"]}, "which '10.0.0.1/8' is not (10.0.0.1/8 has hos"),
            ({"TRUSTED_PROXIES": ["proxy"]}, "which 'proxy' is not ("),
            ({"TRUSTED_PROXIES": ["::ffff:10.0.0.1"]}, "IPv4 addresses written as such, which '::"),
            ({"CORRELATION_HEADER": "X Id"}, "is 'X Id'; expected the name of a header such as"),
            ({"CORRELATION_HEADER": ""}, "expected the name of a header"),
            ({"CORRELATION_HEADER": 3}, "or None."),
        ],
    )
    def test_what_is_wrong(self, given: Any, message: str) -> None:
        with pytest.raises(ConfigurationError) as raised:
            parse({"CONTEXT": given})
        assert message in str(raised.value)
