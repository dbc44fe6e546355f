<?php
// Not EasyWeChat 6, but a stand-in with its interface, as far as the documents call it. Its transport is Debian's Symfony
// client, which gets the options below `http` as EasyWeChat passes them, and the URL as it was given.
namespace EasyWeChat\Pay;

use Symfony\Component\HttpClient\HttpClient;
use Symfony\Contracts\HttpClient\HttpClientInterface;
use Symfony\Contracts\HttpClient\ResponseInterface;

final class Application
{
    public function __construct(private array $config)
    {
        foreach (['mch_id', 'v2_secret_key', 'secret_key', 'certificate', 'private_key'] as $needed) {
            if (empty($config[$needed])) {
                throw new \InvalidArgumentException("$needed is missing");
            }
        }
    }

    public function getClient(): Client
    {
        $http = ($this->config['http'] ?? []) + ['base_uri' => 'https://api.mch.weixin.qq.com/'];
        return new Client(HttpClient::create($http), $this->config['v2_secret_key']);
    }
}

final class Client
{
    public function __construct(private HttpClientInterface $client, private string $key)
    {
    }

    public function post(string $url, array $options = []): Response
    {
        $fields = $options['xml'] + ['nonce_str' => bin2hex(random_bytes(16))];
        ksort($fields);
        $joined = implode('', array_map(static fn($name, $value) => "$name=$value&", array_keys($fields), $fields));
        $fields['sign'] = strtoupper(md5($joined . 'key=' . $this->key));
        unset($options['xml']);
        return new Response($this->client->request('POST', $url, $options + [
            'headers' => ['Content-Type' => 'text/xml'], 'body' => \WeChatPay\Transformer::toXml($fields),
        ]));
    }
}

final class Response
{
    public function __construct(private ResponseInterface $response)
    {
    }

    public function toArray(bool $throw = true): array
    {
        return \WeChatPay\Transformer::toArray($this->response->getContent($throw));
    }
}
