$fields = [
    'wxappid' => getenv('WECHATPAY_MOCK_APPID'), 'send_name' => '天虹百货', 're_openid' => 'oxTWIuGaIt6gTKsQRLau2M0yL16E',
    'total_amount' => '100', 'total_num' => '1', 'wishing' => '祝您元宵节快乐！', 'client_ip' => '127.0.0.1',
    'act_name' => '猜灯谜抢红包活动', 'remark' => '快来抢！', 'mch_id' => getenv('WECHATPAY_MOCK_MCH_ID'),
];
$instance->v2->mmpaymkttransfers->sendredpack->post(['security' => true, 'xml' => ['mch_billno' => 'KIT1'] + $fields]);
echo $app->redpack->sendNormal(['mch_billno' => 'KIT2'] + $fields)['send_listid'], PHP_EOL;
