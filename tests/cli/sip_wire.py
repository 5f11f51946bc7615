"""SIP messages over sockets of the loopback: whole messages in, whole messages out, and never for long."""
import re
import select
import socket
import ssl

PATIENCE = 10  # seconds; nothing of these tests takes one


class Datagrams:
    """UDP to one peer, or, before the first message came, from anybody."""

    def __init__(self, sock, peer=None):
        self.sock, self.peer = sock, peer
        sock.settimeout(PATIENCE)

    def send(self, octets):
        self.sock.sendto(octets, self.peer)

    def receive(self):
        octets, self.peer = self.sock.recvfrom(65535)
        return octets

    def close(self):
        self.sock.close()


class Stream:
    """TCP or TLS: Content-Length says where a message ends (RFC 3261 18.3)."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""
        sock.settimeout(PATIENCE)

    def send(self, octets):
        self.sock.sendall(octets)

    def receive(self):
        """None: the peer closed the connection."""
        while True:
            head, separator, after = self.rest.partition(b"\r\n\r\n")
            length = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)", head)
            if separator and len(after) >= (int(length.group(1)) if length else 0):
                whole = len(head) + 4 + (int(length.group(1)) if length else 0)
                octets, self.rest = self.rest[:whole], self.rest[whole:]
                return octets
            more = self.sock.recv(65535)
            if not more:
                return None
            self.rest += more

    def close(self):
        self.sock.close()


def listen(transport):
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind(("127.0.0.1", 0))
    if transport != "udp":
        sock.listen(4)
    return sock


def connect(transport, port, anchor=None, name=None):
    """TLS: the peer proves that it is `name` by a certificate under `anchor`, or there is no connection."""
    if transport == "udp":
        sock = listen("udp")
        return Datagrams(sock, ("127.0.0.1", port))
    sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    if transport == "tls":
        sock = ssl.create_default_context(cafile=str(anchor)).wrap_socket(sock, server_hostname=name)
    return Stream(sock)


def accept(sock, certificate=None):
    connection, _ = sock.accept()
    connection.settimeout(PATIENCE)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(certificate))
        connection = context.wrap_socket(connection, server_side=True)
    return Stream(connection)


def ready(sources, seconds=PATIENCE):
    """Those of {socket: anything} from which something can be read."""
    return select.select(list(sources), [], [], seconds)[0]
