printf '%s\n' "mch_id=$WECHATPAY_MOCK_MCH_ID" nonce_str=1 mch_billno=KIT1 "wxappid=$WECHATPAY_MOCK_APPID" send_name=shop \
    re_openid=oxTWIuGaIt6gTKsQRLau2M0yL16E total_amount=100 total_num=1 wishing=luck client_ip=127.0.0.1 act_name=act remark=remark |
    wechatpay-mock sign --path sendredpack |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["xml"])' >request.xml
