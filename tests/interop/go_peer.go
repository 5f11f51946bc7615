// SPDX-License-Identifier: BSD-2-Clause

// The Go package pkcs7 as a program: go_peer VERB WORD... with the content on standard input and the result on
// standard output; what goes wrong is said on standard error, exit code 1.
package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fullsailor/pkcs7"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func block(path string) []byte {
	octets, err := os.ReadFile(path)
	fail(err)
	found, _ := pem.Decode(octets)
	if found == nil {
		fail(errors.New("no PEM in the file"))
	}
	return found.Bytes
}

func certificate(path string) *x509.Certificate {
	found, err := x509.ParseCertificate(block(path))
	fail(err)
	return found
}

func key(path string) crypto.PrivateKey {
	found, err := x509.ParsePKCS8PrivateKey(block(path))
	fail(err)
	return found
}

// encrypt CIPHER CERTIFICATE...
func encrypt(content []byte, words []string) []byte {
	switch words[0] {
	case "aes-128-cbc":
		pkcs7.ContentEncryptionAlgorithm = pkcs7.EncryptionAlgorithmAES128CBC
	case "aes-256-cbc":
		pkcs7.ContentEncryptionAlgorithm = pkcs7.EncryptionAlgorithmAES256CBC
	default:
		fail(errors.New("no cipher " + words[0]))
	}
	var to []*x509.Certificate
	for _, path := range words[1:] {
		to = append(to, certificate(path))
	}
	der, err := pkcs7.Encrypt(content, to)
	fail(err)
	return der
}

// decrypt CERTIFICATE KEY
func decrypt(der []byte, words []string) []byte {
	parsed, err := pkcs7.Parse(der)
	fail(err)
	content, err := parsed.Decrypt(certificate(words[0]), key(words[1]))
	fail(err)
	return content
}

// sign opaque|detached DIGEST CERTIFICATE KEY [DIGEST CERTIFICATE KEY]...
func sign(content []byte, words []string) []byte {
	signed, err := pkcs7.NewSignedData(content)
	fail(err)
	for i := 1; i+2 < len(words); i += 3 {
		switch words[i] {
		case "sha384":
			signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA384)
		case "sha512":
			signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA512)
		default:
			signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
		}
		fail(signed.AddSigner(certificate(words[i+1]), key(words[i+2]), pkcs7.SignerInfoConfig{}))
	}
	if words[0] == "detached" {
		signed.Detach()
	}
	der, err := signed.Finish()
	fail(err)
	return der
}

// verify CA [CONTENT]
func verify(der []byte, words []string) []byte {
	parsed, err := pkcs7.Parse(der)
	fail(err)
	if len(words) > 1 {
		parsed.Content, err = os.ReadFile(words[1])
		fail(err)
	}
	authorities := x509.NewCertPool()
	authorities.AddCert(certificate(words[0]))
	fail(parsed.VerifyWithChain(authorities))
	return parsed.Content
}

// certs-only CERTIFICATE...
func certsOnly(words []string) []byte {
	var all []byte
	for _, path := range words {
		all = append(all, block(path)...)
	}
	der, err := pkcs7.DegenerateCertificate(all)
	fail(err)
	return der
}

func main() {
	octets, err := io.ReadAll(os.Stdin)
	fail(err)
	var out []byte
	switch words := os.Args[2:]; os.Args[1] {
	case "encrypt":
		out = encrypt(octets, words)
	case "decrypt":
		out = decrypt(octets, words)
	case "sign":
		out = sign(octets, words)
	case "verify":
		out = verify(octets, words)
	case "certs-only":
		out = certsOnly(words)
	default:
		fail(errors.New("no verb " + os.Args[1]))
	}
	_, err = os.Stdout.Write(out)
	fail(err)
}
