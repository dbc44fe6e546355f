# The mock answers.
curl --cacert "$WECHATPAY_MOCK_CA" "$WECHATPAY_MOCK_URL/__mock/health"
# A signed request in request.xml.
curl --cacert "$WECHATPAY_MOCK_CA" --cert "$WECHATPAY_MOCK_CERT" --key "$WECHATPAY_MOCK_KEY_PEM" \
    --data-binary @request.xml "$WECHATPAY_MOCK_URL/mmpaymkttransfers/sendredpack"
