<?php
// Not wechatpay-php, but a stand-in with its interface, as far as the documents call it: the chain in its three forms, the
// signature, Transformer. Its transport is Debian's Guzzle, which gets `base_uri`, `verify`, `cert` and `ssl_key` as the SDK passes them.
namespace WeChatPay;

use GuzzleHttp\Client;
use GuzzleHttp\Promise\PromiseInterface;
use Psr\Http\Message\ResponseInterface;

final class Transformer
{
    public static function toArray(string $xml = '<xml/>'): array
    {
        $elements = simplexml_load_string($xml, options: LIBXML_NONET | LIBXML_NOCDATA);
        return array_map('strval', (array) $elements);
    }

    public static function toXml(array $data): string
    {
        $leaf = static fn($name, $value) => "<$name>" . htmlspecialchars((string) $value, ENT_XML1) . "</$name>";
        return '<xml>' . implode(array_map($leaf, array_keys($data), $data)) . '</xml>';
    }
}

final class Builder
{
    public static function factory(array $config): Chain
    {
        foreach (['mchid', 'serial', 'privateKey', 'certs'] as $needed) {
            if (empty($config[$needed])) {
                throw new \InvalidArgumentException("$needed is missing");
            }
        }
        $http = ['base_uri' => $config['base_uri'] ?? 'https://api.mch.weixin.qq.com/'];
        $client = new Client($http + array_intersect_key($config, ['verify' => 1]));
        return new Chain($client, $config, []);
    }
}

/** One way to an endpoint: `->v2->a->b`, `->chain('v2/a/b')` and `['v2/a/b']` are the same. */
final class Chain implements \ArrayAccess
{
    public function __construct(private Client $client, private array $config, private array $path)
    {
    }

    public function chain(string $segment): self
    {
        return new self($this->client, $this->config, [...$this->path, $segment]);
    }

    public function __get(string $segment): self
    {
        return $this->chain($segment);
    }

    public function offsetGet(mixed $segment): self
    {
        return $this->chain($segment);
    }

    public function offsetExists(mixed $segment): bool
    {
        return true;
    }

    public function offsetSet(mixed $segment, mixed $value): void
    {
        throw new \LogicException('read only');
    }

    public function offsetUnset(mixed $segment): void
    {
        throw new \LogicException('read only');
    }

    public function post(array $options = []): ResponseInterface
    {
        return $this->postAsync($options)->wait();
    }

    public function postAsync(array $options = []): PromiseInterface
    {
        $path = implode('/', $this->path);
        if (!str_starts_with($path, 'v2/')) {
            throw new \LogicException('only APIv2 is here');
        }
        $fields = $options['xml'];
        if (($fields['mch_id'] ?? null) !== $this->config['mchid']) {
            throw new \InvalidArgumentException('mch_id is not that of the configuration');
        }
        $fields['nonce_str'] ??= bin2hex(random_bytes(16));
        ksort($fields);
        $filled = array_filter($fields, static fn($value) => (string) $value !== '');
        $joined = implode('', array_map(static fn($name, $value) => "$name=$value&", array_keys($filled), $filled));
        $fields['sign'] = strtoupper(md5($joined . 'key=' . $this->config['secret']));
        $shown = ($options['security'] ?? false) === true
            ? ['cert' => $this->config['merchant']['cert'], 'ssl_key' => $this->config['merchant']['key']] : [];
        return $this->client->postAsync(substr($path, 3), $shown + ['body' => Transformer::toXml($fields)]);
    }
}
