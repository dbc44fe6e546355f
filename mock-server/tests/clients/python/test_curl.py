"""curl sends one packet over mutual TLS, with nothing but the ready line."""

import shutil
import subprocess
import sys
import unittest

from mockcase import SEND, MockCase

CURL = shutil.which("curl")
if CURL is None:
    print("NOT TESTED: curl is not installed", file=sys.stderr)


@unittest.skipUnless(CURL, "curl is not installed")
class Curl(MockCase):
    def curl(self, *options, body):
        command = [CURL, "--silent", "--show-error", "--fail", "--noproxy", "*", "--cacert", self.ready["ca"]]
        command += [*options, "--data-binary", "@-", self.ready["url"] + SEND]
        return subprocess.run(command, input=body, capture_output=True, check=True, timeout=30).stdout.decode()

    def test_curl_sends_a_packet(self):
        merchant = self.merchant
        answer = self.curl("--cert", merchant["cert"], "--key", merchant["key_pem"], body=self.packet("CURL1"))
        self.assertIn("<result_code><![CDATA[SUCCESS]]></result_code>", answer)
        self.assertEqual(self.ledger("CURL1")["status"], "SENT")

    def test_curl_without_the_certificate_is_told_so(self):
        self.assertIn("<err_code><![CDATA[CA_ERROR]]></err_code>", self.curl(body=self.packet("CURL2")))


if __name__ == "__main__":
    unittest.main()
