# wechatpy. It trusts the mock by REQUESTS_CA_BUNDLE.
import os

from wechatpy.pay import WeChatPay

client = WeChatPay(
    os.environ["WECHATPAY_MOCK_APPID"],
    os.environ["WECHATPAY_MOCK_KEY"],
    os.environ["WECHATPAY_MOCK_MCH_ID"],
    mch_cert=os.environ["WECHATPAY_MOCK_CERT"],
    mch_key=os.environ["WECHATPAY_MOCK_KEY_PEM"],
)
client.API_BASE_URL = os.environ["WECHATPAY_MOCK_URL"] + "/"
# client.redpack.send(openid, 100, send_name=..., act_name=..., wishing=..., remark=...)
