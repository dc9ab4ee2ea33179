import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SealstreamError } from '../../../../ledger/error.js';
import { formatKafkaUrl, parseKafkaUrl } from '../../../../stream/kafka/connection/url.js';

test('hosts, ports and IPv6 addresses', () => {
  const url = 'kafka://a.example.com:9093,b,[::1]:19092,127.0.0.1:1';
  assert.deepEqual(parseKafkaUrl(url), [
    { nodeId: -1, host: 'a.example.com', port: 9093 },
    { nodeId: -1, host: 'b', port: 9092 },
    { nodeId: -1, host: '::1', port: 19092 },
    { nodeId: -1, host: '127.0.0.1', port: 1 },
  ]);
  assert.equal(
    formatKafkaUrl(parseKafkaUrl(url)),
    'kafka://a.example.com:9093,b:9092,[::1]:19092,127.0.0.1:1',
  );
});

test('what is no list of addresses is refused, a password without being repeated', () => {
  for (const bad of [
    ...['kafka://', 'kafka://a,', 'kafka://a:0', 'kafka://a:65536', 'kafka://a:b', 'http://a'],
    ...['kafka://a/b', 'kafka://a?x=1', 'kafka://[zz]:1', 'kafka:// a:1'],
    `kafka://${'a,'.repeat(200)}a`,
  ]) {
    assert.throws(
      () => parseKafkaUrl(bad),
      (error: unknown) => error instanceof SealstreamError && error.code === 'configuration',
      bad,
    );
  }
  assert.throws(
    () => parseKafkaUrl('kafka://me:s3cret@host:9092'),
    (error: unknown) => error instanceof SealstreamError && !error.message.includes('s3cret'),
  );
});
