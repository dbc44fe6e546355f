sent = client.redpack.send(
    "oxTWIuGaIt6gTKsQRLau2M0yL16E", 100, send_name="天虹百货", act_name="猜灯谜抢红包活动",
    wishing="祝您元宵节快乐！", remark="快来抢！", client_ip="127.0.0.1", out_trade_no="KIT1",
)
print(sent["send_listid"])
