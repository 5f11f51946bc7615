"""All peers."""
from peer_bouncycastle import BouncyCastle
from peer_gnupg import Gpgsm
from peer_languages import Go, PythonCryptography
from peer_openssl import OpenSSL
from peer_tools import NSS, GnuTLS

ALL = (OpenSSL, BouncyCastle, Gpgsm, NSS, GnuTLS, PythonCryptography, Go)
