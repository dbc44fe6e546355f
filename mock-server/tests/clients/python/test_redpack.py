"""The PyPI package wechatpy, and a signer on nothing but hashlib, send red packets to wechatpay-mock over mutual TLS."""

import ssl
import unittest
import urllib.request

from mockcase import SEND, MockCase
from wechatpy.exceptions import WeChatPayException


class RedPack(MockCase):
    def test_the_sdk_sends_and_queries(self):
        client = self.sdk()
        sent = self.send(client, "PY1")
        self.assertEqual((sent["result_code"], sent["total_amount"]), ("SUCCESS", "100"))
        found = client.redpack.query("PY1")
        self.assertEqual((found["status"], found["detail_id"]), ("SENT", sent["send_listid"]))

    def refusal(self, client, number):
        with self.assertRaises(WeChatPayException) as caught:
            self.send(client, number)
        return caught.exception.errcode

    def test_the_sdk_is_told_what_is_wrong(self):
        self.assertEqual(self.refusal(self.sdk(key="0" * 32), "PY2"), "SIGN_ERROR")
        self.assertEqual(self.refusal(self.sdk(certificate=False), "PY3"), "CA_ERROR")
        # PY2 and PY3 never became orders.
        with self.assertRaises(WeChatPayException) as caught:
            self.sdk().redpack.query("PY2")
        self.assertEqual(caught.exception.errcode, "NOT_FOUND")

    def test_an_independent_signer_is_accepted_and_re_entry_pays_once(self):
        context = ssl.create_default_context(cafile=self.ready["ca"])
        context.load_cert_chain(self.merchant["cert"], self.merchant["key_pem"])

        def post():
            url = self.ready["url"] + SEND
            with urllib.request.urlopen(url, data=self.packet("PY4"), context=context) as response:
                return response.read().decode()

        self.assertIn("<result_code><![CDATA[SUCCESS]]></result_code>", post())
        # The clock stands still, so the same number comes again too soon.
        self.assertIn("<err_code><![CDATA[FREQ_LIMIT]]></err_code>", post())
        statuses = [step["status"] for step in self.ledger("PY4")["history"]]
        self.assertEqual(statuses, ["SENDING", "SENT"])


if __name__ == "__main__":
    unittest.main()
