"""A next hop on the loopback, as a process: every request that comes in goes through `sipveil agree check`, which
also writes the refusals; what it accepts is answered 200. One JSON line for each request. Leaves after a BYE, or
when nothing comes for a while.

    agree_server.py PROGRAM udp|tcp CERTIFICATE|- OPTIONS-OF-CHECK...
"""
import json
import re
import subprocess
import sys

import sip_wire


def field(octets, name):
    match = re.search(rb"(?im)^%s[ \t]*:[ \t]*(.*?)\r?$" % name, octets.partition(b"\r\n\r\n")[0])
    return match.group(1) if match else None


def ok(request):
    to = field(request, b"To")
    rows = [b"%s: %s" % (name, field(request, name)) for name in (b"Via", b"From", b"Call-ID", b"CSeq")]
    return b"\r\n".join([b"SIP/2.0 200 OK", *rows, b"To: " + to + (b"" if b";tag=" in to else b";tag=p1"),
                         b"Content-Length: 0", b"", b""])


def judge(program, options, octets, over):
    """The response to send, or None; and what is printed about it."""
    done = subprocess.run([program, "agree", "check", *options, *(("--protected-by", "tls") if over == "tls" else ())],
                          input=octets, capture_output=True, timeout=sip_wire.PATIENCE, check=False)
    method = octets.split(b" ", 1)[0].decode()
    print(json.dumps({"method": method, "over": over, "exit": done.returncode, "said": done.stderr.decode("utf-8", "replace"),
                      "out": done.stdout.decode("latin-1")}), flush=True)
    if done.returncode == 10:
        return done.stdout, method
    return (ok(octets) if done.returncode == 0 and method != "ACK" else None), method


def main():
    program, transport, certificate, *options = sys.argv[1:]
    first = sip_wire.listen(transport)
    doors = {first: transport}
    if certificate != "-":
        doors[sip_wire.listen("tcp")] = "tls"
    ports = {name: sock.getsockname()[1] for sock, name in doors.items()}
    print(json.dumps({"port": ports[transport], "tls": ports.get("tls")}), flush=True)
    wires = {first: (sip_wire.Datagrams(first), "udp")} if transport == "udp" else {}
    while True:
        for sock in sip_wire.ready({**doors, **wires}) or sys.exit(0):
            if sock in doors and sock not in wires:
                try:
                    wire = sip_wire.accept(sock, certificate if doors[sock] == "tls" else None)
                except OSError:  # the client does not take our certificate
                    return
                wires[wire.sock] = (wire, doors[sock])
                continue
            wire, over = wires[sock]
            octets = wire.receive()
            if octets is None:
                wires.pop(sock)[0].close()
                continue
            answer, method = judge(program, options, octets, over)
            if answer:
                wire.send(answer)
            if method == "BYE" and answer and b" 200 " in answer:
                return


if __name__ == "__main__":
    main()
