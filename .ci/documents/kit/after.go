if err != nil {
	log.Fatal(err)
}
answer, err := client.SendCashRed(context.Background(), gopay.BodyMap{
	"nonce_str": "1", "mch_billno": "KIT1", "wxappid": os.Getenv("WECHATPAY_MOCK_APPID"),
	"send_name": "天虹百货", "re_openid": "oxTWIuGaIt6gTKsQRLau2M0yL16E", "total_amount": "100",
	"total_num": "1", "wishing": "祝您元宵节快乐！", "client_ip": "127.0.0.1",
	"act_name": "猜灯谜抢红包活动", "remark": "快来抢！",
})
if err != nil {
	log.Fatal(err)
}
fmt.Println(answer.SendListid)
}
