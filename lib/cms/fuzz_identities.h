/* SPDX-License-Identifier: BSD-2-Clause */
/* TEST ONLY: keys and certificates made for the fuzz targets, published, trusted by nobody. */
#ifndef SV_CMS_FUZZ_IDENTITIES_H
#define SV_CMS_FUZZ_IDENTITIES_H

static const char fuzz_p256_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8LStivv+3mArfZ6Z\n"
    "EIx7T/pnxYRv4hdAlwMAcnXMD5GhRANCAAReUwioY9TvFlPJtuMCCUFzWEtmqLco\n"
    "iNFH7eN+9ekom9JtE+3rlU+WtDEf+DcyatZcRDfjcxe9TiH4dGte0R5o\n"
    "-----END PRIVATE KEY-----\n";
static const char fuzz_p256_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBHDCBw6ADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBEZVWlowIBcN\n"
    "MjYwMTAxMDAwMDAwWhgPMjEwMDAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBEZVWlow\n"
    "WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAReUwioY9TvFlPJtuMCCUFzWEtmqLco\n"
    "iNFH7eN+9ekom9JtE+3rlU+WtDEf+DcyatZcRDfjcxe9TiH4dGte0R5oow4wDDAK\n"
    "BgNVHQ4EAwQBATAKBggqhkjOPQQDAgNIADBFAiEAqSg5lfe/ynbrknMTT1SsQ9JS\n"
    "HQ1P9dTrMLAp10dEmA8CIFL4dJ0Nq2Kp9+3oU83bAZCMc2WoTxd6pc0cVlHWADWv\n"
    "-----END CERTIFICATE-----\n";
static const char fuzz_rsa_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDFaPhswo6QNXDS\n"
    "9GzrzP2Y/dHFFfmNcv4Jf0Kz76dgC9pjOXeeeRiMyUa+nXqzrkSr1TXMlHRlkRV5\n"
    "0RclYkO8YKXtHDZF8LYr34Kt6/CdnobNCYqLXDufXuxV/PCY2xxz0N/1R2Uaqxsm\n"
    "jCjIp81H5Nb0dAA/7MDgWSh5Ss6PTvcFlscHBwg4kzZf5CVGx6SR/zSlPVekpOi9\n"
    "VGJ383iEAWtsOEPIlXd52sfX7tQ1Gg8GqufwZB/tTwf+RlZ2Bn5VgYbB4xIztDMM\n"
    "X34J73zLDI9fm5y2voTFBL1kdORPsMHR3ikYkWHDD2ebw0OaKf1uxLa1qRFRuP9A\n"
    "3OTJAy65AgMBAAECggEALpzoae/vr0P7Ici2zl/vMpieV1nmvNxd+TqcMrYgMKjj\n"
    "1oGbiecgoZ+mLXysXDCGRQe5ZhbYvCHLryGsxDZFdb3heBEtDIs3zLjAV9ZqEKG9\n"
    "xTzfQqRS7MECb5Rj8EfumjdEJpvG1wr3hHzcZXLf4T269upMI8wAyAitaqR8DTDH\n"
    "C8TcFruuzVKwGKfvoOimuaSTUiw8YxRGPOlsZAPNagTJm94sZNXYZQitIeyFaia9\n"
    "+6hDv0qxbZB0AvgcSTuoNfKY1X6SZ98Wbv9P/n91YFraiywQCJcvyyt3RpbdLjid\n"
    "xoJiN36lQqPP/Swy1MMyRm+ctNkdXfSyEc4o2V/MjQKBgQDsqqK6fAYAyaikYKB6\n"
    "sQKvWB9Sb14h/TRoy/xhREdehkArnGICEEMo88Lz4acyXmN2hHy6J/65Pf/aQOiZ\n"
    "SZdNUbKbFpfSnd0fu+FnJTnMQ/eJvsmje/xsyIBiotLo2thHvKduYTPd+TkrHGYM\n"
    "TfJ40GiUcp1fdLkOIyTrR8U05QKBgQDViV7g1rm4MiqIBBYKOz2zEc99c2Hcl+Py\n"
    "3Dx8AqoScTjkDZiJ1uOgJ0qzBvku9fK5NSOpxKIvXVgtRg4zIvbg8/JXyf2919Bl\n"
    "MFhjTP1jq+6hndlWATSOor7vOKhqzFdXd/HC/FXuAb40ktlI7uv2BwixPHGeBMjr\n"
    "TilIrOJpRQKBgDXGM8Fhqs+FAo+O8QfProd+42cMrPvWF5F0P/0t0XWV1YDTQKWt\n"
    "YkUs1fAqJp5YOgtU4S4/Ji6a+sZxlyg1Q26rEIUSph6SBgtO2lFgcPiLvPQMaK5/\n"
    "3oQtLpa63mdQSnJKWFTJO0rFdQrpofpLv7tZx1lrjXyB/gZLT/kxzopNAoGATGV8\n"
    "W2aXRW41RzpnBDwTo/hQSqq4LWruM9pVjWyKmlSFrRmsJEyMXaURFaH+Dq4Rq+92\n"
    "Fevyto1n2bLBq8vrlanRX1U2AfCvbzRvuv81fK5rjsjhk+KUgh95vi6AGs2GxhV0\n"
    "mnUa7S8UdMzBDlXkd74mfvqID6fYlk79eDHaQx0CgYEAqse7e8cSNIfpqDWOzBRq\n"
    "ztlaoPXcnHGqPTQYC2zgGL5ZVuLjsyjt68gZ6RpKeuQAYMQFgfxdEEBi9tRwHamu\n"
    "XkpJx1XxOJC1QorkzdSGDpJ+R9xpI002e0eJQZpcYMsV//VsBU0SYW7lIeQhsMxo\n"
    "YuExS0ep6VCOhq5axeyicEk=\n"
    "-----END PRIVATE KEY-----\n";
static const char fuzz_rsa_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICqTCCAZGgAwIBAgIBBTANBgkqhkiG9w0BAQsFADAPMQ0wCwYDVQQDDARGVVpa\n"
    "MCAXDTI2MDEwMTAwMDAwMFoYDzIxMDAwMTAxMDAwMDAwWjAPMQ0wCwYDVQQDDARG\n"
    "VVpaMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxWj4bMKOkDVw0vRs\n"
    "68z9mP3RxRX5jXL+CX9Cs++nYAvaYzl3nnkYjMlGvp16s65Eq9U1zJR0ZZEVedEX\n"
    "JWJDvGCl7Rw2RfC2K9+CrevwnZ6GzQmKi1w7n17sVfzwmNscc9Df9UdlGqsbJowo\n"
    "yKfNR+TW9HQAP+zA4FkoeUrOj073BZbHBwcIOJM2X+QlRsekkf80pT1XpKTovVRi\n"
    "d/N4hAFrbDhDyJV3edrH1+7UNRoPBqrn8GQf7U8H/kZWdgZ+VYGGweMSM7QzDF9+\n"
    "Ce98ywyPX5uctr6ExQS9ZHTkT7DB0d4pGJFhww9nm8NDmin9bsS2takRUbj/QNzk\n"
    "yQMuuQIDAQABow4wDDAKBgNVHQ4EAwQBBTANBgkqhkiG9w0BAQsFAAOCAQEAGzT4\n"
    "t44AzVmHdK4ZLBWc5LaEvtzMuiNBmB4NgiZbz6EQ0eGM3AU+4MsnSLJpKltDtQv2\n"
    "S/kVAWDFqzqxLnVPU198UrP1aC+xNr6h/x+tnn/DH2RWLvXe8pap3eLnznKh4EEl\n"
    "YXRjzO/dziGMu2Ihj06fLJEXDvTrcMRF5rr2qKE7whou6Ldcb/2J4uVNDrpW+99/\n"
    "9KCwVhxhfo2G/ZUft/EcXIzpjmUcCd8IH+vN3LwPfqZO8asbJ4mw7gq9VQS43hpp\n"
    "z1TVlSRz4yx24iU/PcoDXQ0ctPNFS90S9esOJAn5eFoltJuOin3d0r/QRTjSAcNc\n"
    "fcIPulVTMMATedeIFw==\n"
    "-----END CERTIFICATE-----\n";
static const char fuzz_p384_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCc2QMmmQ/Q5m6NwkxY\n"
    "GtdbRcI0zSLw9obSjzs+5KYgOvHUhT3OtT+J2CHXumK6JFehZANiAASwkMnKE3Z/\n"
    "Qj8udhvR4QeOp6jfIS4MKle+mN6tyXbHD+f5vu0wApjow5fLcRjHSnKFgI4jbEbZ\n"
    "n8iYOiwQKU8WVijE1zVsYIqIkWZa6239LIcGFxRZUcMXOJaZ/3iutl4=\n"
    "-----END PRIVATE KEY-----\n";
static const char fuzz_p521_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBIdzd+xNJZV5DAt13\n"
    "Rl5btW7MimBtcg5eUvJttICA3K2uwz0MuOi5U/SxfqIBcq0Grq/5qaIPbXkG8GK3\n"
    "E0hhcGihgYkDgYYABAA4eOdmOp3ITXLIIIjzQHuJ6bOAbehAgH7snjKtPTsPKNEO\n"
    "SqmJetP2h/tFrlYVsjmaVE7QcK63Pr3I8Iz1rbHipAHR7pD1dB3TIs/tfr4h77GJ\n"
    "ysAfJf5asLaIN4O0VaK695NZqcIfCF1KSlJBlh6u25GMksyRfy8x8FQWjBMrEDV4\n"
    "eA==\n"
    "-----END PRIVATE KEY-----\n";
static const char fuzz_x25519_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VuBCIEIEikrbJLE2GeHjHNFm3wZvNHlPSykcfqVmjqQRz9jW5t\n"
    "-----END PRIVATE KEY-----\n";
static const char fuzz_signer_key[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIDAseN5JBD2S2Yh02fi3szZApGtQU1KJKIh8twRe5by1oAoGCCqGSM49\n"
    "AwEHoUQDQgAECRCp9SVdLmNlTxClpjktqWEjw/IxIAyTAHZEtXK9xA9AfEhKUuxR\n"
    "mpQvPOZYeYPD5F7dICIHTS/+dP9dSn8bSw==\n"
    "-----END EC PRIVATE KEY-----\n";
static const char fuzz_signer_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBhTCCASygAwIBAgICEjQwCgYIKoZIzj0EAwIwIDEeMBwGA1UEAwwVVEVTVCBP\n"
    "TkxZIGZ1enogc2lnbmVyMCAXDTI2MTEyMTA0NDcxNloYDzIxMDAxMDI0MDQ0NzE2\n"
    "WjAgMR4wHAYDVQQDDBVURVNUIE9OTFkgZnV6eiBzaWduZXIwWTATBgcqhkjOPQIB\n"
    "BggqhkjOPQMBBwNCAAQJEKn1JV0uY2VPEKWmOS2pYSPD8jEgDJMAdkS1cr3ED0B8\n"
    "SEpS7FGalC885lh5g8PkXt0gIgdNL/50/11KfxtLo1QwUjAkBgNVHREEHTAbhhlz\n"
    "aXA6YWxpY2VAYXRsYW50YS5leGFtcGxlMB0GA1UdDgQWBBTYiicGYxRA8GYBVWp6\n"
    "tGqqD7+94zALBgNVHQ8EBAMCB4AwCgYIKoZIzj0EAwIDRwAwRAIgAhvHrl80c/WX\n"
    "ufGErM/TFC+itCtRVeAgGr0aewUoYJYCIFynMS1/BIopOpLr+wxvdQuY4BuLj1jK\n"
    "B/3QCIUPc3/d\n"
    "-----END CERTIFICATE-----\n";

/* What the seeds sign without holding it. */
static const char fuzz_detached_text[] = "Content-Type: text/plain\r\n\r\ndetached";

#endif
