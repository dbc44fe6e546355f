"""A packet is paid and its answer is lost; the same number is sent again. The merchant must have paid once."""

import unittest

import requests
from mockcase import SEND, MockCase


class LostReply(MockCase):
    def balance(self):
        return self.admin(f"/merchants/{self.merchant['mch_id']}")["balance_fen"]

    def lose_and_resend(self, number, headers):
        before = self.balance()
        client = self.sdk()
        client._http.headers.update(headers)
        with self.assertRaises(requests.exceptions.ConnectionError):
            self.send(client, number)
        # What the client cannot know: it was applied.
        self.assertEqual(self.ledger(number)["status"], "SENT")
        self.assertEqual(self.balance(), before - 100)

        # A resend sooner than a second later would be refused.
        self.admin("/clock/advance", {"by": "2s"})
        sent = self.send(self.sdk(), number)
        paid = self.ledger(number)
        self.assertEqual((sent["result_code"], sent["send_listid"]), ("SUCCESS", paid["send_listid"]))
        self.assertEqual([step["status"] for step in paid["history"]], ["SENDING", "SENT"])
        self.assertEqual(self.balance(), before - 100)

    def test_in_band_by_a_header_of_the_request(self):
        self.lose_and_resend("PYLOST1", {"Wechatpay-Negative-Test": "REDPACK_REPLY_LOST"})

    def test_by_a_fault_that_was_armed(self):
        armed = self.admin(
            "/faults",
            {
                "when": {"path": SEND, "mch_id": self.merchant["mch_id"], "times": 1},
                "then": {"fault": "reply_lost", "ending": "reset"},
            },
        )
        self.assertTrue(armed["id"])
        self.lose_and_resend("PYLOST2", {})


if __name__ == "__main__":
    unittest.main()
