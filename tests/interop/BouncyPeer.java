/* SPDX-License-Identifier: BSD-2-Clause */
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.cms.*;
import org.bouncycastle.asn1.cms.ecc.ECCCMSSharedInfo;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.crypto.agreement.X25519Agreement;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.engines.AESEngine;
import org.bouncycastle.crypto.engines.RFC3394WrapEngine;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.X25519PrivateKeyParameters;
import org.bouncycastle.crypto.params.X25519PublicKeyParameters;
import org.bouncycastle.jcajce.interfaces.XDHPrivateKey;
import org.bouncycastle.jcajce.interfaces.XDHPublicKey;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.operator.GenericKey;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.util.Pack;
import org.bouncycastle.util.Store;
import org.bouncycastle.util.encoders.Hex;

/**
 * BouncyCastle as a peer. Each line of standard input is one order, words parted by tabs: a verb, then name=value; the
 * answer is one line, "ok" with what there is to say, or "error" with BouncyCastle's own words.
 */
public final class BouncyPeer {
    private static final Map<String, ASN1ObjectIdentifier> CIPHERS = Map.of(
        "aes-128-cbc", CMSAlgorithm.AES128_CBC, "aes-192-cbc", CMSAlgorithm.AES192_CBC,
        "aes-256-cbc", CMSAlgorithm.AES256_CBC, "aes-128-gcm", CMSAlgorithm.AES128_GCM,
        "aes-256-gcm", CMSAlgorithm.AES256_GCM, "aes-128-ccm", CMSAlgorithm.AES128_CCM,
        "aes-256-ccm", CMSAlgorithm.AES256_CCM, "3des", CMSAlgorithm.DES_EDE3_CBC);
    private static final Map<String, ASN1ObjectIdentifier> AGREEMENTS = Map.of(
        "x963-sha256", CMSAlgorithm.ECDH_SHA256KDF, "x963-sha384", CMSAlgorithm.ECDH_SHA384KDF,
        "x963-sha512", CMSAlgorithm.ECDH_SHA512KDF, "cofactor", CMSAlgorithm.ECCDH_SHA256KDF);

    private final Map<String, String> order = new TreeMap<>();

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line; (line = in.readLine()) != null;) {
            String answer;
            try {
                answer = "ok\t" + new BouncyPeer().obey(line.split("\t"));
            } catch (Throwable trouble) {
                answer = "error\t" + words(trouble);
            }
            System.out.println(answer.replace("\n", " "));
            System.out.flush();
        }
    }

    /** The exception and what it was caused by, each once. */
    private static String words(Throwable trouble) {
        StringBuilder text = new StringBuilder();
        for (Throwable t = trouble; t != null; t = t.getCause()) {
            String message = t.getMessage() == null ? t.getClass().getSimpleName() : t.getMessage();
            if (text.indexOf(message) < 0) text.append(text.length() == 0 ? "" : ": ").append(message);
        }
        return text.toString();
    }

    private String obey(String[] words) throws Exception {
        for (int i = 1; i < words.length; i++) {
            int equals = words[i].indexOf('=');
            order.put(words[i].substring(0, equals), words[i].substring(equals + 1));
        }
        switch (words[0]) {
            case "version": return new BouncyCastleProvider().getVersionStr();
            case "encrypt": return encrypt();
            case "decrypt": return decrypt();
            case "sign": return sign();
            case "verify": return verify();
            case "compress": return compress();
            case "expand": return write(new CMSCompressedData(read("in")).getContent(new ZlibExpanderProvider()));
            case "certs-only": return certsOnly();
            case "read-certs": return readCerts();
            default: throw new IllegalArgumentException("no verb " + words[0]);
        }
    }

    // ---- files ----

    private byte[] read(String name) throws Exception {
        return Files.readAllBytes(Path.of(order.get(name)));
    }

    private String write(byte[] octets) throws Exception {
        Files.write(Path.of(order.get("out")), octets);
        return octets.length + " octets";
    }

    private boolean has(String name) {
        return order.containsKey(name);
    }

    private static List<X509CertificateHolder> holders(String file) throws Exception {
        List<X509CertificateHolder> found = new ArrayList<>();
        try (PEMParser parser = new PEMParser(new FileReader(file))) {
            for (Object object; (object = parser.readObject()) != null;) {
                if (object instanceof X509CertificateHolder) found.add((X509CertificateHolder) object);
            }
        }
        return found;
    }

    private static X509Certificate certificate(String file) throws Exception {
        return new JcaX509CertificateConverter().setProvider("BC").getCertificate(holders(file).get(0));
    }

    private static PrivateKey key(String file) throws Exception {
        try (PEMParser parser = new PEMParser(new FileReader(file))) {
            for (Object object; (object = parser.readObject()) != null;) {
                JcaPEMKeyConverter converter = new JcaPEMKeyConverter().setProvider("BC");
                if (object instanceof PEMKeyPair) return converter.getPrivateKey(((PEMKeyPair) object).getPrivateKeyInfo());
                if (object instanceof PrivateKeyInfo) {
                    return converter.getPrivateKey((PrivateKeyInfo) object);
                }
            }
        }
        throw new IllegalArgumentException("no private key in the file");
    }

    // ---- recipients: "kind:more:more", several parted by ";" ----

    private static RecipientInfoGenerator generator(String recipient) throws Exception {
        String[] w = recipient.split(":");
        switch (w[0]) {
            case "kek":
                return new JceKEKRecipientInfoGenerator(Hex.decode(w[1]), new SecretKeySpec(Hex.decode(w[2]), "AES"))
                    .setProvider("BC");
            case "oaep":
                OAEPParameterSpec spec = new OAEPParameterSpec("SHA-" + w[2], "MGF1", new MGF1ParameterSpec("SHA-" + w[2]),
                    PSource.PSpecified.DEFAULT);
                return new JceKeyTransRecipientInfoGenerator(certificate(w[1]), new JcaAlgorithmParametersConverter()
                    .getAlgorithmIdentifier(PKCSObjectIdentifiers.id_RSAES_OAEP, spec)).setProvider("BC");
            case "v1.5":
                return new JceKeyTransRecipientInfoGenerator(certificate(w[1])).setProvider("BC");
            case "kari":
                if (certificate(w[1]).getPublicKey() instanceof XDHPublicKey) return new X25519Generator(holders(w[1]).get(0));
                return agreement(certificate(w[1]), AGREEMENTS.get(w[2]));
            case "password":
                return new JcePasswordRecipientInfoGenerator(CMSAlgorithm.AES256_CBC, w[1].toCharArray()).setProvider("BC")
                    .setPRF(PasswordRecipient.PRF.HMacSHA256).setSaltAndIterationCount(salt(), 20000);
            default:
                throw new IllegalArgumentException("no recipient kind " + w[0]);
        }
    }

    private static byte[] salt() {
        byte[] salt = new byte[16];
        new SecureRandom().nextBytes(salt);
        return salt;
    }

    private static RecipientInfoGenerator agreement(X509Certificate to, ASN1ObjectIdentifier scheme) throws Exception {
        PublicKey theirs = to.getPublicKey();
        KeyPairGenerator pairs = KeyPairGenerator.getInstance(theirs.getAlgorithm(), "BC");
        if (theirs instanceof ECPublicKey) pairs.initialize(((ECPublicKey) theirs).getParams());
        KeyPair pair = pairs.generateKeyPair();
        return new JceKeyAgreeRecipientInfoGenerator(scheme, pair.getPrivate(), pair.getPublic(), CMSAlgorithm.AES256_WRAP)
            .addRecipient(to).setProvider("BC");
    }

    /** The recipient that the words name: id to find it by, and how to get at the key. */
    private static Recipient recipient(String recipient, boolean authenticated) throws Exception {
        String[] w = recipient.split(":");
        switch (w[0]) {
            case "kek": return new JceKEKEnvelopedRecipient(new SecretKeySpec(Hex.decode(w[2]), "AES")).setProvider("BC");
            case "rsa":
                return authenticated ? new JceKeyTransAuthEnvelopedRecipient(key(w[1])).setProvider("BC")
                                     : new JceKeyTransEnvelopedRecipient(key(w[1])).setProvider("BC");
            case "kari":
                if (key(w[1]) instanceof XDHPrivateKey) return new X25519Recipient((XDHPrivateKey) key(w[1]));
                return new JceKeyAgreeEnvelopedRecipient(key(w[1])).setProvider("BC");
            case "password":
                return new JcePasswordEnvelopedRecipient(w[1].toCharArray())
                    .setPasswordConversionScheme(PasswordRecipient.PKCS5_SCHEME2_UTF8).setProvider("BC");
            default: throw new IllegalArgumentException("no recipient kind " + w[0]);
        }
    }

    private static Iterable<RecipientInformation> fitting(RecipientInformationStore store, String recipient)
        throws Exception {
        String[] w = recipient.split(":");
        switch (w[0]) {
            case "kek": return store.getRecipients(new KEKRecipientId(Hex.decode(w[1])));
            case "rsa": return store.getRecipients(new JceKeyTransRecipientId(certificate(w[1])));
            case "kari": return store.getRecipients(new JceKeyAgreeRecipientId(certificate(w[1])));
            default: return store.getRecipients(new PasswordRecipientId());
        }
    }

    // ---- X25519 (RFC 8418): BouncyCastle has its parts, and no recipient made of them ----

    private static byte[] kek(byte[] shared, AlgorithmIdentifier wrap, byte[] ukm, int length) throws Exception {
        byte[] info = new ECCCMSSharedInfo(wrap, ukm, Pack.intToBigEndian(length * 8)).getEncoded("DER"), kek = new byte[length];
        HKDFBytesGenerator generator = new HKDFBytesGenerator(new SHA256Digest());
        generator.init(new HKDFParameters(shared, ukm, info));
        generator.generateBytes(kek, 0, length);
        return kek;
    }

    private static byte[] agree(X25519PrivateKeyParameters ours, byte[] theirs) {
        X25519Agreement agreement = new X25519Agreement();
        byte[] shared = new byte[agreement.getAgreementSize()];
        agreement.init(ours);
        agreement.calculateAgreement(new X25519PublicKeyParameters(theirs, 0), shared, 0);
        return shared;
    }

    /** dhSinglePass-stdDH-hkdf-sha256-scheme */
    private static final ASN1ObjectIdentifier HKDF_SHA256 = new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.3.19");
    private static final AlgorithmIdentifier X25519 = new AlgorithmIdentifier(EdECObjectIdentifiers.id_X25519);

    private static final class X25519Generator implements RecipientInfoGenerator {
        private final X509CertificateHolder to;

        X25519Generator(X509CertificateHolder to) {
            this.to = to;
        }

        @Override
        public RecipientInfo generate(GenericKey content) throws CMSException {
            try {
                AlgorithmIdentifier wrap = new AlgorithmIdentifier(CMSAlgorithm.AES256_WRAP);
                X25519PrivateKeyParameters once = new X25519PrivateKeyParameters(new SecureRandom());
                byte[] ukm = salt();
                byte[] shared = agree(once, to.getSubjectPublicKeyInfo().getPublicKeyData().getOctets());
                RFC3394WrapEngine engine = new RFC3394WrapEngine(new AESEngine());
                engine.init(true, new KeyParameter(kek(shared, wrap, ukm, 32)));
                Object key = content.getRepresentation();
                byte[] cek = key instanceof byte[] ? (byte[]) key : ((java.security.Key) key).getEncoded();
                RecipientEncryptedKey wrapped = new RecipientEncryptedKey(
                    new KeyAgreeRecipientIdentifier(new IssuerAndSerialNumber(to.toASN1Structure())),
                    new DEROctetString(engine.wrap(cek, 0, cek.length)));
                return new RecipientInfo(new KeyAgreeRecipientInfo(
                    new OriginatorIdentifierOrKey(new OriginatorPublicKey(X25519, once.generatePublicKey().getEncoded())),
                    new DEROctetString(ukm), new AlgorithmIdentifier(HKDF_SHA256,
                        wrap), new DERSequence(wrapped)));
            } catch (Exception trouble) {
                throw new CMSException("X25519", trouble);
            }
        }
    }

    private static final class X25519Recipient implements KeyAgreeRecipient {
        private final XDHPrivateKey ours;

        X25519Recipient(XDHPrivateKey ours) {
            this.ours = ours;
        }

        @Override
        public AlgorithmIdentifier getPrivateKeyAlgorithmIdentifier() {
            return X25519;
        }

        @Override
        public RecipientOperator getRecipientOperator(AlgorithmIdentifier agreement, AlgorithmIdentifier cipher,
            SubjectPublicKeyInfo theirs, ASN1OctetString ukm, byte[] wrapped) throws CMSException {
            try {
                if (!HKDF_SHA256.equals(agreement.getAlgorithm())) {
                    throw new IllegalArgumentException("scheme " + agreement.getAlgorithm());
                }
                AlgorithmIdentifier wrap = AlgorithmIdentifier.getInstance(agreement.getParameters());
                int length = CMSAlgorithm.AES128_WRAP.equals(wrap.getAlgorithm()) ? 16 : 32;
                byte[] scalar = ASN1OctetString.getInstance(
                    PrivateKeyInfo.getInstance(ours.getEncoded()).parsePrivateKey()).getOctets();
                byte[] shared = agree(new X25519PrivateKeyParameters(scalar, 0), theirs.getPublicKeyData().getOctets());
                byte[] kek = kek(shared, wrap, ukm == null ? null : ukm.getOctets(), length);
                JceKEKEnvelopedRecipient unwrapping = new JceKEKEnvelopedRecipient(new SecretKeySpec(kek, "AES"));
                unwrapping.setProvider("BC");
                return unwrapping.getRecipientOperator(wrap, cipher, wrapped);
            } catch (Exception trouble) {
                throw new CMSException("X25519", trouble);
            }
        }
    }

    // ---- enveloped ----

    private static CMSAttributeTableGenerator attributes() {
        return new SimpleAttributeTableGenerator(new AttributeTable(new Attribute(
            new ASN1ObjectIdentifier("1.3.6.1.4.1.32473.1"),
            new DERSet(new DERUTF8String("authenticated beside the content")))));
    }

    private String encrypt() throws Exception {
        String cipher = order.get("cipher");
        boolean aead = !cipher.endsWith("-cbc") && !cipher.equals("3des");
        OutputEncryptor encryptor = new JceCMSContentEncryptorBuilder(CIPHERS.get(cipher)).setProvider("BC").build();
        String[] recipients = order.get("to").split(";");
        if (has("ber")) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            if (aead) throw new UnsupportedOperationException("no stream generator for AuthEnvelopedData");
            try (OutputStream stream = ber(out, encryptor, recipients)) {
                stream.write(read("in"));
            }
            return write(out.toByteArray());
        }
        CMSTypedData content = new CMSProcessableByteArray(read("in"));
        if (!aead) {
            CMSEnvelopedDataGenerator generator = new CMSEnvelopedDataGenerator();
            for (String to : recipients) generator.addRecipientInfoGenerator(generator(to));
            return write(generator.generate(content, encryptor).toASN1Structure().getEncoded("DER"));
        }
        CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
        for (String to : recipients) generator.addRecipientInfoGenerator(generator(to));
        if (has("auth-attrs")) generator.setAuthenticatedAttributeGenerator(attributes());
        return write(generator.generate(content, (OutputAEADEncryptor) encryptor).toASN1Structure().getEncoded("DER"));
    }

    private static OutputStream ber(OutputStream out, OutputEncryptor encryptor, String[] recipients) throws Exception {
        CMSEnvelopedDataStreamGenerator generator = new CMSEnvelopedDataStreamGenerator();
        generator.setBufferSize(100);
        generator.setBEREncodeRecipients(true);
        for (String to : recipients) generator.addRecipientInfoGenerator(generator(to));
        return generator.open(out, encryptor);
    }

    private String decrypt() throws Exception {
        byte[] der = read("in");
        ASN1ObjectIdentifier type = ContentInfo.getInstance(der).getContentType();
        boolean authenticated = CMSObjectIdentifiers.authEnvelopedData.equals(type);
        RecipientInformationStore store = authenticated ? new CMSAuthEnvelopedData(der).getRecipientInfos()
                                                        : new CMSEnvelopedData(der).getRecipientInfos();
        for (RecipientInformation info : fitting(store, order.get("key"))) {
            return write(info.getContent(recipient(order.get("key"), authenticated)));
        }
        throw new IllegalArgumentException("no recipient fits");
    }

    // ---- signed: "algorithm:certificate:key", several parted by ";" ----

    private String sign() throws Exception {
        List<X509Certificate> certificates = new ArrayList<>();
        List<SignerInfoGenerator> signers = new ArrayList<>();
        for (String signer : order.get("signer").split(";")) {
            String[] w = signer.split(":");
            X509Certificate certificate = certificate(w[1]);
            certificates.add(certificate);
            signers.add(new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build())
                .build(new JcaContentSignerBuilder(w[0]).setProvider("BC").build(key(w[2])), certificate));
        }
        byte[] content = read("in");
        if (has("ber")) {
            CMSSignedDataStreamGenerator generator = new CMSSignedDataStreamGenerator();
            generator.setBufferSize(100);
            for (SignerInfoGenerator signer : signers) generator.addSignerInfoGenerator(signer);
            generator.addCertificates(new JcaCertStore(certificates));
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            try (OutputStream stream = generator.open(out, !has("detached"))) {
                stream.write(content);
            }
            return write(out.toByteArray());
        }
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        for (SignerInfoGenerator signer : signers) generator.addSignerInfoGenerator(signer);
        generator.addCertificates(new JcaCertStore(certificates));
        CMSSignedData signed = generator.generate(new CMSProcessableByteArray(content), !has("detached"));
        return write(signed.toASN1Structure().getEncoded("DER"));
    }

    private String verify() throws Exception {
        CMSSignedData signed = has("content")
            ? new CMSSignedData(new CMSProcessableByteArray(read("content")), read("in")) : new CMSSignedData(read("in"));
        PublicKey authority = certificate(order.get("ca")).getPublicKey();
        Store<X509CertificateHolder> store = signed.getCertificates();
        int count = 0;
        for (SignerInformation signer : signed.getSignerInfos()) {
            @SuppressWarnings("unchecked")
            Collection<X509CertificateHolder> found = store.getMatches(signer.getSID());
            if (found.isEmpty() && has("cert")) found = List.of(holders(order.get("cert")).get(0));
            if (found.isEmpty()) throw new IllegalArgumentException("no certificate of the signer");
            X509CertificateHolder holder = found.iterator().next();
            if (!holder.isSignatureValid(new JcaContentVerifierProviderBuilder().setProvider("BC").build(authority))) {
                throw new IllegalArgumentException("the certificate is not the authority's");
            }
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(holder))) {
                throw new IllegalArgumentException("the signature does not verify");
            }
            if (signer.getSignedAttributes() == null) throw new IllegalArgumentException("no signed attributes");
            count++;
        }
        if (count == 0) throw new IllegalArgumentException("no signer");
        write(has("content") ? read("content") : (byte[]) signed.getSignedContent().getContent());
        return count + " signers";
    }

    private String certsOnly() throws Exception {
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        List<X509Certificate> certificates = new ArrayList<>();
        for (String file : order.get("certs").split(";")) certificates.add(certificate(file));
        generator.addCertificates(new JcaCertStore(certificates));
        return write(generator.generate(new CMSAbsentContent()).toASN1Structure().getEncoded("DER"));
    }

    private String readCerts() throws Exception {
        CMSSignedData signed = new CMSSignedData(read("in"));
        if (signed.getSignerInfos().size() != 0) throw new IllegalArgumentException("there are signers");
        return signed.getCertificates().getMatches(null).size() + " certificates";
    }

    // ---- compressed ----

    private String compress() throws Exception {
        if (has("ber")) {
            CMSCompressedDataStreamGenerator generator = new CMSCompressedDataStreamGenerator();
            generator.setBufferSize(100);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            try (OutputStream stream = generator.open(out, new ZlibCompressor())) {
                stream.write(read("in"));
            }
            return write(out.toByteArray());
        }
        CMSCompressedData made = new CMSCompressedDataGenerator()
            .generate(new CMSProcessableByteArray(read("in")), new ZlibCompressor());
        return write(made.toASN1Structure().getEncoded("DER"));
    }
}
