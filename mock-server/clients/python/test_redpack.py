"""The PyPI package wechatpy, and a signer on nothing but hashlib, send red packets to wechatpay-mock over mutual TLS.

WECHATPAY_MOCK_BIN names the binary.
"""

import hashlib
import json
import os
import ssl
import subprocess
import unittest
import urllib.request

from wechatpy.exceptions import WeChatPayException
from wechatpy.pay import WeChatPay

OPENID = "oxTWIuGaIt6gTKsQRLau2M0yL16E"
TEXTS = {"send_name": "天虹百货", "act_name": "猜灯谜抢红包活动", "wishing": "祝您元宵节快乐！", "remark": "快来抢！"}


class RedPack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        binary = os.environ["WECHATPAY_MOCK_BIN"]
        clock = "frozen:2026-01-01T09:00:00+08:00"
        cls.mock = subprocess.Popen([binary, "--clock", clock], stdout=subprocess.PIPE)
        cls.ready = json.loads(cls.mock.stdout.readline())
        cls.merchant = cls.ready["merchants"][0]

    @classmethod
    def tearDownClass(cls):
        cls.mock.terminate()
        cls.mock.wait(timeout=10)
        cls.mock.stdout.close()

    def sdk(self, key=None, certificate=True):
        merchant = self.merchant
        files = {"mch_cert": merchant["cert"], "mch_key": merchant["key_pem"]} if certificate else {}
        client = WeChatPay(merchant["appid"], key or merchant["key"], merchant["mch_id"], **files)
        client.API_BASE_URL = self.ready["url"] + "/"
        client._http.verify = self.ready["ca"]
        client._http.trust_env = False
        self.addCleanup(client._http.close)
        return client

    def send(self, client, number):
        return client.redpack.send(OPENID, 100, client_ip="127.0.0.1", out_trade_no=number, **TEXTS)

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
        fields = {
            "nonce_str": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
            "mch_billno": "PY4",
            "mch_id": self.merchant["mch_id"],
            "wxappid": self.merchant["appid"],
            "re_openid": OPENID,
            "total_amount": "100",
            "total_num": "1",
            "client_ip": "127.0.0.1",
            **TEXTS,
        }
        joined = "&".join(f"{name}={fields[name]}" for name in sorted(fields)) + "&key=" + self.merchant["key"]
        fields["sign"] = hashlib.md5(joined.encode()).hexdigest().upper()
        body = "<xml>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items()) + "</xml>"
        context = ssl.create_default_context(cafile=self.ready["ca"])
        context.load_cert_chain(self.merchant["cert"], self.merchant["key_pem"])
        url = self.ready["url"] + "/mmpaymkttransfers/sendredpack"

        def post():
            with urllib.request.urlopen(url, data=body.encode(), context=context) as response:
                return response.read().decode()

        self.assertIn("<result_code><![CDATA[SUCCESS]]></result_code>", post())
        # The clock stands still, so the same number comes again too soon.
        self.assertIn("<err_code><![CDATA[FREQ_LIMIT]]></err_code>", post())
        packet = f"{self.ready['admin']}/redpackets/{self.merchant['mch_id']}/PY4"
        with urllib.request.urlopen(packet) as response:
            statuses = [step["status"] for step in json.load(response)["history"]]
        self.assertEqual(statuses, ["SENDING", "SENT"])


if __name__ == "__main__":
    unittest.main()
