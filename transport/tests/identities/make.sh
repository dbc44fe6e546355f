#!/bin/sh
# Makes the files beside it again, with OpenSSL 3. They are test material and belong to nobody. They cannot expire:
# the tests say what time it is. Valid from 2024-01-01 to 2029-01-01, like a merchant certificate for five years.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cat >"$work/ca.cnf" <<EOF
[ca]
default_ca = self
[self]
database = $work/index
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[version_3]
basicConstraints = critical, CA:FALSE
EOF

# certificate <key> <certificate> [extensions]: signed by itself; without extensions it is X.509 version 1
certificate() {
    openssl req -new -key "$1" -subj /CN=1900000109 -out "$work/request"
    : >"$work/index"
    openssl ca -batch -notext -config "$work/ca.cnf" -selfsign -keyfile "$1" -in "$work/request" -out "$2" \
        -startdate 20240101000000Z -enddate 20290101000000Z ${3:+-extensions $3}
}

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa-1024.key.pem
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key.pem
certificate rsa.key.pem rsa.cert.pem version_3
certificate rsa-1024.key.pem rsa-1024.cert.pem version_3
certificate ec.key.pem ec.cert.pem version_3
certificate ec.key.pem ec-version-1.cert.pem

openssl pkey -in rsa.key.pem -traditional -out rsa.pkcs1.pem
openssl pkey -in ec.key.pem -traditional -out ec.sec1.pem
openssl pkey -in rsa.key.pem -aes256 -passout pass:1900000109 -out rsa.encrypted.pem
openssl pkey -in rsa.key.pem -traditional -aes256 -passout pass:1900000109 -out rsa.encrypted-pkcs1.pem

# More kinds of keys. The one of P-521 is of a kind that ring does not have.
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out rsa-4096.key.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2047 -out rsa-2047.key.pem
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out ec-521.key.pem
for name in rsa-4096 rsa-2047 ec-521; do certificate $name.key.pem $name.cert.pem version_3; done

# The binary form of both.
openssl x509 -in ec.cert.pem -outform DER -out ec.cert.der
openssl pkey -in ec.key.pem -outform DER -out ec.key.der

# p12 <file> <key> <certificate> [options]
p12() {
    file=$1 key=$2 certificate=$3
    shift 3
    openssl pkcs12 -export -inkey "$key" -in "$certificate" -passout "pass:${password-1900000109}" -out "$file" "$@"
}

# RC2-40 for the certificates, 3DES for the key and SHA-1 for the checksum, as the merchant platform gives them out.
p12 rsa.legacy.p12 rsa.key.pem rsa.cert.pem -legacy
p12 ec.legacy.p12 ec.key.pem ec.cert.pem -legacy
p12 rsa.p12 rsa.key.pem rsa.cert.pem
p12 ec.p12 ec.key.pem ec.cert.pem
p12 ec.plain.p12 ec.key.pem ec.cert.pem -keypbe NONE -certpbe NONE -nomac
p12 ec.no-checksum.p12 ec.key.pem ec.cert.pem -nomac
password= p12 ec.no-password.p12 ec.key.pem ec.cert.pem
p12 ec.no-key.p12 ec.key.pem ec.cert.pem -nokeys
openssl pkcs12 -export -inkey ec.key.pem -nocerts -passout pass:1900000109 -out ec.no-certificate.p12
p12 ec-version-1.p12 ec.key.pem ec-version-1.cert.pem
p12 rsa-1024.p12 rsa-1024.key.pem rsa-1024.cert.pem
p12 ec-521.p12 ec-521.key.pem ec-521.cert.pem
# Camellia, and AES for both with 10,000,000 rounds, in all of it and in the checksum only.
p12 ec.camellia.p12 ec.key.pem ec.cert.pem -keypbe CAMELLIA-256-CBC -certpbe CAMELLIA-256-CBC
p12 ec.slow.p12 ec.key.pem ec.cert.pem -iter 10000000 -nomaciter
p12 ec.slow-legacy.p12 ec.key.pem ec.cert.pem -legacy -iter 10000000 -nomaciter
p12 ec.slow-checksum.p12 ec.key.pem ec.cert.pem -iter 10000000 -keypbe NONE -certpbe NONE

# Taken apart again, with lines of text before each part.
openssl pkcs12 -in rsa.legacy.p12 -legacy -nodes -passin pass:1900000109 -out rsa.bag-attributes.pem

# By another tool: Java's, which makes its own keys.
java() {
    file=$1
    shift
    TZ=UTC keytool "$@" -genkeypair -alias merchant -dname CN=1900000109 -storetype PKCS12 -storepass 1900000109 \
        -startdate "2024/01/01 00:00:00" -validity 1827 -keystore "$work/$file"
    cp "$work/$file" "$file"
}
java java-rsa.p12 -keyalg RSA -keysize 2048
java java-ec.p12 -keyalg EC -groupname secp256r1
java java-rsa.legacy.p12 -J-Dkeystore.pkcs12.legacy -keyalg RSA -keysize 2048

chmod 644 ./*.pem ./*.der ./*.p12
