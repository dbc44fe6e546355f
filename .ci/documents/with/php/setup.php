<?php
require 'vendor/autoload.php';

$merchant = json_decode(file_get_contents('ready.json'), true)['merchants'][0];
[$apiv2Key, $certPath, $keyPath] = [$merchant['key'], $merchant['cert'], $merchant['key_pem']];
