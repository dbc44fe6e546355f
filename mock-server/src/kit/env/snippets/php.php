<?php
// wechatpay-php
$instance = \WeChatPay\Builder::factory([
    'mchid' => getenv('WECHATPAY_MOCK_MCH_ID'),
    'secret' => getenv('WECHATPAY_MOCK_KEY'),
    'merchant' => ['cert' => getenv('WECHATPAY_MOCK_CERT'), 'key' => getenv('WECHATPAY_MOCK_KEY_PEM')],
    'serial' => 'nop', 'privateKey' => 'any', 'certs' => ['any' => null], // not used by APIv2
    'base_uri' => getenv('WECHATPAY_MOCK_URL') . '/',
    'verify' => getenv('WECHATPAY_MOCK_CA'),
]);
// $instance->v2->mmpaymkttransfers->sendredpack->post(['security' => true, 'xml' => [...]]);

// EasyWeChat 5
$app = \EasyWeChat\Factory::payment([
    'app_id' => getenv('WECHATPAY_MOCK_APPID'),
    'mch_id' => getenv('WECHATPAY_MOCK_MCH_ID'),
    'key' => getenv('WECHATPAY_MOCK_KEY'),
    'cert_path' => getenv('WECHATPAY_MOCK_CERT'),
    'key_path' => getenv('WECHATPAY_MOCK_KEY_PEM'),
    'http' => ['base_uri' => getenv('WECHATPAY_MOCK_URL') . '/', 'verify' => getenv('WECHATPAY_MOCK_CA')],
]);
// $app->redpack->sendNormal([...]);
