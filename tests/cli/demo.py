"""./demo, with the program under test: a call captured from SIPp goes through the P-CSCF profile and comes out as it was."""
import os

from lab import PROGRAM, SOURCE, Cases, Lab, execute, have


def main():
    cases = Cases()
    if not have("sipp"):
        cases.skip("./demo", "SIPp is not installed")
        cases.leave()
    work = Lab().path("work")
    done = execute([SOURCE / "demo"], env=dict(os.environ, SIPVEIL_DEMO_PROGRAM=PROGRAM, SIPVEIL_DEMO_WORK=str(work)))
    told = done.out.decode("utf-8", "replace")
    cases.case("./demo ends well", [] if done.code == 0 else [repr(done), told])
    cases.case("what came out is what went in, twice",
               [] if told.count("(no difference)") == 2 and (work / "opened.sip").exists() and
               (work / "opened.sip").read_bytes() == (work / "call" / "1-INVITE.sip").read_bytes() else told)
    cases.case("a changed message is refused, and nothing is written",
               [] if "(exit code 5)" in told and not (work / "never.sip").exists() else told)
    cases.case("the plaintext is not in what is sent", [
        name for name in ("sealed.sip", "both.sip") if b"Performance Test" in (work / name).read_bytes()])
    cases.leave()


if __name__ == "__main__":
    main()
