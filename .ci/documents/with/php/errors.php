
$options = $redpack;
