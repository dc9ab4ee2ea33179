import assert from 'node:assert/strict';
import { SealstreamError } from '../../../../ledger/error.js';
import { parseDeclared } from '../../../../policy/file/parse.js';

/** Every field, without TLS. */
export const WHOLE = `version: 1
ledger: audit.example.com/payments
stream: kafka://a:1,b:2
kafka:
  sasl:
    mechanism: scram-sha-512
    username: env:USER_NAME
    password: file:keys/password
  timeout: 30s
topics:
  - name: audit
    partitions: 6
    replication: 3
    minInSync: 2
    maxRecordBytes: 1048576
    settings: { segment.bytes: 1073741824 }
configuration: { topic: audit.configuration }
principals:
  publisher: [ 'User:payments' ]
  sealer: [ { principal: 'User:sealer', topics: [audit], host: 10.0.0.1, bytesPerSecond: 1024 } ]
waivers:
  - { code: retention-time, topic: audit, until: 2026-12-31, reason: 'a reason that says why' }
seal: { key: keys/sealer.pem, memory: ./memory }
verify: { publicKey: keys/sealer.pub.pem }
`;

/** The message of the one error that refuses `text`, which is one line with line and column. */
export function refusal(text: string): string {
  try {
    parseDeclared(text, 'ledger.yaml');
  } catch (error) {
    assert.ok(error instanceof SealstreamError, String(error));
    assert.equal(error.code, 'configuration');
    assert.match(error.message, /^ledger\.yaml:\d+:\d+: [^\n]+$/);
    return error.message;
  }
  return assert.fail('it was accepted');
}
