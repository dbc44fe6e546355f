
$options['xml'] = ['mch_billno' => 'WAY2', 'notify_way' => 'MINI_PROGRAM_JSAPI'] + $redpack['xml'];
unset($options['xml']['client_ip']);
