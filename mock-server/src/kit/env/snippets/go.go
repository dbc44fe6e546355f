// gopay (github.com/go-pay/gopay/wechat). On Linux it trusts the mock by SSL_CERT_FILE, which Go ignores on macOS and
// Windows. A few of its calls have the real host written into them and ignore BaseURL.
client := wechat.NewClient(
	os.Getenv("WECHATPAY_MOCK_APPID"), os.Getenv("WECHATPAY_MOCK_MCH_ID"), os.Getenv("WECHATPAY_MOCK_KEY"), true,
)
client.BaseURL = os.Getenv("WECHATPAY_MOCK_URL") // without a slash: the paths of gopay begin with one
err := client.AddCertPemFilePath(os.Getenv("WECHATPAY_MOCK_CERT"), os.Getenv("WECHATPAY_MOCK_KEY_PEM"))
