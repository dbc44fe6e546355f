<?php
// Not EasyWeChat 5, but a stand-in with its interface, as far as the kit's snippet calls it, on Debian's Guzzle.
namespace EasyWeChat;

final class Factory
{
    public static function payment(array $config): object
    {
        $options = ['mchid' => $config['mch_id'], 'secret' => $config['key'], 'serial' => 'nop', 'privateKey' => 'any', 'certs' => ['any' => null]];
        $options['merchant'] = ['cert' => $config['cert_path'], 'key' => $config['key_path']];
        $chain = \WeChatPay\Builder::factory($options + $config['http']);
        $redpack = new class ($chain) {
            public function __construct(private \WeChatPay\Chain $chain)
            {
            }

            public function sendNormal(array $fields): array
            {
                $response = $this->chain->chain('v2/mmpaymkttransfers/sendredpack')->post(['security' => true, 'xml' => $fields]);
                return \WeChatPay\Transformer::toArray((string) $response->getBody());
            }
        };
        return (object) ['redpack' => $redpack];
    }
}
