"""The binary wechatpay-mock, started once for each class of tests, and what reaches it by the ready line alone.

WECHATPAY_MOCK_BIN names the binary.
"""

import hashlib
import json
import os
import subprocess
import unittest
import urllib.error
import urllib.request

from wechatpy.pay import WeChatPay

OPENID = "oxTWIuGaIt6gTKsQRLau2M0yL16E"
TEXTS = {"send_name": "天虹百货", "act_name": "猜灯谜抢红包活动", "wishing": "祝您元宵节快乐！", "remark": "快来抢！"}
SEND = "/mmpaymkttransfers/sendredpack"


class MockCase(unittest.TestCase):
    """Tests that share one mock."""

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
        """The package wechatpy, pointed at the mock."""
        merchant = self.merchant
        files = {"mch_cert": merchant["cert"], "mch_key": merchant["key_pem"]} if certificate else {}
        client = WeChatPay(merchant["appid"], key or merchant["key"], merchant["mch_id"], **files)
        client.API_BASE_URL = self.ready["url"] + "/"
        client._http.verify = self.ready["ca"]
        client._http.trust_env = False
        self.addCleanup(client._http.close)
        return client

    def send(self, client, number):
        """Sends a packet of 1 yuan by the SDK."""
        return client.redpack.send(OPENID, 100, client_ip="127.0.0.1", out_trade_no=number, **TEXTS)

    def packet(self, number):
        """The body of a packet of 1 yuan, signed with nothing but hashlib."""
        fields = {
            "nonce_str": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
            "mch_billno": number,
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
        elements = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
        return f"<xml>{elements}</xml>".encode()

    def admin(self, path, body=None):
        """A call of the admin API, which must succeed. With a body it changes something."""
        request = urllib.request.Request(self.ready["admin"] + path)
        if body is not None:
            request = urllib.request.Request(
                self.ready["admin"] + path,
                data=json.dumps(body).encode(),
                headers={"X-Mock-Admin": "1", "Content-Type": "application/json"},
            )
        try:
            with urllib.request.urlopen(request) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                self.fail(error.read().decode())

    def ledger(self, number):
        """The packet as the mock has it."""
        return self.admin(f"/redpackets/{self.merchant['mch_id']}/{number}")
