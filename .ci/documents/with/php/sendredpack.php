
$read = static fn($response) => \WeChatPay\Transformer::toArray((string) $response->getBody());
$options = ['security' => true, 'xml' => [
    'mch_billno' => 'WAY1', 'mch_id' => '10000098', 'wxappid' => 'wx8888888888888888', 'send_name' => '天虹百货',
    're_openid' => 'oxTWIuGaIt6gTKsQRLau2M0yL16E', 'total_amount' => '1000', 'total_num' => '1',
    'wishing' => '祝您元宵节快乐！', 'client_ip' => '192.168.0.1', 'act_name' => '猜灯谜抢红包活动', 'remark' => '快来抢！',
]];
$redpack = $options;
