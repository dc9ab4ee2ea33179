import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenPlace } from '../../../cli/arguments.js';

test('a place to listen on is a port, with a host or an address before it', () => {
  const place = listenPlace('--metrics');
  assert.deepEqual(place('9464'), { port: 9464 });
  assert.deepEqual(place('0'), { port: 0 });
  assert.deepEqual(place('0.0.0.0:65535'), { host: '0.0.0.0', port: 65_535 });
  assert.deepEqual(place('metrics.example.net:80'), { host: 'metrics.example.net', port: 80 });
  assert.deepEqual(place('[::1]:9464'), { host: '::1', port: 9464 });
  for (const text of [
    '',
    '65536',
    '-1',
    'x',
    ':80',
    '::1:80',
    '[::1]',
    '[]:80',
    'a:1:2',
    'x://a:1',
  ]) {
    assert.throws(() => place(text), { code: 'usage', message: /^--metrics .*: expected PORT/ });
  }
});
