
$options['xml'] = ['mch_billno' => 'WAY3', 'total_num' => '3', 'amt_type' => 'ALL_RAND'] + $redpack['xml'];
unset($options['xml']['client_ip']);
