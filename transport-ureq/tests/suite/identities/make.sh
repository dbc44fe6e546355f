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
