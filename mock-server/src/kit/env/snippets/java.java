// WxJava. Start the JVM with
//   "-Djavax.net.ssl.trustStore=$WECHATPAY_MOCK_TRUSTSTORE" -Djavax.net.ssl.trustStoreType=PKCS12
//   -Djavax.net.ssl.trustStorePassword=changeit
WxPayConfig config = new WxPayConfig();
config.setApiHostUrl(System.getenv("WECHATPAY_MOCK_URL"));
config.setAppId(System.getenv("WECHATPAY_MOCK_APPID"));
config.setMchId(System.getenv("WECHATPAY_MOCK_MCH_ID"));
config.setMchKey(System.getenv("WECHATPAY_MOCK_KEY"));
config.setKeyPath(System.getenv("WECHATPAY_MOCK_P12")); // its password is the merchant number
WxPayService service = new WxPayServiceImpl();
service.setConfig(config);
// service.getRedpackService().sendRedpack(request);
