"""Every message of our call flows through the forms that a tunnel can take, and comes out as it went in."""
from lab import OK, POLICY, MALFORMED, SOURCE, Cases, Lab, in_parallel, sipveil

AOR = "sip:anna@north.example"
lab = Lab()
KEK = lab.kek("lab-1")
CA = lab.authority()
SIGNER = lab.identity("anna", AOR)
RSA = lab.identity("rsa", AOR, "ca", "--alg", "rsa2048")
X25519 = lab.identity("x25519", AOR, "ca", "--alg", "x25519")
# The messages have old dates and other people's From: what is under test here are octets.
TRUST = ("--trust", CA, "--no-verify-signer", "--date-window", "any")
# name: options of seal, options of open
FORMS = {
    "shared key, compressed, base64, CBC": (
        ("--to", KEK, "--encoding", "base64", "--compress", "--cipher", "aes-128-cbc"),
        ("--key", KEK, "--allow-unauthenticated")),
    "TUN-70, TUN-71: profile of the P-CSCF": (
        ("--to", KEK, "--profile", "pcscf"), ("--key", KEK, "--profile", "pcscf", "--date-window", "any")),
    "opaque signature, three recipients": (
        ("--sign-with", RSA, "--opaque", "--date", "none", "--to", KEK, "--to", lab.crt("x25519"), "--to", lab.crt("rsa")),
        ("--key", X25519, *TRUST)),
    "TUN-44: encrypted, then signed": (
        ("--sign-with", SIGNER, "--date", "none", "--to", lab.crt("rsa"), "--order", "encrypt-sign"),
        ("--key", RSA, *TRUST)),
    "RSA v1.5 signature, shared key": (
        ("--sign-with", RSA, "--rsa-signature", "v1.5", "--date", "none", "--to", KEK, "--cipher", "aes-256-cbc"),
        ("--key", KEK, *TRUST)),
}
# What the profile refuses: hop by hop (TUN-81), and a Contact that is no SIP URI, which has no stand-in (TUN-42).
PCSCF_REFUSES = {"call-2-trying.sip": POLICY, "cancel-2-cancel.sip": POLICY, "cancel-3-ok.sip": POLICY,
                 "options-2-ok.sip": MALFORMED, "register-4-ok.sip": MALFORMED}


def judge(name, octets, sealing, opening):
    sealed = sipveil("seal", "--quiet", *sealing, stdin=octets)
    if "pcscf" in sealing and name in PCSCF_REFUSES:
        refused = sealed.code == PCSCF_REFUSES[name] and not sealed.out
        return [] if refused else ["%s: should be refused: %r" % (name, sealed)]
    if sealed.code == POLICY and octets.startswith(b"MESSAGE ") and b"SIP/2.0/UDP" in octets:
        return [] if "1300" in sealed.err and "hint: " in sealed.err else ["%s: %r" % (name, sealed)]  # TUN-59
    if sealed.code != OK:
        return ["%s: seal: %r" % (name, sealed)]
    opened = sipveil("open", "--quiet", *opening, stdin=sealed.out)
    if opened.code != OK:
        return ["%s: open: %r" % (name, opened)]
    return [] if opened.out == octets else ["%s: other octets came out: %r" % (name, opened.out)]


def main():
    cases = Cases()
    flows = [(path.name, path.read_bytes()) for path in sorted((SOURCE / "vectors" / "flows").glob("*.sip"))]
    for form, (sealing, opening) in FORMS.items():
        wrong = in_parallel(lambda flow: judge(*flow, sealing, opening), flows)
        cases.case("%s: %d messages" % (form, len(flows)), [line for lines in wrong for line in lines])
    cases.leave()


if __name__ == "__main__":
    main()
