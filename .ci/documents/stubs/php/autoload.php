<?php
// Stands in for what `composer install` makes: Packagist cannot be reached from the gate. Guzzle and Symfony's HTTP
// client are the real ones, of Debian's packages, so base URLs, proxies, certificates and CAs are what they make of them.
// The SDKs beside this file are not: they have the names of the real ones and hand over their options in the same way.
set_error_handler(static function (int $level, string $message, string $file, int $line): bool {
    // Debian's Guzzle is older than its PHP.
    return ($level === E_DEPRECATED && str_starts_with($file, '/usr/share/php/'))
        || throw new ErrorException($message, 0, $level, $file, $line);
});
require_once '/usr/share/php/GuzzleHttp/autoload.php';
require_once '/usr/share/php/Symfony/Component/HttpClient/autoload.php';
require_once __DIR__ . '/wechatpay.php';
require_once __DIR__ . '/easywechat.php';
require_once __DIR__ . '/easywechat5.php';
